package head

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"liveboard/metrics"
)

// points returns a point at each instant; the value is the instant.
func points(instants ...int64) []metrics.Point {
	var out []metrics.Point
	for _, at := range instants {
		out = append(out, metrics.Point{At: at, Value: float64(at)})
	}
	return out
}

// decoded returns the points of all chunks, and fails where chunks overlap or are overfull.
func decoded(t rapid.TB, chunks []Chunk) []metrics.Point {
	t.Helper()
	var all []metrics.Point
	for i, c := range chunks {
		if i > 0 && chunks[i-1].To >= c.From {
			t.Fatalf("chunk %d begins at %d, before the end of the one before it at %d", i, c.From, chunks[i-1].To)
		}
		if c.Samples > ChunkSamples {
			t.Fatalf("chunk %d holds %d samples", i, c.Samples)
		}
		held, err := c.Points()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, held...)
	}
	return all
}

func TestMergeIsTheSortedUnionInWhichPointsWin(t *testing.T) {
	instants := rapid.SliceOfDistinct(rapid.Int64Range(0, 1000), rapid.ID[int64])
	rapid.Check(t, func(t *rapid.T) {
		held, added := map[int64]float64{}, map[int64]float64{}
		for _, at := range instants.Draw(t, "held") {
			held[at] = 1
		}
		for _, at := range instants.Draw(t, "added") {
			added[at] = 2
		}
		merged, err := Merge(Encode(sorted(held)), sorted(added))
		if err != nil {
			t.Fatal(err)
		}
		for at, v := range added {
			held[at] = v
		}
		if diff := cmp.Diff(sorted(held), decoded(t, merged), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("merged points (-want +got):\n%s", diff)
		}
	})
}

func TestMergeKeepsTheBeginningOfEveryChunk(t *testing.T) {
	old := Encode(points(span(1000, 1600)...))
	late := union(points(span(900, 950)...), points(1001, 1130, 1599, 1700))
	for i := range late {
		late[i].Value = -1
	}
	merged, err := Merge(old, late)
	if err != nil {
		t.Fatal(err)
	}
	begins := make(map[int64]bool)
	for _, c := range merged {
		begins[c.From] = true
	}
	for _, c := range old {
		if !begins[c.From] {
			t.Errorf("no chunk begins at %d any more", c.From)
		}
	}
}

func TestPointsRefusesAChunkThatIsNotWhatItClaims(t *testing.T) {
	good := Encode(points(1, 2, 3))[0]
	backwards := newChunk(points(1, 3, 2))
	tests := []struct {
		name  string
		chunk Chunk
	}{
		{"empty", Chunk{}},
		{"cut", Chunk{From: good.From, To: good.To, Samples: good.Samples, Data: good.Data[:len(good.Data)-2]}},
		{"other beginning", Chunk{From: 0, To: good.To, Samples: good.Samples, Data: good.Data}},
		{"other end", Chunk{From: good.From, To: 4, Samples: good.Samples, Data: good.Data}},
		{"other count", Chunk{From: good.From, To: good.To, Samples: 2, Data: good.Data}},
		{"backwards", Chunk{From: 1, To: 2, Samples: 3, Data: backwards.freeze().Data}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := tt.chunk.Points(); err == nil {
				t.Errorf("got points %v and no error", got)
			}
		})
	}
}

func FuzzChunkPoints(f *testing.F) {
	f.Add([]byte{})
	f.Add(Encode(points(1))[0].Data)
	f.Add(Encode(points(span(0, 120)...))[0].Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := Chunk{Data: data}
		if held, _ := c.Points(); len(held) > 0 {
			c = Chunk{From: held[0].At, To: held[len(held)-1].At, Samples: len(held), Data: data}
			again, err := c.Points()
			if err != nil || len(again) != len(held) {
				t.Errorf("got %d points and error %v, want the same %d points", len(again), err, len(held))
			}
		}
	})
}
