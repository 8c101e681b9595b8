// Package head holds the newest samples of every series in memory, as compressed chunks,
// and answers selections over them and over the older chunks of a store.
package head

import (
	"context"
	"slices"
	"sync"

	"github.com/prometheus/prometheus/model/labels"

	"liveboard/metrics"
)

// Older is where chunks are that memory no longer holds.
type Older interface {
	// Chunks returns the stored chunks of s that have points in [mint, maxt], Unix milliseconds,
	// sorted and without overlap. A series that was never stored has none. Their points are those of
	// r.Column; where r.Width allows it they are of buckets whose end is not after maxt.
	Chunks(ctx context.Context, s metrics.Series, mint, maxt int64, r Rollup) ([]Chunk, error)
}

// Head is the newest samples of all series. It is safe for concurrent use; Apply is
// atomic: a selection sees all samples of a group or none.
type Head struct {
	older Older

	mu      sync.RWMutex
	seq     uint64 // the newest group applied
	series  map[metrics.Series]*series
	all     []*series // in the order of their first sample
	metrics map[string]*metric
	applied history // of all metrics together
}

// metric is all series of one name.
type metric struct {
	series  []*series // sorted by labels
	applied history
}

// New returns an empty Head. With a nil older it is the only place of its samples and never lets go of one.
func New(older Older) *Head {
	return &Head{older: older, series: make(map[metrics.Series]*series), metrics: make(map[string]*metric)}
}

// Apply takes in the samples of group seq. Groups come in the order of the log, each once.
// A sample replaces the one at its instant, however late it comes. It keeps nothing of samples.
func (h *Head) Apply(seq uint64, samples []metrics.Sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq = seq
	s := new(series)
	for _, sample := range samples {
		s = h.after(s, sample.Series)
		s.seq = seq
		s.add(metrics.Point{At: sample.At, Value: sample.Value})
		s.metric.applied.add(seq, sample.At)
		h.applied.add(seq, sample.At)
	}
}

// Load makes s known with its newest stored chunk; the zero Chunk means that none is stored.
// The error says what is wrong with the chunk. A series is loaded once, before its first sample is applied.
func (h *Head) Load(s metrics.Series, newest Chunk) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if newest.Samples == 0 {
		h.register(s)
		return nil
	}
	points, err := newest.Points()
	if err != nil {
		return err
	}
	c := new(chunk)
	c.replace(newest)
	c.stored = c.edits
	m := h.register(s)
	m.chunks, m.value, m.older = []*chunk{c}, points[len(points)-1].Value, true
	return nil
}

// Len returns the number of series.
func (h *Head) Len() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.all)
}

// Fresh returns the indexes of the samples whose series is not known.
func (h *Head) Fresh(samples []metrics.Sample) (fresh []int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	s := new(series)
	for i, sample := range samples {
		if s.next != nil && s.next.id == sample.Series && !s.next.gone { // see after
			s = s.next
		} else if known := h.series[sample.Series]; known != nil {
			s = known
		} else {
			fresh = append(fresh, i)
		}
	}
	return fresh
}

// after returns the series id, which follows prev in its group. Senders bring their series in
// the same order every time, so it is most likely the one that followed prev before. That
// guess spares the map, whose cache misses would be half the cost of a sample.
func (h *Head) after(prev *series, id metrics.Series) *series {
	if prev.next != nil && prev.next.id == id && !prev.next.gone {
		return prev.next
	}
	s := h.series[id]
	if s == nil {
		s = h.register(id)
	}
	prev.next = s
	return s
}

// register makes id known. Keeping a metric's series sorted here spares every selection the sort.
func (h *Head) register(id metrics.Series) *series {
	m := h.metrics[id.Name()]
	if m == nil {
		m = new(metric)
		h.metrics[id.Name()] = m
	}
	s := &series{id: id, labels: promLabels(id), metric: m}
	i, _ := slices.BinarySearchFunc(m.series, s, compareLabels)
	m.series = slices.Insert(m.series, i, s)
	h.series[id] = s
	h.all = append(h.all, s)
	return s
}

func compareLabels(a, b *series) int { return labels.Compare(a.labels, b.labels) }

// Seq is the newest group applied.
func (h *Head) Seq() uint64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.seq
}

// Idle returns up to n series of which the store has everything, the newest sample is not after at, no group
// after seq brought anything, and which are wanted.
func (h *Head) Idle(at int64, seq uint64, n int, wanted func(s metrics.Series, newest int64) bool) (idle []metrics.Series) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, s := range h.all {
		if len(idle) < n && s.idle(at, seq) && wanted(s.id, s.chunks[len(s.chunks)-1].to) {
			idle = append(idle, s.id)
		}
	}
	return idle
}

func (s *series) idle(at int64, seq uint64) bool {
	n := len(s.chunks)
	return n > 0 && s.chunks[n-1].to <= at && s.seq <= seq && len(s.late) == 0 && !slices.ContainsFunc(s.chunks, (*chunk).dirty)
}

// Forget drops series that the store has deleted.
func (h *Head) Forget(gone []metrics.Series) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range gone {
		s := h.series[id]
		if s == nil {
			continue
		}
		s.gone = true
		delete(h.series, id)
		s.metric.series = slices.DeleteFunc(s.metric.series, func(s *series) bool { return s.gone })
		if len(s.metric.series) == 0 {
			delete(h.metrics, id.Name())
		}
	}
	h.all = slices.DeleteFunc(h.all, func(s *series) bool { return s.gone })
}
