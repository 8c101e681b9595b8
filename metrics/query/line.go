package query

import (
	"cmp"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"liveboard/metrics"
)

// line is one line of an answer as we keep it.
type line struct {
	key    labels.Labels  // what lines are matched and sorted by
	labels metrics.Labels // the same for readers; nil until a reader needs it
	points []metrics.Point
}

type lines []line

// linesOf copies the engine's answer, whose memory goes back to a pool, and leaves out what is
// not finite and lines without any point.
func linesOf(v parser.Value) lines {
	switch v := v.(type) {
	case promql.Scalar:
		return lines{}.with(labels.EmptyLabels(), promql.FPoint{T: v.T, F: v.V})
	case promql.Vector:
		ls := make(lines, 0, len(v))
		for _, s := range v {
			ls = ls.with(s.Metric, promql.FPoint{T: s.T, F: s.F})
		}
		return ls
	case promql.Matrix:
		ls := make(lines, 0, len(v))
		for _, s := range v {
			ls = ls.with(s.Metric, s.Floats...)
		}
		return ls
	}
	return nil
}

func (ls lines) with(key labels.Labels, points ...promql.FPoint) lines {
	kept := make([]metrics.Point, 0, len(points))
	for _, p := range points {
		if !math.IsNaN(p.F) && !math.IsInf(p.F, 0) {
			kept = append(kept, metrics.Point{At: p.T, Value: p.F})
		}
	}
	if len(kept) == 0 {
		return ls
	}
	return append(ls, line{key: key, points: kept})
}

func (ls lines) check() error {
	if len(ls) > MaxLines {
		return metrics.Errorf(metrics.TooLarge,
			"The answer has %d lines, at most %d are shown: select fewer series, or join them with sum by (…) or topk().", len(ls), MaxLines)
	}
	return nil
}

func (ls lines) sort() {
	slices.SortFunc(ls, func(a, b line) int { return labels.Compare(a.key, b.key) })
}

// merge adds the points of more, all newer than those of ls. Both are sorted, and so is the sum.
func (ls lines) merge(more lines) lines {
	i := 0
	for _, m := range more {
		for i < len(ls) && labels.Compare(ls[i].key, m.key) < 0 {
			i++
		}
		if i < len(ls) && labels.Equal(ls[i].key, m.key) {
			ls[i].points = append(ls[i].points, m.points...)
		} else {
			ls = slices.Insert(ls, i, m)
		}
	}
	return ls
}

// cut keeps the points from from to to, both included, and the lines that have any.
func (ls lines) cut(from, to int64) lines {
	for i := range ls {
		p := ls[i].points
		p = p[:after(p, to)]
		ls[i].points = p[after(p, from-1):]
	}
	return slices.DeleteFunc(ls, func(l line) bool { return len(l.points) == 0 })
}

// after returns the index of the first point after t.
func after(points []metrics.Point, t int64) int {
	i, _ := slices.BinarySearchFunc(points, t+1, func(p metrics.Point, t int64) int { return cmp.Compare(p.At, t) })
	return i
}

// copy returns the lines for readers, in memory that nobody writes to again.
func (ls lines) copy() []metrics.Line {
	n := 0
	for i := range ls {
		n += len(ls[i].points)
	}
	out, points := make([]metrics.Line, len(ls)), make([]metrics.Point, 0, n)
	for i := range ls {
		l := &ls[i]
		if l.labels == nil {
			l.labels = shown(l.key)
		}
		from := len(points)
		points = append(points, l.points...)
		out[i] = metrics.Line{Labels: l.labels, Points: slices.Clip(points[from:])}
	}
	return out
}

func shown(key labels.Labels) metrics.Labels {
	ls := make(metrics.Labels, 0, key.Len())
	key.Range(func(l labels.Label) { ls = append(ls, metrics.Label{Name: l.Name, Value: l.Value}) })
	return ls
}
