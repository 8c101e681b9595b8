package query_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"liveboard/metrics"
	"liveboard/metrics/query"
)

// past is a store with series that ended long ago, and more samples since than memory keeps.
func past(t *testing.T) query.Storage {
	t.Helper()
	b := &both{t: t, path: filepath.Join(t.TempDir(), "x.db")}
	b.reopen()
	t.Cleanup(func() { b.must(b.store.Close()) })
	var samples []metrics.Sample
	add := func(series []string, second int, value float64) {
		samples = append(samples, metrics.Sample{Series: seriesOf(t, series...), At: ms(float64(second)), Value: value})
	}
	for second := range 3000 {
		add([]string{"always", "host", "c"}, second, math.NaN())
		if second < 10 {
			add([]string{"ended", "host", "a"}, second, 1)
		}
		if second == 0 || second == 2999 {
			add([]string{"rare", "host", "b", "zone", "x"}, second, 1)
		}
	}
	b.put(samples)
	b.reopen()
	return query.NewStorage(b.store.Head())
}

func TestNamesAreThoseOfTheTimeAsked(t *testing.T) {
	s := past(t)
	for _, test := range []struct {
		name         string
		from, to     float64
		match        []*labels.Matcher
		limit        int
		names, hosts []string
	}{
		{"all of it", 0, 3000, nil, 0, []string{"__name__", "host", "zone"}, []string{"a", "b", "c"}},
		{"while memory has only the newest", 100, 200, nil, 0, []string{"__name__", "host", "zone"}, []string{"b", "c"}},
		{"at the end", 2990, 2998, nil, 0, []string{"__name__", "host", "zone"}, []string{"b", "c"}},
		{"before the beginning", -10, -1, nil, 0, []string{}, []string{}},
		{"by a pattern without a name", 0, 3000, []*labels.Matcher{matcher(t, labels.MatchRegexp, "host", "a|b")}, 0, []string{"__name__", "host", "zone"}, []string{"a", "b"}},
		{"by a pattern of names", 0, 3000, []*labels.Matcher{matcher(t, labels.MatchRegexp, "__name__", "a.*|e.*")}, 0, []string{"__name__", "host"}, []string{"a", "c"}},
		{"without a label", 0, 3000, []*labels.Matcher{matcher(t, labels.MatchEqual, "zone", "")}, 0, []string{"__name__", "host"}, []string{"a", "c"}},
		{"not a name", 0, 3000, []*labels.Matcher{matcher(t, labels.MatchNotEqual, "__name__", "ended")}, 0, []string{"__name__", "host", "zone"}, []string{"b", "c"}},
		{"at most one", 0, 3000, nil, 1, []string{"__name__"}, []string{"a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			q, err := s.Querier(ms(test.from), ms(test.to))
			if err != nil {
				t.Fatal(err)
			}
			hints := &storage.LabelHints{Limit: test.limit}
			names, _, err := q.LabelNames(t.Context(), hints, test.match...)
			if err != nil || !slices.Equal(names, test.names) {
				t.Errorf("LabelNames = %q, %v, want %q", names, err, test.names)
			}
			hosts, _, err := q.LabelValues(t.Context(), "host", hints, test.match...)
			if err != nil || !slices.Equal(hosts, test.hosts) {
				t.Errorf("LabelValues = %q, %v, want %q", hosts, err, test.hosts)
			}
		})
	}
}

func TestLookUpsEndWithTheirContext(t *testing.T) {
	q, err := past(t).Querier(ms(0), ms(3000))
	if err != nil {
		t.Fatal(err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	_, _, err = q.LabelValues(gone, "host", nil)
	set := q.Select(gone, true, &storage.SelectHints{Func: "series"}, matcher(t, labels.MatchEqual, "host", "a"))
	for _, err := range []error{err, set.Err()} {
		if !errors.Is(err, context.Canceled) || metrics.KindOf(err) != metrics.Unavailable {
			t.Errorf("got %v of kind %v, want the context's error as Unavailable", err, metrics.KindOf(err))
		}
	}
}

func matcher(t *testing.T, as labels.MatchType, name, value string) *labels.Matcher {
	t.Helper()
	m, err := labels.NewMatcher(as, name, value)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSelectWithoutSamplesFindsTheSameSeries(t *testing.T) {
	q, err := past(t).Querier(ms(0), ms(3000))
	if err != nil {
		t.Fatal(err)
	}
	for _, hints := range []*storage.SelectHints{nil, {Start: ms(0), End: ms(3000), Func: "series"}, {Start: ms(5), End: ms(8), Limit: 2}} {
		var got []string
		set := q.Select(t.Context(), true, hints, matcher(t, labels.MatchRegexp, "host", ".+"))
		for set.Next() {
			got = append(got, set.At().Labels().Get("host"))
		}
		want := []string{"c", "a", "b"} // sorted by name
		if hints != nil && hints.Limit > 0 {
			want = []string{"c", "a"}
		}
		if !slices.Equal(got, want) || set.Err() != nil {
			t.Errorf("Select(%+v) = %q, %v, want %q", hints, got, set.Err(), want)
		}
	}
}
