package data

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"liveboard/metrics"
)

// However samples come, and whenever the store is sealed, killed and closed, a read is
// their sorted union in which the later write wins.
func TestReadEqualsWhatWasRecordedInAnyOrder(t *testing.T) {
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
		for range rapid.IntRange(1, 10).Draw(t, "groups") {
			group := drawGroup(t, up)
			record(t, s, group)
			for _, sample := range group {
				model[sample.At] = sample.Value
			}
			switch rapid.SampledFrom([]string{"go on", "seal", "crash", "close"}).Draw(t, "then") {
			case "seal":
				seal(t, s)
			case "crash":
				must(t, crash(s))
				s = reopened(t, path)
			case "close":
				must(t, s.Close())
				s = reopened(t, path)
			}
			checkRead(t, s, model)
		}
	})
}

// drawGroup draws a run of samples or a few scattered ones.
func drawGroup(t *rapid.T, s metrics.Series) (group []metrics.Sample) {
	value := rapid.Float64Range(0, 9).Draw(t, "value")
	if rapid.Bool().Draw(t, "run") {
		from, n := rapid.Int64Range(0, 3000).Draw(t, "from"), rapid.Int64Range(1, 400).Draw(t, "samples")
		for at := from; at < from+n; at++ {
			group = append(group, metrics.Sample{Series: s, At: at, Value: value})
		}
		return group
	}
	for _, at := range rapid.SliceOfN(rapid.Int64Range(0, 3400), 1, 20).Draw(t, "instants") {
		group = append(group, metrics.Sample{Series: s, At: at, Value: value})
	}
	return group
}

// emptyDatabase returns the bytes of one, to be copied: to make one takes many syncs.
func emptyDatabase(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "empty.db")
	s, err := openQuiet(path)
	must(t, err)
	must(t, s.Close())
	return readFile(t, path)
}

// reopened does without syncs. It is the process that crashes here, never the machine: what was
// written is there.
func reopened(t rapid.TB, path string) *Store {
	t.Helper()
	s, err := openQuiet(path)
	must(t, err)
	_, err = s.writer.Exec("PRAGMA synchronous = off")
	must(t, err)
	return s
}

func must(t rapid.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func checkRead(t *rapid.T, s *Store, model map[int64]float64) {
	t.Helper()
	mint := rapid.Int64Range(0, 3400).Draw(t, "mint")
	maxt := rapid.Int64Range(mint, 3400).Draw(t, "maxt")
	var want []metrics.Point
	for _, at := range slices.Sorted(maps.Keys(model)) {
		if at >= mint && at <= maxt {
			want = append(want, metrics.Point{At: at, Value: model[at]})
		}
	}
	got, err := read(s, "up", mint, maxt)
	must(t, err)
	if !slices.Equal(want, got) {
		t.Fatalf("points in [%d, %d] (-want +got):\n%s", mint, maxt, cmp.Diff(want, got))
	}
}
