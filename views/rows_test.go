package views

import (
	"testing"

	"liveboard/metrics"
)

func TestRowsFollowTheGridsPlacement(t *testing.T) {
	tests := []struct {
		name  string
		sizes [][2]int // width, height
		want  int
	}{
		{"no panels", nil, 0},
		{"one row", [][2]int{{3, 1}, {3, 1}, {6, 1}}, 1},
		{"a panel that does not fit begins a row", [][2]int{{8, 1}, {6, 1}}, 2},
		{"rows as high as their highest", [][2]int{{8, 2}, {4, 1}, {4, 1}}, 2},
		{"next to a high panel", [][2]int{{6, 3}, {6, 1}, {6, 1}, {6, 1}, {12, 1}}, 4},
		{"an earlier gap stays empty", [][2]int{{8, 1}, {12, 1}, {4, 1}}, 3},
		{"wider than the grid", [][2]int{{13, 1}, {1, 1}}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var panels []metrics.Panel
			for _, s := range tt.sizes {
				panels = append(panels, metrics.Panel{Width: s[0], Height: s[1]})
			}
			if got := Rows(panels...); got != tt.want {
				t.Errorf("Rows(%v) = %d, want %d", tt.sizes, got, tt.want)
			}
		})
	}
}
