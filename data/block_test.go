package data

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"liveboard/metrics"
)

func samePoints(a, b []metrics.Point) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].At != b[i].At || math.Float64bits(a[i].Value) != math.Float64bits(b[i].Value) {
			return false
		}
	}
	return true
}

// drawValues draws what gauges and counters of machines are like, and what they are not.
func drawValue(t *rapid.T) float64 {
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return float64(rapid.Int64().Draw(t, "whole"))
	case 1:
		return float64(rapid.IntRange(-1e6, 1e6).Draw(t, "hundredths")) / 100
	case 2:
		return float64(rapid.IntRange(0, 1e6).Draw(t, "pages")) * 4096
	case 3:
		return rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), math.MaxFloat64, math.SmallestNonzeroFloat64, metrics.StaleMarker()}).Draw(t, "odd")
	}
	return rapid.Float64().Draw(t, "any")
}

func TestBlockReturnsSamplesBitForBit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var want []metrics.Point
		at := rapid.Int64Range(0, 1<<41).Draw(t, "from")
		for range rapid.IntRange(0, 200).Draw(t, "samples") {
			at += rapid.SampledFrom([]int64{1000, 1000, 1001, 999, 15000, 1, 1 << 30}).Draw(t, "step")
			want = append(want, metrics.Point{At: at, Value: drawValue(t)})
		}
		got, err := decodePoints(encodePoints(want))
		must(t, err)
		if !samePoints(want, got) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestBlockHoldsASampleOfEachMillisecond(t *testing.T) {
	t.Parallel()
	want := make([]metrics.Point, tierSpans[0])
	for i := range want {
		want[i] = metrics.Point{At: int64(i) + 1, Value: 1 / float64(i+1)}
	}
	got, err := decodePoints(encodePoints(want))
	must(t, err)
	if !samePoints(want, got) {
		t.Errorf("got %d samples, want %d", len(got), len(want))
	}
}

func TestBlockIDKeepsItsParts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := lane(rapid.IntRange(0, lanes-1).Draw(t, "lane"))
		s := rapid.Int64Range(0, maxSlot).Draw(t, "slot")
		series := rapid.Int64Range(0, maxSeries).Draw(t, "series")
		id := idOf(l, s, series)
		if id < 0 || id.lane() != l || id.slot() != s || id.series() != series {
			t.Fatalf("got lane %d, slot %d, series %d of %d, want %d, %d, %d", id.lane(), id.slot(), id.series(), id, l, s, series)
		}
	})
}

func FuzzDecodeBlocks(f *testing.F) {
	f.Add(encodePoints([]metrics.Point{{At: 1, Value: 1}, {At: 2, Value: 0.1}, {At: 3, Value: math.Pi}}))
	f.Add(encodeBuckets(bucketsOf([]metrics.Point{{At: 1, Value: 1}, {At: 2, Value: 0.1}, {At: 20_000, Value: math.Pi}}, tierWidths[1]), tierWidths[1]))
	f.Fuzz(func(_ *testing.T, block []byte) {
		if len(block) > blockHeader {
			closeBlock(block) // else the checksum stops everything
		}
		_, _ = decodePoints(block)
		_, _ = decodeBuckets(block, tierWidths[1])
	})
}
