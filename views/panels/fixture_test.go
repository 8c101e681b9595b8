package panels

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// labels makes a label set of alternating names and values.
func labels(pairs ...string) metrics.Labels {
	var ls metrics.Labels
	for i := 0; i < len(pairs); i += 2 {
		ls = append(ls, metrics.Label{Name: pairs[i], Value: pairs[i+1]})
	}
	return ls
}

// wave is a line with a value at every instant of w.
func wave(w metrics.Window, base, swing float64, pairs ...string) metrics.Line {
	l := metrics.Line{Labels: labels(pairs...)}
	for at := (w.From + w.Step - 1) / w.Step * w.Step; at <= w.To; at += w.Step {
		l.Points = append(l.Points, metrics.Point{At: at, Value: base + swing*math.Sin(float64(at)/7000)})
	}
	return l
}

// value is a line of one point at the end of w.
func value(w metrics.Window, v float64, pairs ...string) metrics.Line {
	return metrics.Line{Labels: labels(pairs...), Points: []metrics.Point{{At: w.To, Value: v}}}
}

// panel is a panel that passed Check.
func panel(t testing.TB, p metrics.Panel) *metrics.Panel {
	t.Helper()
	p.Name, p.Decimals = "p", -1
	if p.Queries == nil && Needs(p.Kind) != None {
		p.Queries = []metrics.Query{{Expr: `rate(cpu_total{mode!="idle"}[1m])`, Legend: "{{host}}"}}
	}
	if err := Check(&p); err != nil {
		t.Fatalf("Check: %v", err)
	}
	return &p
}

// input asks for a print at now of the last span, with one answer to the first query.
func input(p *metrics.Panel, now time.Time, span time.Duration, answer func(w metrics.Window) []metrics.Line) Input {
	in := Input{Dashboard: "d", Panel: p, Window: metrics.Range{Span: span}.Window(now), Now: now}
	if len(p.Queries) > 0 {
		in.Results = []metrics.Result{{At: now.UnixMilli() - 400, Lines: answer(in.Window)}}
	}
	if p.Leaderboard != "" {
		page := standing("nova", "Ada")
		in.Ranking = &page
	}
	return in
}

func none(metrics.Window) []metrics.Line { return nil }

func html(t testing.TB, p *Print) string {
	t.Helper()
	var b strings.Builder
	if err := Article(p).Render(context.Background(), &b); err != nil {
		t.Fatalf("render: %v", err)
	}
	return b.String()
}

func ptr(v float64) *float64 { return &v }

var high = []metrics.Threshold{{From: 0, State: metrics.OK}, {From: 80, State: metrics.Warn}, {From: 90, State: metrics.Crit, Text: "full"}}

// example is a panel of some kind with data that suits it.
type example struct {
	panel  metrics.Panel
	normal func(w metrics.Window) []metrics.Line
	high   func(w metrics.Window) []metrics.Line // reaches thresholds
}

var examples = map[string]example{
	"stat": {
		metrics.Panel{Kind: "stat", Title: "CPU", Unit: metrics.Percent, Good: metrics.Down},
		func(w metrics.Window) []metrics.Line { return []metrics.Line{wave(w, 40, 5)} },
		func(w metrics.Window) []metrics.Line { return []metrics.Line{wave(w, 94, 2)} },
	},
	"timeseries": {
		metrics.Panel{Kind: "timeseries", Title: "CPU", Unit: metrics.Percent, Legend: true, Fill: true},
		func(w metrics.Window) []metrics.Line {
			return []metrics.Line{wave(w, 40, 5, "host", "a"), wave(w, 60, 5, "host", "b")}
		},
		func(w metrics.Window) []metrics.Line { return []metrics.Line{wave(w, 94, 2, "host", "a")} },
	},
	"bars":        {metrics.Panel{Kind: "bars", Title: "Busiest", Unit: metrics.Percent}, few(12, 63, 48), few(12, 95, 81)},
	"gauge":       {metrics.Panel{Kind: "gauge", Title: "Full", Unit: metrics.Percent}, few(0, 63, 48), few(12, 95, 81)},
	"status":      {metrics.Panel{Kind: "status", Title: "Checks", Thresholds: high}, few(1, 2, 3), few(1, 95, 81)},
	"table":       {metrics.Panel{Kind: "table", Title: "All", Unit: metrics.Percent}, few(12, 63, 48), few(12, 95, 81)},
	"leaderboard": {panel: metrics.Panel{Kind: "leaderboard", Title: "Arcade", Leaderboard: "arcade"}, normal: none},
	"text":        {panel: metrics.Panel{Kind: "text", Title: "Runbook", Text: "# Failover\n\nCall *Kim*."}, normal: none},
	"clock":       {panel: metrics.Panel{Kind: "clock", Title: "Stockholm", Zone: "Europe/Stockholm"}, normal: none},
}

func few(values ...float64) func(w metrics.Window) []metrics.Line {
	return func(w metrics.Window) []metrics.Line {
		var lines []metrics.Line
		for i, v := range values {
			lines = append(lines, value(w, v, "host", string(rune('a'+i))))
		}
		return lines
	}
}
