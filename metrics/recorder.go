package metrics

import (
	"context"
	"sync"
	"time"
)

// Limits of recording.
const (
	MaxBatchSamples   = 20_000  // a batch
	MaxSeries         = 100_000 // of all metrics together, unless a RecorderConfig says otherwise
	MaxSeriesPerToken = 50_000  // that one token has brought, unless a RecorderConfig says otherwise
	maxGroupSamples   = 20_000  // from which on a group is closed
)

// Log makes samples durable.
type Log interface {
	// Append returns once samples are durable, all of them, or none with an error. Groups with a
	// higher seq come later. Every series that is new has its arrival. It keeps nothing of samples.
	Append(ctx context.Context, samples []Sample, arrivals []Arrival) (seq uint64, err error)
}

// Applier makes samples visible to queries.
type Applier interface {
	// Apply takes in a durable group, in the order of the log. It keeps nothing of samples.
	Apply(seq uint64, samples []Sample)
	// Len is the number of known series.
	Len() int
	// Fresh returns the indexes of the samples whose series is not known.
	Fresh(samples []Sample) []int
}

// RecorderConfig says where a Recorder's samples go.
type RecorderConfig struct {
	Log               Log
	Applier           Applier
	Bell              func(names []string)     // told the distinct metric names of each group; must not block; may be nil
	Arrived           func(arrivals []Arrival) // told the new series of each group, before the bell; must not block; may be nil
	MaxSeries         int                      // 0 means MaxSeries
	MaxSeriesPerToken int                      // 0 means MaxSeriesPerToken
	SeriesPerToken    map[string]int           // how many series each token has brought so far; owned by the Recorder from then on
}

// Recorder makes batches durable and visible in the groups of a Committer.
type Recorder struct {
	config    RecorderConfig
	committer *Committer[*pending]
	stats     recorderStats
	perToken  map[string]int // series; of the goroutine that commits

	mu   sync.Mutex
	gone map[string]int // forgotten series by token, until the next commit takes them off perToken
}

// pending is a batch on its way through the Recorder.
type pending struct {
	Batch
	since   time.Time
	refused int   // samples that were taken out of a Partial batch
	first   error // why the first of them was
	outcome chan error
}

// result is what the sender is told of a batch that was committed with err.
func (p *pending) result(err error) error {
	if err != nil || p.refused == 0 {
		return err
	}
	return &PartialError{Recorded: len(p.Samples), Refused: p.refused, First: p.first}
}

// refuse takes the samples out for which why returns an error.
func (p *pending) refuse(why func(Sample) error) {
	kept := make([]Sample, 0, len(p.Samples)) // of the caller, who may look at them again
	for _, s := range p.Samples {
		err := why(s)
		if err == nil {
			kept = append(kept, s)
			continue
		}
		p.refused++
		if p.first == nil {
			p.first = err
		}
	}
	p.Samples = kept
}

// NewRecorder returns a Recorder that runs until Close.
func NewRecorder(c RecorderConfig) *Recorder {
	if c.MaxSeries == 0 {
		c.MaxSeries = MaxSeries
	}
	if c.MaxSeriesPerToken == 0 {
		c.MaxSeriesPerToken = MaxSeriesPerToken
	}
	if c.Bell == nil {
		c.Bell = func([]string) {}
	}
	if c.Arrived == nil {
		c.Arrived = func([]Arrival) {}
	}
	if c.SeriesPerToken == nil {
		c.SeriesPerToken = make(map[string]int)
	}
	r := &Recorder{config: c, perToken: c.SeriesPerToken, gone: make(map[string]int)}
	r.stats.commit = NewHistogram(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5)
	r.committer = NewCommitter(maxGroupSamples, func(p *pending) int { return len(p.Samples) }, r.commit)
	return r
}

// Record returns nil once the batch is durable and visible to queries and the bell has rung. Otherwise nothing of it
// is recorded, and the error is of kind Invalid (a sample is wrong), TooLarge (the batch is), TooMany
// (series) or Unavailable (the log cannot take it, the recorder is closed, or ctx ended while
// the queue was full). Once in the queue, the batch is committed even when ctx ends.
//
// Of a Partial batch the samples that are wrong, and those of series that are too many, are left out; where there
// are any, the error is a *PartialError.
func (r *Recorder) Record(ctx context.Context, b Batch) error {
	now := time.Now()
	if n := len(b.Samples); n > MaxBatchSamples {
		return Errorf(TooLarge, "the batch has %d samples, at most %d are allowed: send it in parts", n, MaxBatchSamples)
	}
	p := &pending{Batch: b, since: now, outcome: make(chan error, 1)}
	if err := b.Check(now); err != nil {
		if !b.Partial {
			return err
		}
		p.refuse(func(s Sample) error { return s.Check(now) })
	}
	if len(p.Samples) == 0 {
		return p.result(nil)
	}
	if err := r.committer.Add(ctx, p); err != nil {
		return err
	}
	return <-p.outcome
}

// Forget makes room for new series in the place of those that the log has deleted. It does not block.
func (r *Recorder) Forget(gone []Arrival) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range gone {
		r.gone[a.Origin.Token]++
	}
}

// Close refuses further batches and returns once those in the queue are through.
func (r *Recorder) Close() { r.committer.Close() }
