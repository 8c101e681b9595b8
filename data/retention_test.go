package data

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/head"
)

// noisy is a gauge that compresses badly.
func noisy(at int64) float64 { return math.Sin(float64(at)) }

// week gives s a week of some series, a sample in five seconds, sealed and rolled up.
func week(t testing.TB, s *Store, end time.Time, names ...string) {
	t.Helper()
	for _, name := range names {
		series := newSeries(t, name)
		for at := end.AddDate(0, 0, -7); at.Before(end); at = at.Add(6 * time.Hour) {
			var group []metrics.Sample
			for i := range int64(6 * 720) {
				ms := at.UnixMilli() + i*5_000
				group = append(group, metrics.Sample{Series: series, At: ms, Value: noisy(ms)})
			}
			record(t, s, group)
		}
	}
	seal(t, s)
	must(t, s.Rollup(context.Background(), end))
}

// keep is a retention of that for all tiers.
func keep(budget int64, days ...int) metrics.Storage {
	storage := metrics.Storage{Budget: budget}
	for i, d := range days {
		storage.Retention[i] = time.Duration(d) * 24 * time.Hour
	}
	return storage
}

func oldestPoint(t testing.TB, s *Store, name string, width int64, to time.Time) time.Time {
	t.Helper()
	points, err := readRolled(s, name, 0, to.UnixMilli(), head.Rollup{Width: width})
	must(t, err)
	if len(points) == 0 {
		return time.Time{}
	}
	return time.UnixMilli(points[0].At).UTC()
}

var sunday = time.Date(2026, 3, 15, 12, 0, 0, 0, time.UTC)

func TestRetentionDeletesByAgeAndReadsFallToCoarserTiers(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	week(t, s, sunday, "up")
	s.SetStorage(keep(0, 1, 1, 4, 100, 100))
	must(t, s.Retain(t.Context(), sunday))
	for _, tt := range []struct {
		name string
		ago  time.Duration // the middle of an hour
		want time.Duration
	}{
		{"today", 12 * time.Hour, 5 * time.Second},
		{"before the samples", 60 * time.Hour, time.Minute},
		{"before the minutes", 6 * 24 * time.Hour, 10 * time.Minute},
	} {
		from := sunday.Add(-tt.ago).UnixMilli()
		points, err := read(s, "up", from, from+3_600_000)
		must(t, err)
		if len(points) < 2 || points[1].At-points[0].At != tt.want.Milliseconds() {
			t.Errorf("%s: got %d points in an hour, want one every %v", tt.name, len(points), tt.want)
		}
	}
}

func TestBudgetTakesTheOldestOfTheFinestTierAndNeverTheLastDay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s := openStore(t, path)
	week(t, s, sunday, "a", "b", "c")
	before, err := s.usedBytes(t.Context())
	must(t, err)
	s.SetStorage(keep(before*3/4, 100, 100, 100, 100, 100))
	must(t, s.Retain(t.Context(), sunday))
	used, err := s.usedBytes(t.Context())
	must(t, err)
	if used > before*3/4 {
		t.Errorf("the file holds %d bytes, its budget is %d", used, before*3/4)
	}
	if at := oldestPoint(t, s, "a", 60_000, sunday); sunday.Sub(at) < 6*24*time.Hour {
		t.Errorf("the oldest minute is of %v: a coarser tier went before the samples", at)
	}
	s.SetStorage(keep(1, 100, 100, 100, 100, 100))
	must(t, s.Retain(t.Context(), sunday))
	points, err := read(s, "a", sunday.Add(-22*time.Hour).UnixMilli(), sunday.UnixMilli())
	must(t, err)
	if want := 22 * 720; len(points) < want-1 {
		t.Errorf("got %d samples of the last 22 hours, want %d", len(points), want)
	}
}

func TestUsageTellsWhatEveryTierHolds(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	week(t, s, sunday, "up")
	s.SetStorage(keep(1<<30, 1, 100, 100, 100, 100))
	must(t, s.Retain(t.Context(), sunday))
	must(t, s.countTiers(t.Context(), sunday))
	u, err := s.Usage(t.Context())
	must(t, err)
	if raw, ten := u.Tiers[0].PerDay, u.Tiers[1].PerDay; raw != 0 || ten < 5*17_280 || ten > 12*17_280 {
		t.Errorf("%d and %d bytes a day, want 5 to 12 for each of 17,280 noisy samples in the tier that they move up to", raw, ten)
	}
	if u.Tiers[4].Known {
		t.Error("the widest tier is taken for known after a week")
	}
	if u.Budget != 1<<30 || u.Bytes < 4096 || u.Free > u.Bytes {
		t.Errorf("got %+v", u)
	}
	for _, tt := range []struct {
		tier         tier
		from, before time.Duration // ago
	}{{0, 12 * time.Hour, 5 * time.Hour}, {1, 8 * 24 * time.Hour, 7 * 24 * time.Hour}, {2, 8 * 24 * time.Hour, 7 * 24 * time.Hour}} {
		got := u.Tiers[tt.tier]
		if ago := sunday.Sub(time.UnixMilli(got.Oldest)); got.Rows == 0 || !got.Known || got.Bytes == 0 || ago > tt.from || ago < tt.before {
			t.Errorf("tier %d: got %+v, which begins %v ago", tt.tier, got, ago)
		}
	}
}

func TestFreePagesAreGivenBack(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	var names []string
	for i := range 6 {
		names = append(names, fmt.Sprintf("m%d", i))
	}
	week(t, s, sunday, names...)
	before, err := s.pages(t.Context())
	must(t, err)
	s.SetStorage(keep(1, 100, 100, 100, 100, 100))
	must(t, s.Retain(t.Context(), sunday))
	after, err := s.pages(t.Context())
	must(t, err)
	if after.count > before.count/2 || after.free > max(spareLeast, after.count/spareShare) {
		t.Errorf("got %d pages, %d of them free, there were %d", after.count, after.free, before.count)
	}
}

// A series of which nothing is left is gone from the file, from memory and from the count, and may come again.
func TestSeriesOfWhichNothingIsLeftAreForgotten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s, err := openQuiet(path)
	must(t, err)
	week(t, s, sunday, "ended")
	later := sunday.AddDate(0, 0, 90)
	week(t, s, later, "goes_on")
	s.SetStorage(keep(0, 1, 1, 1, 1, 100))
	must(t, s.Retain(t.Context(), later))
	if n := s.head.Len(); n != 2 {
		t.Fatalf("got %d series, want both: an hour's buckets are kept for 100 days", n)
	}
	s.SetStorage(keep(0, 1, 1, 1, 1, 1))
	must(t, s.Retain(t.Context(), later))
	if s.head.Len() != 1 {
		t.Fatalf("got %d series, want the one that goes on", s.head.Len())
	}
	record(t, s, samplesOf(newSeries(t, "ended"), later.UnixMilli(), later.UnixMilli()+100))
	record(t, s, samplesOf(newSeries(t, "goes_on"), later.UnixMilli(), later.UnixMilli()+100))
	must(t, crash(s))
	s, err = openQuiet(path)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	points, err := read(s, "ended", 0, later.UnixMilli()+100)
	must(t, err)
	if s.head.Len() != 2 || len(points) != 100 {
		t.Errorf("after it came again: %d series, %d samples, want 2 and 100", s.head.Len(), len(points))
	}
}

// A seal may come between the roll-up of one tier and that of the next, which then waits: what it waits for stays.
func TestRetentionWaitsForTheCoarserTier(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	up, before := newSeries(t, "up"), millis(102*time.Hour)
	record(t, s, spaced(up, 100*time.Hour, 101*time.Hour, time.Second))
	record(t, s, spaced(up, 30*time.Minute, time.Hour, time.Second)) // a sender makes up for what it missed
	seal(t, s)
	rollTier(t, s, 0, before)
	record(t, s, spaced(up, time.Hour, 90*time.Minute, time.Second))
	seal(t, s)
	for of := tier(1); of < tiers; of++ {
		rollTier(t, s, of, before)
	}
	s.SetStorage(keep(0, 1, 100, 100, 100, 100))
	must(t, s.Retain(t.Context(), time.UnixMilli(before)))
	rollup(t, s, before)
	if n := counted(t, s, "up", 10_000, millis(2*time.Hour)); n != 3600 {
		t.Errorf("buckets count %d samples, want 3600", n)
	}
}

// writeAll does what a seal does before it cuts the journal.
func writeAll(t *testing.T, s *Store) {
	t.Helper()
	for from, more := 0, true; more; more = from != 0 {
		unsealed, next := s.head.Unsealed(from, sealSeries)
		must(t, s.writeChunks(t.Context(), unsealed))
		s.head.Sealed(unsealed)
		from = next
	}
}

func TestSeriesWithSamplesInTheJournalIsNotForgotten(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		groups int // in the journal
		cuts   int // transactions of the cut
	}{{"a seal that is about to cut", 1, 0}, {"a cut that was broken off", 2 * sealGroups, 1}} {
		t.Run(test.name, func(t *testing.T) {
			s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
			for i := range test.groups {
				record(t, s, samplesOf(newSeries(t, "imported"), 0, int64(1+i)))
			}
			writeAll(t, s)
			for range test.cuts {
				must(t, inTx(t.Context(), s.writer, func(tx *sql.Tx) error {
					_, err := cutGroups(t.Context(), tx, s.seq)
					return err
				}))
			}
			must(t, s.Rollup(t.Context(), sunday))
			s.SetStorage(keep(0, 1, 1, 1, 1, 1))
			must(t, s.Retain(t.Context(), sunday))
			if n := s.head.Len(); n != 1 {
				t.Errorf("got %d series, want the one of which the journal still has samples", n)
			}
			seal(t, s)
			must(t, s.Retain(t.Context(), sunday))
			if n := s.head.Len(); n != 0 {
				t.Errorf("got %d series, want none", n)
			}
		})
	}
}

func TestForgottenSeriesAreToldAsTheyArrived(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	push := metrics.Arrival{Series: newSeries(t, "pushed"), Origin: metrics.Origin{Token: "t1", Format: "text", Sender: "10.0.0.1"}, At: 7}
	unknown := metrics.Arrival{Series: newSeries(t, "unknown")}
	samples := append(samplesOf(push.Series, 0, 100), samplesOf(unknown.Series, 0, 100)...)
	seq, err := s.Append(t.Context(), samples, []metrics.Arrival{push})
	must(t, err)
	s.head.Apply(seq, samples)
	seal(t, s)
	must(t, s.Rollup(t.Context(), sunday))
	var told []metrics.Arrival
	s.OnForget(func(gone []metrics.Arrival) { told = append(told, gone...) })
	s.SetStorage(keep(0, 1, 1, 1, 1, 1))
	must(t, s.Retain(t.Context(), sunday))
	if want := []metrics.Arrival{push, unknown}; !slices.Equal(told, want) {
		t.Errorf("told of %v, want %v", told, want)
	}
	must(t, s.Retain(t.Context(), sunday))
	if len(told) != 2 {
		t.Errorf("told again: %v", told[2:])
	}
}

// Series come again while they are being forgotten, by the way that all samples take. None of the new samples may be lost.
func TestSeriesThatIsForgottenWhileItComesAgainLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s, err := openQuiet(path)
	must(t, err)
	var old []metrics.Sample
	var batches []metrics.Batch
	for i := range 10 * forgetTogether {
		old = append(old, samplesOf(newSeries(t, fmt.Sprintf("m%d", i)), 0, 1)...)
		now := metrics.Sample{Series: old[i].Series, At: time.Now().UnixMilli(), Value: 1}
		batches = append(batches, metrics.Batch{Samples: []metrics.Sample{now}})
	}
	record(t, s, old)
	seal(t, s)
	must(t, s.Rollup(t.Context(), time.Now()))
	s.SetStorage(keep(0, 1, 1, 1, 1, 1))
	recorder := metrics.NewRecorder(metrics.RecorderConfig{Log: s, Applier: s.head})
	var forgotten atomic.Int64
	begun := make(chan struct{})
	s.OnForget(func(gone []metrics.Arrival) {
		if forgotten.Add(int64(len(gone))) == int64(len(gone)) {
			close(begun)
		}
		recorder.Forget(gone)
	})
	var work sync.WaitGroup
	for sender := range 4 {
		work.Go(func() {
			<-begun
			for i := len(batches) - 1 - sender; i >= 0; i -= 4 {
				if err := recorder.Record(t.Context(), batches[i]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sent := make(chan struct{})
	go func() {
		work.Wait()
		close(sent)
	}()
	for again := true; again; {
		must(t, s.Retain(t.Context(), time.Now()))
		select {
		case <-sent:
			again = false
		default:
		}
	}
	if n := forgotten.Load(); n == 0 || n == int64(len(batches)) {
		t.Errorf("%d of %d series were forgotten, want a part", n, len(batches))
	}
	recorder.Close()
	must(t, crash(s))
	s, err = openQuiet(path)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	for _, b := range batches {
		want := b.Samples[0]
		points, err := read(s, want.Series.Name(), want.At, want.At)
		must(t, err)
		if len(points) != 1 {
			t.Errorf("%s has %d samples of %d, want the one that was acknowledged", want.Series, len(points), want.At)
		}
	}
}

// A clock that is ten years ahead for an hour must not cost ten years of history.
func TestRetentionFollowsTheClockSlowly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s, err := openQuiet(path)
	must(t, err)
	told := func(now time.Time) time.Time {
		t.Helper()
		at, err := s.retentionTime(t.Context(), now)
		must(t, err)
		return at
	}
	want := func(now, want time.Time) {
		t.Helper()
		if got := told(now); !got.Equal(want) {
			t.Errorf("at %v ages are told by %v, want %v", now, got, want)
		}
	}
	want(sunday, sunday)
	want(sunday.Add(rollEvery), sunday.Add(rollEvery))
	ahead, at := sunday.AddDate(10, 0, 0), sunday.Add(rollEvery)
	for range 3 {
		at = at.Add(retentionStep)
		want(ahead, at)
	}
	must(t, s.Close())
	s = openStore(t, path)
	want(ahead, at.Add(retentionStep))
	want(sunday.Add(2*rollEvery), sunday.Add(2*rollEvery)) // set right again
}
