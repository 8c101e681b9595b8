package head

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"liveboard/metrics"
)

func TestSelectionIsNotMovedByLaterSamples(t *testing.T) {
	h := New(nil)
	up := newSeries(t, "up")
	h.Apply(1, samplesOf(up, span(10, 50)...))
	before := selectAll(t, h, 0, 1000)[0]
	h.Apply(2, samplesOf(up, span(0, 300)...))
	if diff := cmp.Diff(span(10, 50), instantsOf(t, before)); diff != "" {
		t.Errorf("instants (-want +got):\n%s", diff)
	}
}

// Every group brings one sample to both series, so a selection that sees a part of a group has two lengths.
func TestSelectionSeesAGroupWholeOrNotAtAll(t *testing.T) {
	h := New(nil)
	a, b := newSeries(t, "up", metrics.Label{Name: "host", Value: "a"}), newSeries(t, "up", metrics.Label{Name: "host", Value: "b"})
	h.Apply(1, append(samplesOf(a, 1), samplesOf(b, 1)...))
	var wg sync.WaitGroup
	wg.Go(func() {
		for at := int64(2); at < 2000; at++ {
			h.Apply(uint64(at), append(samplesOf(a, at), samplesOf(b, at)...))
		}
	})
	for range 200 {
		found := selectAll(t, h, 0, 5000, named("up"))
		if x, y := found[0].Last(), found[1].Last(); x != y {
			t.Fatalf("one series ends at %d, the other at %d", x, y)
		}
		if n := len(instantsOf(t, found[0])); int64(n) != found[0].Last() {
			t.Fatalf("got %d samples up to %d", n, found[0].Last())
		}
	}
	wg.Wait()
}

func TestHeadLetsGoOfStoredChunksOnly(t *testing.T) {
	store := make(shelf)
	h := New(store)
	up := newSeries(t, "up")
	const n = 20 * ChunkSamples
	h.Apply(1, samplesOf(up, span(0, n)...))
	if got := len(h.series[up].chunks); got != 20 {
		t.Errorf("got %d chunks in memory before the seal, want all 20", got)
	}
	store.seal(t, h)
	if got := len(h.series[up].chunks); got != keepChunks+1 {
		t.Errorf("got %d chunks in memory after the seal, want %d", got, keepChunks+1)
	}
	if diff := cmp.Diff(span(0, n), instants(t, h, "up", 0, n)); diff != "" {
		t.Errorf("instants (-want +got):\n%s", diff)
	}
}

func TestHeadKeepsAChunkThatChangedDuringItsSeal(t *testing.T) {
	h := New(make(shelf))
	up := newSeries(t, "up")
	h.Apply(1, samplesOf(up, span(0, 2*ChunkSamples)...))
	unsealed, _ := h.Unsealed(0, 1)
	h.Apply(2, []metrics.Sample{{Series: up, At: 5, Value: -5}})
	h.Apply(3, samplesOf(up, span(2*ChunkSamples, 20*ChunkSamples)...))
	h.Sealed(unsealed)
	if got := len(h.series[up].chunks); got != 20 {
		t.Errorf("got %d chunks in memory, want all 20: the first has a change that is not stored", got)
	}
}

func TestWhatComesDuringASealStaysUnsealed(t *testing.T) {
	h := New(make(shelf))
	up := newSeries(t, "up")
	h.Apply(1, samplesOf(up, 100, 101))
	h.Apply(2, samplesOf(up, 50, 60))
	unsealed, _ := h.Unsealed(0, 1)
	h.Apply(3, samplesOf(up, 40, 102))
	h.Apply(4, []metrics.Sample{{Series: up, At: 60, Value: -1}})
	h.Sealed(unsealed)
	again, _ := h.Unsealed(0, 1)
	if len(again) != 1 || len(again[0].Chunks) != 1 || again[0].Chunks[0].Samples != 3 {
		t.Fatalf("got %+v, want the chunk of three samples", again)
	}
	if diff := cmp.Diff([]metrics.Point{{At: 40, Value: 40}, {At: 60, Value: -1}}, again[0].Late); diff != "" {
		t.Errorf("late samples (-want +got):\n%s", diff)
	}
	h.Sealed(again)
	if rest, _ := h.Unsealed(0, 1); len(rest) != 0 {
		t.Errorf("got %+v after all was sealed", rest)
	}
}

func TestUnsealedWalksAllSeriesInParts(t *testing.T) {
	h := New(make(shelf))
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		h.Apply(1, samplesOf(newSeries(t, name), 1))
	}
	seen := make(map[metrics.Series]int)
	for from, more := 0, true; more; more = from != 0 {
		var part []Unsealed
		part, from = h.Unsealed(from, 2)
		for _, u := range part {
			seen[u.Series]++
		}
	}
	if len(seen) != 5 || h.Len() != 5 {
		t.Errorf("got %d of %d series, want 5 of 5", len(seen), h.Len())
	}
	for s, n := range seen {
		if n != 1 || len(h.Fresh([]metrics.Sample{{Series: s}})) != 0 {
			t.Errorf("%s came %d times, want once and known", s, n)
		}
	}
}

// broken is a store that cannot be read.
type broken struct{ err error }

func (b broken) Chunks(context.Context, metrics.Series, int64, int64, Rollup) ([]Chunk, error) {
	return nil, b.err
}

func TestSelectAsksTheStoreOnlyForWhatMemoryLacks(t *testing.T) {
	unreadable := errors.New("unreadable")
	h := New(broken{unreadable})
	up := newSeries(t, "up")
	if err := h.Load(up, Encode(points(100, 101))[0]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int64{100, 101}, instants(t, h, "up", 100, 200)); diff != "" {
		t.Errorf("instants (-want +got):\n%s", diff)
	}
	if _, err := h.Select(t.Context(), 99, 200, named("up")); !errors.Is(err, unreadable) {
		t.Errorf("got error %v, want %q", err, unreadable)
	}
}

func TestLoadRefusesADamagedChunk(t *testing.T) {
	c := Encode(points(span(0, 50)...))[0]
	c.Data = c.Data[:len(c.Data)/2]
	if err := New(nil).Load(newSeries(t, "up"), c); err == nil {
		t.Error("got no error for half a chunk")
	}
}

func TestIteratorReportsADamagedChunk(t *testing.T) {
	c := Encode(points(span(0, 50)...))[0]
	c.Data = c.Data[:len(c.Data)/2]
	s := &Series{maxt: 100, chunks: []Chunk{c}}
	it := s.Iterator(nil)
	for it.Next() != chunkenc.ValNone {
	}
	if it.Err() == nil {
		t.Error("got no error for half a chunk")
	}
}
