package ingest

import (
	"math"
	"slices"
	"sync"
	"time"

	"liveboard/metrics"
)

// Limits of sums.
const (
	maxSums     = metrics.MaxSeriesPerToken
	sumsKeptFor = time.Hour   // after the last point
	sweepEvery  = time.Minute // at most
)

// sums turn deltas into counters: they keep what the points of each series have come to. A counter begins anew, as after a
// restart of its sender, when it has been silent for long or this server was restarted. Safe for concurrent use.
type sums struct {
	mu       sync.Mutex
	bySeries map[metrics.Series]*running
	swept    time.Time
}

// running is what the points of a series have come to.
type running struct {
	told [4]added // the newest first
	used time.Time
}

// added is what became of a point.
type added struct {
	at           uint64 // Unix ns; 0 for none
	delta, total float64
}

// find returns what became of the point at that time, if that is known still.
func (s *running) find(at uint64) (added, bool) {
	i := slices.IndexFunc(s.told[:], func(t added) bool { return t.at == at })
	if i < 0 {
		return added{}, false
	}
	return s.told[i], true
}

// total returns what a point comes to that check let pass.
func (s *running) total(at uint64, delta float64) float64 {
	if t, ok := s.find(at); ok {
		return t.total
	}
	t := added{at, delta, s.told[0].total + delta}
	copy(s.told[1:], s.told[:])
	s.told[0] = t
	return t.total
}

func newSums() *sums { return &sums{bySeries: make(map[metrics.Series]*running)} }

// add turns the values of samples, which are the deltas of one data point at that time, into totals. A point that comes again
// since its sender has heard no answer tells the same total again, and counts once. It changes nothing when it returns an
// error. Where the value is gone the series ends.
func (s *sums) add(samples []metrics.Sample, at uint64, gone bool, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	if gone {
		for _, one := range samples {
			delete(s.bySeries, one.Series)
		}
		return nil
	}
	if err := s.check(samples, at); err != nil {
		return err
	}
	for i, one := range samples {
		known := s.bySeries[one.Series]
		if known == nil {
			known = new(running)
			s.bySeries[one.Series] = known
		}
		known.used = now
		samples[i].Value = known.total(at, one.Value)
	}
	return nil
}

func (s *sums) check(samples []metrics.Sample, at uint64) error {
	fresh := 0
	for _, one := range samples {
		known := s.bySeries[one.Series]
		if math.IsNaN(one.Value) || math.IsInf(one.Value, 0) {
			return metrics.Errorf(metrics.Invalid, "a delta must be a finite number")
		}
		if known == nil {
			fresh++
			continue
		}
		t, repeated := known.find(at)
		if repeated && t.delta != one.Value {
			return metrics.Errorf(metrics.Invalid, "two deltas of a series have the same time")
		}
		if !repeated && at < known.told[0].at {
			return metrics.Errorf(metrics.Invalid, "a delta is older than the newest of its series")
		}
	}
	if len(s.bySeries)+fresh > maxSums {
		return metrics.Errorf(metrics.Invalid, "deltas of more than %d series are not added up: have the sender send cumulative ones", maxSums)
	}
	return nil
}

// sweep forgets series that have been silent for long.
func (s *sums) sweep(now time.Time) {
	if now.Sub(s.swept) < sweepEvery {
		return
	}
	s.swept = now
	for series, one := range s.bySeries {
		if now.Sub(one.used) > sumsKeptFor {
			delete(s.bySeries, series)
		}
	}
}
