package metrics

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestTicksAndLabels(t *testing.T) {
	tests := []struct {
		name      string
		unit      Unit
		low, high float64
		about     int
		want      string
	}{
		{"decimal", Short, 0, 100, 5, "0|20|40|60|80|100"},
		{"inside the ends", Short, 3, 97, 5, "20|40|60|80"},
		{"below zero", Short, -1, 1, 4, "−1.0|−0.5|0|0.5|1.0"},
		{"shared prefix", Short, 0, 1500, 3, "0|0.5k|1.0k|1.5k"},
		{"tenths are exact", Short, 0, 0.5, 5, "0|0.1|0.2|0.3|0.4|0.5"},
		{"small and far from zero", Short, 1000, 1000.01, 2, "1.000000k|1.000005k|1.000010k"},
		{"percent", Percent, 0, 100, 4, "0%|50%|100%"},
		{"ratio", Ratio, 0, 1, 5, "0%|20%|40%|60%|80%|100%"},
		{"count is whole", Count, 0, 2, 10, "0|1|2"},
		{"count", Count, 0, 2500, 3, "0|1,000|2,000"},
		{"large count", Count, 9e6, 11e6, 2, "9M|10M|11M"},
		{"powers of two", Bytes, 0, 4 << 30, 4, "0 B|1 GiB|2 GiB|3 GiB|4 GiB"},
		{"halves", Bytes, 0, 1.6 * (1 << 30), 4, "0 B|0.5 GiB|1.0 GiB|1.5 GiB"},
		{"bytes are whole", Bytes, 0, 3, 100, "0 B|1 B|2 B|3 B"},
		{"bytes SI", SIRate, 0, 3e6, 3, "0 B/s|1 MB/s|2 MB/s|3 MB/s"},
		{"milliseconds", Seconds, 0, 0.2, 4, "0 s|50 ms|100 ms|150 ms|200 ms"},
		{"quarters of a minute", Seconds, 0, 60, 4, "0 s|15 s|30 s|45 s|1 min"},
		{"hours", Seconds, 0, 3600, 4, "0 s|15 min|30 min|45 min|1 h"},
		{"long times close together", Seconds, 100, 100.4, 2, "100.0 s|100.2 s|100.4 s"},
		{"input in milliseconds", Millis, 0, 2000, 4, "0 s|0.5 s|1.0 s|1.5 s|2.0 s"},
		{"one value", Short, 7, 7, 5, "7"},
		{"empty", Short, 8, 7, 5, ""},
		{"tiny", None, 0, 1e-12, 2, "0|5.00e-13|1.00e-12"},
		{"huge", Short, -1e300, 1e300, 2, "−1.00e+300|0|1.00e+300"},
		{"thousands of percent", Percent, 0, 2000, 2, "0%|1,000%|2,000%"},
		{"no number", Short, 0, math.NaN(), 5, ""},
		{"endless", Short, 0, math.Inf(1), 5, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(tt.unit.Labels(tt.unit.Ticks(tt.low, tt.high, tt.about)), "|")
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestTicksAreExactDecimals(t *testing.T) {
	want := []float64{0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7}
	if got := Short.Ticks(0, 0.7, 7); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTicksAreFewAndInside(t *testing.T) {
	for _, u := range []Unit{Short, Count, Bytes, Seconds, Micros, Ratio, Date} {
		for e := -9.0; e < 15; e += 0.7 {
			low, high := -math.Pow(10, e)/3, math.Pow(10, e)
			ticks := u.Ticks(low, high, 5)
			if len(ticks) > 6 {
				t.Errorf("%q: %d ticks from %v to %v, want at most 6", u, len(ticks), low, high)
			}
			slack := (high - low) * 1e-6
			if !slices.IsSorted(ticks) || len(ticks) > 0 && (ticks[0] < low-slack || ticks[len(ticks)-1] > high+slack) {
				t.Errorf("%q: ticks %v from %v to %v, want them sorted and inside", u, ticks, low, high)
			}
			if labels := u.Labels(ticks); len(labels) != len(ticks) {
				t.Errorf("%q: %d labels for %d ticks", u, len(labels), len(ticks))
			}
		}
	}
}

func FuzzTicks(f *testing.F) {
	f.Add("seconds", 0.0, 100.0, 5)
	f.Add("bytes", 1e300, 1.7e308, 1000)
	f.Add("", 1e17, 1e17+16, 7)
	f.Fuzz(func(t *testing.T, unit string, low, high float64, about int) {
		ticks := Unit(unit).Ticks(low, high, about)
		if len(ticks) > maxTicks+1 || !slices.IsSorted(ticks) {
			t.Errorf("%d ticks from %v to %v: %v, want few and sorted", len(ticks), low, high, ticks)
		}
		Unit(unit).Labels(ticks)
	})
}
