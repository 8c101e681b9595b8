package panels

import (
	"slices"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

func TestKinds(t *testing.T) {
	want := []string{"bars", "clock", "gauge", "leaderboard", "stat", "status", "table", "text", "timeseries"}
	if got := Kinds(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for kind, want := range map[string]Data{"stat": Range, "timeseries": Range, "bars": Instant, "text": None, "unknown": None} {
		if got := Needs(kind); got != want {
			t.Errorf("Needs(%s) = %d, want %d", kind, got, want)
		}
	}
}

func TestCheckFillsWhatIsLeftOut(t *testing.T) {
	p := metrics.Panel{Kind: "bars", Queries: []metrics.Query{{Expr: "up"}}}
	if err := Check(&p); err != nil {
		t.Fatal(err)
	}
	if p.Width != 4 || p.Height != 2 || p.StaleAfter != time.Minute {
		t.Errorf("got %d x %d, stale after %s", p.Width, p.Height, p.StaleAfter)
	}
	p = metrics.Panel{Kind: "bars", Queries: p.Queries, Width: 12, Height: 1, StaleAfter: time.Hour}
	if err := Check(&p); err != nil || p.Width != 12 || p.Height != 1 || p.StaleAfter != time.Hour {
		t.Errorf("got %d x %d, stale after %s, error %v", p.Width, p.Height, p.StaleAfter, err)
	}
}

func TestCheckRefuses(t *testing.T) {
	up := []metrics.Query{{Expr: "up"}}
	for _, test := range []struct {
		name  string
		panel metrics.Panel
		want  string
	}{
		{"an unknown kind", metrics.Panel{Kind: "pie"}, `unknown kind "pie" (known are bars, clock,`},
		{"no query", metrics.Panel{Kind: "bars"}, "needs a query"},
		{"a query without use", metrics.Panel{Kind: "clock", Queries: up}, "takes no query"},
		{"a text without use", metrics.Panel{Kind: "bars", Queries: up, Text: "x"}, "takes no text"},
		{"no text", metrics.Panel{Kind: "text", Text: " \n"}, "needs a text"},
		{"a zone without use", metrics.Panel{Kind: "bars", Queries: up, Zone: "UTC"}, "takes no zone"},
		{"a zone that is none", metrics.Panel{Kind: "clock", Zone: "Mars/Olympus"}, "needs an IANA time zone"},
		{"limits upside down", metrics.Panel{Kind: "bars", Queries: up, Min: ptr(2), Max: ptr(1)}, "min below its max"},
		{"two queries in a stat", metrics.Panel{Kind: "stat", Queries: append(up, up...)}, "shows one query"},
		{"a gauge without end", metrics.Panel{Kind: "gauge", Queries: up, Unit: metrics.Bytes}, "needs a max"},
		{"a gauge that begins above its end", metrics.Panel{Kind: "gauge", Queries: up, Unit: metrics.Percent, Min: ptr(200)}, "max above its min"},
		{"a leaderboard panel without one", metrics.Panel{Kind: "leaderboard"}, "needs a leaderboard"},
		{"a leaderboard panel with a query", metrics.Panel{Kind: "leaderboard", Leaderboard: "x", Queries: up}, "takes no query"},
		{"a leaderboard without use", metrics.Panel{Kind: "bars", Queries: up, Leaderboard: "x"}, "takes no leaderboard"},
		{"a period without use", metrics.Panel{Kind: "text", Text: "x", Period: "day"}, "takes no leaderboard"},
		{"a status without states", metrics.Panel{Kind: "status", Queries: up}, "needs thresholds"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := Check(&test.panel)
			if err == nil || metrics.KindOf(err) != metrics.Invalid || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an Invalid error with %q", err, test.want)
			}
		})
	}
}
