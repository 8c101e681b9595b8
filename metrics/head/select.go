package head

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"liveboard/metrics"
)

// Series is one selected series as it stood at the selection, in [mint, maxt].
// It is a storage.Series, for use by one goroutine at a time.
type Series struct {
	labels     labels.Labels
	mint, maxt int64
	chunks     []Chunk // sorted, without overlap; the first and last may reach beyond [mint, maxt]
	newest     int64   // the newest sample in memory where it is in [mint, maxt] and no stale marker
}

// Labels returns the labels of the series, the metric name among them.
func (s *Series) Labels() labels.Labels { return s.labels }

// Iterator returns an iterator over the samples in [mint, maxt], stale markers included. It makes
// use of the memory of it where that came from here too.
func (s *Series) Iterator(it chunkenc.Iterator) chunkenc.Iterator { return newIterator(it, s) }

// Last returns the time of the newest sample in [mint, maxt] that is no stale marker, Unix
// milliseconds, or 0 where there is none. It is cheap while that is the newest sample of all.
func (s *Series) Last() int64 {
	if s.newest != 0 {
		return s.newest
	}
	for i := len(s.chunks) - 1; i >= 0; i-- {
		var last int64
		it := (&Series{mint: s.mint, maxt: s.maxt, chunks: s.chunks[i : i+1]}).Iterator(nil)
		for it.Next() != chunkenc.ValNone {
			if at, v := it.At(); !metrics.IsStale(v) {
				last = at
			}
		}
		if last != 0 {
			return last
		}
	}
	return 0
}

// Trim lets go of chunks that nobody needs who looks for the newest sample at t or before, and
// for all after it. A chunk with a Decode may have its first point after its From, so it spares none.
func (s *Series) Trim(t int64) {
	for len(s.chunks) > 1 && s.chunks[1].Decode == nil && s.chunks[1].From <= t {
		s.chunks = s.chunks[1:]
	}
}

// Select returns the series that all matchers match and that may have samples in [mint, maxt],
// sorted by labels, each with its samples as of now. It asks Older only for series of which
// memory does not reach back to mint, and returns its error.
func (h *Head) Select(ctx context.Context, mint, maxt int64, matchers ...*labels.Matcher) ([]*Series, error) {
	return h.SelectRolled(ctx, mint, maxt, Rollup{}, matchers...)
}

// SelectRolled is Select with points of r.Column in the place of samples, of buckets no wider than r.Width where
// Older has them. What memory holds, and what came late, is never rolled up.
func (h *Head) SelectRolled(ctx context.Context, mint, maxt int64, r Rollup, matchers ...*labels.Matcher) ([]*Series, error) {
	found := h.snapshot(mint, maxt, matchers)
	selected := make([]*Series, 0, len(found))
	for _, f := range found {
		if err := f.load(ctx, h.older, r); err != nil {
			return nil, fmt.Errorf("read %s: %w", f.id, err)
		}
		if len(f.chunks) > 0 {
			selected = append(selected, f.Series)
		}
	}
	return selected, nil
}

// snapshot is a selected series of which older chunks are still to be loaded.
type snapshot struct {
	*Series
	id    metrics.Series
	older bool            // the store has to be asked
	below int64           // memory holds everything from here on
	late  []metrics.Point // to be merged with what the store has
}

func (h *Head) snapshot(mint, maxt int64, matchers []*labels.Matcher) []snapshot {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var found []snapshot
	for _, s := range h.match(matchers) {
		found = append(found, s.snapshot(mint, maxt))
	}
	return found
}

// snapshot takes what memory holds in [mint, maxt].
func (s *series) snapshot(mint, maxt int64) snapshot {
	out := snapshot{Series: &Series{labels: s.labels, mint: mint, maxt: maxt}, id: s.id}
	if len(s.chunks) == 0 {
		return out
	}
	for i, c := range s.chunks {
		if c.to >= mint && c.from <= maxt {
			out.chunks = append(out.chunks, s.freeze(i))
		}
	}
	if at := s.chunks[len(s.chunks)-1].to; at >= mint && at <= maxt && !metrics.IsStale(s.value) {
		out.newest = at
	}
	out.below = s.chunks[0].from
	if mint < out.below {
		out.older = s.older
		out.late = slices.Clone(s.late)
	}
	return out
}

// load puts what the store holds, and what came late for it, in front of the chunks from memory.
func (s *snapshot) load(ctx context.Context, older Older, r Rollup) error {
	for i, c := range s.chunks {
		s.chunks[i] = c.As(r.Column)
	}
	if s.late = Between(s.late, s.mint, s.maxt); !s.older && len(s.late) == 0 {
		return nil
	}
	stored, err := s.stored(ctx, older, r)
	s.chunks = slices.Concat(stored, s.chunks)
	return err
}

// lateMargin is a whole number of every bucket's width: around late samples the buckets of the store are not true yet.
const lateMargin = 3_600_000

// stored reads up to where memory begins. Chunks from there on may have been sealed since the
// snapshot, which has them already.
func (s *snapshot) stored(ctx context.Context, older Older, r Rollup) ([]Chunk, error) {
	end := min(s.maxt, s.below-1)
	if len(s.late) == 0 {
		return s.part(ctx, older, s.mint, end, r)
	}
	from := max(s.mint, s.late[0].At/lateMargin*lateMargin-lateMargin)
	to := min(end, s.late[len(s.late)-1].At/lateMargin*lateMargin+lateMargin)
	before, err := s.part(ctx, older, s.mint, from-1, r)
	if err != nil {
		return nil, err
	}
	around, err := s.part(ctx, older, from, to, Rollup{Column: r.Column})
	if err != nil {
		return nil, err
	}
	if around, err = Merge(around, r.Column.Of(s.late)); err != nil {
		return nil, err
	}
	after, err := s.part(ctx, older, to+1, end, r)
	return slices.Concat(before, around, after), err
}

func (s *snapshot) part(ctx context.Context, older Older, from, to int64, r Rollup) ([]Chunk, error) {
	if from > to || !s.older {
		return nil, nil
	}
	chunks, err := older.Chunks(ctx, s.id, from, to, r)
	if from == s.mint && to == s.maxt || err != nil {
		return chunks, err // the iterator clips them
	}
	for i, c := range chunks {
		chunks[i] = c.Clip(from, to)
	}
	return chunks, nil
}

// match returns the series that all matchers match, sorted by labels.
func (h *Head) match(matchers []*labels.Matcher) []*series {
	candidates, sorted := h.candidates(matchers)
	matched := make([]*series, 0, len(candidates))
	for _, s := range candidates {
		if matchesAll(s.labels, matchers) {
			matched = append(matched, s)
		}
	}
	if !sorted {
		slices.SortFunc(matched, compareLabels)
	}
	return matched
}

// candidates returns the series of the metric that the matchers name, sorted by labels, or those of all
// metrics whose names match.
func (h *Head) candidates(matchers []*labels.Matcher) (candidates []*series, sorted bool) {
	var names []*labels.Matcher
	for _, m := range matchers {
		if m.Name == metrics.NameLabel && m.Type == labels.MatchEqual {
			return h.ofMetric(m.Value), true
		}
		if m.Name == metrics.NameLabel {
			names = append(names, m)
		}
	}
	if len(names) == 0 {
		return h.all, false
	}
	for _, name := range slices.Sorted(maps.Keys(h.metrics)) { // nearly the order of labels, which spares the sort most of its work
		if matchesName(name, names) {
			candidates = append(candidates, h.metrics[name].series...)
		}
	}
	return candidates, false
}

func (h *Head) ofMetric(name string) []*series {
	if m := h.metrics[name]; m != nil {
		return m.series
	}
	return nil
}

func matchesName(name string, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(name) {
			return false
		}
	}
	return true
}

func matchesAll(ls labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}
