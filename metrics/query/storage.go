package query

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"liveboard/metrics/head"
)

// Series is where a Storage reads; *head.Head is one. It may be written to meanwhile.
type Series interface {
	// SelectRolled is that of Source.
	SelectRolled(ctx context.Context, mint, maxt int64, r head.Rollup, ms ...*labels.Matcher) ([]*head.Series, error)

	// Find returns the same series without their samples.
	Find(ctx context.Context, mint, maxt int64, ms ...*labels.Matcher) ([]*head.Series, error)
}

// Storage lets Prometheus's own code read Series. It is a storage.Queryable.
type Storage struct {
	series   Series
	lookback time.Duration // of the instant selectors to be served; 0 where that is not known
}

// NewStorage returns a Storage that reads series.
func NewStorage(series Series) Storage { return Storage{series: series} }

// Querier returns a querier of the samples from mint to maxt, Unix milliseconds.
func (s Storage) Querier(mint, maxt int64) (storage.Querier, error) {
	return &querier{s, mint, maxt}, nil
}

type querier struct {
	Storage
	mint, maxt int64
}

// Select returns the series sorted, asked or not. For the function "series", which is how Prometheus says
// that it looks for no samples, they have none.
func (q *querier) Select(ctx context.Context, _ bool, h *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	if h == nil {
		h = &storage.SelectHints{Start: q.mint, End: q.maxt}
	}
	found, err := q.read(ctx, h, ms)
	if err != nil {
		return failed(err)
	}
	if h.Range == 0 && q.lookback > 0 {
		trim(found, h.Start+q.lookback.Milliseconds()-1)
	}
	return &seriesSet{rest: atMost(h.Limit, found)}
}

// read selects from the tiers that the instants of a query ask for; who is no query reads samples.
func (q *querier) read(ctx context.Context, h *storage.SelectHints, ms []*labels.Matcher) ([]*head.Series, error) {
	if h.Func == "series" {
		return q.series.Find(ctx, h.Start, h.End, ms...)
	}
	var roll head.Rollup
	if q.lookback > 0 {
		roll, ms = rollup(h, h.Step, q.lookback, ms)
	}
	return q.series.SelectRolled(ctx, h.Start, h.End, roll, ms...)
}

// atMost cuts all off at limit, where 0 is none.
func atMost[T any](limit int, all []T) []T {
	if limit > 0 && limit < len(all) {
		return all[:limit]
	}
	return all
}

// LabelNames returns the names of the labels of all series that match, sorted.
func (q *querier) LabelNames(ctx context.Context, h *storage.LabelHints, ms ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return q.collect(ctx, h, ms, func(ls labels.Labels, note func(string)) {
		ls.Range(func(l labels.Label) { note(l.Name) })
	})
}

// LabelValues returns the values that the label called name has among all series that match, sorted.
func (q *querier) LabelValues(ctx context.Context, name string, h *storage.LabelHints, ms ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return q.collect(ctx, h, ms, func(ls labels.Labels, note func(string)) {
		if v := ls.Get(name); v != "" {
			note(v)
		}
	})
}

// collect returns what read notes about the labels of the series that match, each once and sorted.
func (q *querier) collect(ctx context.Context, h *storage.LabelHints, ms []*labels.Matcher, read func(ls labels.Labels, note func(string))) ([]string, annotations.Annotations, error) {
	found, err := q.series.Find(ctx, q.mint, q.maxt, ms...)
	if err != nil {
		return nil, nil, unread(err)
	}
	seen, notes := map[string]bool{}, []string{}
	note := func(s string) {
		if !seen[s] {
			seen[s] = true
			notes = append(notes, s)
		}
	}
	for _, s := range found {
		read(s.Labels(), note)
	}
	slices.Sort(notes)
	if h == nil {
		return notes, nil, nil
	}
	return atMost(h.Limit, notes), nil, nil
}

// Close has nothing to let go.
func (q *querier) Close() error { return nil }
