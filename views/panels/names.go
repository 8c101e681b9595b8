package panels

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"liveboard/metrics"
)

// named is a line of an answer with the name people know it by.
type named struct {
	metrics.Line
	query int // which of the panel's
	name  string
	key   string // tells it from every other line of the panel
}

// linesOf returns the lines of all answers that have a point, in the order of the queries.
func linesOf(in Input) []named {
	var lines []named
	for i, r := range in.Results {
		for _, l := range r.Lines {
			if len(l.Points) == 0 {
				continue
			}
			lines = append(lines, named{l, i, nameOf(in.Panel, i, l.Labels), strconv.Itoa(i) + l.Labels.String()})
		}
	}
	return lines
}

// nameOf names the line with those labels in the answer to query i: by the query's legend, else by
// its label set, else (for a sum over everything) by the panel.
func nameOf(p *metrics.Panel, i int, labels metrics.Labels) string {
	other := labels.String()
	if other == "" {
		other = p.Title
	}
	return p.Queries[i].Name(labels, other)
}

// compareNatural orders names as people do: cpu2 before cpu10.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		n, m := number(a), number(b)
		order := cmp.Or(cmp.Compare(len(n), len(m)), cmp.Compare(n, m))
		if n == "" || m == "" {
			order = cmp.Compare(a[0], b[0])
			n, m = a[:1], b[:1]
		}
		if order != 0 {
			return order
		}
		a, b = a[len(n):], b[len(m):]
	}
	return cmp.Compare(len(a), len(b))
}

// number is the decimal number that s begins with, or nothing.
func number(s string) string { return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))] }

// last is the newest value of a line.
func (n named) last() float64 {
	p, _ := n.Last()
	return p.Value
}

// figure writes v in the panel's unit.
func figure(p *metrics.Panel, v float64) string { return p.Unit.Text(v, p.Decimals) }

// finite reports whether v can be drawn: PromQL answers 0/0 with NaN.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// leaf is a text that moves from print to print, with the number of its data-v mark.
type leaf struct{ V, Text string }

// leaves numbers the moving leaves of one article. Number 0 is the age in the article's header.
type leaves int

// next returns a new leaf with that text.
func (n *leaves) next(text string) leaf {
	*n++
	return leaf{strconv.Itoa(int(*n)), text}
}

// moreLeaf tells how much is not shown; its text is empty where that is nothing.
func moreLeaf(ids *leaves, n int) leaf {
	if n <= 0 {
		return leaf{}
	}
	return ids.next("+" + strconv.Itoa(n) + " more")
}
