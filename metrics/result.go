package metrics

import "time"

// Point is one value at one instant.
type Point struct {
	At    int64 // Unix milliseconds
	Value float64
}

// Line is one series of a query's answer. Points are sorted by time; an instant without a
// value has no point. Whoever made the answer owns the points: readers must not change them.
type Line struct {
	Labels Labels
	Points []Point
}

// Last returns the newest point of the line; ok is false where there is none.
func (l Line) Last() (p Point, ok bool) {
	if len(l.Points) == 0 {
		return Point{}, false
	}
	return l.Points[len(l.Points)-1], true
}

// Result is the answer of one query: a line per series, sorted by label set.
// An instant query has one point a line.
type Result struct {
	Lines []Line
	At    int64 // the newest sample that the answer rests on, Unix milliseconds; 0 where there is none
	Err   error // nil, or why there is no answer, with the position in the expression
}

// Range is what a viewer asks to see: the last Span up to now, or the fixed time From to To.
type Range struct {
	Span     time.Duration // zero for a fixed range
	From, To int64         // Unix milliseconds; zero for a following range
}

// Fixed reports whether the range stands still.
func (r Range) Fixed() bool { return r.Span == 0 }

// Window is a Range at one moment: its two ends and the distance of its grid of instants.
// Every multiple of Step inside [From, To] is an instant of the grid.
type Window struct {
	From, To, Step int64 // milliseconds
}

// windowPoints is about the number of instants across a window: more than a chart's pixels can show on
// a phone, fewer than a query can feel.
const windowPoints = 300

// Window returns the window that r spans at now. A step is a whole number of seconds, and a longer one of the buckets
// in which history is kept (10 s, 1 min, 10 min, 1 h), so that they answer it exactly.
func (r Range) Window(now time.Time) Window {
	w := Window{From: r.From, To: r.To}
	if !r.Fixed() {
		w.To = now.UnixMilli()
		w.From = w.To - r.Span.Milliseconds()
	}
	span := w.To - w.From
	w.Step = up(span/windowPoints, 1000)
	for _, unit := range []int64{10_000, 60_000, 600_000, 3_600_000} {
		if w.Step > unit {
			w.Step = up(w.Step, unit)
		}
	}
	w.Step = max(w.Step, 1000)
	return w
}

// up returns the first multiple of unit that is not below v.
func up(v, unit int64) int64 { return (v + unit - 1) / unit * unit }
