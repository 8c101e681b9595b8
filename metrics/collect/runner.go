package collect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"liveboard/metrics"
)

// Recorder makes a batch durable, whole or not at all, and returns then.
type Recorder interface {
	Record(ctx context.Context, b metrics.Batch) error
}

// Runner runs a set of collectors, each on its own clock, and records what they bring.
//
// Beside a collector's samples each run records collector_up{collector}, 1 or 0, and
// collector_seconds{collector}, how long the run took. A series that a run does not bring
// again ends at that instant by metrics.StaleMarker, and so do all series of a collector
// that fails or goes: a process, a disk or a target that is gone is gone on screen as well.
type Runner struct {
	rec     Recorder
	deps    Deps
	changed chan struct{} // holds a token when wanted moved

	mu      sync.Mutex
	running bool
	wanted  []metrics.CollectorConfig
	failing map[string]error // by collector: how its last run failed
}

// NewRunner returns a Runner without collectors, which runs nothing before Run.
func NewRunner(rec Recorder, deps Deps) *Runner {
	return &Runner{rec: rec, deps: deps, changed: make(chan struct{}, 1), failing: map[string]error{}}
}

// Set makes configs, checked as by Check, the collectors to run; on an error nothing
// changes. It may be called before Run and at any time during it, and does not block.
// A collector whose config stays the same keeps running undisturbed.
func (r *Runner) Set(configs []metrics.CollectorConfig) error {
	if err := Check(configs...); err != nil {
		return err
	}
	r.mu.Lock()
	r.wanted = slices.Clone(configs)
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
	return nil
}

// Run runs the collectors until ctx ends, and returns when each has returned and
// recorded the end of its series. It must be called only once.
func (r *Runner) Run(ctx context.Context) {
	r.setRunning(true)
	defer r.setRunning(false)
	var all sync.WaitGroup
	defer all.Wait()
	var workers []*worker
	for ctx.Err() == nil {
		workers = r.apply(ctx, workers, &all)
		select {
		case <-r.changed:
		case <-ctx.Done():
		}
	}
}

// Healthy returns nil while Run runs and the last run of each collector succeeded, or
// else what is wrong with which.
func (r *Runner) Healthy() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.running {
		return errors.New("the collectors are not running")
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(r.failing)) {
		errs = append(errs, fmt.Errorf("collector %q: %w", name, r.failing[name]))
	}
	return errors.Join(errs...)
}

// apply stops the workers that are no longer wanted as they are, starts those that are
// missing, and returns all that have not ended. A new one waits for those on their way out:
// it may bring series that were theirs, which their last word would end.
func (r *Runner) apply(ctx context.Context, workers []*worker, all *sync.WaitGroup) []*worker {
	r.mu.Lock()
	wanted := r.wanted
	r.mu.Unlock()
	workers = slices.DeleteFunc(workers, (*worker).ended)
	var leaving []*worker
	kept := map[string]bool{}
	for _, w := range workers {
		same := func(cfg metrics.CollectorConfig) bool { return reflect.DeepEqual(cfg, w.cfg) }
		if w.ctx.Err() != nil || !slices.ContainsFunc(wanted, same) {
			w.stop()
			leaving = append(leaving, w)
			continue
		}
		kept[w.cfg.Name] = true
	}
	for _, cfg := range wanted {
		if kept[cfg.Name] {
			continue
		}
		w := r.worker(ctx, cfg)
		workers = append(workers, w)
		all.Go(func() { w.run(leaving) })
	}
	return workers
}

func (r *Runner) worker(ctx context.Context, cfg metrics.CollectorConfig) *worker {
	ctx, stop := context.WithCancel(ctx)
	return &worker{
		cfg:       cfg,
		ctx:       ctx,
		stop:      stop,
		done:      make(chan struct{}),
		jitter:    jitter(cfg.Interval),
		collector: kinds[cfg.Kind].open(cfg, r.deps),
		rec:       r.rec,
		notes:     newNotes(r.deps.Log, cfg.Name),
		report:    func(err error) { r.report(cfg.Name, err) },
	}
}

func (r *Runner) report(name string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		delete(r.failing, name)
		return
	}
	r.failing[name] = err
}

func (r *Runner) setRunning(running bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = running
}
