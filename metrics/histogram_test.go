package metrics

import (
	"slices"
	"sync"
	"testing"
)

func TestHistogramCountsUpToAndIncludingABound(t *testing.T) {
	h := NewHistogram(1, 2, 4)
	for _, v := range []float64{0.5, 1, 1.5, 2, 4, 5, 100} {
		h.Observe(v)
	}
	got := h.Snapshot()
	if want := []uint64{2, 4, 5}; !slices.Equal(got.Cumulative, want) {
		t.Errorf("got cumulative counts %v, want %v", got.Cumulative, want)
	}
	if got.Count != 7 || got.Sum != 114 {
		t.Errorf("got count %d and sum %v, want 7 and 114", got.Count, got.Sum)
	}
}

func TestHistogramLosesNoConcurrentObservation(t *testing.T) {
	h := NewHistogram(1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				h.Observe(0.5)
			}
		})
	}
	wg.Wait()
	if got := h.Snapshot(); got.Count != 8000 || got.Sum != 4000 {
		t.Errorf("got count %d and sum %v, want 8000 and 4000", got.Count, got.Sum)
	}
}
