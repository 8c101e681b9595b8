// Package query answers PromQL with Prometheus's own engine: once for an instant, or live,
// over a window that moves with the clock and costs one more instant a tick.
//
// An answer holds finite numbers only: an instant at which an expression gives NaN or ±Inf
// (0/0, 1/0) has no point, as one at which it gives nothing.
package query

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/prometheus/promql"

	"liveboard/metrics"
)

// The limits of a query.
const (
	MaxSamples = 5_000_000        // samples that it holds in memory at once
	MaxLines   = 1000             // lines of its answer
	Timeout    = 10 * time.Second // how long it may run
	Lookback   = 5 * time.Minute  // how old the newest sample before an instant may be to count as its value
)

// Engine evaluates expressions over one Source. It is safe for concurrent use.
type Engine struct {
	source Source
	promql *promql.Engine
}

// New returns an Engine that reads source.
func New(source Source) *Engine {
	return &Engine{source, promql.NewEngine(promql.EngineOpts{
		Logger:                   slog.Default(),
		MaxSamples:               MaxSamples,
		Timeout:                  Timeout,
		LookbackDelta:            Lookback,
		NoStepSubqueryIntervalFn: subqueryStep,
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		Parser:                   language,
	})}
}

// subqueryStep is the step of a subquery that names none: that of a window as long.
func subqueryStep(rangeMillis int64) int64 {
	span := metrics.Range{Span: time.Duration(rangeMillis) * time.Millisecond}
	return span.Window(time.UnixMilli(0)).Step
}

// Instant returns the value of expr at now, one point a line. Lines are sorted by labels; those
// of an outermost topk, bottomk, sort or sort_desc keep the order in which it put them.
//
// Result.At is the time of the newest sample, not after now, of the series that expr selects and
// in the time that it reads. Result.Err is of kind Invalid for an expression that is wrong, with
// the position where Check finds it; TooLarge for one that breaks a limit; Unavailable for one
// that ran out of time. It blocks while the query runs. The caller owns the Result.
func (e *Engine) Instant(ctx context.Context, expr string, now time.Time) metrics.Result {
	x, err := parse(expr)
	if err != nil {
		return metrics.Result{Err: err}
	}
	in := &reading{source: e.source}
	ls, err := e.run(ctx, func() (promql.Query, error) {
		return e.promql.NewInstantQuery(ctx, in, nil, rolled(expr, 0), now)
	})
	if err != nil {
		return metrics.Result{Err: err}
	}
	if !x.ordered {
		ls.sort()
	}
	return metrics.Result{Lines: ls.copy(), At: in.newest}
}

// over returns the values of expr at the instants s, its lines sorted by labels.
func (e *Engine) over(ctx context.Context, in *reading, expr string, s steps) (lines, error) {
	return e.run(ctx, func() (promql.Query, error) {
		return e.promql.NewRangeQuery(ctx, in, nil, rolled(expr, in.distance(s.step)), time.UnixMilli(s.from), time.UnixMilli(s.to), time.Duration(s.step)*time.Millisecond)
	})
}

// run evaluates the query that prepare makes. The engine guards its evaluation against panics
// but not its preparation, nor a Source; run guards them all.
func (e *Engine) run(ctx context.Context, prepare func() (promql.Query, error)) (ls lines, err error) {
	defer func() {
		if p := recover(); p != nil {
			ls, err = nil, metrics.Errorf(metrics.Internal, "query panicked: %v\n%s", p, debug.Stack())
		}
	}()
	q, err := prepare()
	if err != nil {
		return nil, explain(err)
	}
	defer q.Close()
	res := q.Exec(ctx)
	if res.Err != nil {
		return nil, explain(res.Err)
	}
	ls = linesOf(res.Value)
	return ls, ls.check()
}

// explain turns the engine's error into one of ours that says what to do.
func explain(err error) error {
	var (
		ours     *metrics.Error
		fault    runtime.Error
		timeout  promql.ErrQueryTimeout
		canceled promql.ErrQueryCanceled
		samples  promql.ErrTooManySamples
	)
	switch {
	case errors.As(err, &timeout), errors.Is(err, context.DeadlineExceeded):
		return metrics.Errorf(metrics.Unavailable, "The query took too long (at most %v): ask for a shorter range or fewer series.", Timeout)
	case errors.As(err, &canceled), errors.Is(err, context.Canceled):
		return metrics.Errorf(metrics.Unavailable, "The query was given up before it was done: %w", context.Canceled)
	case errors.As(err, &samples):
		return metrics.Errorf(metrics.TooLarge, "The query reads more than %d samples at once: ask for a shorter range or fewer series.", MaxSamples)
	case errors.As(err, &ours):
		return err
	case errors.As(err, &fault):
		return metrics.Errorf(metrics.Internal, "evaluate query: %w", err)
	}
	return metrics.Errorf(metrics.Invalid, "%w", err)
}
