package metrics

import (
	"context"
	"time"
)

// Limits of recording.
const (
	MaxBatchSamples = 20_000  // a batch
	MaxSeries       = 100_000 // of all metrics together, unless a RecorderConfig says otherwise
	maxGroupSamples = 20_000  // from which on a group is closed
)

// Log makes samples durable.
type Log interface {
	// Append returns once samples are durable, all of them, or none with an error. Groups with a
	// higher seq come later. It keeps nothing of samples.
	Append(ctx context.Context, samples []Sample) (seq uint64, err error)
}

// Applier makes samples visible to queries.
type Applier interface {
	// Apply takes in a durable group, in the order of the log. It keeps nothing of samples.
	Apply(seq uint64, samples []Sample)
	// Len is the number of known series.
	Len() int
	// Has reports whether s is known.
	Has(s Series) bool
}

// RecorderConfig says where a Recorder's samples go.
type RecorderConfig struct {
	Log       Log
	Applier   Applier
	Bell      func(names []string) // told the distinct metric names of each group; must not block; may be nil
	MaxSeries int                  // 0 means MaxSeries
}

// Recorder makes batches durable and visible in the groups of a Committer.
type Recorder struct {
	config    RecorderConfig
	committer *Committer[*pending]
	stats     recorderStats
}

// pending is a batch on its way through the Recorder.
type pending struct {
	samples []Sample
	since   time.Time
	outcome chan error
}

// NewRecorder returns a Recorder that runs until Close.
func NewRecorder(c RecorderConfig) *Recorder {
	if c.MaxSeries == 0 {
		c.MaxSeries = MaxSeries
	}
	if c.Bell == nil {
		c.Bell = func([]string) {}
	}
	r := &Recorder{config: c}
	r.stats.commit = NewHistogram(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5)
	r.committer = NewCommitter(maxGroupSamples, func(p *pending) int { return len(p.samples) }, r.commit)
	return r
}

// Record returns nil once the batch is durable and visible to queries and the bell has rung. Otherwise nothing of it
// is recorded, and the error is of kind Invalid (a sample is wrong), TooLarge (the batch is), TooMany
// (series) or Unavailable (the log cannot take it, the recorder is closed, or ctx ended while
// the queue was full). Once in the queue, the batch is committed even when ctx ends.
func (r *Recorder) Record(ctx context.Context, b Batch) error {
	now := time.Now()
	if n := len(b.Samples); n > MaxBatchSamples {
		return Errorf(TooLarge, "the batch has %d samples, at most %d are allowed", n, MaxBatchSamples)
	}
	if err := b.Check(now); err != nil || len(b.Samples) == 0 {
		return err
	}
	p := &pending{samples: b.Samples, since: now, outcome: make(chan error, 1)}
	if err := r.committer.Add(ctx, p); err != nil {
		return err
	}
	return <-p.outcome
}

// Close refuses further batches and returns once those in the queue are through.
func (r *Recorder) Close() { r.committer.Close() }
