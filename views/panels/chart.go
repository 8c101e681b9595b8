package panels

import (
	"math"
	"slices"

	"liveboard/metrics"
)

// The coordinates of a chart. x counts units since a base that stays for weeks, so that a point keeps
// its x for as long as it is on screen and the view slides over it; y counts down from the top.
const (
	gridUnits = 4       // units from one instant of the window's grid to the next
	tall      = 1000    // units from the top of the scale to its bottom
	beyond    = 20      // how far a line is drawn outside of a scale that the board file pins
	era       = 1 << 18 // steps after which the base moves on; x stays exact in a 32-bit float
)

// maxLines is the most lines in a chart: more than a person can tell apart.
const maxLines = 12

// Chart is the drawing of a panel's lines, and what the next drawing must know of it. It is never
// changed once made.
type Chart struct {
	panel  *metrics.Panel
	base   int64 // Unix ms of x = 0
	unit   int64 // ms
	x0, x1 int   // left and right end of the view
	scale  scale
	lines  []drawn
	marks  []mark // on the time axis
	model  chartModel
}

// drawn is a line of a chart. Points are sorted by x and have each x once.
type drawn struct {
	key, name string
	points    []point
}

type point struct{ x, y int }

// style is how kinds differ in the charts they show.
type style struct {
	class string
	axes  bool
	area  bool
}

// newChart draws lines. prev is the panel's last drawing, or nil.
func newChart(in Input, lines []named, prev *Chart, s style) *Chart {
	if prev != nil && prev.panel != in.Panel {
		prev = nil // the board file was read anew: limits, unit and thresholds may be others
	}
	c := &Chart{panel: in.Panel, unit: in.Window.Step / gridUnits}
	age := in.Window.Step * era
	c.base = in.Window.To / age * age
	c.frame(in.Window, lines)
	c.scale = rescale(in, prev, c.values(lines), s)
	for _, l := range lines {
		c.lines = append(c.lines, drawn{l.key, l.name, c.points(l.Points)})
	}
	if s.axes {
		c.marks = c.timeMarks(in.Now.Location())
	}
	c.model = newChartModel(c, in, s)
	return c
}

// frame places the view. Its right end is the newest instant with a value that the window's grid (or
// a point between two of its instants) can offer, its left end the oldest: so lines reach from edge
// to edge, and the view moves when they do.
func (c *Chart) frame(w metrics.Window, lines []named) {
	c.x1 = c.x(w.To / w.Step * w.Step)
	for _, l := range lines {
		if last, ok := l.Last(); ok && last.At <= w.To {
			c.x1 = max(c.x1, c.x(last.At))
		}
	}
	c.x0 = c.x1 - gridUnits*max(1, int((w.To-w.From)/w.Step)-1)
}

func (c *Chart) x(at int64) int { return int(math.Floor(float64(at-c.base) / float64(c.unit))) }

// at is the instant of x in Unix milliseconds.
func (c *Chart) at(x int) int64 { return c.base + int64(x)*c.unit }

func (c *Chart) y(v float64) int {
	v = min(max(v, -farthest), farthest)
	y := math.Round((c.scale.max - v) / (c.scale.max - c.scale.min) * tall)
	return int(min(max(y, -beyond), tall+beyond))
}

// shows reports whether a point at x belongs to the drawing: it is in the view or the last before it,
// from where the line enters.
func (c *Chart) shows(x int) bool { return x > c.x0-gridUnits && x <= c.x1 }

func (c *Chart) points(from []metrics.Point) []point {
	points := make([]point, 0, len(from))
	for _, p := range from {
		x := c.x(p.At)
		if !finite(p.Value) || !c.shows(x) {
			continue
		}
		if n := len(points); n > 0 && points[n-1].x == x {
			points = points[:n-1]
		}
		points = append(points, point{x, c.y(p.Value)})
	}
	return points
}

// values returns the extent of what is in the view.
func (c *Chart) values(lines []named) (e extent) {
	for _, l := range lines {
		for _, p := range l.Points {
			if finite(p.Value) && c.shows(c.x(p.At)) {
				e.add(p.Value)
			}
		}
	}
	return e
}

// ended reports whether the line stopped before the view does: its last value is not of now.
func (c *Chart) ended(l metrics.Line) bool {
	last, ok := l.Last()
	return !ok || c.x(last.At) < c.x1-gridUnits
}

// pick returns the lines to draw, in their order, and how many are left out. Those with the highest
// mean stay; one that prev shows has a head start, so that near equals do not take turns.
func pick(lines []named, prev *Chart) (picked []named, more int) {
	if len(lines) <= maxLines {
		return lines, 0
	}
	const headStart = 1.2
	weight := make(map[string]float64, len(lines))
	for _, l := range lines {
		weight[l.key] = mean(l.Points)
		if prev != nil && prev.draws(l.key) {
			weight[l.key] *= headStart
		}
	}
	order := slices.Clone(lines)
	slices.SortStableFunc(order, func(a, b named) int { return compareDown(weight[a.key], weight[b.key]) })
	top := make(map[string]bool, maxLines)
	for _, l := range order[:maxLines] {
		top[l.key] = true
	}
	for _, l := range lines {
		if top[l.key] {
			picked = append(picked, l)
		}
	}
	return picked, len(lines) - len(picked)
}

func (c *Chart) draws(key string) bool {
	return slices.ContainsFunc(c.lines, func(l drawn) bool { return l.key == key })
}
