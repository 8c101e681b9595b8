package data

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"pgregory.net/rapid"

	"liveboard/metrics"
	"liveboard/metrics/head"
)

func openQuiet(path string) (*Store, error) { return Open(path, slog.New(slog.DiscardHandler)) }

// openStore opens a store that the test's end closes.
func openStore(t testing.TB, path string) *Store {
	t.Helper()
	s, err := openQuiet(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// crash lets go of the files as the end of the process would: nothing is sealed.
func crash(s *Store) error {
	s.stop()
	s.stopped.Wait()
	return s.release()
}

func newSeries(t testing.TB, name string) metrics.Series {
	t.Helper()
	s, err := metrics.NewSeries(name, metrics.Label{Name: "host", Value: "a"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// samplesOf gives s one sample at each instant from from on, below to; the value is the instant.
func samplesOf(s metrics.Series, from, to int64) []metrics.Sample {
	var out []metrics.Sample
	for at := from; at < to; at++ {
		out = append(out, metrics.Sample{Series: s, At: at, Value: float64(at)})
	}
	return out
}

// pointsOf is what a selection must return for samplesOf.
func pointsOf(from, to int64) []metrics.Point {
	var out []metrics.Point
	for at := from; at < to; at++ {
		out = append(out, metrics.Point{At: at, Value: float64(at)})
	}
	return out
}

// record appends and applies, as a Recorder does.
func record(t rapid.TB, s *Store, samples []metrics.Sample) {
	t.Helper()
	seq, err := s.Append(context.Background(), samples, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.head.Apply(seq, samples)
}

func seal(t rapid.TB, s *Store) {
	t.Helper()
	if err := s.Seal(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// read returns the points in [mint, maxt] of the series called name.
func read(s *Store, name string, mint, maxt int64) (points []metrics.Point, err error) {
	found, err := s.head.Select(context.Background(), mint, maxt, labels.MustNewMatcher(labels.MatchEqual, metrics.NameLabel, name))
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

func wantPoints(t testing.TB, s *Store, name string, want []metrics.Point) {
	t.Helper()
	got, err := read(s, name, 0, 1<<60)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("points of %s (-want +got):\n%s", name, diff)
	}
}

func TestRestartEqualsBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	up, load := newSeries(t, "up"), newSeries(t, "load")
	fill := func(t *testing.T, s *Store) {
		record(t, s, samplesOf(up, 0, 2000))
		record(t, s, samplesOf(load, 500, 550))
		seal(t, s)
		record(t, s, samplesOf(up, 2000, 2130))
		record(t, s, samplesOf(load, 490, 495))
	}
	check := func(t *testing.T, s *Store) {
		wantPoints(t, s, "up", pointsOf(0, 2130))
		wantPoints(t, s, "load", append(pointsOf(490, 495), pointsOf(500, 550)...))
	}
	s, err := openQuiet(path)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s)
	check(t, s)
	if err := crash(s); err != nil {
		t.Fatal(err)
	}
	if s, err = openQuiet(path); err != nil {
		t.Fatal(err)
	}
	check(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, openStore(t, path))
}

func TestChunksReturnsThoseWithSamplesInTheRange(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	up := newSeries(t, "up")
	for from := int64(0); from < 600; from += 200 { // 120 samples, then a gap
		record(t, s, samplesOf(up, from, from+120))
	}
	record(t, s, samplesOf(newSeries(t, "load"), 0, 120))
	seal(t, s)
	tests := []struct {
		name       string
		mint, maxt int64
		want       []int64
	}{
		{"all", 0, 1000, []int64{0, 200, 400}},
		{"from the end of one to the beginning of the next", 119, 200, []int64{119, 200}},
		{"inside one", 250, 260, []int64{250}},
		{"a gap", 120, 199, nil},
		{"after all", 520, 1000, nil},
		{"before all", -10, -1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			chunks, err := s.Chunks(t.Context(), up, tt.mint, tt.maxt, head.Rollup{})
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			for _, c := range chunks {
				got = append(got, c.From)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("beginnings (-want +got):\n%s", diff)
			}
		})
	}
	if chunks, err := s.Chunks(t.Context(), newSeries(t, "unknown"), 0, 1000, head.Rollup{}); err != nil || len(chunks) != 0 {
		t.Errorf("an unknown series has %d chunks and error %v", len(chunks), err)
	}
}

// The numbers of groups never go back, though the journal was cut to nothing.
func TestGroupsAreNumberedOnAfterASeal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s, err := openQuiet(path)
	if err != nil {
		t.Fatal(err)
	}
	record(t, s, samplesOf(newSeries(t, "up"), 0, 3))
	record(t, s, samplesOf(newSeries(t, "up"), 3, 5))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, path)
	seq, err := s.Append(context.Background(), samplesOf(newSeries(t, "up"), 5, 6), nil)
	if err != nil || seq != 3 {
		t.Errorf("got group %d and error %v, want group 3", seq, err)
	}
}

// Nor do they after a run in which nobody appended.
func TestGroupsAreNumberedOnAfterAnIdleRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	for _, samples := range [][]metrics.Sample{samplesOf(newSeries(t, "up"), 0, 3), nil} {
		s, err := openQuiet(path)
		if err != nil {
			t.Fatal(err)
		}
		if samples != nil {
			record(t, s, samples)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	seq, err := openStore(t, path).Append(t.Context(), samplesOf(newSeries(t, "up"), 3, 4), nil)
	if err != nil || seq != 2 {
		t.Errorf("got group %d and error %v, want group 2", seq, err)
	}
}

func TestSealCutsOnlyWhatIsApplied(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s, err := openQuiet(path)
	if err != nil {
		t.Fatal(err)
	}
	up := newSeries(t, "up")
	record(t, s, samplesOf(up, 0, 10))
	if _, err := s.Append(t.Context(), samplesOf(up, 10, 20), nil); err != nil {
		t.Fatal(err)
	}
	seal(t, s)
	if err := crash(s); err != nil {
		t.Fatal(err)
	}
	wantPoints(t, openStore(t, path), "up", pointsOf(0, 20))
}

func TestStoreTakesAnyPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new folder", "50% ?mode=memory&a#b.db")
	s := openStore(t, path)
	record(t, s, samplesOf(newSeries(t, "up"), 0, 3))
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the database is not where it was asked for: %v", err)
	}
}

// Signing keys are in the database and its logs. Who has given one that is there another mode has meant it.
func TestNewDatabaseIsForItsOwnerAlone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new")
	path := filepath.Join(folder, "liveboard.db")
	s, err := openQuiet(path)
	must(t, err)
	record(t, s, samplesOf(newSeries(t, "up"), 0, 3))
	wantMode(t, folder, 0o700)
	for _, end := range []string{"", "-wal", "-shm"} {
		wantMode(t, path+end, 0o600)
	}
	must(t, s.Close())
	backup := filepath.Join(t.TempDir(), "b.db")
	must(t, Backup(t.Context(), path, backup, false))
	must(t, os.Chmod(path, 0o640))
	must(t, Restore(t.Context(), backup, path, true))
	wantMode(t, path, 0o640)
	record(t, openStore(t, path), samplesOf(newSeries(t, "up"), 3, 6))
	for _, end := range []string{"", "-wal", "-shm"} {
		wantMode(t, path+end, 0o640)
	}
}

func wantMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has the mode %o, want %o", path, got, want)
	}
}

func TestSecondOpenerIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s := openStore(t, path)
	if _, err := openQuiet(path); err == nil || !strings.Contains(err.Error(), "in use by another liveboard process") {
		t.Errorf("got error %v, want that the database is in use", err)
	}
	record(t, s, samplesOf(newSeries(t, "up"), 0, 3))
}

func TestFolderThatCannotBeMadeIsASentence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openQuiet(filepath.Join(file, "liveboard.db")); err == nil || !strings.Contains(err.Error(), "folder of the database") {
		t.Errorf("got error %v, want one about the folder", err)
	}
}

func TestPingTellsWhetherTheStoreCanBeWritten(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	if _, err := s.writer.Exec("PRAGMA query_only = on"); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("got no error from a store that cannot be written")
	}
	if _, err := s.writer.Exec("PRAGMA query_only = off"); err != nil {
		t.Fatal(err)
	}
}

// A group that the disk refuses leaves no trace, and its new series get their ids again.
func TestAppendThatFailsLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s := openStore(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Append(ctx, samplesOf(newSeries(t, "lost"), 0, 3), nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("got error %v, want %v", err, context.Canceled)
	}
	record(t, s, samplesOf(newSeries(t, "kept"), 0, 3))
	wantPoints(t, s, "kept", pointsOf(0, 3))
	wantPoints(t, s, "lost", nil)
	var series, groups int
	if err := s.readers.QueryRow("SELECT (SELECT COUNT(*) FROM series), (SELECT COUNT(*) FROM journal)").Scan(&series, &groups); err != nil {
		t.Fatal(err)
	}
	if series != 1 || groups != 1 {
		t.Errorf("got %d series and %d groups, want one of each", series, groups)
	}
}

// A full disk refuses whole groups, and takes the next one once there is room.
func TestAppendGoesOnOnceTheDiskHasRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s, err := openQuiet(path)
	if err != nil {
		t.Fatal(err)
	}
	up := newSeries(t, "up")
	record(t, s, samplesOf(up, 0, 10))
	limitPages(t, s, "1") // SQLite takes this for the pages that there are
	group := samplesOf(up, 10, 20)
	for i := range 1000 {
		group = append(group, samplesOf(newSeries(t, fmt.Sprintf("lost%d", i)), 0, 1)...)
	}
	if _, err := s.Append(t.Context(), group, nil); err == nil || !strings.Contains(err.Error(), "disk is full") {
		t.Fatalf("got error %v, want that the disk is full", err)
	}
	limitPages(t, s, "1000000")
	record(t, s, samplesOf(up, 10, 20))
	if err := crash(s); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, path)
	wantPoints(t, s, "up", pointsOf(0, 20))
	if n := s.head.Len(); n != 1 {
		t.Errorf("got %d series, want only the one that was stored", n)
	}
}

func limitPages(t *testing.T, s *Store, pages string) {
	t.Helper()
	if _, err := s.writer.Exec("PRAGMA max_page_count = " + pages); err != nil {
		t.Fatal(err)
	}
}

func TestStoreKeepsWhoBroughtASeries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s, err := openQuiet(path)
	must(t, err)
	orders, old := newSeries(t, "orders"), newSeries(t, "unknown")
	from := metrics.Origin{Token: "0123456789", Format: "influx", Sender: "192.0.2.1"}
	want := []metrics.Arrival{{Series: orders, Origin: from, At: 5}, {Series: old}}
	must(t, second(s.Append(t.Context(), samplesOf(orders, 0, 3), want[:1])))
	must(t, second(s.Append(t.Context(), samplesOf(old, 0, 3), nil)))
	must(t, second(s.Append(t.Context(), samplesOf(orders, 3, 6), []metrics.Arrival{{Series: orders, At: 9}})))
	must(t, s.Close())
	s = openStore(t, path)
	if got := s.Arrivals(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if again := s.Arrivals(); again != nil {
		t.Errorf("got %v once more", again)
	}
}

func second[T any](_ T, err error) error { return err }
