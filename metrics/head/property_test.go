package head

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"pgregory.net/rapid"

	"liveboard/metrics"
)

// shelf is a store without a disk.
type shelf map[metrics.Series][]Chunk

func (s shelf) Chunks(_ context.Context, id metrics.Series, mint, maxt int64, _ Rollup) ([]Chunk, error) {
	return slices.DeleteFunc(slices.Clone(s[id]), func(c Chunk) bool { return c.To < mint || c.From > maxt }), nil
}

// seal stores what h holds, as a store does.
func (s shelf) seal(t rapid.TB, h *Head) {
	t.Helper()
	unsealed, next := h.Unsealed(0, h.Len())
	if next != 0 {
		t.Fatalf("got more series after %d of %d", next, h.Len())
	}
	for _, u := range unsealed {
		merged, err := Merge(s[u.Series], u.Late)
		if err != nil {
			t.Fatal(err)
		}
		s[u.Series] = replaced(merged, u.Chunks)
	}
	h.Sealed(unsealed)
}

// replaced puts each of chunks in the place of the one with the same beginning.
func replaced(stored, chunks []Chunk) []Chunk {
	byFrom := make(map[int64]Chunk)
	for _, c := range slices.Concat(stored, chunks) {
		byFrom[c.From] = c
	}
	out := make([]Chunk, 0, len(byFrom))
	for _, from := range slices.Sorted(maps.Keys(byFrom)) {
		out = append(out, byFrom[from])
	}
	return out
}

// restarted is a new Head with the newest stored chunk, as after a restart.
func (s shelf) restarted(t rapid.TB, id metrics.Series) *Head {
	t.Helper()
	h := New(s)
	var newest Chunk
	if n := len(s[id]); n > 0 {
		newest = s[id][n-1]
		newest.Data = slices.Clone(newest.Data)
	}
	if err := h.Load(id, newest); err != nil {
		t.Fatal(err)
	}
	return h
}

func sorted(model map[int64]float64) []metrics.Point {
	out := make([]metrics.Point, 0, len(model))
	for _, at := range slices.Sorted(maps.Keys(model)) {
		out = append(out, metrics.Point{At: at, Value: model[at]})
	}
	return out
}

// However samples come, a selection is their sorted union in which the later write wins.
func TestSelectEqualsWhatWasAppliedInAnyOrder(t *testing.T) {
	up := newSeries(t, "up")
	rapid.Check(t, func(t *rapid.T) {
		store := make(shelf)
		h, model := New(store), make(map[int64]float64)
		var seq uint64
		apply := func(at int64, v float64) {
			seq++
			h.Apply(seq, []metrics.Sample{{Series: up, At: at, Value: v}})
			model[at] = v
		}
		value := rapid.Float64Range(-10, 10)
		t.Repeat(map[string]func(*rapid.T){
			"run": func(t *rapid.T) {
				from, n := rapid.Int64Range(0, 2000).Draw(t, "from"), rapid.Int64Range(1, 200).Draw(t, "n")
				for at := from; at < from+n; at++ {
					apply(at, float64(at))
				}
			},
			"one":  func(t *rapid.T) { apply(rapid.Int64Range(0, 2300).Draw(t, "at"), value.Draw(t, "value")) },
			"seal": func(t *rapid.T) { store.seal(t, h) },
			"restart": func(t *rapid.T) {
				store.seal(t, h)
				h = store.restarted(t, up)
			},
			"": func(t *rapid.T) {
				mint := rapid.Int64Range(-10, 2400).Draw(t, "mint")
				maxt := rapid.Int64Range(mint, 2400).Draw(t, "maxt")
				want := slices.DeleteFunc(sorted(model), func(p metrics.Point) bool { return p.At < mint || p.At > maxt })
				if got := selected(t, h, mint, maxt); !slices.Equal(want, got) {
					t.Fatalf("points in [%d, %d] (-want +got):\n%s", mint, maxt, cmp.Diff(want, got))
				}
				decoded(t, store[up])
			},
		})
	})
}

// selected returns the points of the only series in h, and checks that Last is the newest of them.
func selected(t rapid.TB, h *Head, mint, maxt int64) []metrics.Point {
	t.Helper()
	found, err := h.Select(context.Background(), mint, maxt)
	if err != nil || len(found) > 1 {
		t.Fatalf("got %d series and error %v", len(found), err)
	}
	if len(found) == 0 {
		return nil
	}
	var out []metrics.Point
	it := found[0].Iterator(nil)
	for it.Next() != chunkenc.ValNone {
		at, v := it.At()
		out = append(out, metrics.Point{At: at, Value: v})
	}
	if n := len(out); n > 0 && found[0].Last() != out[n-1].At {
		t.Fatalf("last is %d, want %d", found[0].Last(), out[n-1].At)
	}
	return out
}

// Seek lands on the first sample at the instant or later, from wherever the iterator stands.
func TestSeekLandsWhereNextWould(t *testing.T) {
	up := newSeries(t, "up")
	h := New(nil)
	for at := int64(0); at < 2000; at += 7 {
		h.Apply(uint64(at+1), samplesOf(up, at))
	}
	rapid.Check(t, func(t *rapid.T) {
		it := selectAll(t, h, 100, 1500)[0].Iterator(nil)
		stand := int64(99)
		for _, jump := range rapid.SliceOf(rapid.Int64Range(0, 400)).Draw(t, "jumps") {
			to := max(stand, 100) + jump
			want := (to + 6) / 7 * 7
			if got := it.Seek(to); (got == chunkenc.ValFloat) != (want <= 1500) {
				t.Fatalf("seek %d: got %v", to, got)
			}
			if want > 1500 {
				return
			}
			if it.AtT() != want {
				t.Fatalf("seek %d: got %d, want %d", to, it.AtT(), want)
			}
			stand = want
		}
	})
}
