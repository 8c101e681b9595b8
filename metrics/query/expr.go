package query

import (
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"liveboard/metrics"
)

// maxExprBytes bounds how deep an expression can nest: the parser and the engine walk it by
// recursion, and a stack that overflows ends the process past any recover.
const maxExprBytes = 16 << 10

// anyName is what stands for every metric name, as topics and in Source.Since.
const anyName = "*"

// language is PromQL without its experimental parts: a board must mean the same next year.
var language = parser.NewParser(parser.Options{})

// Check returns nil when expr is PromQL that a panel can show: an instant vector or a scalar.
// Else the error is of kind Invalid and begins with the position, line:column, counted in bytes
// from 1:1. Nothing is evaluated.
func Check(expr string) error {
	_, err := parse(expr)
	return err
}

// Names returns the metric names that the selectors of expr read, sorted and each once: the
// topics whose change can change the answer. It is ["*"] when a selector does not give its name
// with equality, and nil when expr reads no metric or Check refuses it.
func Names(expr string) []string {
	x, err := parse(expr)
	if err != nil {
		return nil
	}
	return x.names
}

// expression is a checked expression and what its syntax tells about its answers.
type expression struct {
	text    string
	node    parser.Expr
	names   []string // as Names tells
	ordered bool     // the order of the lines is part of the answer
	drifts  bool     // an instant's value may change by samples after it
	bounded bool     // it reads the ends of the window: @ start() or @ end()
}

func checkSize(text string) error {
	if len(text) > maxExprBytes {
		return metrics.Errorf(metrics.Invalid, "1:1: the expression has %d bytes, at most %d are allowed", len(text), maxExprBytes)
	}
	return nil
}

func parse(text string) (*expression, error) {
	if err := checkSize(text); err != nil {
		return nil, err
	}
	if text == "" {
		return nil, metrics.Errorf(metrics.Invalid, "1:1: parse error: no expression found in input")
	}
	node, err := language.ParseExpr(text)
	if err != nil {
		return nil, metrics.Errorf(metrics.Invalid, "%w", err)
	}
	if t := node.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeScalar {
		return nil, metrics.Errorf(metrics.Invalid,
			"1:1: the expression gives a %s, but a panel shows an instant vector or a scalar; a function such as rate() or avg_over_time() makes one of a range vector",
			parser.DocumentedType(t))
	}
	x := &expression{text: text, node: node, ordered: ordered(node)}
	parser.Inspect(node, func(n parser.Node, _ []parser.Node) error {
		x.visit(n)
		return nil
	})
	x.names = compact(x.names)
	return x, nil
}

func (x *expression) visit(n parser.Node) {
	switch n := n.(type) {
	case *parser.VectorSelector:
		x.names = append(x.names, nameOf(n.LabelMatchers))
		x.moves(n.Timestamp != nil, n.StartOrEnd != 0, n.OriginalOffset < 0)
	case *parser.SubqueryExpr:
		x.moves(n.Timestamp != nil, n.StartOrEnd != 0, n.OriginalOffset < 0)
	}
}

func (x *expression) moves(fixed, bounded, ahead bool) {
	x.bounded = x.bounded || bounded
	x.drifts = x.drifts || fixed || bounded || ahead
}

// within returns the text with @ start() and @ end() replaced by these times, Unix
// milliseconds: the engine would take them from each part of a window that it runs.
func (x *expression) within(start, end int64) string {
	if !x.bounded {
		return x.text
	}
	parser.Inspect(x.node, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			n.Timestamp = bound(n.StartOrEnd, n.Timestamp, start, end)
		case *parser.SubqueryExpr:
			n.Timestamp = bound(n.StartOrEnd, n.Timestamp, start, end)
		}
		return nil
	})
	return x.node.String()
}

func bound(which parser.ItemType, fixed *int64, start, end int64) *int64 {
	switch which {
	case parser.START:
		return &start
	case parser.END:
		return &end
	}
	return fixed
}

// ordered reports whether the outermost operation of node sorts its answer.
func ordered(node parser.Expr) bool {
	switch n := node.(type) {
	case *parser.ParenExpr:
		return ordered(n.Expr)
	case *parser.AggregateExpr:
		return n.Op == parser.TOPK || n.Op == parser.BOTTOMK
	case *parser.Call:
		return n.Func.Name == "sort" || n.Func.Name == "sort_desc"
	}
	return false
}

func nameOf(ms []*labels.Matcher) string {
	for _, m := range ms {
		if m.Name == metrics.NameLabel && m.Type == labels.MatchEqual && m.Value != "" {
			return m.Value
		}
	}
	return anyName
}

func compact(names []string) []string {
	if slices.Contains(names, anyName) {
		return []string{anyName}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
