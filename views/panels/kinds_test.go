package panels

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

func TestNothingIsJudgedWithoutThresholds(t *testing.T) {
	with := &metrics.Panel{Thresholds: []metrics.Threshold{{From: 1, State: metrics.Warn}}}
	for _, test := range []struct {
		panel       *metrics.Panel
		level, want metrics.State
	}{
		{with, metrics.Neutral, metrics.OK},
		{with, metrics.Warn, metrics.Warn},
		{&metrics.Panel{}, metrics.Neutral, metrics.Neutral},
	} {
		if got := judged(test.panel, test.level); got != test.want {
			t.Errorf("judged(%d thresholds, %q) = %q, want %q", len(test.panel.Thresholds), test.level, got, test.want)
		}
	}
}

func TestChangeOfAStat(t *testing.T) {
	for _, test := range []struct {
		name           string
		unit           metrics.Unit
		from, to       float64
		good           metrics.Direction
		level          metrics.State
		arrow, verdict string
	}{
		{"up is good", metrics.Short, 100, 103.1, metrics.Up, metrics.Neutral, "▲ 3.1%", "good"},
		{"up is bad", metrics.Short, 100, 142, metrics.Down, metrics.Neutral, "▲ 42%", "bad"},
		{"down is good", metrics.Short, 100, 93.6, metrics.Down, metrics.Neutral, "▼ 6.4%", "good"},
		{"neither", metrics.Short, 100, 93.6, metrics.NoDirection, metrics.Neutral, "▼ 6.4%", ""},
		{"no change", metrics.Short, 5, 5, metrics.Up, metrics.Neutral, "", ""},
		{"hardly a change", metrics.Short, 100, 100.04, metrics.Up, metrics.Neutral, "", ""},
		{"from nothing", metrics.Short, 0, 5, metrics.Up, metrics.Neutral, "", ""},
		{"to nothing", metrics.Short, 5, 0, metrics.Up, metrics.Neutral, "", ""},
		{"still nothing", metrics.Short, 0, 0, metrics.Up, metrics.Neutral, "", ""},
		{"below zero", metrics.Short, -10, -5, metrics.Up, metrics.Neutral, "▲ 50%", "good"},
		{"across zero", metrics.Short, -10, 5, metrics.Up, metrics.Neutral, "", ""},
		{"out of bounds", metrics.Short, 1, 50, metrics.Up, metrics.Neutral, "▲ >999%", "good"},
		{"rounds to two digits", metrics.Short, 100, 109.96, metrics.Up, metrics.Neutral, "▲ 10%", "good"},
		{"a share in points", metrics.Ratio, 0.10, 0.118, metrics.Down, metrics.Neutral, "▲ 1.8 pp", "bad"},
		{"percent in points", metrics.Percent, 40, 22, metrics.Down, metrics.Neutral, "▼ 18 pp", "good"},
		{"points from nothing", metrics.Percent, 0, 5, metrics.NoDirection, metrics.Neutral, "▲ 5.0 pp", ""},
		{"hardly a point", metrics.Ratio, 0.1, 0.1004, metrics.Up, metrics.Neutral, "", ""},
		{"worse, but ok", metrics.Percent, 20, 30, metrics.Down, metrics.OK, "▲ 10 pp", ""},
		{"better and ok", metrics.Percent, 30, 20, metrics.Down, metrics.OK, "▼ 10 pp", "good"},
		{"worse and not ok", metrics.Percent, 20, 90, metrics.Down, metrics.Warn, "▲ 70 pp", "bad"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := changeOf(test.unit, metrics.Line{Points: []metrics.Point{{Value: test.from}, {Value: test.to}}})
			if got := c.arrow(); got != test.arrow {
				t.Errorf("got %q, want %q", got, test.arrow)
			}
			verdict := c.verdict(test.good, test.level)
			if verdict != test.verdict {
				t.Errorf("verdict: got %q, want %q", verdict, test.verdict)
			}
			if words := c.words(verdict); test.verdict != "" && !strings.HasSuffix(words, "which is "+test.verdict) {
				t.Errorf("words: %q", words)
			}
		})
	}
}

func TestAStatSaysWhatItLeavesOut(t *testing.T) {
	in := input(panel(t, metrics.Panel{Kind: "stat"}), noon, short, few(1, 2, 3))
	if got := html(t, Make(in, nil)); !strings.Contains(got, "+2 more") {
		t.Errorf("got %s", got)
	}
}

func TestALongNumberIsSmaller(t *testing.T) {
	for number, want := range map[string]string{"63": "", "−1.00e+300": "", "186,348,312": "long", "2026-01-31 14:05:09": "longer"} {
		if got := numberLength(number); got != want {
			t.Errorf("%s: got %q, want %q", number, got, want)
		}
	}
	in := input(panel(t, metrics.Panel{Kind: "stat", Unit: metrics.Percent}), noon, short, few(186348312))
	inOrder(t, html(t, Make(in, nil)), []string{`data-length="long">186,348,312<`})
}

func TestBarsAreOrderedAndMeasured(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "bars", Height: 1})
	got := html(t, Make(input(p, noon, short, few(10, 40, -5, 20, 30)), nil))
	order := []string{`width="1000"`, ">b<", ">40<", `width="750"`, ">e<", ">30<", `width="500"`, ">d<", ">20<", "+2 more"}
	inOrder(t, got, order)
	p.Max = ptr(80)
	inOrder(t, html(t, Make(input(p, noon, short, few(40, -20, 100)), nil)), []string{`x="0" width="1000"`, `x="0" width="500"`, `x="750" width="250"`})
}

func TestBarsBelowZeroComeFromTheRight(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "bars", Height: 1})
	got := html(t, Make(input(p, noon, short, few(-10, -40, math.NaN())), nil))
	inOrder(t, got, []string{`x="750" width="250"`, ">−10<", `x="0" width="1000"`, ">−40<", `x="0" width="0"`, ">–<"})
}

func inOrder(t *testing.T, text string, parts []string) {
	t.Helper()
	rest := text
	for _, p := range parts {
		_, after, found := strings.Cut(rest, p)
		if !found {
			t.Fatalf("%s is missing or misplaced in %s", p, text)
		}
		rest = after
	}
}

func TestAGaugeFillsByItsLimits(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "gauge", Min: ptr(-50), Max: ptr(150), Width: 5})
	got := html(t, Make(input(p, noon, short, few(-60, -50, 0, 150, 900, 7)), nil))
	inOrder(t, got, []string{`"0.0 200" stroke-linecap="butt"`, `"0.0 200"`, `"25.0 200" stroke-linecap="round"`, `"100.0 200"`, `"100.0 200"`, "+1 more"})
	if wide, narrow := typeSize("63%"), typeSize("1,234,567 req/s"); wide != "23" || narrow != "8" {
		t.Errorf("type sizes %s and %s", wide, narrow)
	}
}

func TestGaugesBeyondTheRoomAreTheLastByName(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "gauge", Width: 3, Max: ptr(100)})
	got := html(t, Make(input(p, noon, short, func(w metrics.Window) []metrics.Line {
		return []metrics.Line{value(w, 1, "host", "cpu1"), value(w, 1, "host", "cpu10"), value(w, 1, "host", "cpu2"), value(w, 1, "host", "a")}
	}), nil))
	inOrder(t, got, []string{">a<", ">cpu1<", ">cpu2<", "+1 more"})
}

func TestGaugesKeepTheOrderOfTheQueries(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "gauge", Max: ptr(100), Queries: []metrics.Query{{Expr: "m", Legend: "memory"}, {Expr: "d", Legend: "disk"}}})
	in := input(p, noon, short, func(w metrics.Window) []metrics.Line { return []metrics.Line{value(w, 1)} })
	in.Results = append(in.Results, in.Results[0])
	inOrder(t, html(t, Make(in, nil)), []string{">memory<", ">disk<"})
}

func TestNamesInNaturalOrder(t *testing.T) {
	want := []string{"", "10", "a", "a2b3", "a2b10", "a10", "a10b", "b", "cpu 2", "cpu 11"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, compareNatural)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAChartSaysWhatItLeavesOutWithoutALegend(t *testing.T) {
	values := make([]float64, maxLines+3)
	for _, legend := range []bool{true, false} {
		p := panel(t, metrics.Panel{Kind: "timeseries", Legend: legend})
		got := html(t, Make(input(p, noon, short, few(values...)), nil))
		_, below, _ := strings.Cut(got, "</ul>")
		if strings.Contains(below, "+3 more") == legend || strings.Count(got, "+3 more") != 1 {
			t.Errorf("legend %t: %s", legend, got)
		}
	}
}

func TestStatusCountsWhatItDoesNotShow(t *testing.T) {
	states := []metrics.Threshold{{From: 0, State: metrics.Crit, Text: "down"}, {From: 1, State: metrics.OK, Text: "up"}}
	p := panel(t, metrics.Panel{Kind: "status", Thresholds: states})
	got := Make(input(p, noon, short, func(w metrics.Window) []metrics.Line {
		var lines []metrics.Line
		for i := range maxTiles + 10 {
			lines = append(lines, value(w, float64(min(i%100, 1)), "host", fmt.Sprint(i)))
		}
		return append(lines, value(w, -1, "host", "odd"))
	}), nil)
	inOrder(t, html(t, got), []string{`data-size="small"`, ">1 unknown<", ">306 up<", ">4 down<", "+11 more"})
	if got.Level != metrics.Crit {
		t.Errorf("level %q", got.Level)
	}
}

func TestATileOfAURLNamesWhatDiffers(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "status", Thresholds: high})
	got := html(t, Make(input(p, noon, short, func(w metrics.Window) []metrics.Line {
		return []metrics.Line{value(w, 1, "host", "https://shop.example/health"), value(w, 1, "host", "db1")}
	}), nil))
	inOrder(t, got, []string{`data-chars="24"`, `title="https://shop.example/health: ok (1)">shop.example/health<`, `title="db1: ok (1)">db1<`})
	for letters, want := range map[int]string{0: "8", 8: "8", 9: "16", 24: "24", 25: "32", 900: "32"} {
		if got := nameRoom(letters); got != want {
			t.Errorf("%d letters: got room for %s, want %s", letters, got, want)
		}
	}
}

func TestTableJoinsOnLabels(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "table", Title: "t", Queries: []metrics.Query{{Expr: "a", Legend: "in"}, {Expr: "b"}}})
	in := input(p, noon, short, func(w metrics.Window) []metrics.Line {
		return []metrics.Line{value(w, 1, "__name__", "a", "host", "x"), value(w, 5, "__name__", "a", "host", "y", "zone", "n")}
	})
	in.Results = append(in.Results, metrics.Result{Lines: []metrics.Line{
		value(in.Window, 7, "__name__", "b", "host", "x"), value(in.Window, 9, "host", "z"), {Labels: labels("host", "none")},
	}})
	got := html(t, Make(in, nil))
	inOrder(t, got, []string{
		">host<", ">zone<", ">in<", ">value 2<",
		`title="y"`, ">n<", ">5<", ">–<",
		`title="x"`, ">1<", ">7<",
		`title="z"`, ">–<", ">9<", "</tbody>",
	})
	if strings.Contains(got, "__name__") || strings.Contains(got, `"none"`) {
		t.Errorf("the table shows names or rows without a value: %s", got)
	}
}

func TestTableSaysWhatItLeavesOut(t *testing.T) {
	values := make([]float64, maxRows+3)
	got := html(t, Make(input(panel(t, metrics.Panel{Kind: "table"}), noon, short, few(values...)), nil))
	if rows := strings.Count(got, "<tr>"); rows != maxRows+1 || !strings.Contains(got, "+3 more") {
		t.Errorf("%d rows in %s", rows, got)
	}
}

func TestTextCannotRunOrCallOut(t *testing.T) {
	for markdown, want := range map[string]string{
		"# Big":                            "<h3>Big</h3>",
		"##### Small":                      "<h6>Small</h6>",
		"a <script>alert(1)</script> b":    "a &lt;script&gt;alert(1)&lt;/script&gt; b",
		"<script>alert(1)</script>":        "&lt;script&gt;alert(1)&lt;/script&gt;",
		"<div>\n*a*\n</div>":               "&lt;div&gt;\n<em>a</em>\n&lt;/div&gt;",
		"<img src=x onerror=alert(1)>":     "&lt;img src=x onerror=alert(1)&gt;",
		"[x](https://a.example)":           `<a href="https://a.example" rel="noopener noreferrer">x</a>`,
		"https://a.example":                `<a href="https://a.example" rel="noopener noreferrer">https://a.example</a>`,
		"[x](javascript:alert(1))":         "<p>x</p>",
		"a [*x* `y`](JavaScript:alert(1))": "<p>a <em>x</em> <code>y</code></p>",
		"<javascript:alert(1)>":            "<p>javascript:alert(1)</p>",
		"<https://a.example>":              `<a href="https://a.example" rel="noopener noreferrer">https://a.example</a>`,
		"![x](https://a.example/b.png)":    `<a href="https://a.example/b.png" rel="noopener noreferrer">x</a>`,
		"![x](//a.example/b.png)":          `<a href="//a.example/b.png" rel="noopener noreferrer">x</a>`,
		`![x](/\a.example/b.png)`:          `<a href="/%5Ca.example/b.png" rel="noopener noreferrer">x</a>`,
		"![x](data:image/svg+xml;base64,)": "<p>x</p>",
		"![x](/assets/logo.png)":           `<img src="/assets/logo.png" alt="x">`,
		"|a|b|\n|-|-:|\n|1|2|":             `<td align="right">2</td>`,
		"~~old~~":                          "<del>old</del>",
	} {
		p := panel(t, metrics.Panel{Kind: "text", Text: markdown})
		got := html(t, Make(input(p, noon, short, none), nil))
		if !strings.Contains(got, want) || strings.Contains(got, "<script") || strings.Contains(got, "style=") || strings.Contains(got, "<img src=x") {
			t.Errorf("%s\ngot  %s\nwant %s", markdown, got, want)
		}
	}
}

func TestClockShowsItsZone(t *testing.T) {
	for zone, want := range map[string][]string{
		"":                 {`data-zone="UTC"`, ">12:00:00<", ">Saturday 14 March<", ">UTC<"},
		"Asia/Tokyo":       {`data-zone="Asia/Tokyo"`, ">21:00:00<", ">JST<"},
		"Pacific/Auckland": {">01:00:00<", ">Sunday 15 March<"},
	} {
		p := panel(t, metrics.Panel{Kind: "clock", Zone: zone})
		inOrder(t, html(t, Make(Input{Dashboard: "d", Panel: p, Now: noon}, nil)), want)
	}
}

func TestNames(t *testing.T) {
	p := &metrics.Panel{Title: "Load", Queries: []metrics.Query{{Legend: "{{ host }} {{missing}}{{cpu}}"}, {}}}
	for _, test := range []struct {
		query  int
		labels metrics.Labels
		want   string
	}{
		{0, labels("cpu", "3", "host", "a{{cpu}}"), "a{{cpu}} 3"},
		{1, labels("__name__", "load1", "host", "a"), `load1{host="a"}`},
		{1, nil, "Load"},
		{0, labels("other", "x"), `{other="x"}`},
	} {
		if got := nameOf(p, test.query, test.labels); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestTheWorstStateStandsAtThePanel(t *testing.T) {
	order := []metrics.State{metrics.Neutral, metrics.OK, metrics.Warn, metrics.Crit}
	for i, a := range order {
		for j, b := range order {
			if got := worst(a, b); got != order[max(i, j)] {
				t.Errorf("worst(%q, %q) = %q", a, b, got)
			}
		}
	}
	in := input(panel(t, metrics.Panel{Kind: "bars", Thresholds: high}), noon, short, few(5, 85))
	if got := Make(in, nil); got.Level != metrics.Warn {
		t.Errorf("level %q", got.Level)
	}
}

func BenchmarkMakeTimeseries(b *testing.B) {
	p := panel(b, metrics.Panel{Kind: "timeseries", Unit: metrics.Percent, Fill: true, Legend: true})
	in := input(p, noon, 5*time.Minute, func(w metrics.Window) []metrics.Line {
		return []metrics.Line{wave(w, 50, 30, "host", "a"), wave(w, 40, 20, "host", "b"), wave(w, 30, 10, "host", "c")}
	})
	for b.Loop() {
		html(b, Make(in, nil))
	}
}
