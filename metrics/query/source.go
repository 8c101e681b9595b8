package query

import (
	"context"
	"errors"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"liveboard/metrics"
	"liveboard/metrics/head"
)

// Source is where queries read; *head.Head is one. It may be written to meanwhile.
type Source interface {
	// SelectRolled returns the series that all matchers match, sorted by labels, each with its points of r.Column from mint to
	// maxt, Unix milliseconds: of samples, or of buckets where r.Width allows it. Series without any may be left out.
	SelectRolled(ctx context.Context, mint, maxt int64, r head.Rollup, ms ...*labels.Matcher) ([]*head.Series, error)

	// Since returns the time of the oldest sample of the metric called name ("*": of any) that
	// was applied after the group seq, and the newest applied group. The time is
	// math.MaxInt64 where there is no such sample and math.MinInt64 where that is not known.
	Since(name string, seq uint64) (oldest int64, latest uint64)
}

// reading is one run of the engine over a source. It notes the newest sample in reach.
type reading struct {
	source Source
	before int64 // how many milliseconds further back newest looks than the engine does
	newest int64 // the time of the newest sample of the selected series, 0 for none
	grid   int64 // the distance of the instants of which this run is a part, 0 for that of the run
	step   int64 // that of the run
}

// Querier makes a reading a storage.Queryable.
func (r *reading) Querier(_, _ int64) (storage.Querier, error) { return r, nil }

// Select returns the series sorted, asked or not: sums of floats depend on their order.
func (r *reading) Select(ctx context.Context, _ bool, h *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	roll, ms := rollup(h, r.distance(h.Step), Lookback, ms)
	found, err := r.source.SelectRolled(ctx, h.Start, h.End, roll, ms...)
	if err != nil {
		return failed(err)
	}
	at := newest(found)
	// Only a metric that ended has no sample in the engine's reach, but last points in the window.
	if at == 0 && r.before > 0 {
		earlier, err := r.source.SelectRolled(ctx, h.Start-r.before, h.End, roll, ms...)
		if err != nil {
			return failed(err)
		}
		at = newest(earlier)
	}
	r.newest = max(r.newest, at)
	if h.Range == 0 {
		trim(found, h.Start+Lookback.Milliseconds()-1)
	}
	return &seriesSet{rest: found}
}

// distance returns the step by which a selector's tier is chosen. A part of a grid is read from the tier of the whole, or the two
// would differ; a subquery has a step of its own.
func (r *reading) distance(step int64) int64 {
	if r.grid > 0 && step == r.step {
		return r.grid
	}
	return step
}

func failed(err error) storage.SeriesSet { return storage.ErrSeriesSet(unread(err)) }

// unread gives the error of a source a kind: Unavailable where the time was up.
func unread(err error) error {
	kind := metrics.KindOf(err)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		kind = metrics.Unavailable
	}
	return metrics.Errorf(kind, "select series: %w", err)
}

// trim spares the engine, which asks for the lookback of its first instant whole, what lies
// before the newest sample there: that alone can be the value.
func trim(found []*head.Series, first int64) {
	for _, s := range found {
		s.Trim(first)
	}
}

func newest(found []*head.Series) int64 {
	var at int64
	for _, s := range found {
		at = max(at, s.Last())
	}
	return at
}

// LabelValues is never asked by the engine.
func (r *reading) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

// LabelNames is never asked by the engine.
func (r *reading) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

// Close has nothing to let go.
func (r *reading) Close() error { return nil }

// seriesSet hands series to the engine one by one.
type seriesSet struct {
	rest []*head.Series
	at   *head.Series
}

// Next goes to the next series.
func (s *seriesSet) Next() bool {
	if len(s.rest) == 0 {
		return false
	}
	s.at, s.rest = s.rest[0], s.rest[1:]
	return true
}

// At returns the current series.
func (s *seriesSet) At() storage.Series { return s.at }

// Err returns nil: an error comes as a set of its own.
func (s *seriesSet) Err() error { return nil }

// Warnings returns nil.
func (s *seriesSet) Warnings() annotations.Annotations { return nil }
