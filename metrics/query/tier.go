package query

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"

	"liveboard/metrics/head"
)

// widths are those of the tiers' buckets, widest first, in milliseconds.
var widths = []int64{3_600_000, 600_000, 60_000, 10_000}

const (
	widest = 3_600_000
	// looseWidth is the widest bucket for instants that do not stand on its ends: a value is then older than it
	// could be by up to as much.
	looseWidth = 60_000
	// looseShare is how many buckets a range must at least have whose ends are not those of buckets.
	looseShare = 10
)

// columns are what the functions over ranges read of buckets. Others read samples, as long as there are any.
var columns = map[string]head.Column{
	"min_over_time":     head.Min,
	"max_over_time":     head.Max,
	"sum_over_time":     head.Sum,
	"last_over_time":    head.Last,
	"present_over_time": head.Last,
	"absent_over_time":  head.Last,
	"delta":             head.Last,
	"rate":              head.Counter,
	"increase":          head.Counter,
	"resets":            head.Counter,
}

// leftovers are what functions read that no bucket answers, where the samples are gone.
var leftovers = map[string]head.Column{"avg_over_time": head.Mean}

// columnLabel is a matcher by which rolled marks what a selector shall read. No series can have such a label.
const columnLabel = "__column__"

// rolled returns text with averages and counts over ranges written so that buckets answer them: a count is the sum of
// counts, an average that and the sum. An average over short ranges is left: it costs twice for nothing.
func rolled(text string, step int64) string {
	if !strings.Contains(text, "avg_over_time") && !strings.Contains(text, "count_over_time") {
		return text
	}
	node, err := language.ParseExpr(text)
	if err != nil {
		return text
	}
	return rewritten(node, step).String()
}

func rewritten(node parser.Expr, step int64) parser.Expr {
	switch n := node.(type) {
	case *parser.Call:
		if over, ok := overRange(n); ok {
			return split(n, over, step)
		}
		for i := range n.Args {
			n.Args[i] = rewritten(n.Args[i], step)
		}
	case *parser.AggregateExpr:
		n.Expr = rewritten(n.Expr, step)
	case *parser.BinaryExpr:
		n.LHS, n.RHS = rewritten(n.LHS, step), rewritten(n.RHS, step)
	case *parser.ParenExpr:
		n.Expr = rewritten(n.Expr, step)
	case *parser.UnaryExpr:
		n.Expr = rewritten(n.Expr, step)
	case *parser.SubqueryExpr:
		n.Expr = rewritten(n.Expr, n.Step.Milliseconds())
	}
	return node
}

// overRange returns the range of a call over nothing but a range.
func overRange(call *parser.Call) (over *parser.MatrixSelector, ok bool) {
	if len(call.Args) != 1 {
		return nil, false
	}
	over, ok = call.Args[0].(*parser.MatrixSelector)
	return over, ok
}

func split(call *parser.Call, over *parser.MatrixSelector, step int64) parser.Expr {
	switch finest := widths[len(widths)-1]; {
	case call.Func.Name == "count_over_time":
		return sumOf(over, "count")
	case call.Func.Name == "avg_over_time" && (step >= finest || over.Range.Milliseconds() >= looseShare*looseWidth):
		return &parser.ParenExpr{Expr: &parser.BinaryExpr{
			Op: parser.DIV, LHS: sumOf(over, "sum"), RHS: sumOf(over, "count"),
			VectorMatching: &parser.VectorMatching{Card: parser.CardOneToOne},
		}}
	}
	return call
}

func sumOf(over *parser.MatrixSelector, column string) *parser.Call {
	inner := *over.VectorSelector.(*parser.VectorSelector)
	inner.LabelMatchers = append(inner.LabelMatchers[:len(inner.LabelMatchers):len(inner.LabelMatchers)],
		labels.MustNewMatcher(labels.MatchEqual, columnLabel, column))
	outer := *over
	outer.VectorSelector = &inner
	return &parser.Call{Func: parser.Functions["sum_over_time"], Args: parser.Expressions{&outer}}
}

// rollup returns what a selector may read in the place of samples, and its matchers without the mark of rolled.
// step is the distance of the instants, 0 where there is one.
func rollup(h *storage.SelectHints, step int64, lookback time.Duration, ms []*labels.Matcher) (head.Rollup, []*labels.Matcher) {
	if h.Range == 0 {
		return instants(h.Start+lookback.Milliseconds()-1, step), ms
	}
	column, answers := columns[h.Func]
	if !answers {
		return head.Rollup{Column: leftovers[h.Func]}, ms
	}
	for i, m := range ms {
		if m.Name != columnLabel {
			continue
		}
		if m.Value == "count" {
			column = head.Count
		}
		ms = slices.Delete(slices.Clone(ms), i, i+1)
		break
	}
	return head.Rollup{Column: column, Width: rangeWidth(h, step, column)}, ms
}

// instants are answered by the newest sample before each. Where all instants are ends of buckets, that is the bucket's.
func instants(first, step int64) head.Rollup {
	r := head.Rollup{Column: head.Filled}
	if first%widest == 0 && step%widest == 0 && step > 0 {
		r.Column = head.Last
	}
	for _, w := range widths {
		if w <= step && (w <= looseWidth || first%w == 0 && step%w == 0) {
			r.Width = w
			break
		}
	}
	return r
}

// rangeWidth returns the widest buckets of which the ranges are made whole, or by which their ends are off
// by a small share. A rate needs two buckets to see what is between them.
func rangeWidth(h *storage.SelectHints, step int64, column head.Column) int64 {
	least := int64(1)
	if column == head.Counter {
		least = 2
	}
	for _, w := range widths {
		whole := (h.Start-1)%w == 0 && step%w == 0 && h.Range%w == 0 && h.Func != "delta"
		if whole && least*w <= h.Range || looseShare*w <= h.Range && (w <= step || step == 0) {
			return w
		}
	}
	return 0
}
