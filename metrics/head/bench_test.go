package head

import (
	"fmt"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"liveboard/metrics"
)

// fleet returns one sample of each of n series, a hundred a metric.
func fleet(b *testing.B, n int) []metrics.Sample {
	b.Helper()
	samples := make([]metrics.Sample, n)
	for i := range samples {
		samples[i].Series = newSeries(b, fmt.Sprintf("bench_%d", i/100), metrics.Label{Name: "instance", Value: fmt.Sprintf("host-%d.example", i%100)})
	}
	return samples
}

func advance(samples []metrics.Sample) {
	for i := range samples {
		samples[i].At += 1000
		samples[i].Value += float64(i % 5)
	}
}

// BenchmarkApply takes in a group of 10,000 samples from 10,000 series.
func BenchmarkApply(b *testing.B) {
	h, samples := New(nil), fleet(b, 10_000)
	var seq uint64
	for b.Loop() {
		advance(samples)
		seq++
		h.Apply(seq, samples)
		if seq%ChunkSamples == 0 {
			u, _ := h.Unsealed(0, h.Len())
			h.Sealed(u)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(seq)/float64(len(samples)), "ns/sample")
}

// BenchmarkBackfill takes in a week of one series, a sample each ten seconds, from before all that memory holds.
func BenchmarkBackfill(b *testing.B) {
	past := samplesOf(newSeries(b, "bench"), span(0, 60_480)...)
	for b.Loop() {
		h := New(nil)
		h.Apply(1, samplesOf(past[0].Series, 100_000))
		h.Apply(2, past)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(past)), "ns/sample")
}

// BenchmarkSelect reads the last five minutes of the 100 series of one metric out of 10,000 series.
func BenchmarkSelect(b *testing.B) {
	h, samples := New(nil), fleet(b, 10_000)
	for seq := range uint64(900) {
		advance(samples)
		h.Apply(seq+1, samples)
	}
	matcher, last := named("bench_7"), samples[0].At
	b.ReportAllocs()
	for b.Loop() {
		var it chunkenc.Iterator
		for _, s := range selectAll(b, h, last-300_000, last, matcher) {
			for it = s.Iterator(it); it.Next() != chunkenc.ValNone; {
			}
		}
	}
}

// BenchmarkFind looks for series among 100,000 by a pattern of names, and for all of them.
func BenchmarkFind(b *testing.B) {
	h, samples := New(nil), fleet(b, 100_000)
	h.Apply(1, samples)
	for _, bench := range []struct {
		name    string
		matcher *labels.Matcher
		want    int
	}{
		{"pattern", labels.MustNewMatcher(labels.MatchRegexp, metrics.NameLabel, "bench_7."), 1000},
		{"all", labels.MustNewMatcher(labels.MatchNotEqual, metrics.NameLabel, ""), 100_000},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				found, err := h.Find(b.Context(), 0, 1, bench.matcher)
				if err != nil || len(found) != bench.want {
					b.Fatalf("found %d series, %v, want %d", len(found), err, bench.want)
				}
			}
		})
	}
}
