package data

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"liveboard/metrics"
)

// What a panel is where neither the file nor its kind says. The newest sample of a value that
// comes every second is old news after half a minute; a job that reports each minute asks for more.
const (
	defaultWidth      = 4
	defaultHeight     = 2
	defaultStaleAfter = 30 * time.Second
)

// Limits of a panel.
const (
	maxHeight     = 12
	maxDecimals   = 6
	maxQueries    = 20
	maxThresholds = 20
	maxNameBytes  = 64
)

func (r *boardParser) panels(to *[]metrics.Panel) reads {
	names := map[string]bool{}
	return r.list(maxPanels, func(n ast.Node) {
		*to = append(*to, r.panel(n, len(*to)+1, names))
	})
}

// panel reads the panel that is the number-th of its dashboard.
func (r *boardParser) panel(n ast.Node, number int, names map[string]bool) metrics.Panel {
	p := metrics.Panel{Decimals: -1, Legend: true}
	mistakes := len(r.errors)
	found := r.mapping(n, "a panel", r.panelFields(&p))
	if found == nil {
		return p
	}
	r.checkPanel(n, &p, found)
	if p.Name == "" {
		p.Name = slug(p.Title, number)
	}
	r.unique(names, p.Name, placeOf(found.or("name", found.or("title", n))), "panels")
	if r.check.Panel != nil && len(r.errors) == mistakes {
		r.failAtKey(found, found["kind"], r.check.Panel(&p))
	}
	fillPanel(&p)
	r.refer(&p, found)
	return p
}

// fillPanel fills in what neither the file nor the kind said.
func fillPanel(p *metrics.Panel) {
	if p.Width == 0 {
		p.Width, p.Height = defaultWidth, defaultHeight
	}
	if p.StaleAfter == 0 && len(p.Queries) > 0 {
		p.StaleAfter = defaultStaleAfter
	}
}

func (r *boardParser) panelFields(p *metrics.Panel) fields {
	return fields{
		"name":        r.name(&p.Name),
		"kind":        r.name(&p.Kind),
		"title":       r.text(&p.Title),
		"query":       func(n ast.Node) { p.Queries = append(p.Queries, metrics.Query{Expr: r.expr(n)}) },
		"queries":     r.list(maxQueries, func(n ast.Node) { p.Queries = append(p.Queries, r.query(n)) }),
		"unit":        r.unit(&p.Unit),
		"decimals":    r.integer(&p.Decimals, 0, maxDecimals),
		"min":         r.optional(&p.Min),
		"max":         r.optional(&p.Max),
		"thresholds":  r.thresholds(&p.Thresholds),
		"good":        word(r.boardReader, &p.Good, metrics.Up, metrics.Down),
		"fill":        r.flag(&p.Fill),
		"legend":      r.flag(&p.Legend),
		"size":        r.size(p),
		"stale-after": r.span(&p.StaleAfter, time.Second, metrics.MaxPast),
		"text":        r.prose(&p.Text),
		"zone":        r.zone(&p.Zone),
		"leaderboard": r.name(&p.Leaderboard),
		"window":      r.name(&p.Period),
	}
}

// checkPanel reports what no field sees alone.
func (r *boardParser) checkPanel(n ast.Node, p *metrics.Panel, found found) {
	if found["kind"] == nil {
		r.fail(placeOf(n), "this panel has no kind; add kind: with one such as stat, timeseries or table")
	}
	if found["query"] != nil && found["queries"] != nil {
		r.fail(placeOf(found["queries"]), "a panel has query or queries; move the one into the other")
	}
	if p.Min != nil && p.Max != nil && *p.Min >= *p.Max {
		r.fail(placeOf(found["max"]), "max must be above min")
	}
}

// slug makes a name of a title: "Disk I/O" becomes disk-i-o. A title without a single letter
// from a to z or digit, or none, yields panel- and the number.
func slug(title string, number int) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9')
	})
	name := strings.Join(words, "-")
	if name == "" {
		return "panel-" + strconv.Itoa(number)
	}
	return strings.TrimRight(name[:min(len(name), maxNameBytes)], "-")
}

var namePattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// name reads a name that can stand in URLs and ids.
func (r *boardReader) name(to *string) reads {
	return func(n ast.Node) {
		text, ok := r.line(n)
		if !ok {
			return
		}
		if len(text) > maxNameBytes || !namePattern.MatchString(text) {
			r.fail(placeOf(n), "%q cannot be a name: lower-case letters and digits are allowed, with a - between, at most %d in all", text, maxNameBytes)
			return
		}
		*to = text
	}
}

func (r *boardParser) query(n ast.Node) metrics.Query {
	var q metrics.Query
	found := r.mapping(n, "a query", fields{
		"expr":   func(n ast.Node) { q.Expr = r.expr(n) },
		"legend": r.text(&q.Legend),
	})
	if found != nil && found["expr"] == nil {
		r.fail(placeOf(n), "this query has no expr; add expr: with PromQL")
	}
	return q
}

func (r *boardParser) expr(n ast.Node) string {
	text, ok := r.lines(n)
	if !ok || r.check.Expr == nil {
		return text
	}
	if err := r.check.Expr(text); err != nil {
		var row, column int
		_, _ = fmt.Sscanf(err.Error(), "%d:%d", &row, &column)
		r.fail(r.inside(r.see(n), text, row, column), "PromQL: %w", err)
	}
	return text
}

func (r *boardReader) unit(to *metrics.Unit) reads {
	return func(n ast.Node) {
		text, ok := r.scalar(n)
		if !ok {
			return
		}
		unit, err := metrics.ParseUnit(text)
		if err != nil {
			r.fail(placeOf(n), "%w", err)
		}
		*to = unit
	}
}

func (r *boardReader) thresholds(to *[]metrics.Threshold) reads {
	return r.list(maxThresholds, func(n ast.Node) {
		var t metrics.Threshold
		found := r.mapping(n, "a threshold", fields{
			"from":  r.number(&t.From),
			"state": word(r, &t.State, metrics.OK, metrics.Warn, metrics.Crit),
			"text":  r.text(&t.Text),
		})
		switch last := len(*to) - 1; {
		case found == nil:
		case found["from"] == nil || found["state"] == nil:
			r.fail(placeOf(n), "a threshold needs both, such as {from: 80, state: warn}")
		case last >= 0 && t.From <= (*to)[last].From:
			r.fail(placeOf(found["from"]), "thresholds ascend; this one must begin above %v", (*to)[last].From)
		}
		*to = append(*to, t)
	})
}

var sizePattern = regexp.MustCompile(`^(\d{1,2})x(\d{1,2})$`)

// size reads columns x rows.
func (r *boardReader) size(p *metrics.Panel) reads {
	return func(n ast.Node) {
		text, ok := r.scalar(n)
		if !ok {
			return
		}
		var width, height int
		if m := sizePattern.FindStringSubmatch(text); m != nil {
			width, _ = strconv.Atoi(m[1])
			height, _ = strconv.Atoi(m[2])
		}
		if width < 1 || width > metrics.Columns || height < 1 || height > maxHeight {
			r.fail(placeOf(n), "%q is no size; write columns x rows, from 1x1 to %dx%d, such as 4x2", text, metrics.Columns, maxHeight)
			return
		}
		p.Width, p.Height = width, height
	}
}

func (r *boardReader) zone(to *string) reads {
	return func(n ast.Node) {
		text, ok := r.line(n)
		if !ok {
			return
		}
		if _, err := time.LoadLocation(text); err != nil {
			r.fail(placeOf(n), "there is no time zone %q; write an IANA name such as Europe/Stockholm or UTC", text)
			return
		}
		*to = text
	}
}

// failAtKey reports err at the key that its text, or that of an error in it, begins with, or else at n.
func (r *boardParser) failAtKey(found found, n ast.Node, err error) {
	if err == nil {
		return
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if key, _, _ := strings.Cut(e.Error(), ":"); found[key] != nil {
			n = found[key]
			break
		}
	}
	r.fail(placeOf(n), "%w", err)
}
