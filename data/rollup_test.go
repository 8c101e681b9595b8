package data

import (
	"context"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"pgregory.net/rapid"

	"liveboard/metrics"
	"liveboard/metrics/head"
)

func rollup(t rapid.TB, s *Store, now int64) {
	t.Helper()
	must(t, s.Rollup(context.Background(), time.UnixMilli(now)))
}

// readRolled returns the points of the series called name, of a tier's column.
func readRolled(s *Store, name string, mint, maxt int64, r head.Rollup) (points []metrics.Point, err error) {
	found, err := s.head.SelectRolled(context.Background(), mint, maxt, r, labels.MustNewMatcher(labels.MatchEqual, metrics.NameLabel, name))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	it := found[0].Iterator(nil)
	for it.Next() != chunkenc.ValNone {
		at, v := it.At()
		points = append(points, metrics.Point{At: at, Value: v})
	}
	return points, it.Err()
}

// aggregates are the functions over a window that tiers answer exactly.
var aggregates = map[head.Column]func(points []metrics.Point) float64{
	head.Sum: func(points []metrics.Point) float64 {
		return fold(points, 0, func(a, b float64) float64 { return a + b })
	},
	head.Count: func(points []metrics.Point) float64 {
		return fold(points, 0, func(a, b float64) float64 { return a + b })
	},
	head.Min: func(points []metrics.Point) float64 { return fold(points, math.Inf(1), math.Min) },
	head.Max: func(points []metrics.Point) float64 { return fold(points, math.Inf(-1), math.Max) },
	head.Last: func(points []metrics.Point) float64 {
		return fold(points, math.NaN(), func(_, b float64) float64 { return b })
	},
	head.Counter: func(points []metrics.Point) float64 {
		last := math.NaN()
		return fold(points, 0, func(a, b float64) float64 {
			gain := b - last
			if b < last {
				gain = b
			}
			if math.IsNaN(last) {
				gain = 0
			}
			last = b
			return a + gain
		})
	},
}

func fold(points []metrics.Point, v float64, f func(a, b float64) float64) float64 {
	for _, p := range points {
		if !metrics.IsStale(p.Value) {
			v = f(v, p.Value)
		}
	}
	return v
}

// However samples come, and whenever the store is sealed, rolled up, killed and closed, samples are read as their sorted
// union, and windows of whole buckets come to what they come to over the samples.
func TestTiersEqualWhatWasRecordedInAnyOrder(t *testing.T) {
	t.Parallel()
	up, folder, n := newSeries(t, "up"), t.TempDir(), 0
	empty := emptyDatabase(t)
	rapid.Check(t, func(t *rapid.T) {
		n++
		path := filepath.Join(folder, strconv.Itoa(n)+".db")
		must(t, os.WriteFile(path, empty, 0o600))
		s := reopened(t, path)
		defer func() { must(t, crash(s)) }()
		model := make(map[int64]float64)
		step := rapid.SampledFrom([]int64{1000, 7000, 15_000, 200_000}).Draw(t, "step")
		newest := int64(0)
		for range rapid.IntRange(1, 8).Draw(t, "groups") {
			group := drawLongGroup(t, up, step)
			record(t, s, group)
			for _, sample := range group {
				model[sample.At] = sample.Value
				newest = max(newest, sample.At)
			}
			for range rapid.IntRange(0, 4).Draw(t, "events") {
				switch rapid.SampledFrom([]string{"seal", "roll up", "crash", "close"}).Draw(t, "then") {
				case "seal":
					seal(t, s)
				case "roll up":
					rollup(t, s, newest+millis(rapid.SampledFrom([]time.Duration{0, 6 * time.Hour, 36 * time.Hour, 60 * 24 * time.Hour}).Draw(t, "later")))
				case "crash":
					must(t, crash(s))
					s = reopened(t, path)
				case "close":
					must(t, s.Close())
					s = reopened(t, path)
				}
			}
			checkTiers(t, s, model, newest)
		}
	})
}

// drawLongGroup draws a run of samples, long enough for blocks, or a few scattered ones.
func drawLongGroup(t *rapid.T, s metrics.Series, step int64) (group []metrics.Sample) {
	from, n := rapid.Int64Range(0, 5000*step).Draw(t, "from"), rapid.IntRange(1, 3000).Draw(t, "samples")
	if rapid.Bool().Draw(t, "few") {
		n = rapid.IntRange(1, 5).Draw(t, "count")
	}
	value := float64(rapid.IntRange(0, 5).Draw(t, "value"))
	for i := range n {
		switch i * 7919 % 101 {
		case 0:
			value = 0
		case 1:
			group = append(group, metrics.Sample{Series: s, At: from + int64(i)*step, Value: metrics.StaleMarker()})
			continue
		default:
			value += float64(i * 31 % 5)
		}
		group = append(group, metrics.Sample{Series: s, At: from + int64(i)*step, Value: value})
	}
	return group
}

// counted returns how many samples a tier knows of up to the end.
func counted(t testing.TB, s *Store, name string, width, end int64) (n int) {
	t.Helper()
	points, err := readRolled(s, name, 1, end, head.Rollup{Width: width, Column: head.Count})
	must(t, err)
	for _, p := range points {
		n += int(p.Value)
	}
	return n
}

// A minute's samples have moved up as they are when a burst comes late, which gets buckets.
func TestBurstAmongFewSamplesHidesNoneOfThem(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	up := newSeries(t, "up")
	record(t, s, spaced(up, time.Minute, 100*time.Hour, time.Minute))
	seal(t, s)
	rollup(t, s, millis(100*time.Hour))
	record(t, s, spaced(up, time.Hour+time.Millisecond, time.Hour+5*time.Second, 100*time.Millisecond))
	seal(t, s)
	rollup(t, s, millis(100*time.Hour))
	for _, width := range tierWidths {
		if n, want := counted(t, s, "up", width, millis(6*time.Hour)), 360+50; n != want {
			t.Errorf("buckets of %d ms count %d samples, want %d", width, n, want)
		}
	}
}

// isCounter reports whether values fall to less than half only, as those of counters do.
func isCounter(points []metrics.Point) bool {
	last := 0.0
	for _, p := range points {
		if p.Value < last && p.Value >= last/2 {
			return false
		}
		if !metrics.IsStale(p.Value) {
			last = p.Value
		}
	}
	return true
}

func checkTiers(t *rapid.T, s *Store, model map[int64]float64, newest int64) {
	t.Helper()
	var want []metrics.Point
	for _, at := range slices.Sorted(maps.Keys(model)) {
		want = append(want, metrics.Point{At: at, Value: model[at]})
	}
	got, err := read(s, "up", 0, newest)
	must(t, err)
	if !samePoints(want, got) {
		t.Fatalf("samples (-want +got):\n%s", cmp.Diff(want, got, sameBuckets))
	}
	for _, width := range tierWidths[1:] {
		from := rapid.Int64Range(0, slot(newest, width)).Draw(t, "window")
		to := rapid.Int64Range(from, slot(newest, width)).Draw(t, "window's end")
		for column, aggregate := range aggregates {
			first, last := from*width+1, to*width
			points, err := readRolled(s, "up", first, last, head.Rollup{Width: width, Column: column})
			must(t, err)
			inside := head.Between(want, first, last)
			if column == head.Counter && !isCounter(inside) {
				continue
			}
			if column == head.Count {
				inside = head.Count.Of(slices.Clone(inside))
			}
			if got, want := aggregate(points), aggregate(inside); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Fatalf("column %d of width %d in [%d, %d]: got %v, want %v", column, width, first, last, got, want)
			}
		}
	}
}

// What has left the chunks is exported as the rest is, and a flipped bit of it is found.
func TestExportAndVerifyKnowBlocks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s, err := openQuiet(path)
	must(t, err)
	up := newSeries(t, "up")
	record(t, s, samplesOf(up, 0, 5000))
	seal(t, s)
	rollup(t, s, millis(24*time.Hour))
	record(t, s, samplesOf(up, 5000, 5100))
	must(t, s.Close())
	var got []metrics.Point
	must(t, Export(t.Context(), path, Selection{From: 100, To: 1 << 60}, func(_ metrics.Series, points []metrics.Point) error {
		got = append(got, points...)
		return nil
	}))
	if !slices.Equal(pointsOf(100, 5100), got) {
		t.Errorf("got %d points, want 5000 in order", len(got))
	}
	for _, l := range []lane{tier(0).samples(), tier(1).buckets()} {
		change(t, path, "UPDATE blocks SET data = CAST(data || x'00' AS BLOB) WHERE id = "+strconv.FormatInt(int64(idOf(l, 1, 1)), 10))
	}
	found, err := Verify(t.Context(), path)
	must(t, err)
	if len(found.Problems) != 2 {
		t.Errorf("got problems %q, want two blocks", found.Problems)
	}
}

// Whole blocks under the ids of others are damage too.
func TestVerifyFindsBlocksInTheWrongPlace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s, err := openQuiet(path)
	must(t, err)
	record(t, s, samplesOf(newSeries(t, "up"), 1, 10))
	must(t, s.Close())
	points, width := pointsOf(1, 9), tierWidths[1]
	buckets := encodeBuckets(bucketsOf(points, width), width)
	for _, b := range []stored{
		{idOf(0, 1, 1), encodePoints(points)}, {idOf(0, 7, 1), encodePoints(points)}, {idOf(0, 7, 99), encodePoints(nil)},
		{idOf(tier(1).buckets(), 1, 1), buckets}, {idOf(tier(1).buckets(), 7, 1), buckets},
	} {
		change(t, path, "INSERT INTO blocks (id, data) VALUES (?, ?)", b.id, b.data)
	}
	found, err := Verify(t.Context(), path)
	must(t, err)
	want := []string{
		"block 481036337153 (tier raw of series 1, to 50400000): it holds what is not of its time",
		"block 481036337251 (tier raw of series 99, to 50400000): there is no such series",
		"block 3458764994856878081 (tier 10s of series 1, to 151200000): it holds what is not of its time",
	}
	if diff := cmp.Diff(want, found.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// A chunk that reaches into the future is not complete for long, and what it has of today is rolled up when today is over.
func TestSampleOfTheFutureHoldsNothingBack(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	up, far := newSeries(t, "up"), millis(100*365*24*time.Hour)
	record(t, s, spaced(up, time.Hour, time.Hour+2*time.Second, 100*time.Millisecond))
	record(t, s, samplesOf(up, far, far+10))
	record(t, s, spaced(up, 3*time.Hour, 3*time.Hour+9*time.Second, 100*time.Millisecond)) // the chunk is full now
	seal(t, s)
	rollup(t, s, millis(3*time.Hour+10*time.Minute))
	record(t, s, samplesOf(up, far+1000, far+5000)) // and leaves memory
	seal(t, s)
	rollup(t, s, millis(100*time.Hour))
	for _, width := range tierWidths {
		if n, want := counted(t, s, "up", width, millis(6*time.Hour)), 20+90; n != want {
			t.Errorf("buckets of %d ms count %d samples, want %d", width, n, want)
		}
	}
}

func TestDamagedBlockHoldsUpItsSeriesAlone(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	for _, name := range []string{"a", "b"} {
		record(t, s, samplesOf(newSeries(t, name), 1, 5000))
	}
	seal(t, s)
	rollTier(t, s, 0, millis(4*time.Hour))
	_, err := s.writer.Exec("UPDATE blocks SET data = CAST(data || x'00' AS BLOB) WHERE id = ?", idOf(0, 1, 1))
	must(t, err)
	late := samplesOf(newSeries(t, "a"), 6000, 6100)
	record(t, s, late)
	seal(t, s)
	if err := s.Rollup(t.Context(), time.UnixMilli(millis(24*time.Hour))); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "tier raw of series 1") {
		t.Errorf("got error %v, want which block is damaged", err)
	}
	if n := counted(t, s, "b", 10_000, millis(2*time.Hour)); n != 4999 {
		t.Errorf("buckets of the other series count %d samples, want 4999", n)
	}
	chunks, err := s.chunksIn(t.Context(), 1, 6000, 6099)
	must(t, err)
	if len(chunks) == 0 {
		t.Error("what came later has left its chunk, and there is no block that it could be in")
	}
}

// A transaction moves some chunks of a series, and an import brings many.
func TestRollUpOfManyChunksTakesShortTransactions(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	const end = 1000 * 24 * time.Hour
	record(t, s, spaced(newSeries(t, "up"), time.Minute, end, time.Hour)) // 200 chunks
	seal(t, s)
	ids := s.marks.below(0, millis(end)+1)
	_, err := s.roll(t.Context(), 0, ids, millis(end)+1)
	must(t, err)
	if n := samplesIn(t, s, s.sampleIDs(1, span{1, millis(end)})); n > (rollChunksTogether+1)*head.ChunkSamples {
		t.Errorf("one transaction moved %d samples", n)
	}
	rollup(t, s, millis(end+60*24*time.Hour))
	if n := counted(t, s, "up", 0, millis(end)); n != 24_000 {
		t.Errorf("got %d samples, want 24000", n)
	}
	chunks, err := s.chunksIn(t.Context(), 1, 1, millis(end))
	must(t, err)
	if len(chunks) != 1 {
		t.Errorf("%d chunks are left, want the newest", len(chunks))
	}
}
