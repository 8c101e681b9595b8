package data

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"liveboard/metrics"
)

// drawSeries draws the samples of a gauge or of a counter with resets, with a stale marker now and then.
func drawSeries(t *rapid.T, n int, step int64) []metrics.Point {
	var points []metrics.Point
	at, v := rapid.Int64Range(0, 1e6).Draw(t, "from"), 0.0
	counter := rapid.Bool().Draw(t, "counter")
	for range n {
		at += rapid.Int64Range(1, 2*step).Draw(t, "step")
		switch odd := rapid.IntRange(0, 30).Draw(t, "odd"); {
		case odd == 0 && counter:
			v = float64(rapid.IntRange(0, 3).Draw(t, "reset"))
		case odd == 1:
			points = append(points, metrics.Point{At: at, Value: metrics.StaleMarker()})
			continue
		case counter:
			v += float64(rapid.IntRange(0, 9).Draw(t, "increase"))
		default:
			v = drawValue(t)
		}
		points = append(points, metrics.Point{At: at, Value: v})
	}
	return points
}

var sameBuckets = cmp.Options{cmp.AllowUnexported(bucket{}), cmp.Comparer(func(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b))
})}

// plain leaves out what a bucket does not keep.
func plain(buckets []bucket) []bucket {
	out := make([]bucket, len(buckets))
	for i, b := range buckets {
		if b.course != reset {
			b.first, b.increase = 0, 0
		}
		out[i] = b
	}
	return out
}

func TestBlockReturnsBuckets(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := bucketsOf(drawSeries(t, rapid.IntRange(0, 200).Draw(t, "samples"), 3000), 10_000)
		got, err := decodeBuckets(encodeBuckets(want, 10_000), 10_000)
		must(t, err)
		if diff := cmp.Diff(plain(want), plain(got), sameBuckets); diff != "" {
			t.Fatalf("buckets (-want +got):\n%s", diff)
		}
	})
}

func TestWidenedBucketsEqualThoseOfTheSamples(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		counter := drawSeries(t, rapid.IntRange(0, 200).Draw(t, "samples"), 3000)
		want := bucketsOf(counter, 60_000)
		got := widen(bucketsOf(counter, 10_000), 10_000, 60_000)
		for i := range want { // sums of huge numbers depend on their order
			if !(math.Abs(want[i].sum) < 1e15) {
				want[i].sum, got[i].sum = 0, 0
			}
		}
		if diff := cmp.Diff(plain(want), plain(got), cmp.Options{cmp.AllowUnexported(bucket{}), cmp.Comparer(func(a, b float64) bool {
			return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) < 1e-3
		})}); diff != "" {
			t.Fatalf("buckets (-want +got):\n%s", diff)
		}
	})
}
