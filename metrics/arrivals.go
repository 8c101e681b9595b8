package metrics

import (
	"cmp"
	"slices"
	"sync"
)

// What is kept of a metric: the newest origins, and the labels that were found first to vary.
const (
	maxOrigins = 8
	maxVarying = MaxLabels
)

// ArrivedMetric is what has come in under one name.
type ArrivedMetric struct {
	Name    string
	Series  int      // that came and are not forgotten, those that have ended among them
	FirstAt int64    // of the first series, Unix milliseconds; 0 where that was not kept
	LastAt  int64    // of the newest series
	Newest  Series   // one of the newest
	Origins []Origin // that brought new series, the newest first
	Varying []string // labels in which its series differ, sorted; not all where there are very many
}

// Arrivals keep what has come in, by metric. The zero Arrivals are ready for use, and safe for concurrent use.
type Arrivals struct {
	mu     sync.Mutex
	byName map[string]*ArrivedMetric
}

// Add notes new series, in the order of their times.
func (a *Arrivals) Add(arrivals ...Arrival) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byName == nil {
		a.byName = make(map[string]*ArrivedMetric)
	}
	for _, one := range arrivals {
		name := one.Series.Name()
		m := a.byName[name]
		if m == nil {
			m = &ArrivedMetric{Name: name, FirstAt: one.At}
			a.byName[name] = m
		}
		m.add(one)
	}
}

// Forget takes series out that the log has deleted, and a metric with the last of them. What else is told of a
// metric may still be of a series that was forgotten.
func (a *Arrivals) Forget(gone ...Arrival) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, one := range gone {
		m := a.byName[one.Series.Name()]
		if m == nil {
			continue
		}
		if m.Series--; m.Series == 0 {
			delete(a.byName, m.Name)
		}
	}
}

func (m *ArrivedMetric) add(one Arrival) {
	m.Series++
	m.FirstAt = min(m.FirstAt, one.At)
	m.vary(one.Series)
	if one.At >= m.LastAt {
		m.LastAt, m.Newest = one.At, one.Series
	}
	if len(m.Origins) > 0 && m.Origins[0] == one.Origin || one.Origin == (Origin{}) {
		return
	}
	m.Origins = slices.DeleteFunc(m.Origins, func(o Origin) bool { return o == one.Origin })
	m.Origins = slices.Insert(m.Origins, 0, one.Origin)
	m.Origins = m.Origins[:min(len(m.Origins), maxOrigins)]
}

// vary notes in which labels the series differs from the newest before it.
func (m *ArrivedMetric) vary(s Series) {
	if m.Newest == (Series{}) || m.Newest == s {
		return
	}
	was, is := m.Newest.Labels(), s.Labels()
	differ := func(l Label, other Labels) {
		if len(m.Varying) == maxVarying || other.Get(l.Name) == l.Value {
			return
		}
		if at, found := slices.BinarySearch(m.Varying, l.Name); !found {
			m.Varying = slices.Insert(m.Varying, at, l.Name)
		}
	}
	for _, l := range is {
		differ(l, was)
	}
	for _, l := range was {
		differ(l, is)
	}
}

// List returns up to limit metrics, at least 1, for which keep holds, those with the newest series first, and how many there are in all.
func (a *Arrivals) List(limit int, keep func(*ArrivedMetric) bool) (list []ArrivedMetric, total int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	newest := make([]*ArrivedMetric, 0, limit+1) // a burst of names must not cost their sorting
	for _, m := range a.byName {
		if !keep(m) {
			continue
		}
		total++
		if len(newest) == limit && newestFirst(newest[limit-1], m) < 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(newest, m, newestFirst)
		if newest = slices.Insert(newest, at, m); len(newest) > limit {
			newest = newest[:limit]
		}
	}
	for _, m := range newest {
		one := *m
		one.Origins, one.Varying = slices.Clone(m.Origins), slices.Clone(m.Varying)
		list = append(list, one)
	}
	return list, total
}

func newestFirst(x, y *ArrivedMetric) int {
	return cmp.Or(cmp.Compare(y.LastAt, x.LastAt), cmp.Compare(x.Name, y.Name))
}

// PerToken returns how many of the arrivals each token has brought.
func PerToken(arrivals []Arrival) map[string]int {
	counts := make(map[string]int)
	for _, a := range arrivals {
		counts[a.Origin.Token]++
	}
	return counts
}
