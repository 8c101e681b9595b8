package panels

import (
	"slices"
	"strconv"
	"strings"
)

// Step returns how a viewer who holds prev gets to c, for the step method of <live-chart>. It is
// empty where nothing changed. Applying it twice does no harm. ok is false where the way is not
// short: another scale, other lines, other times; such a viewer needs the whole drawing.
//
// A step is fields separated by semicolons. The first is x1, the right end of the view, and after a
// space how far left of it the points are that stay: points after those are dropped, as are points
// and marks that left the view. Then comes a field for each line with its new points, separated by
// commas: y at x1, or d:y at x1-d. Fields that begin with @ are new marks: @x text.
func (c *Chart) Step(prev *Chart) (step string, ok bool) {
	if prev == nil || !c.continues(prev) {
		return "", false
	}
	keep := c.kept(prev)
	if keep < c.x0 {
		return "", false
	}
	if keep == c.x1 && c.x1 == prev.x1 {
		return "", true
	}
	return c.step(prev, keep), true
}

func (c *Chart) continues(prev *Chart) bool {
	return c.panel == prev.panel && c.base == prev.base && c.unit == prev.unit &&
		c.x1 >= prev.x1 && c.x1-c.x0 == prev.x1-prev.x0 &&
		c.scale.min == prev.scale.min && c.scale.max == prev.scale.max &&
		slices.EqualFunc(c.lines, prev.lines, func(a, b drawn) bool { return a.key == b.key }) &&
		c.continuesMarks(prev)
}

// continuesMarks reports whether what is left of prev's marks begins c's.
func (c *Chart) continuesMarks(prev *Chart) bool {
	old := c.left(prev.marks)
	return len(old) <= len(c.marks) && slices.Equal(old, c.marks[:len(old)])
}

// left returns the marks that are still in c's view.
func (c *Chart) left(marks []mark) []mark {
	i := slices.IndexFunc(marks, func(m mark) bool { return m.x >= c.x0 })
	if i < 0 {
		return nil
	}
	return marks[i:]
}

// kept returns the greatest x up to which prev's lines, as far as they are in the view, equal c's.
func (c *Chart) kept(prev *Chart) int {
	keep := c.x1
	for i, l := range c.lines {
		old := prev.lines[i].points
		for len(old) > 0 && !c.shows(old[0].x) {
			old = old[1:]
		}
		for _, p := range firstDifference(old, l.points) {
			keep = min(keep, p.x-1)
		}
	}
	return keep
}

// firstDifference returns the first points that are not common to a and b, none where a equals b.
func firstDifference(a, b []point) []point {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return slices.Concat(a[n:min(n+1, len(a))], b[n:min(n+1, len(b))])
}

func (c *Chart) step(prev *Chart, keep int) string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(c.x1) + " " + strconv.Itoa(c.x1-keep))
	for _, l := range c.lines {
		b.WriteByte(';')
		b.WriteString(c.added(l.points, keep))
	}
	for _, m := range c.marks[len(c.left(prev.marks)):] {
		b.WriteString(";@" + strconv.Itoa(m.x) + " " + m.text)
	}
	return b.String()
}

// added writes the points right of keep.
func (c *Chart) added(points []point, keep int) string {
	i := slices.IndexFunc(points, func(p point) bool { return p.x > keep })
	if i < 0 {
		return ""
	}
	var fields []string
	for _, p := range points[i:] {
		field := strconv.Itoa(p.y)
		if p.x != c.x1 {
			field = strconv.Itoa(c.x1-p.x) + ":" + field
		}
		fields = append(fields, field)
	}
	return strings.Join(fields, ",")
}
