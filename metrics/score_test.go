package metrics_test

import (
	"testing"

	"liveboard/metrics"
)

func TestScoresThatDifferLookDifferent(t *testing.T) {
	for _, test := range []struct {
		unit     metrics.Unit
		decimals int
		score    float64
		want     string
	}{
		{metrics.None, -1, 60_001, "60,001"},
		{metrics.None, -1, 98_120_000, "98,120,000"},
		{metrics.Count, -1, 98_120_001, "98,120,001"},
		{metrics.None, -1, -4200.25, "−4,200.25"},
		{metrics.None, 2, 3, "3.00"},
		{metrics.None, -1, 0, "0"},
		{metrics.None, -1, 1e18, "1.00E"},
		{metrics.Seconds, -1, 59.123, "59.123 s"},
		{metrics.Seconds, -1, 59.12, "59.12 s"},
		{metrics.Seconds, -1, 61.25, "1:01.25"},
		{metrics.Seconds, 3, 61.25, "1:01.250"},
		{metrics.Seconds, 3, 61.3, "1:01.300"},
		{metrics.Seconds, 0, 119.6, "2:00"},
		{metrics.Seconds, -1, 3725.5, "1:02:05.5"},
		{metrics.Seconds, -1, 3600, "1:00:00"},
		{metrics.Ratio, -1, 0.98, "98%"},
	} {
		spec := metrics.Leaderboard{Unit: test.unit, Decimals: test.decimals}
		if got := spec.ScoreText(test.score); got != test.want {
			t.Errorf("%v in %q with %d decimals is %q, want %q", test.score, test.unit, test.decimals, got, test.want)
		}
	}
}
