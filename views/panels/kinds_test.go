package panels

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

func TestChangeOfAStat(t *testing.T) {
	for _, test := range []struct {
		name           string
		from, to       float64
		good           metrics.Direction
		arrow, verdict string
	}{
		{"up is good", 100, 103.1, metrics.Up, "▲ 3.1%", "good"},
		{"up is bad", 100, 142, metrics.Down, "▲ 42%", "bad"},
		{"down is good", 100, 93.6, metrics.Down, "▼ 6.4%", "good"},
		{"neither", 100, 93.6, metrics.NoDirection, "▼ 6.4%", ""},
		{"no change", 5, 5, metrics.Up, "± 0%", ""},
		{"hardly a change", 100, 100.04, metrics.Up, "± 0%", ""},
		{"from nothing", 0, 5, metrics.Up, "", ""},
		{"still nothing", 0, 0, metrics.Up, "± 0%", ""},
		{"below zero", -10, -5, metrics.Up, "▲ 50%", "good"},
		{"out of bounds", 1, 50, metrics.Up, ">999%", "good"},
		{"rounds to two digits", 100, 109.96, metrics.Up, "▲ 10%", "good"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := changeOf(metrics.Line{Points: []metrics.Point{{Value: test.from}, {Value: test.to}}})
			if got := c.arrow(); !strings.HasSuffix(got, test.arrow) || (test.arrow == "") != (got == "") {
				t.Errorf("got %q, want %q", got, test.arrow)
			}
			if got := c.verdict(test.good); got != test.verdict {
				t.Errorf("verdict: got %q, want %q", got, test.verdict)
			}
			if words := c.words(test.good); test.verdict != "" && !strings.HasSuffix(words, "which is "+test.verdict) {
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

func TestBarsAreOrderedAndMeasured(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "bars", Height: 1})
	got := html(t, Make(input(p, noon, short, few(10, 40, -5, 20, 30)), nil))
	order := []string{`width="1000"`, ">b<", ">40<", `width="750"`, ">e<", ">30<", `width="500"`, ">d<", ">20<", "+2 more"}
	inOrder(t, got, order)
	p.Max = ptr(80)
	inOrder(t, html(t, Make(input(p, noon, short, few(40, -5, 100)), nil)), []string{`width="1000"`, `width="500"`, `width="0"`})
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
		"a <script>alert(1)</script> b":    "<!-- raw HTML omitted -->",
		"<img src=x onerror=alert(1)>":     "<!-- raw HTML omitted -->",
		"[x](https://a.example)":           `<a href="https://a.example" rel="noopener noreferrer">x</a>`,
		"https://a.example":                `<a href="https://a.example" rel="noopener noreferrer">https://a.example</a>`,
		"[x](javascript:alert(1))":         `<a href="" rel="noopener noreferrer">x</a>`,
		"![x](https://a.example/b.png)":    `<a href="https://a.example/b.png" rel="noopener noreferrer">x</a>`,
		"![x](//a.example/b.png)":          `<a href="//a.example/b.png" rel="noopener noreferrer">x</a>`,
		`![x](/\a.example/b.png)`:          `<a href="/%5Ca.example/b.png" rel="noopener noreferrer">x</a>`,
		"![x](data:image/svg+xml;base64,)": `rel="noopener noreferrer">x</a>`,
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
