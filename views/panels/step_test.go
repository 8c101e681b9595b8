package panels

import (
	"bytes"
	"compress/flate"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"liveboard/metrics"
)

// client is what <live-chart> keeps, and moves by the same rule.
type client struct {
	x0, wide int
	lines    [][]point
	marks    []string // x and text
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

// load reads what the server drew, as the script does.
func load(c *Chart) *client {
	view := strings.Fields(c.model.View)
	k := &client{x0: atoi(view[0]), wide: atoi(view[2])}
	for _, p := range c.model.Paths {
		k.lines = append(k.lines, parsePath(p.Line))
	}
	for _, m := range c.model.Marks {
		k.marks = append(k.marks, m.At+" "+m.Text)
	}
	return k
}

var (
	commands = regexp.MustCompile(`([Ml])([^Ml]*)`)
	numbers  = regexp.MustCompile(`-?\d+`)
)

func parsePath(d string) []point {
	var points []point
	for _, c := range commands.FindAllStringSubmatch(d, -1) {
		n := numbers.FindAllString(c[2], -1)
		for i := 0; i < len(n); i += 2 {
			from := point{}
			if c[1] == "l" {
				from = points[len(points)-1]
			}
			if c[1] == "M" || n[i] != "0" {
				points = append(points, point{from.x + atoi(n[i]), from.y + atoi(n[i+1])})
			}
		}
	}
	return points
}

func (k *client) step(s string) {
	if s == "" {
		return
	}
	fields := strings.Split(s, ";")
	head := strings.Fields(fields[0])
	x1 := atoi(head[0])
	keep := x1 - atoi(head[1])
	k.x0 = x1 - k.wide
	for i := range k.lines {
		k.lines[i] = slices.DeleteFunc(k.lines[i], func(p point) bool { return p.x <= k.x0-gridUnits || p.x > keep })
		for _, f := range strings.FieldsFunc(fields[1+i], func(r rune) bool { return r == ',' }) {
			back, y, found := strings.Cut(f, ":")
			if !found {
				back, y = "0", f
			}
			k.lines[i] = append(k.lines[i], point{x1 - atoi(back), atoi(y)})
		}
	}
	for _, f := range fields[1+len(k.lines):] {
		if m := strings.TrimPrefix(f, "@"); !slices.Contains(k.marks, m) {
			k.marks = append(k.marks, m)
		}
	}
	k.marks = slices.DeleteFunc(k.marks, func(m string) bool { return atoi(strings.Fields(m)[0]) < k.x0 })
}

func (k *client) String() string { return fmt.Sprintf("%d+%d %v %q", k.x0, k.wide, k.lines, k.marks) }

// feed makes up lines that grow, with gaps, late corrections and points between two instants.
type feed struct {
	lines []map[int64]float64
}

func (f *feed) answer(w metrics.Window) []metrics.Line {
	var lines []metrics.Line
	for i, values := range f.lines {
		l := metrics.Line{Labels: labels("host", strconv.Itoa(i))}
		for at, v := range values {
			if at >= w.From && at <= w.To {
				l.Points = append(l.Points, metrics.Point{At: at, Value: v})
			}
		}
		slices.SortFunc(l.Points, func(a, b metrics.Point) int { return int(a.At - b.At) })
		lines = append(lines, l)
	}
	return lines
}

func (f *feed) grow(t *rapid.T, from, to time.Time, step int64) {
	for at := from.UnixMilli()/step*step + step; at <= to.UnixMilli(); at += step {
		for _, values := range f.lines {
			if rapid.IntRange(0, 9).Draw(t, "gap") > 0 {
				values[at] = rapid.Float64Range(0, 100).Draw(t, "value")
			}
		}
	}
	if rapid.IntRange(0, 4).Draw(t, "late") == 0 {
		at := to.UnixMilli()/step*step - step*rapid.Int64Range(0, 3).Draw(t, "by")
		f.lines[0][at] = rapid.Float64Range(0, 100).Draw(t, "value")
	}
	if rapid.IntRange(0, 4).Draw(t, "between") == 0 {
		f.lines[0][to.UnixMilli()] = rapid.Float64Range(0, 100).Draw(t, "value")
	}
}

func sameLine(a, b drawn) bool { return a.key == b.key }

func TestStepLeadsToTheFullDrawing(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "timeseries", Unit: metrics.Percent, Fill: true})
	rapid.Check(t, func(t *rapid.T) {
		span := rapid.SampledFrom([]time.Duration{20 * time.Second, time.Minute, 15 * time.Minute, 25*time.Minute + 7*time.Second}).Draw(t, "span")
		step := metrics.Range{Span: span}.Window(noon).Step
		now := noon.Add(time.Duration(rapid.IntRange(0, 100_000).Draw(t, "start")) * time.Millisecond)
		f := &feed{}
		for range rapid.IntRange(1, 3).Draw(t, "lines") {
			f.lines = append(f.lines, map[int64]float64{now.UnixMilli() / step * step: 1})
		}
		f.grow(t, now.Add(-span/4), now, step)
		prev := Make(input(p, now, span, f.answer), nil)
		viewer := load(prev.Chart)
		for range rapid.IntRange(1, 8).Draw(t, "ticks") {
			later := now.Add(time.Duration(rapid.Int64Range(0, 3*step).Draw(t, "wait")) * time.Millisecond)
			f.grow(t, now, later, step)
			now = later
			next := Make(input(p, now, span, f.answer), prev)
			text, ok := next.Chart.Step(prev.Chart)
			full := load(next.Chart).String()
			if same := slices.EqualFunc(next.Chart.lines, prev.Chart.lines, sameLine); ok != same {
				t.Fatalf("Step: ok = %t between drawings of %v and %v", ok, prev.Chart.lines, next.Chart.lines)
			}
			if !ok {
				viewer = load(next.Chart)
			}
			viewer.step(text)
			if got := viewer.String(); got != full {
				t.Fatalf("after %q:\ngot  %s\nwant %s", text, got, full)
			}
			viewer.step(text)
			if got := viewer.String(); got != full {
				t.Fatalf("after %q twice:\ngot  %s\nwant %s", text, got, full)
			}
			prev = next
		}
	})
}

func TestStepIsEmptyWhereNothingChanged(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "timeseries", Unit: metrics.Percent})
	answer := func(w metrics.Window) []metrics.Line { return []metrics.Line{wave(w, 50, 9)} }
	prev := Make(input(p, noon, 15*time.Minute, answer), nil)
	next := Make(input(p, noon.Add(time.Second), 15*time.Minute, answer), prev) // the grid's step is 3 s
	if step, ok := next.Chart.Step(prev.Chart); step != "" || !ok {
		t.Errorf("got %q, %t", step, ok)
	}
}

func TestStepNeedsTheSameLinesScaleAndPanel(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "timeseries", Unit: metrics.Percent})
	one := func(w metrics.Window) []metrics.Line { return []metrics.Line{wave(w, 50, 9, "host", "a")} }
	from := Make(input(p, noon, short, one), nil)
	later := noon.Add(time.Second)
	another := *p
	for _, test := range []struct {
		name string
		next Input
		want bool
	}{
		{"a tick", input(p, later, short, one), true},
		{"a new line", input(p, later, short, func(w metrics.Window) []metrics.Line { return append(one(w), wave(w, 1, 1, "host", "b")) }), false},
		{"another line", input(p, later, short, func(w metrics.Window) []metrics.Line { return []metrics.Line{wave(w, 50, 9, "host", "b")} }), false},
		{"a higher scale", input(p, later, short, func(w metrics.Window) []metrics.Line { return []metrics.Line{wave(w, 150, 9, "host", "a")} }), false},
		{"another span", input(p, later, 2*short, one), false},
		{"an earlier window", input(p, noon.Add(-time.Second), short, one), false},
		{"nothing in common", input(p, noon.Add(time.Hour), short, one), false},
		{"the panel of a new board file", input(&another, later, short, one), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if step, ok := Make(test.next, from).Chart.Step(from.Chart); ok != test.want {
				t.Errorf("got %q, %t, want %t", step, ok, test.want)
			}
		})
	}
	if _, ok := from.Chart.Step(nil); ok {
		t.Error("there is a step from nothing")
	}
}

func TestTheBaseMovesOnBeforeXGrowsInexact(t *testing.T) {
	p := panel(t, metrics.Panel{Kind: "timeseries", Unit: metrics.Percent})
	answer := func(w metrics.Window) []metrics.Line { return []metrics.Line{wave(w, 50, 9)} }
	end := time.UnixMilli(noon.UnixMilli()/(1000*era)*(1000*era) + 1000*era).UTC()
	before := Make(input(p, end.Add(-time.Second), short, answer), nil)
	after := Make(input(p, end.Add(time.Second), short, answer), before)
	if _, ok := after.Chart.Step(before.Chart); ok {
		t.Error("a step across two bases")
	}
	const exact = 1 << 24 // integers up to here have a 32-bit float of their own
	if before.Chart.x1 >= exact || after.Chart.x1 > 2*gridUnits {
		t.Errorf("x1 was %d, became %d", before.Chart.x1, after.Chart.x1)
	}
}

func TestTwentyStepsAreSmall(t *testing.T) {
	answer := func(w metrics.Window) []metrics.Line {
		return []metrics.Line{wave(w, 50, 30, "host", "a"), wave(w, 40, 20, "host", "b"), wave(w, 30, 10, "host", "c")}
	}
	var steps strings.Builder
	for i := range 20 {
		p := panel(t, metrics.Panel{Kind: "timeseries", Unit: metrics.Percent, Max: ptr(float64(100 + i))})
		prev := Make(input(p, noon, 5*time.Minute, answer), nil)
		step, ok := Make(input(p, noon.Add(time.Second), 5*time.Minute, answer), prev).Chart.Step(prev.Chart)
		if !ok {
			t.Fatal("no step")
		}
		steps.WriteString(step + "\n")
	}
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, flate.DefaultCompression)
	w.Write([]byte(steps.String()))
	w.Close()
	if packed.Len() > 300 {
		t.Errorf("20 steps of 3 lines take %d bytes compressed", packed.Len())
	}
	t.Logf("%d bytes, %d compressed: %s", steps.Len(), packed.Len(), steps.String()[:40])
}
