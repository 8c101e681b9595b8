package metrics

import (
	"sync/atomic"
	"time"
)

// RecorderStats are the counts of a Recorder since its start.
type RecorderStats struct {
	Samples, Batches, Groups uint64            // durable
	Failures                 uint64            // groups that the log refused
	Commit                   HistogramSnapshot // seconds from the call of Record to its durable commit
}

type recorderStats struct {
	samples, batches, groups, failures atomic.Uint64
	commit                             *Histogram
}

// count notes a batch that went through with err.
func (s *recorderStats) count(p *pending, err error) {
	if err != nil {
		return
	}
	s.samples.Add(uint64(len(p.Samples)))
	s.batches.Add(1)
	s.commit.Observe(time.Since(p.since).Seconds())
}

// Stats returns the counts as of now.
func (r *Recorder) Stats() RecorderStats {
	s := &r.stats
	return RecorderStats{
		Samples:  s.samples.Load(),
		Batches:  s.batches.Load(),
		Groups:   s.groups.Load(),
		Failures: s.failures.Load(),
		Commit:   s.commit.Snapshot(),
	}
}
