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

func chartOf(t *testing.T, p metrics.Panel, now time.Time, span time.Duration, prev *Print, lines ...func(metrics.Window) metrics.Line) *Print {
	t.Helper()
	p.Kind = "timeseries"
	return Make(input(panel(t, p), now, span, func(w metrics.Window) []metrics.Line {
		var made []metrics.Line
		for _, l := range lines {
			made = append(made, l(w))
		}
		return made
	}), prev)
}

func TestLinesReachFromEdgeToEdge(t *testing.T) {
	for _, span := range []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour, 7 * 24 * time.Hour} {
		for _, late := range []time.Duration{0, 1, 999 * time.Millisecond, 12345 * time.Millisecond} {
			in := input(panel(t, metrics.Panel{Kind: "timeseries"}), noon.Add(late), span, func(w metrics.Window) []metrics.Line { return []metrics.Line{wave(w, 5, 1)} })
			c := Make(in, nil).Chart
			points := c.lines[0].points
			if first, last := points[0].x, points[len(points)-1].x; first > c.x0 || last != c.x1 {
				t.Errorf("%s: the line spans %d to %d, the view %d to %d", span, first, last, c.x0, c.x1)
			}
		}
	}
}

func TestAMissingInstantBreaksTheLine(t *testing.T) {
	points := []point{{0, 5}, {4, 6}, {12, 7}, {20, 8}, {23, 9}}
	if got, want := linePath(points), "M0 5l4 1M12 7l0 0M20 8l3 1"; got != want {
		t.Errorf("line: got %s, want %s", got, want)
	}
	if got, want := areaPath(points, 99), "M0 99V5l4 1V99ZM12 99V7l0 0V99ZM20 99V8l3 1V99Z"; got != want {
		t.Errorf("area: got %s, want %s", got, want)
	}
	if got := linePath(nil) + areaPath(nil, 9); got != "" {
		t.Errorf("no points: got %s", got)
	}
}

func TestPointsAreFiniteInTheViewAndOneAnX(t *testing.T) {
	p := chartOf(t, metrics.Panel{Max: ptr(10)}, noon, short, nil, func(w metrics.Window) metrics.Line {
		at := func(back int64, v float64) metrics.Point { return metrics.Point{At: w.To - back, Value: v} }
		return metrics.Line{Points: []metrics.Point{
			at(600_000, 1), at(5000, math.NaN()), at(4000, math.Inf(1)), at(3000, 5), at(2001, 1), at(2000, 2), at(1999, 3), at(0, 1000), at(-5000, 4),
		}}
	})
	c := p.Chart
	want := []point{{c.x1 - 12, 500}, {c.x1 - 9, 900}, {c.x1 - 8, 700}, {c.x1, -beyond}}
	if got := c.lines[0].points; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestScales(t *testing.T) {
	for _, test := range []struct {
		name     string
		panel    metrics.Panel
		values   []float64
		min, max float64
	}{
		{"percent shows all of it", metrics.Panel{Unit: metrics.Percent}, []float64{20, 30}, 0, 100},
		{"percent of several", metrics.Panel{Unit: metrics.Percent}, []float64{20, 380}, 0, 400},
		{"ratio shows all of it", metrics.Panel{Unit: metrics.Ratio}, []float64{.2, .3}, 0, 1},
		{"bytes start at zero", metrics.Panel{Unit: metrics.Bytes}, []float64{5 << 30, 6 << 30}, 0, 6 << 30},
		{"numbers start at zero", metrics.Panel{}, []float64{52, 83}, 0, 100},
		{"negative numbers", metrics.Panel{}, []float64{-83, -52}, -100, 0},
		{"both sides of zero", metrics.Panel{}, []float64{-9, 12}, -10, 15},
		{"nothing but zero", metrics.Panel{}, []float64{0, 0}, 0, 1},
		{"pinned", metrics.Panel{Min: ptr(7), Max: ptr(43)}, []float64{0, 1000}, 7, 43},
		{"pinned below", metrics.Panel{Min: ptr(50)}, []float64{60, 90}, 50, 90},
		{"pinned below and flat", metrics.Panel{Min: ptr(50)}, []float64{10, 10}, 50, 55},
		{"pinned above and beyond", metrics.Panel{Max: ptr(-5)}, []float64{10, 10}, -5.5, -5},
		{"nothing finite", metrics.Panel{}, []float64{math.NaN(), math.NaN()}, 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := chartOf(t, test.panel, noon, short, nil, func(w metrics.Window) metrics.Line {
				return metrics.Line{Points: []metrics.Point{{At: w.To - 1000, Value: test.values[0]}, {At: w.To, Value: test.values[1]}}}
			}).Chart
			if c.scale.min != test.min || c.scale.max != test.max || len(c.scale.ticks) < 2 || len(c.scale.ticks) > 8 {
				t.Errorf("got %v to %v with ticks %v, want %v to %v", c.scale.min, c.scale.max, c.scale.ticks, test.min, test.max)
			}
		})
	}
}

func TestAScaleGrowsAtOnceAndShrinksLate(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "timeseries"})
	at := func(now time.Time, v float64, prev *Print) *Print {
		return Make(input(p, now, short, func(w metrics.Window) []metrics.Line { return []metrics.Line{value(w, v)} }), prev)
	}
	print := at(noon, 90, nil)
	steps := []struct {
		after time.Duration
		value float64
		max   float64
	}{
		{1, 190, 200}, // grows at once
		{2, 130, 200}, // needs 150, which is most of it
		{3, 50, 200},  // needs a quarter
		{20, 50, 200},
		{25, 190, 200}, // needs it again: patience begins anew
		{34, 50, 200},
		{63, 50, 200},
		{64, 50, 50},
	}
	for _, s := range steps {
		if print = at(noon.Add(s.after*time.Second), s.value, print); print.Chart.scale.max != s.max {
			t.Errorf("after %d s: the scale ends at %v, want %v", s.after, print.Chart.scale.max, s.max)
		}
	}
	if fresh := at(noon, 50, nil); fresh.Chart.scale.max != 50 {
		t.Errorf("a fresh print ends at %v", fresh.Chart.scale.max)
	}
}

func TestTimeMarks(t *testing.T) {
	stockholm, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	spring := time.Date(2026, 3, 29, 12, 0, 0, 0, stockholm) // clocks went from 2 to 3 that night
	autumn := time.Date(2026, 10, 25, 12, 0, 0, 0, stockholm)
	for _, test := range []struct {
		name string
		now  time.Time
		span time.Duration
		want string
	}{
		{"seconds", noon, 12 * time.Second, "11:59:50 11:59:52 11:59:54 11:59:56 11:59:58 12:00:00"},
		{"5 minutes", noon.Add(30 * time.Second), 5 * time.Minute, "11:56 11:57 11:58 11:59 12:00"},
		{"15 minutes", noon, 15 * time.Minute, "11:48 11:51 11:54 11:57 12:00"},
		{"1 hour", noon, time.Hour, "11:10 11:20 11:30 11:40 11:50 12:00"},
		{"6 hours", noon, 6 * time.Hour, "07:00 08:00 09:00 10:00 11:00 12:00"},
		{"24 hours", noon, 24 * time.Hour, "16:00 20:00 14 Mar 04:00 08:00 12:00"},
		{"7 days", noon, 7 * 24 * time.Hour, "8 Mar 9 Mar 10 Mar 11 Mar 12 Mar 13 Mar 14 Mar"},
		{"half an hour off", noon.In(kolkata), 6 * time.Hour, "12:00 13:00 14:00 15:00 16:00 17:00"},
		{"a day of 23 hours", spring, 24 * time.Hour, "12:00 16:00 20:00 29 Mar 04:00 08:00 12:00"},
		{"a day of 25 hours", autumn, 24 * time.Hour, "16:00 20:00 25 Oct 04:00 08:00 12:00"},
		{"the hour that is there twice", time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC).In(stockholm), time.Hour, "02:40 02:50 02:00 02:10 02:20 02:30"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := chartOf(t, metrics.Panel{}, test.now, test.span, nil, func(w metrics.Window) metrics.Line { return wave(w, 1, 1) }).Chart
			var got []string
			for _, m := range c.marks {
				got = append(got, m.text)
				if in := time.UnixMilli(c.at(m.x)).In(test.now.Location()).Format("15:04"); strings.Contains(m.text, ":") && len(m.text) == 5 && test.span <= time.Hour && in != m.text {
					t.Errorf("%s stands at %s", m.text, in)
				}
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("got %q, want %s", got, test.want)
			}
		})
	}
}

func TestAChartOfManyLinesShowsTheHighest(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "timeseries", Queries: []metrics.Query{{Expr: "x", Legend: "{{n}}"}}})
	answer := func(extra float64) func(w metrics.Window) []metrics.Line {
		return func(w metrics.Window) []metrics.Line {
			var lines []metrics.Line
			for i := range 15 {
				v := 10 + float64(i)
				if i == 2 {
					v += extra
				}
				lines = append(lines, value(w, v, "n", fmt.Sprintf("%02d", i)))
			}
			return lines
		}
	}
	print := Make(input(p, noon, short, answer(0)), nil)
	if got := names(print.Chart.lines); len(got) != maxLines || got[0] != "03" || !strings.Contains(html(t, print), "+3 more") {
		t.Errorf("got %q", got)
	}
	again := Make(input(p, noon, short, answer(2)), print)
	if got := names(again.Chart.lines); got[0] != "03" {
		t.Errorf("near equals take turns: %q", got)
	}
	if got := names(Make(input(p, noon, short, answer(50)), print).Chart.lines); got[0] != "02" {
		t.Errorf("a line far above the others is left out: %q", got)
	}
}

func TestColoursRepeatDashed(t *testing.T) {
	if a, b, c := seriesClass(0), seriesClass(7), seriesClass(8); a != "s1" || b != "s8" || c != "s1 again" {
		t.Errorf("got %q %q %q", a, b, c)
	}
}

func TestLegendOfALineThatEnded(t *testing.T) {
	ended := func(w metrics.Window) metrics.Line {
		l := wave(w, 50, 1, "host", "gone")
		l.Points = l.Points[:4]
		return l
	}
	got := html(t, chartOf(t, metrics.Panel{Unit: metrics.Percent, Thresholds: high}, noon, short, nil, ended, func(w metrics.Window) metrics.Line { return wave(w, 20, 0, "host", "here") }))
	if !strings.Contains(got, `gone</span> <b data-v="1">–</b>`) || !strings.Contains(got, `here</span> <b data-v="2">20%</b>`) {
		t.Errorf("got %s", got)
	}
}

func TestZoneNames(t *testing.T) {
	if got := ZoneName(noon); got != "UTC" {
		t.Errorf("got %s", got)
	}
	if got := ZoneName(noon.In(time.FixedZone("Local", -5400))); got != "-01:30" {
		t.Errorf("got %s", got)
	}
}
