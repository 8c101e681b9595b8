package data

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/head"
)

// spaced gives s a sample every step from from on, before to; the value is the instant.
func spaced(s metrics.Series, from, to, step time.Duration) (samples []metrics.Sample) {
	for at := millis(from); at < millis(to); at += millis(step) {
		samples = append(samples, metrics.Sample{Series: s, At: at, Value: float64(at)})
	}
	return samples
}

// A block begins with its span, which is before its first sample: whoever looks for the newest one at a time needs the block before.
func TestTrimKeepsTheSampleBeforeABlockThatBeginsLate(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	up, end := newSeries(t, "up"), tierSpans[0]
	record(t, s, spaced(up, time.Second, 2*time.Hour-time.Minute, time.Second))
	record(t, s, spaced(up, 2*time.Hour+time.Minute, 12*time.Hour, time.Second))
	seal(t, s)
	rollup(t, s, millis(24*time.Hour))
	found, err := s.head.Select(t.Context(), 1, end+120_000, named("up"))
	must(t, err)
	found[0].Trim(end + 30_000)
	it := found[0].Iterator(nil)
	it.Next()
	if at := it.AtT(); at > end {
		t.Errorf("the first sample is %d ms after the end of the first block, want one before", at-end)
	}
}

// A chunk that reaches over the end of a span stays until the later span is complete, and the earlier one has buckets by then.
func TestBucketsAndAChunkThatReachesOverTheirEndRepeatNothing(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	const end = 6*time.Hour + 15*time.Minute // the chunk has left memory
	record(t, s, spaced(newSeries(t, "up"), 3*time.Second, end, 500*time.Millisecond))
	seal(t, s)
	rollup(t, s, millis(end))
	points, err := readRolled(s, "up", 1, millis(end), head.Rollup{Width: 10_000})
	must(t, err)
	for i, p := range points[1:] {
		if p.At <= points[i].At {
			t.Fatalf("after %v comes %v", points[i], p)
		}
	}
}

// A roll-up moves samples that are few into a coarser tier, whose block may be made after a reader has chosen what to read.
func TestSamplesThatMoveUpWhileTheyAreReadAreFound(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	record(t, s, spaced(newSeries(t, "up"), time.Minute, 100*time.Hour, time.Minute))
	seal(t, s)
	end := millis(96 * time.Hour)
	rollTier(t, s, 0, end)
	for finer := range tier(tiers - 1) {
		ids := s.sampleIDs(1, span{1, end})
		before := samplesIn(t, s, ids)
		rollTier(t, s, finer+1, end)
		if after := samplesIn(t, s, ids); before == 0 || after != before {
			t.Errorf("after tier %d is rolled up, the blocks hold %d samples, before it was %d", finer+1, after, before)
		}
	}
}

// rollTier rolls up one tier alone.
func rollTier(t testing.TB, s *Store, of tier, before int64) {
	t.Helper()
	for ids := s.marks.below(of, before); len(ids) > 0; {
		n, err := s.roll(context.Background(), of, ids, before)
		must(t, err)
		ids = ids[n:]
	}
}

func samplesIn(t *testing.T, s *Store, ids []blockID) (n int) {
	t.Helper()
	held, err := s.blocks(t.Context(), ids)
	must(t, err)
	for _, b := range held {
		points, err := decodePoints(b.data)
		must(t, err)
		n += len(points)
	}
	return n
}

func TestReadsWhileBlocksAreDeletedMissNothing(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	record(t, s, samplesOf(newSeries(t, "up"), 1, 5000))
	seal(t, s)
	rollup(t, s, millis(24*time.Hour))
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		defer stop()
		for range 1000 {
			must(t, s.loadReach(context.Background()))
		}
	})
	for ctx.Err() == nil {
		if s.reach(0).to < 0 {
			t.Fatal("for a moment there seem to be no blocks")
		}
	}
	wg.Wait()
}

// An export beside a server knows the blocks that are made after it began.
func TestExportBesideRollUpsMissesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s := openStore(t, path)
	for _, name := range []string{"a", "b"} {
		record(t, s, samplesOf(newSeries(t, name), 1, 5001))
	}
	seal(t, s)
	got := make(map[string]int)
	must(t, Export(t.Context(), path, everything, func(series metrics.Series, points []metrics.Point) error {
		got[series.Name()] += len(points)
		rollup(t, s, millis(24*time.Hour))
		return nil
	}))
	if got["a"] != 5000 || got["b"] != 5000 {
		t.Errorf("got %v samples, want 5000 each", got)
	}
}
