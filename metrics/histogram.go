package metrics

import (
	"math"
	"slices"
	"sync/atomic"
)

// Histogram counts observations in fixed buckets. It is safe for concurrent use and never blocks.
type Histogram struct {
	bounds []float64
	counts []atomic.Uint64 // one a bound, and one for what lies above
	sum    atomic.Uint64   // the bits of a float64
}

// NewHistogram returns an empty Histogram. Each bound, ascending, is the highest value of its bucket.
func NewHistogram(bounds ...float64) *Histogram {
	return &Histogram{bounds: bounds, counts: make([]atomic.Uint64, len(bounds)+1)}
}

// Observe counts v.
func (h *Histogram) Observe(v float64) { h.ObserveMany(v, 1) }

// ObserveMany counts v n times.
func (h *Histogram) ObserveMany(v float64, n int) {
	i, _ := slices.BinarySearch(h.bounds, v)
	h.counts[i].Add(uint64(n))
	for {
		old := h.sum.Load()
		if h.sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v*float64(n))) {
			return
		}
	}
}

// HistogramSnapshot is a Histogram at one moment.
type HistogramSnapshot struct {
	Bounds     []float64 // shared by all snapshots: not to be changed
	Cumulative []uint64  // for each bound, how many observations were no higher
	Count      uint64
	Sum        float64
}

// Snapshot returns the counts as of now. Sum may be ahead of Count by observations under way.
func (h *Histogram) Snapshot() HistogramSnapshot {
	s := HistogramSnapshot{Bounds: h.bounds, Cumulative: make([]uint64, len(h.bounds))}
	for i := range h.counts {
		s.Count += h.counts[i].Load()
		if i < len(h.bounds) {
			s.Cumulative[i] = s.Count
		}
	}
	s.Sum = math.Float64frombits(h.sum.Load())
	return s
}
