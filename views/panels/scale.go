package panels

import (
	"cmp"
	"math"

	"liveboard/metrics"
)

// scale is the vertical axis of a chart.
type scale struct {
	min, max float64
	ticks    []float64
	slack    int64 // Unix ms since which the values have needed far less; 0 where they do not
}

// A scale shrinks when the values have needed less than roomy of it for patience: growing at once but
// shrinking late keeps a chart with a passing spike still.
const (
	roomy    = 0.6
	patience = 30_000 // ms
)

// extent is the smallest interval around the values added. The zero extent is empty.
type extent struct {
	low, high float64
	some      bool
}

func (e *extent) add(v float64) {
	if !e.some {
		*e = extent{v, v, true}
	}
	e.low, e.high = min(e.low, v), max(e.high, v)
}

// rescale returns the scale for values e: the one of prev as long as it serves.
func rescale(in Input, prev *Chart, e extent, s style) scale {
	fresh := newScale(in, e, s)
	if prev == nil {
		return fresh
	}
	old := prev.scale
	if fresh.min < old.min || fresh.max > old.max {
		return fresh
	}
	if fresh.max-fresh.min >= roomy*(old.max-old.min) {
		old.slack = 0
		return old
	}
	now := in.Now.UnixMilli()
	if old.slack == 0 {
		old.slack = now
	}
	if passed := now - old.slack; passed >= patience || passed < 0 { // the clock may have been set back
		return fresh
	}
	return old
}

// farthest is as far from zero as charts tell values apart: the distance between the ends of a scale, which may be a step
// further out, is finite then.
const farthest = math.MaxFloat64 / 4

// newScale spans the values of e, from round tick to round tick. What the unit usually spans is
// spanned too on a chart with axes; the panel's own limits hold whatever the values are.
func newScale(in Input, e extent, s style) scale {
	p := in.Panel
	if s.axes || !e.some {
		low, high := usual(p.Unit)
		e.add(low)
		e.add(high)
	}
	if p.Min != nil {
		e.low = *p.Min
	}
	if p.Max != nil {
		e.high = *p.Max
	}
	e.low, e.high = max(e.low, -farthest), min(e.high, farthest)
	if e.high <= e.low {
		e = widen(e, p)
	}
	return round(p, e, tickCount(p, s))
}

// usual is what a chart of that unit shows even when its values need less.
func usual(u metrics.Unit) (low, high float64) {
	switch u {
	case metrics.Percent:
		return 0, 100
	case metrics.Ratio:
		return 0, 1
	}
	return 0, 0
}

// widen makes room around a single value, on the sides that the panel leaves open.
func widen(e extent, p *metrics.Panel) extent {
	room := max(math.Abs(e.low)/10, math.Abs(e.high)/10)
	if room == 0 {
		room = 1
	}
	switch {
	case p.Min != nil:
		e.high = e.low + room
	case p.Max != nil:
		e.low = e.high - room
	case e.low == 0:
		e.high += room
	default:
		e.low, e.high = e.low-room, e.high+room
	}
	return e
}

// round moves the ends that are not pinned outward to a tick.
func round(p *metrics.Panel, e extent, count int) scale {
	for range 2 { // the wider span may ask for a wider step
		steps := p.Unit.Ticks(0, e.high-e.low, count)
		if len(steps) < 2 {
			break
		}
		step := steps[1]
		if p.Min == nil {
			e.low = math.Floor(e.low/step+1e-9) * step
		}
		if p.Max == nil {
			e.high = math.Ceil(e.high/step-1e-9) * step
		}
	}
	return scale{min: e.low, max: e.high, ticks: p.Unit.Ticks(e.low, e.high, count)}
}

// tickCount is how many intervals fit the panel's height; at least the three with which Ticks
// always finds a second tick.
func tickCount(p *metrics.Panel, s style) int {
	if !s.axes {
		return 6 // a spark has no labels: more ticks only fit it closer
	}
	if p.Height <= 1 {
		return 3
	}
	return min(2*p.Height+1, 8)
}

func mean(points []metrics.Point) float64 {
	sum, n := 0.0, 0
	for _, p := range points {
		if finite(p.Value) {
			sum += p.Value
			n++
		}
	}
	return sum / float64(max(n, 1))
}

// compareDown orders the greater value first, and what is no number last.
func compareDown(a, b float64) int { return cmp.Compare(b, a) }
