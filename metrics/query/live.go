package query

import (
	"context"
	"math"
	"time"

	"liveboard/metrics"
)

// pause is how long a live query that broke a limit is left alone: it would break it again, at
// full cost, on every tick.
const pause = 30 * time.Second

// Live is an expression over a range that is asked again and again. It keeps the points of the
// grid's instants and evaluates only those that have become due, those that late samples may
// have changed, and the tip. It is for one goroutine at a time.
type Live struct {
	engine *Engine
	expr   *expression
	span   metrics.Range
	state

	refused   error // of the run at refusedAt, nil where it had none that lasts
	refusedAt time.Time
}

// state is what a Live knows from its last run.
type state struct {
	held    lines  // the points of the last window, its tip included
	seq     uint64 // the group of samples up to which held is true
	through int64  // the newest instant of the grid in held
	end     int64  // the end of the window
	at      int64  // the newest sample
}

// unrun is the state before the first run: nothing is held through any instant.
func unrun() state { return state{through: math.MinInt64} }

// Live returns expr as a live query over r. The error is that of Check.
func (e *Engine) Live(expr string, r metrics.Range) (*Live, error) {
	x, err := parse(expr)
	if err != nil {
		return nil, err
	}
	return &Live{engine: e, expr: x, span: r, state: unrun()}, nil
}

// At returns the answer over the range's window at now: a point for every multiple of the
// window's step at which the expression has a value, and, for a range that follows the clock,
// one at now itself. That last point is provisional: unless now is on the grid, the next
// answer has another in its place. No point lies after now.
//
// The answer is the same as that of a new Live at now. Result.At and Result.Err are as with
// Instant. After an error the next call tries again, but after one of kind TooLarge or
// Unavailable it repeats the error for half a minute, except where ctx had ended. At blocks
// while queries run. The Result is the caller's: no later call changes it.
func (l *Live) At(ctx context.Context, now time.Time) metrics.Result {
	if l.refused != nil && now.Sub(l.refusedAt).Abs() < pause {
		return metrics.Result{Err: l.refused}
	}
	l.refused = nil
	if err := l.advance(ctx, now); err != nil {
		if ctx.Err() == nil && limited(err) {
			l.state, l.refused, l.refusedAt = unrun(), err, now
		}
		return metrics.Result{Err: err}
	}
	return metrics.Result{Lines: l.held.copy(), At: l.at}
}

func limited(err error) bool {
	k := metrics.KindOf(err)
	return k == metrics.TooLarge || k == metrics.Unavailable
}

// advance brings the state to now. A query that fails leaves it as it was.
func (l *Live) advance(ctx context.Context, now time.Time) error {
	// What is new is asked before anything is read, so that a group which comes
	// between the two is read twice and never missed.
	oldest, seq := l.news()
	w := l.span.Window(now)
	end := min(w.To, now.UnixMilli())
	first, last := up(w.From, w.Step), down(end, w.Step)
	from := l.from(first, end, oldest, w.Step)

	fresh, at := lines(nil), l.at
	if from == first {
		at = 0
	}
	for _, s := range l.steps(from, last, end, w.Step) {
		in := &reading{source: l.engine.source, before: s.from - first, grid: w.Step, step: s.step}
		ls, err := l.engine.over(ctx, in, l.expr.within(first, end), s)
		if err != nil {
			return err
		}
		fresh, at = fresh.merge(ls), in.newest
	}
	held := l.held.cut(first, min(from-1, l.through)).merge(fresh)
	l.state = state{held, seq, last, end, at}
	return held.check()
}

// news returns the time of the oldest sample that has come since the last run for any metric
// that the expression reads, and the newest group of samples.
func (l *Live) news() (oldest int64, seq uint64) {
	oldest, seq = math.MaxInt64, l.seq
	for i, name := range l.expr.names {
		t, latest := l.engine.source.Since(name, l.seq)
		oldest = min(oldest, t)
		if i == 0 {
			seq = latest
		}
	}
	return oldest, seq
}

// from returns the first instant of the grid that has to be evaluated: the one after those
// held, or an earlier one that a sample of the time oldest may have changed. An unknown time
// lies before every window.
func (l *Live) from(first, end, oldest, step int64) int64 {
	changed := oldest != math.MaxInt64 || end != l.end
	switch {
	case l.through < first, end < l.end, l.expr.drifts && changed:
		return first
	case oldest <= l.through:
		return max(first, up(oldest, step))
	}
	return l.through + step
}

// steps are the instants of one run of the engine: every step from from to to.
type steps struct{ from, to, step int64 }

// steps returns the runs that evaluate the grid from from to last, and the tip at end. One
// instant and the tip are two instants at an even distance, so one run.
func (l *Live) steps(from, last, end, step int64) []steps {
	grid, tip := steps{from, last, step}, steps{end, end, step}
	switch hasTip := !l.span.Fixed() && end != last; {
	case from > last && !hasTip:
		return nil
	case from > last:
		return []steps{tip}
	case !hasTip:
		return []steps{grid}
	case from == last:
		return []steps{{last, end, end - last}}
	}
	return []steps{grid, tip}
}

func down(t, step int64) int64 { return t / step * step }
func up(t, step int64) int64   { return down(t+step-1, step) }
