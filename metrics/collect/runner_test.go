package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"liveboard/metrics"
)

// tape is a Recorder that keeps what it is given.
type tape struct {
	t *testing.T

	mu      sync.Mutex
	err     error // why Record refuses; nil where it does not
	hanging bool
	samples []metrics.Sample
}

func (p *tape) Record(ctx context.Context, b metrics.Batch) error {
	if p.keep(b) {
		<-ctx.Done()
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// keep reports whether Record has to hang.
func (p *tape) keep(b metrics.Batch) (hang bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(b.Samples); n > metrics.MaxBatchSamples {
		p.t.Errorf("a batch of %d samples was recorded, at most %d are allowed", n, metrics.MaxBatchSamples)
	}
	if err := b.Check(time.Now()); err != nil {
		p.t.Errorf("a batch was recorded that fails its check: %v", err)
	}
	if p.err == nil {
		p.samples = append(p.samples, b.Samples...)
	}
	hang, p.hanging = p.hanging, false
	return hang
}

// hang makes the next Record keep its batch and wait for its context.
func (p *tape) hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hanging = true
}

func (p *tape) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// of returns the samples of a series in the order of their recording.
func (p *tape) of(series string) []metrics.Sample {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []metrics.Sample
	for _, s := range p.samples {
		if s.Series.String() == series {
			list = append(list, s)
		}
	}
	return list
}

// values returns the values of a series in order; a stale marker shows as end.
func (p *tape) values(series string) string {
	var words []string
	for _, s := range p.of(series) {
		if metrics.IsStale(s.Value) {
			words = append(words, "end")
			continue
		}
		words = append(words, fmt.Sprint(s.Value))
	}
	return strings.Join(words, " ")
}

func (p *tape) want(series, values string) {
	p.t.Helper()
	if got := p.values(series); got != values {
		p.t.Errorf("%s: got %q, want %q", series, got, values)
	}
}

type collectFunc func(ctx context.Context, now time.Time) ([]metrics.Sample, error)

func (f collectFunc) Collect(ctx context.Context, now time.Time) ([]metrics.Sample, error) {
	return f(ctx, now)
}

// registerProbe makes a kind "probe" whose collectors are what open returns.
func registerProbe(t *testing.T, open func(cfg metrics.CollectorConfig) collectFunc) {
	register("probe", kind{
		interval: time.Second,
		targets:  func([]string) error { return nil },
		open:     func(cfg metrics.CollectorConfig, _ Deps) Collector { return open(cfg) },
	})
	t.Cleanup(func() { delete(kinds, "probe") })
}

func probe(name string) metrics.CollectorConfig {
	return Defaults(metrics.CollectorConfig{Kind: "probe", Name: name})
}

// running is a Runner that runs in a synctest bubble.
type running struct {
	*Runner
	*tape
	log  *bytes.Buffer // read it after stop only
	stop func()        // ends Run and waits for it
}

func start(t *testing.T, configs ...metrics.CollectorConfig) *running {
	t.Helper()
	p, log := &tape{t: t}, &bytes.Buffer{}
	r := NewRunner(p, Deps{Log: slog.New(slog.NewJSONHandler(log, nil))})
	if err := r.Set(configs); err != nil {
		t.Fatalf("Set: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { r.Run(ctx) })
	return &running{r, p, log, func() { cancel(); run.Wait() }}
}

// after lets the bubble's clock run on.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func sample(t *testing.T, name string, at time.Time, value float64) metrics.Sample {
	t.Helper()
	s, err := metrics.NewSeries(name)
	if err != nil {
		t.Fatalf("series %s: %v", name, err)
	}
	return metrics.Sample{Series: s, At: at.UnixMilli(), Value: value}
}

// counting returns a collector that brings the number of its run, from 1, as runs.
func counting(t *testing.T) collectFunc {
	n := 0.0
	return func(_ context.Context, now time.Time) ([]metrics.Sample, error) {
		n++
		return []metrics.Sample{sample(t, "runs", now, n)}, nil
	}
}

func TestRunnerRunsAtOnceAndThenOnTheBeat(t *testing.T) {
	registerProbe(t, func(metrics.CollectorConfig) collectFunc { return counting(t) })
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(300 * time.Millisecond)
		begin := time.Now().UnixMilli()
		r := start(t, probe("a"))
		after(3500 * time.Millisecond)
		r.stop()
		r.want("runs", "1 2 3 4 end")
		r.want(`collector_up{collector="a"}`, "1 1 1 1 end")
		r.want(`collector_seconds{collector="a"}`, "0 0 0 0 end")
		samples := r.of("runs")
		if late := samples[0].At - begin; late < 0 || late > 60 {
			t.Errorf("the first run came after %d ms, want at once", late)
		}
		for i, s := range samples[1:4] {
			if off := s.At % 1000; off > 60 || s.At-samples[1].At != int64(i)*1000 {
				t.Errorf("run %d was at %d ms, want one a second and just after it begins", i+2, s.At)
			}
		}
	})
}

func TestRunnerSkipsTicksMissedByALongRun(t *testing.T) {
	registerProbe(t, func(metrics.CollectorConfig) collectFunc {
		count := counting(t)
		return func(ctx context.Context, now time.Time) ([]metrics.Sample, error) {
			<-ctx.Done() // as long as it may: the next tick is due at the very end
			return count(ctx, now)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		cfg := probe("a")
		cfg.Timeout = cfg.Interval
		r := start(t, cfg)
		after(5500 * time.Millisecond)
		r.stop()
		r.want("runs", "1 2 3 end")
		samples := r.of("runs")
		for i, s := range samples[1:3] {
			if gap := s.At - samples[i].At; gap != 2000 {
				t.Errorf("run %d came %d ms after the one before, want 2000", i+2, gap)
			}
		}
		r.want(`collector_up{collector="a"}`, "1 1 1 end")
	})
}

func TestRunnerGivesUpOnARunThatIgnoresItsTimeout(t *testing.T) {
	var running, most atomic.Int32
	registerProbe(t, func(metrics.CollectorConfig) collectFunc {
		count, n := counting(t), 0
		return func(ctx context.Context, now time.Time) ([]metrics.Sample, error) {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			if n++; n == 2 {
				time.Sleep(2500 * time.Millisecond)
			}
			return count(ctx, now)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := start(t, probe("a"))
		after(1900 * time.Millisecond)
		if err := r.Healthy(); err == nil || !strings.Contains(err.Error(), "did not end in time") {
			t.Errorf("Healthy: got %v, want that the run did not end in time", err)
		}
		after(4 * time.Second)
		if err := r.Healthy(); err != nil {
			t.Errorf("Healthy after a good run: got %v, want nil", err)
		}
		r.stop()
		r.want(`collector_up{collector="a"}`, "1 0 0 0 1 1 end")
		r.want("runs", "1 end 3 4 end")
		if most.Load() != 1 {
			t.Errorf("%d runs were on at once, want 1", most.Load())
		}
	})
}

func TestRunnerSurvivesAPanic(t *testing.T) {
	registerProbe(t, func(metrics.CollectorConfig) collectFunc {
		n := 0
		return func(_ context.Context, now time.Time) ([]metrics.Sample, error) {
			if n++; n == 2 || n == 3 {
				panic("no disk")
			}
			return []metrics.Sample{sample(t, "runs", now, float64(n))}, nil
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := start(t, probe("a"))
		after(3500 * time.Millisecond)
		r.stop()
		r.want("runs", "1 end 4 end")
		r.want(`collector_up{collector="a"}`, "1 0 0 1 end")
		log := r.log.String()
		if n := strings.Count(log, "panic: no disk"); n != 1 {
			t.Errorf("the panic is %d times in the log, want once: %s", n, log)
		}
		if !strings.Contains(log, "runner_test.go") {
			t.Errorf("the stack is not in the log: %s", log)
		}
		if !strings.Contains(log, "collector well again") {
			t.Errorf("the recovery is not in the log: %s", log)
		}
	})
}

func TestRunnerEndsSeriesThatARunDoesNotBring(t *testing.T) {
	registerProbe(t, func(metrics.CollectorConfig) collectFunc {
		n := 0
		return func(_ context.Context, now time.Time) ([]metrics.Sample, error) {
			n++
			list := []metrics.Sample{sample(t, "stays", now, float64(n))}
			if n != 2 && n != 3 {
				list = append(list, sample(t, "comes", now, float64(n)))
			}
			return list, nil
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := start(t, probe("a"))
		after(3500 * time.Millisecond)
		r.stop()
		r.want("stays", "1 2 3 4 end")
		r.want("comes", "1 end 4 end")
		if end, run := r.of("comes")[1].At, r.of("stays")[1].At; end != run {
			t.Errorf("the series ended at %d, want the instant of the run without it, %d", end, run)
		}
	})
}

func TestRunnerEndsAllSeriesOfAFailedRun(t *testing.T) {
	registerProbe(t, func(metrics.CollectorConfig) collectFunc {
		n := 0
		return func(_ context.Context, now time.Time) ([]metrics.Sample, error) {
			var err error
			if n++; n > 1 {
				err = errors.New("no sensor")
			}
			return []metrics.Sample{sample(t, "runs", now, float64(n))}, err
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := start(t, probe("a"))
		after(2500 * time.Millisecond)
		if err := r.Healthy(); err == nil || err.Error() != `collector "a": no sensor` {
			t.Errorf("Healthy: got %v", err)
		}
		r.stop()
		r.want("runs", "1 end")
		r.want(`collector_up{collector="a"}`, "1 0 0 end")
		if n := strings.Count(r.log.String(), "no sensor"); n != 1 {
			t.Errorf("the trouble is %d times in the log, want once", n)
		}
	})
}

func TestRunnerLeavesSelfDatedSeriesToTheirSource(t *testing.T) {
	registerProbe(t, func(metrics.CollectorConfig) collectFunc {
		n := 0
		return func(_ context.Context, now time.Time) ([]metrics.Sample, error) {
			if n++; n == 2 {
				return nil, nil
			}
			return []metrics.Sample{sample(t, "dated", now.Add(-time.Hour), float64(n))}, nil
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := start(t, probe("a"))
		after(2500 * time.Millisecond)
		r.stop()
		r.want("dated", "1 3")
	})
}

func TestRunnerRecordsTheFirstOfASeriesTwiceBrought(t *testing.T) {
	registerProbe(t, func(metrics.CollectorConfig) collectFunc {
		return func(_ context.Context, now time.Time) ([]metrics.Sample, error) {
			return []metrics.Sample{sample(t, "twin", now, 1), sample(t, "twin", now, 2)}, nil
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := start(t, probe("a"))
		after(500 * time.Millisecond)
		r.stop()
		r.want("twin", "1 end")
	})
}

func TestRunnerRecordsMoreThanABatchMayHold(t *testing.T) {
	registerProbe(t, func(metrics.CollectorConfig) collectFunc {
		return func(_ context.Context, now time.Time) ([]metrics.Sample, error) {
			h := &harvest{at: now.UnixMilli()}
			for i := range metrics.MaxBatchSamples + 1 {
				h.add(fmt.Sprintf("s%d", i), 1)
			}
			return h.samples, h.err
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := start(t, probe("a"))
		after(500 * time.Millisecond)
		r.stop()
		r.want("s0", "1 end")
		r.want(fmt.Sprintf("s%d", metrics.MaxBatchSamples), "1 end")
	})
}

func TestSetChangesOnlyWhatDiffers(t *testing.T) {
	opened := map[string]int{}
	registerProbe(t, func(cfg metrics.CollectorConfig) collectFunc {
		opened[cfg.Name]++
		n := opened[cfg.Name]
		return func(_ context.Context, now time.Time) ([]metrics.Sample, error) {
			return []metrics.Sample{sample(t, cfg.Name, now, float64(n))}, nil
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := start(t, probe("stays"), probe("goes"), probe("changes"))
		after(1300 * time.Millisecond)
		changed := probe("changes")
		changed.Interval = 5 * time.Second
		if err := r.Set([]metrics.CollectorConfig{probe("stays"), changed, probe("comes")}); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		r.stop()
		r.want("stays", "1 1 1 end")
		r.want("goes", "1 1 end")
		r.want(`collector_up{collector="goes"}`, "1 1 end")
		r.want("changes", "1 1 end 2 end")
		r.want("comes", "1 1 end")
		s := r.of("changes")
		if s[3].At <= s[2].At {
			t.Errorf("the new collector began at %d, want after the old one ended, %d", s[3].At, s[2].At)
		}
		if err := r.Healthy(); err == nil {
			t.Error("Healthy after Run has returned: got nil")
		}
	})
}

func TestSetRefusesAWholeSet(t *testing.T) {
	registerProbe(t, func(metrics.CollectorConfig) collectFunc { return counting(t) })
	synctest.Test(t, func(t *testing.T) {
		r := start(t, probe("a"))
		err := r.Set([]metrics.CollectorConfig{probe("b"), {Kind: "abacus", Name: "c"}})
		if metrics.KindOf(err) != metrics.Invalid {
			t.Errorf("Set: got %v, want an error of kind Invalid", err)
		}
		after(1500 * time.Millisecond)
		r.stop()
		r.want("runs", "1 2 end")
		r.want(`collector_up{collector="b"}`, "")
	})
}

func TestANameComesBackAfterItsEnd(t *testing.T) {
	registerProbe(t, func(metrics.CollectorConfig) collectFunc {
		return func(ctx context.Context, now time.Time) ([]metrics.Sample, error) {
			time.Sleep(200 * time.Millisecond) // deaf to ctx: it stops late
			return []metrics.Sample{sample(t, "slow", now, 1)}, nil
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := start(t, probe("a"))
		after(1100 * time.Millisecond)
		for _, configs := range [][]metrics.CollectorConfig{nil, {probe("a")}} {
			if err := r.Set(configs); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		after(800 * time.Millisecond)
		r.stop()
		r.want("slow", "1 end 1 end")
	})
}

// Two collectors can bring the same series: a page keeps its own when it moves from one to
// another. The last word of the one that goes must not end what the one that comes has begun.
func TestACollectorBeginsAfterTheEndOfThoseThatGo(t *testing.T) {
	registerProbe(t, func(metrics.CollectorConfig) collectFunc {
		return func(_ context.Context, now time.Time) ([]metrics.Sample, error) {
			time.Sleep(200 * time.Millisecond) // deaf to ctx: it stops late
			return []metrics.Sample{sample(t, "shared", now, 1)}, nil
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := start(t, probe("old"))
		after(1100 * time.Millisecond)
		if err := r.Set([]metrics.CollectorConfig{probe("new")}); err != nil {
			t.Fatal(err)
		}
		after(800 * time.Millisecond)
		r.stop()
		r.want("shared", "1 end 1 end")
		if all := r.of("shared"); all[2].At <= all[1].At {
			t.Errorf("the series begins again at %d, want after its end at %d", all[2].At, all[1].At)
		}
	})
}

// A filesystem that hangs holds up whoever asks for its size, whatever the context says.
func TestStopDoesNotWaitForeverForARunThatHangs(t *testing.T) {
	registerProbe(t, func(metrics.CollectorConfig) collectFunc {
		count, n := counting(t), 0
		return func(ctx context.Context, now time.Time) ([]metrics.Sample, error) {
			if n++; n == 2 {
				time.Sleep(time.Hour)
			}
			return count(ctx, now)
		}
	})
	for _, test := range []struct {
		name string
		stop time.Duration
		up   string
	}{
		{"while it is waited for", 1200 * time.Millisecond, "1 end"},
		{"after it was given up", 3500 * time.Millisecond, "1 0 0 0 end"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, probe("a"))
				after(test.stop)
				begin := time.Now()
				r.stop()
				if took := time.Since(begin); took > farewell {
					t.Errorf("the stop took %s, want at most %s", took, farewell)
				}
				r.want("runs", "1 end")
				r.want(`collector_up{collector="a"}`, test.up)
				after(time.Hour) // the run that nobody waits for
			})
		})
	}
}

func TestRunnerTellsThatRecordingFails(t *testing.T) {
	registerProbe(t, func(metrics.CollectorConfig) collectFunc {
		n := 0
		return func(_ context.Context, now time.Time) ([]metrics.Sample, error) {
			n++
			return []metrics.Sample{sample(t, fmt.Sprintf("run%d", n), now, 1)}, nil
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := start(t, probe("a"))
		after(500 * time.Millisecond)
		r.fail(errors.New("disk full"))
		after(2 * time.Second)
		if err := r.Healthy(); err == nil || err.Error() != `collector "a": disk full` {
			t.Errorf("Healthy: got %v", err)
		}
		r.fail(nil)
		after(time.Second)
		r.stop()
		r.want("run1", "1 end")
		r.want("run2", "")
		r.want("run3", "")
		r.want("run4", "1 end")
		if n := strings.Count(r.log.String(), "disk full"); n != 1 {
			t.Errorf("the trouble is %d times in the log, want once: %s", n, r.log)
		}
	})
}

func TestStopEndsWhatAnInterruptedRecordMayHaveLeft(t *testing.T) {
	registerProbe(t, func(metrics.CollectorConfig) collectFunc { return counting(t) })
	synctest.Test(t, func(t *testing.T) {
		r := start(t, probe("a"))
		r.hang()
		after(500 * time.Millisecond)
		r.stop()
		r.want("runs", "1 end")
	})
}

func TestNextTickAfterTheClockWasSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &worker{cfg: metrics.CollectorConfig{Interval: time.Second}}
		next := w.next(time.Now().Add(time.Hour))
		if wait := time.Until(next); wait <= 0 || wait > time.Second {
			t.Errorf("the next run is in %s, want within a second", wait)
		}
	})
}

func TestARunAfterTheClockWasSetBackBearsItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &tape{t: t}
		w := &worker{
			cfg: metrics.CollectorConfig{Name: "a", Timeout: time.Second}, ctx: t.Context(), collector: counting(t), rec: p,
			notes: newNotes(slog.New(slog.DiscardHandler), "a"), report: func(error) {},
		}
		w.tick(time.Now().Add(5 * time.Minute)) // what the clock would have shown
		if at := p.of("runs")[0].At; at != time.Now().UnixMilli() {
			t.Errorf("the sample is dated %d, want now, %d", at, time.Now().UnixMilli())
		}
	})
}
