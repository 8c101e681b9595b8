package head

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"pgregory.net/rapid"

	"liveboard/metrics"
)

var _ storage.Series = (*Series)(nil)

func newSeries(t testing.TB, name string, ls ...metrics.Label) metrics.Series {
	t.Helper()
	s, err := metrics.NewSeries(name, ls...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// samplesOf gives s one sample at each instant; the value is the instant.
func samplesOf(s metrics.Series, instants ...int64) []metrics.Sample {
	var out []metrics.Sample
	for _, at := range instants {
		out = append(out, metrics.Sample{Series: s, At: at, Value: float64(at)})
	}
	return out
}

// span returns the instants from, from+1, ... below to.
func span(from, to int64) []int64 {
	var out []int64
	for at := from; at < to; at++ {
		out = append(out, at)
	}
	return out
}

func named(name string) *labels.Matcher {
	return labels.MustNewMatcher(labels.MatchEqual, metrics.NameLabel, name)
}

func selectAll(t rapid.TB, h *Head, mint, maxt int64, ms ...*labels.Matcher) []*Series {
	t.Helper()
	found, err := h.Select(context.Background(), mint, maxt, ms...)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func instantsOf(t testing.TB, s *Series) []int64 {
	t.Helper()
	var out []int64
	it := s.Iterator(nil)
	for it.Next() != chunkenc.ValNone {
		out = append(out, it.AtT())
	}
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// instants selects one series by name and returns its instants in [mint, maxt].
func instants(t testing.TB, h *Head, name string, mint, maxt int64) []int64 {
	t.Helper()
	found := selectAll(t, h, mint, maxt, named(name))
	if len(found) != 1 {
		t.Fatalf("got %d series named %s, want 1", len(found), name)
	}
	return instantsOf(t, found[0])
}

func TestHeadReturnsWhatWasApplied(t *testing.T) {
	h := New(nil)
	up := newSeries(t, "up")
	h.Apply(1, samplesOf(up, span(0, 500)...))
	if diff := cmp.Diff(span(0, 500), instants(t, h, "up", 0, 1000)); diff != "" {
		t.Errorf("instants (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(span(130, 371), instants(t, h, "up", 130, 370)); diff != "" {
		t.Errorf("instants of a part (-want +got):\n%s", diff)
	}
}

func TestHeadPutsLateSamplesInOrder(t *testing.T) {
	h := New(nil)
	up := newSeries(t, "up")
	for seq, at := range []int64{500, 400, 600, 300, 450, 650, 0, 400} {
		h.Apply(uint64(seq), samplesOf(up, at))
	}
	want := []int64{0, 300, 400, 450, 500, 600, 650}
	if diff := cmp.Diff(want, instants(t, h, "up", 0, 1000)); diff != "" {
		t.Errorf("instants (-want +got):\n%s", diff)
	}
}

func TestHeadReplacesTheSampleOfAnInstant(t *testing.T) {
	h := New(nil)
	up := newSeries(t, "up")
	h.Apply(1, samplesOf(up, 1, 2, 3))
	h.Apply(2, []metrics.Sample{{Series: up, At: 2, Value: 20}, {Series: up, At: 3, Value: 30}})
	it := selectAll(t, h, 0, 10, named("up"))[0].Iterator(nil)
	var got []float64
	for it.Next() != chunkenc.ValNone {
		_, v := it.At()
		got = append(got, v)
	}
	if diff := cmp.Diff([]float64{1, 20, 30}, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestSelectMatchesAndSorts(t *testing.T) {
	h := New(nil)
	for _, host := range []string{"b", "c", "a"} {
		for _, name := range []string{"load", "cpu"} {
			h.Apply(1, samplesOf(newSeries(t, name, metrics.Label{Name: "host", Value: host}), 1))
		}
	}
	h.Apply(2, samplesOf(newSeries(t, "up"), 1))
	host := func(mt labels.MatchType, v string) *labels.Matcher { return labels.MustNewMatcher(mt, "host", v) }
	tests := []struct {
		name     string
		matchers []*labels.Matcher
		want     []string
	}{
		{"by name", []*labels.Matcher{named("cpu")}, []string{`{__name__="cpu", host="a"}`, `{__name__="cpu", host="b"}`, `{__name__="cpu", host="c"}`}},
		{"by name and label", []*labels.Matcher{named("cpu"), host(labels.MatchNotEqual, "b")}, []string{`{__name__="cpu", host="a"}`, `{__name__="cpu", host="c"}`}},
		{"by label alone", []*labels.Matcher{host(labels.MatchRegexp, "a|x")}, []string{`{__name__="cpu", host="a"}`, `{__name__="load", host="a"}`}},
		{"by absence", []*labels.Matcher{host(labels.MatchEqual, "")}, []string{`{__name__="up"}`}},
		{"unknown name", []*labels.Matcher{named("nope")}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, s := range selectAll(t, h, 0, 10, tt.matchers...) {
				got = append(got, s.Labels().String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("series (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLastIsTheNewestSampleInTheRange(t *testing.T) {
	h := New(nil)
	up := newSeries(t, "up")
	h.Apply(1, samplesOf(up, 10, 20, 30))
	h.Apply(2, []metrics.Sample{{Series: up, At: 40, Value: metrics.StaleMarker()}})
	for _, tt := range []struct {
		name       string
		mint, maxt int64
		want       int64
	}{
		{"before the stale marker", 0, 100, 30},
		{"up to maxt", 0, 25, 20},
		{"nothing but the marker", 35, 100, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := selectAll(t, h, tt.mint, tt.maxt, named("up"))[0].Last(); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// That a series follows another in a group is remembered, and must not make a forgotten one known.
func TestForgottenSeriesIsFresh(t *testing.T) {
	h := New(nil)
	up, load := newSeries(t, "up"), newSeries(t, "load")
	both := append(samplesOf(up, 10), samplesOf(load, 10)...)
	h.Apply(1, both)
	h.Forget([]metrics.Series{load})
	if got := h.Fresh(both); !slices.Equal(got, []int{1}) {
		t.Errorf("got %v fresh, want the second alone", got)
	}
	h.Apply(2, both)
	if got := h.Fresh(both); len(got) != 0 || h.Len() != 2 {
		t.Errorf("got %v fresh of %d series, want none of 2", got, h.Len())
	}
}

func TestSinceTellsHowFarBackGroupsReached(t *testing.T) {
	h := New(nil)
	up, load := newSeries(t, "up"), newSeries(t, "load")
	h.Apply(1, samplesOf(up, 100))
	h.Apply(2, samplesOf(up, 200))
	h.Apply(3, samplesOf(load, 150))
	h.Apply(4, samplesOf(up, 300))
	for _, tt := range []struct {
		name  string
		topic string
		seq   uint64
		want  int64
	}{
		{"all groups", "up", 0, 100},
		{"later groups", "up", 1, 200},
		{"a group of another metric", "up", 3, 300},
		{"nothing new", "up", 4, math.MaxInt64},
		{"any metric", "*", 1, 150},
		{"any metric, spelled empty", "", 3, 300},
		{"unknown metric", "nope", 0, math.MaxInt64},
	} {
		t.Run(tt.name, func(t *testing.T) {
			oldest, latest := h.Since(tt.topic, tt.seq)
			if oldest != tt.want || latest != 4 {
				t.Errorf("got %d and group %d, want %d and group 4", oldest, latest, tt.want)
			}
		})
	}
}

func TestSinceForgetsDistantGroups(t *testing.T) {
	h := New(nil)
	up := newSeries(t, "up")
	const groups = 3 * historyLen
	for seq := range int64(groups) {
		h.Apply(uint64(seq+1), samplesOf(up, seq+1))
	}
	if oldest, _ := h.Since("up", 1); oldest != math.MinInt64 {
		t.Errorf("since group 1: got %d, want that it is too long ago", oldest)
	}
	for seq := range int64(groups) {
		oldest, _ := h.Since("up", uint64(seq))
		forgotten := oldest == math.MinInt64
		if forgotten && seq > groups-historyLen/2 || !forgotten && oldest != seq+1 {
			t.Errorf("since group %d: got %d", seq, oldest)
		}
	}
}
