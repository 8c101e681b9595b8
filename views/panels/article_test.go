package panels

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

var (
	leafTag    = regexp.MustCompile(`<(\w+)[^>]* data-v="(\d+)"[^>]*>([^<]*)</(\w+)>`)
	leafMark   = regexp.MustCompile(` data-v="`)
	liveChart  = regexp.MustCompile(`(?s)<live-chart.*</live-chart>|<section class="ranking.*</section>`) // what moves by steps of its own
	articleTag = regexp.MustCompile(`^<article[^>]*>`)
)

// The wire sends the changed leaves alone, so each must be text only and have a number of its own.
func TestLeavesAreNumberedOnceAndHoldTextOnly(t *testing.T) {
	for kind, e := range examples {
		got := html(t, Make(input(panel(t, e.panel), noon, short, e.normal), nil))
		seen := map[string]bool{}
		found := leafTag.FindAllStringSubmatch(got, -1)
		for _, m := range found {
			if m[1] != m[4] {
				t.Errorf("%s: leaf %s holds more than text: %s", kind, m[2], m[0])
			}
			if seen[m[2]] {
				t.Errorf("%s: leaf %s is there twice", kind, m[2])
			}
			seen[m[2]] = true
		}
		if all := len(leafMark.FindAllString(got, -1)); all != len(found) || all == 0 {
			t.Errorf("%s: %d of %d leaves hold text only", kind, len(found), all)
		}
	}
}

// What is not a leaf or a chart must stay, or a tick costs a whole panel.
func TestATickMovesOnlyLeavesAndCharts(t *testing.T) {
	still := func(s string) string {
		s = articleTag.ReplaceAllString(s, "")
		return leafTag.ReplaceAllString(liveChart.ReplaceAllString(s, "<live-chart>"), "<leaf>")
	}
	for kind, e := range examples {
		p := panel(t, e.panel)
		first := Make(input(p, noon, short, e.normal), nil)
		second := Make(input(p, noon.Add(time.Second), short, func(w metrics.Window) []metrics.Line {
			lines := e.normal(w)
			for _, l := range lines {
				l.Points[len(l.Points)-1].Value += .25
			}
			return lines
		}), first)
		if a, b := still(html(t, first)), still(html(t, second)); a != b {
			t.Errorf("%s: more than leaves moved:\n%s\n%s", kind, a, b)
		}
		if a, b := html(t, first), html(t, second); a == b && kind != "text" {
			t.Errorf("%s: nothing moved", kind)
		}
	}
}

func TestNamesOfStrangersAreText(t *testing.T) {
	hostile := []string{
		`<script>alert(1)</script>`, `" onmouseover="alert(1)`, `' onfocus='alert(1)`, `</title><img src=x onerror=alert(1)>`,
		`]]><svg onload=alert(1)>`, "שלום עולם", strings.Repeat("long", 250), `javascript:alert(1)`, `{{host}}`, `@5 x;1`,
	}
	for kind, e := range examples {
		for _, name := range hostile {
			e.panel.Title = name
			p := panel(t, e.panel)
			in := input(p, noon, short, func(w metrics.Window) []metrics.Line {
				lines := e.normal(w)
				for i := range lines {
					lines[i].Labels = labels("host", name)
				}
				return lines[:min(len(lines), 1)]
			})
			got := html(t, Make(in, nil))
			for _, bad := range []string{"<script", "<img", "<svg onload", `" onmouse`, `' onfocus`, " style="} {
				if strings.Contains(got, bad) {
					t.Errorf("%s named %.30q: the page has %s", kind, name, bad)
				}
			}
			if Needs(kind) != None && strings.Count(got, "<") != strings.Count(got, ">") {
				t.Errorf("%s named %.30q: unbalanced tags", kind, name)
			}
		}
	}
}

func TestAgeAndStaleness(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "bars", StaleAfter: time.Minute})
	for _, test := range []struct {
		name  string
		age   time.Duration
		state Condition
		text  string
	}{
		{"young", 400 * time.Millisecond, Fresh, "now"},
		{"seconds", 59*time.Second + 900*time.Millisecond, Fresh, "59 s"},
		{"on the limit", time.Minute, Stale, "stale 60 s"},
		{"minutes", 5 * time.Minute, Stale, "stale 5 min"},
		{"hours", 3 * time.Hour, Stale, "stale 3 h"},
		{"days", 50 * time.Hour, Stale, "stale 2 d"},
		{"ahead of our clock", -time.Second, Fresh, "now"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := input(p, noon, short, few(1))
			in.Results[0].At = noon.Add(-test.age).UnixMilli()
			got := Make(in, nil)
			if got.State != test.state || got.age != test.text {
				t.Errorf("got %s %q, want %s %q", got.State, got.age, test.state, test.text)
			}
		})
	}
}

func TestAFixedWindowDoesNotAge(t *testing.T) {
	in := input(panel(t, metrics.Panel{Kind: "bars"}), noon, short, few(1))
	in.Now = noon.Add(time.Hour)
	if got := Make(in, nil); got.State != Fresh || got.age != "" || got.staleAfter != "" {
		t.Errorf("got %s %q %q, want fresh and no age", got.State, got.age, got.staleAfter)
	}
}

func TestOneFailedQueryFailsThePanel(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "bars", Queries: []metrics.Query{{Expr: "good"}, {Expr: "b<d"}}})
	in := input(p, noon, short, few(1))
	in.Results = append(in.Results, metrics.Result{Err: metrics.Errorf(metrics.Invalid, "1:2: parse error: no")})
	got := Make(in, nil)
	if got.State != Failed || !strings.Contains(html(t, got), "b<mark>&lt;</mark>d") {
		t.Errorf("got state %s: %s", got.State, html(t, got))
	}
}

func TestThePlaceOfAnErrorIsMarked(t *testing.T) {
	for _, test := range []struct{ name, expr, message, before, mark, after string }{
		{"inside", "sum(x y)", "1:7: parse error: y", "sum(x ", "y", ")"},
		{"second line", "sum(\n\u00e5)", "2:1: parse error", "sum(\n", "å", ")"},
		{"at the end", "sum(", "1:5: parse error", "sum(", "⌃", ""},
		{"after words", "x", "query: 1:1: bad", "", "x", ""},
		{"far in", strings.Repeat("å", 30) + "x)", "1:61: parse error", "…" + strings.Repeat("å", 24), "x", ")"},
		{"outside", "x", "9:9: parse error", "x", "", ""},
		{"inside of a rune", "å", "1:2: parse error", "å", "", ""},
		{"without a place", "x", "too many samples", "x", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := newFailure(test.expr, metrics.Errorf(metrics.Invalid, "%s", test.message))
			want := failureModel{test.message, test.expr, test.before, test.mark, test.after}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestAnEmptyPanelNamesWhatItAskedFor(t *testing.T) {
	for expr, want := range map[string]string{
		"up":                                  "up",
		`sum by (host) (rate(cpu_total[1m]))`: "cpu_total",
		`disk_free{mount="/"} / 2`:            "disk_free",
		`a + b`:                               "a + b",
	} {
		in := input(panel(t, metrics.Panel{Kind: "bars", Queries: []metrics.Query{{Expr: expr}}}), noon, short, none)
		if got := newNothing(in, false).Asked; len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q, want %q", expr, got, want)
		}
	}
}

func TestAnEmptyPanelBlamesTheQueryWhereThereAreSamples(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "bars"})
	for _, test := range []struct {
		name, what, hint, age string
		at                    int64
	}{
		{"no samples", "No data in this range", "Is its collector running, and the name spelt right?", "", 0},
		{"fresh samples", "The query gives nothing", "Its metrics have samples: do the labels match, is it a number?", "2 s", noon.UnixMilli() - 2000},
		{"old samples", "No data in this range", "Is its collector running, and the name spelt right?", "stale 5 min", noon.UnixMilli() - 300_000},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := input(p, noon, short, none)
			in.Results[0].At = test.at
			got := Make(in, nil)
			if got.State != Empty {
				t.Errorf("state %s, want empty", got.State)
			}
			inOrder(t, html(t, got), []string{">" + test.age + "</time>", ">" + test.what + "<", ">" + test.hint + "<"})
		})
	}
}
