package collect

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"liveboard/metrics"
)

const (
	// grace is what a collector gets on top of its timeout to hand over what it has.
	grace = 250 * time.Millisecond
	// lateness is how far a run may be off its tick and still bear the tick's time:
	// samples at even distances take one bit of time each, and are as true.
	lateness = 10 * time.Millisecond
	// farewell is how long a stopped collector may take to return, and the end of its series to
	// be recorded.
	farewell = 2 * time.Second
)

// worker runs one collector. Its fields belong to the goroutine of run.
type worker struct {
	cfg       metrics.CollectorConfig
	ctx       context.Context // ends by stop
	stop      context.CancelFunc
	done      chan struct{}
	jitter    time.Duration
	collector Collector
	rec       Recorder
	notes     *notes
	report    func(error)

	last time.Time               // instant of the last run
	live map[metrics.Series]bool // what the last recorded run brought; true where silence ends it
	late chan outcome            // of the run that is still on; nil where none is
}

type outcome struct {
	samples []metrics.Sample
	err     error
}

// run runs the collector until stop, the first time once those before it are done.
func (w *worker) run(before []*worker) {
	defer close(w.done)
	for _, b := range before {
		<-b.done
	}
	for tick := time.Now().Add(w.jitter); sleep(w.ctx, tick); tick = w.next(tick) {
		w.tick(tick)
	}
	w.end()
}

// ended reports whether run has returned.
func (w *worker) ended() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// next is the first aligned instant from now on that is at least half an interval after last.
func (w *worker) next(last time.Time) time.Time {
	from, now := last.Add(w.cfg.Interval/2), time.Now()
	// A clock that was set back would make us sleep until it is last again.
	if now.After(from) || now.Before(last) {
		from = now
	}
	return from.Add(-w.jitter).Truncate(w.cfg.Interval).Add(w.cfg.Interval + w.jitter)
}

// jitter keeps collectors of one interval, here and on other machines, from running as one.
func jitter(interval time.Duration) time.Duration {
	most := min(interval/20, 500*time.Millisecond)
	return time.Millisecond + rand.N(most).Truncate(time.Millisecond)
}

// sleep waits until then and reports whether ctx lasted as long.
func sleep(ctx context.Context, then time.Time) bool {
	timer := time.NewTimer(time.Until(then))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// tick runs the collector once and records the outcome.
func (w *worker) tick(at time.Time) {
	start := time.Now()
	if start.Sub(at).Abs() > lateness { // before its tick where the clock was set back
		at = start
	}
	w.last = at
	samples, err := w.collect(at)
	if w.ctx.Err() != nil {
		return // stopped on the way: what it has is cut short, and end follows
	}
	w.notes.note("run", err)
	b, live := w.batch(at, samples, err == nil, time.Since(start))
	lost := w.record(w.ctx, b)
	w.notes.note("record", lost)
	w.report(cmp.Or(err, lost))
	switch {
	case lost == nil:
		w.live = live
	case w.ctx.Err() != nil || len(b.Samples) > metrics.MaxBatchSamples:
		// Stopped while it waited, or in the middle of several: end all that may be recorded.
		maps.Copy(live, w.live)
		w.live = live
	}
}

// collect calls the collector and waits as long as its timeout allows. A run that does
// not heed its timeout stays the only one until it has ended.
func (w *worker) collect(at time.Time) ([]metrics.Sample, error) {
	if w.late != nil {
		select {
		case <-w.late:
		default:
			return nil, errors.New("the run before has not ended")
		}
	}
	result := make(chan outcome, 1)
	w.late = result
	go func() {
		var o outcome
		ctx, cancel := context.WithTimeout(w.ctx, w.cfg.Timeout)
		defer cancel()
		o.err = shield(func() (err error) {
			o.samples, err = w.collector.Collect(ctx, at)
			return err
		})
		result <- o
	}()
	select {
	case o := <-result:
		w.late = nil
		if down := (*downError)(nil); errors.As(o.err, &down) {
			return down.samples, o.err
		}
		if o.err != nil {
			return nil, o.err
		}
		return o.samples, nil
	case <-time.After(w.cfg.Timeout + grace):
		return nil, errors.New("the run did not end in time")
	case <-w.ctx.Done():
		return nil, w.ctx.Err() // end waits for it
	}
}

// batch returns what to record of a run, and the series that it brought.
func (w *worker) batch(at time.Time, samples []metrics.Sample, up bool, took time.Duration) (metrics.Batch, map[metrics.Series]bool) {
	h := harvest{at: at.UnixMilli(), common: []metrics.Label{{Name: "collector", Value: w.cfg.Name}}}
	h.add("collector_up", truth(up))
	h.add("collector_seconds", took.Seconds())
	live := make(map[metrics.Series]bool, len(w.live))
	b := metrics.Batch{Samples: make([]metrics.Sample, 0, len(h.samples)+len(samples))}
	for _, s := range append(h.samples, samples...) {
		if _, twice := live[s.Series]; twice {
			continue
		}
		// A source that dates its samples itself may bring an older one next: a marker
		// at our time would stand in its way. Prometheus does the same.
		live[s.Series] = s.At == h.at
		b.Samples = append(b.Samples, s)
	}
	return w.markEnded(b, h.at, live), live
}

// markEnded appends a stale marker for each series that was live and is not in now.
func (w *worker) markEnded(b metrics.Batch, at int64, now map[metrics.Series]bool) metrics.Batch {
	for s, ends := range w.live {
		if _, alive := now[s]; ends && !alive {
			b.Samples = append(b.Samples, metrics.Sample{Series: s, At: at, Value: metrics.StaleMarker()})
		}
	}
	return b
}

// record records b, in pieces where it is more than one batch may hold.
func (w *worker) record(ctx context.Context, b metrics.Batch) error {
	from := metrics.Origin{Format: "collector", Sender: w.cfg.Name}
	for piece := range slices.Chunk(b.Samples, metrics.MaxBatchSamples) {
		if err := w.rec.Record(ctx, metrics.Batch{Samples: piece, Origin: from}); err != nil {
			return err
		}
	}
	return nil
}

// end waits for the run that is still on, but not for one that hangs, and ends all series.
// They end after the last run's instant even if the clock stands at it, or was set back.
func (w *worker) end() {
	if w.late != nil {
		select {
		case <-w.late:
		case <-time.After(farewell): // in a system call that nothing interrupts, such as on a dead disk
		}
	}
	at := max(time.Now().UnixMilli(), w.last.UnixMilli()+1)
	if b := w.markEnded(metrics.Batch{}, at, nil); len(b.Samples) > 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), farewell)
		defer cancel()
		w.notes.note("record", w.record(ctx, b))
	}
	w.report(nil)
}
