package ingest

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"liveboard/metrics"
	"liveboard/metrics/head"
)

// restore rebuilds the groups from what is stored: a group is a push_time_seconds that was first pushed and has not ended,
// and its series are those that were first pushed and bear its labels, more of them than those of any other group. The times of its pushes
// are the values that push_time_seconds had. What kind a metric is, the next push says.
func (g *gateway) restore(ctx context.Context) {
	past := g.intake.Past
	g.intake.Past = Past{}
	brought := make(map[string][]metrics.Series) // by name
	for _, a := range past.Arrivals {
		if a.Origin.Format == gatewayFormat {
			brought[a.Series.Name()] = append(brought[a.Series.Name()], a.Series)
		}
	}
	if len(brought) == 0 {
		return
	}
	r := restoring{stored: past.Stored, now: time.Now(), groups: make(map[metrics.Series]*pushGroup)}
	err := r.findGroups(ctx, brought[pushTime])
	for name, series := range brought {
		if err == nil && name != pushTime && len(r.groups) > 0 {
			err = r.findValues(ctx, name, series)
		}
	}
	if err != nil {
		slog.Warn("pushed values are kept alive from their next push on", "error", err)
		return
	}
	for key, p := range r.groups {
		g.groups[key] = p
		values := p.values
		p.values = nil
		g.set(p, values, nil)
	}
}

// restoring finds groups in what is stored.
type restoring struct {
	stored Source
	now    time.Time
	groups map[metrics.Series]*pushGroup
	shapes [][]string // the names of grouping labels
}

// firstReach is how far back the search begins. Groups that were alive when the program stopped have samples of their
// last five minutes.
const firstReach = 10 * time.Minute

// findGroups looks further back until it finds samples of one of the keys: the program may have been stopped for long.
func (r *restoring) findGroups(ctx context.Context, keys []metrics.Series) error {
	for reach := firstReach; len(r.groups) == 0 && reach < 4*mostLife; reach *= 4 {
		found, err := r.last(ctx, pushTime, min(reach, mostLife))
		if err != nil {
			return err
		}
		for _, key := range keys {
			if points := found[key]; len(points) > 0 && !metrics.IsStale(points[len(points)-1].Value) {
				r.groups[key] = restoredGroup(key, points)
				r.addShape(key)
			}
		}
	}
	return nil
}

func restoredGroup(key metrics.Series, points []metrics.Point) *pushGroup {
	p := newPushGroup(key)
	for _, point := range points {
		at := int64(point.Value * 1000)
		if at > 0 && !metrics.IsStale(point.Value) && !slices.Contains(p.pushes, at) {
			p.pushed(at)
		}
	}
	newest := points[len(points)-1]
	p.values[key], p.recordedAt = told{newest.Value, pushTime}, newest.At
	return p
}

// findValues gives each group the series called name that are its own.
func (r *restoring) findValues(ctx context.Context, name string, series []metrics.Series) error {
	found, err := r.last(ctx, name, r.reach())
	if err != nil {
		return err
	}
	for _, s := range series {
		points := found[s]
		if len(points) == 0 || metrics.IsStale(points[len(points)-1].Value) {
			continue
		}
		if p := r.owner(s); p != nil {
			p.values[s] = told{points[len(points)-1].Value, restoredFamily(s)}
		}
	}
	return nil
}

// reach is how far back the newest samples of all groups lie.
func (r *restoring) reach() time.Duration {
	oldest := r.now.UnixMilli()
	for _, p := range r.groups {
		oldest = min(oldest, p.recordedAt)
	}
	return r.now.Sub(time.UnixMilli(oldest)) + leastLife
}

// owner returns the group with the most labels of those whose labels s bears, or nil.
func (r *restoring) owner(s metrics.Series) *pushGroup {
	own := s.Labels()
	for _, names := range r.shapes {
		grouping := make([]metrics.Label, len(names))
		for i, name := range names {
			grouping[i] = metrics.Label{Name: name, Value: own.Get(name)}
		}
		key, err := metrics.NewSeries(pushTime, grouping...)
		if p := r.groups[key]; err == nil && p != nil {
			return p
		}
	}
	return nil
}

// addShape notes by which labels a group is told from others. Many groups have the same, and the most come first.
func (r *restoring) addShape(key metrics.Series) {
	var names []string
	for _, l := range ownLabels(key) {
		names = append(names, l.Name)
	}
	if !slices.ContainsFunc(r.shapes, func(s []string) bool { return slices.Equal(s, names) }) {
		r.shapes = append(r.shapes, names)
		slices.SortStableFunc(r.shapes, func(a, b []string) int { return cmp.Compare(len(b), len(a)) })
	}
}

// restoredFamily guesses: of what a histogram or a summary tells, the sum and the count could also be metrics of their own.
func restoredFamily(s metrics.Series) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if family, ok := strings.CutSuffix(s.Name(), suffix); ok {
			return family
		}
	}
	return s.Name()
}

// last returns the samples of the metric called name within reach, by series.
func (r *restoring) last(ctx context.Context, name string, reach time.Duration) (map[metrics.Series][]metrics.Point, error) {
	all, err := r.stored.Select(ctx, r.now.Add(-reach).UnixMilli(), r.now.Add(metrics.MaxFuture).UnixMilli(),
		labels.MustNewMatcher(labels.MatchEqual, metrics.NameLabel, name))
	found := make(map[metrics.Series][]metrics.Point, len(all))
	for _, s := range all {
		series, points := seriesOf(s), pointsOf(s)
		if len(points) > 0 {
			found[series] = points
		}
	}
	return found, err
}

// seriesOf returns the identity of a stored series.
func seriesOf(s *head.Series) metrics.Series {
	var own []metrics.Label
	s.Labels().Range(func(l labels.Label) {
		if l.Name != metrics.NameLabel {
			own = append(own, metrics.Label{Name: l.Name, Value: l.Value})
		}
	})
	series, err := metrics.NewSeries(s.Labels().Get(metrics.NameLabel), own...)
	if err != nil {
		panic(err) // it was made by NewSeries
	}
	return series
}

func pointsOf(s *head.Series) (points []metrics.Point) {
	it := s.Iterator(nil)
	for it.Next() != chunkenc.ValNone {
		at, v := it.At()
		points = append(points, metrics.Point{At: at, Value: v})
	}
	return points
}
