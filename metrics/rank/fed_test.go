package rank

import (
	"fmt"
	"slices"
	"testing"

	"liveboard/metrics"
)

func TestFeedReplacesTheStandings(t *testing.T) {
	spec := arcade()
	b := NewFed(&spec)
	if got := ranking(t, b, Ask{}); len(got) != 0 {
		t.Errorf("before it is fed: got %v", got)
	}
	b.Feed([]Fed{{Player: "go", Score: 1, At: 5}, {Player: "sh", Name: "shell", Score: 2, At: 5, Spark: []float64{1, 2}}}, nil)
	p, err := b.Page(t.Context(), Ask{Sparks: true})
	if err != nil || p.Total != 2 || p.NewestAt != 5 || p.Rows[0].Name != "shell" || p.Rows[1].Name != "go" || !slices.Equal(p.Rows[0].Spark, []float64{1, 2}) {
		t.Errorf("got %+v, error %v", p, err)
	}
	if p.Rows[0].Move != (Move{}) {
		t.Errorf("got a move of %+v where nothing is known of before", p.Rows[0].Move)
	}
	key := p.Rows[1].Key
	b.Feed([]Fed{{Player: "go", Score: 3}, {Player: "vi", Score: 9}}, []Fed{{Player: "sh", Score: 2}, {Player: "go", Score: 1}})
	p, err = b.Page(t.Context(), Ask{Sparks: true})
	if err != nil || p.Total != 2 || p.Rows[0].Move != (Move{New: true}) || p.Rows[1].Move != (Move{Up: 0}) || p.Rows[1].Key != key {
		t.Errorf("got %+v, error %v", p, err)
	}
	profile, err := b.Player(t.Context(), Ask{Sparks: true}, "go")
	if err != nil || profile.Row.Rank != 2 || profile.Next.Player != "vi" {
		t.Errorf("got %+v, error %v", profile, err)
	}
	if _, err := b.Player(t.Context(), Ask{}, "sh"); metrics.KindOf(err) != metrics.NotFound {
		t.Errorf("who is gone: got error %v, want one of kind NotFound", err)
	}
	if windows, err := b.Windows(t.Context(), false); err != nil || len(windows) != 3 {
		t.Errorf("got windows %v, error %v", windows, err)
	}
}

func TestAFedLeaderboardForgetsWhoIsGone(t *testing.T) {
	spec := arcade()
	b := NewFed(&spec)
	for i := range 5 {
		fed := make([]Fed, maxGone)
		for k := range fed {
			fed[k] = Fed{Player: fmt.Sprint(i, "-", k)}
		}
		b.Feed(fed, nil)
	}
	if n := b.players.len(); n > 3*maxGone {
		t.Errorf("%d players are remembered, want at most %d", n, 3*maxGone)
	}
}
