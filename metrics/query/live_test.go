package query_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/prometheus/model/labels"
	"pgregory.net/rapid"

	"liveboard/metrics"
	"liveboard/metrics/head"
	"liveboard/metrics/query"
)

// open returns a live query that must be valid.
func open(t testing.TB, source query.Source, expr string, r metrics.Range) *query.Live {
	t.Helper()
	l, err := query.New(source).Live(expr, r)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func last(span time.Duration) metrics.Range { return metrics.Range{Span: span} }

func between(from, to float64) metrics.Range { return metrics.Range{From: ms(from), To: ms(to)} }

func TestLiveFollowsTheGridAndEndsInATip(t *testing.T) {
	s := newStore(t)
	s.put([]string{"x"}, -10, 1, -1.5, 2)
	l := open(t, s, "x", last(3*time.Second))
	if got, want := show(t, l.At(t.Context(), at(0))), "x -3s=1 -2s=1 -1s=2 0s=2"; got != want {
		t.Errorf("on the grid: %s, want %s", got, want)
	}
	s.put([]string{"x"}, 0.25, 3)
	if got, want := show(t, l.At(t.Context(), at(0.5))), "x -2s=1 -1s=2 0s=2 0.5s=3"; got != want {
		t.Errorf("between: %s, want %s", got, want)
	}
	if got, want := show(t, l.At(t.Context(), at(2.5))), "x 0s=2 1s=3 2s=3 2.5s=3"; got != want {
		t.Errorf("two instants on: %s, want %s", got, want)
	}
}

func TestLiveRerunsWhatALateSampleChanges(t *testing.T) {
	s := newStore(t)
	s.put([]string{"x"}, -10, 1, 0, 2)
	l := open(t, s, "x", last(4*time.Second))
	l.At(t.Context(), at(0.5))
	s.put([]string{"x"}, -1.5, 7)
	if got, want := show(t, l.At(t.Context(), at(0.6))), "x -3s=1 -2s=1 -1s=7 0s=2 0.6s=2"; got != want {
		t.Errorf("after a late sample: %s, want %s", got, want)
	}
}

// busy is a head into which a sample comes while a query reads it.
type busy struct {
	*store
	meanwhile func()
}

func (b *busy) SelectRolled(ctx context.Context, mint, maxt int64, r head.Rollup, ms ...*labels.Matcher) ([]*head.Series, error) {
	found, err := b.store.SelectRolled(ctx, mint, maxt, r, ms...)
	b.meanwhile()
	return found, err
}

func TestLiveMissesNoSampleThatComesWhileItReads(t *testing.T) {
	b := &busy{store: newStore(t)}
	b.put([]string{"x"}, -10, 1)
	b.meanwhile = func() { b.put([]string{"x"}, -1.5, 7) }
	l := open(t, b, "x", last(3*time.Second))
	if got, want := show(t, l.At(t.Context(), at(0))), "x -3s=1 -2s=1 -1s=1 0s=1"; got != want {
		t.Errorf("the run that the sample was too late for: %s, want %s", got, want)
	}
	b.meanwhile = func() {}
	if got, want := show(t, l.At(t.Context(), at(0))), "x -3s=1 -2s=1 -1s=7 0s=7"; got != want {
		t.Errorf("the next: %s, want %s", got, want)
	}
}

func TestLiveThatFellBehindRunsAnew(t *testing.T) {
	s := newStore(t)
	s.put([]string{"x"}, -10, 1)
	l := open(t, s, "x", last(3*time.Second))
	l.At(t.Context(), at(0))
	s.put([]string{"x"}, -1.5, 7)
	for i := range 5000 {
		s.put([]string{"x"}, 100+float64(i), 8)
	}
	if got, want := show(t, l.At(t.Context(), at(0.5))), "x -2s=1 -1s=7 0s=7 0.5s=7"; got != want {
		t.Errorf("after more groups than are remembered: %s, want %s", got, want)
	}
}

func TestLiveDropsLinesThatLeftTheWindow(t *testing.T) {
	s := newStore(t)
	s.put([]string{"x", "host", "a"}, 0, 1, 1, metrics.StaleMarker())
	s.put([]string{"x", "host", "b"}, 0, 2)
	l := open(t, s, "x", last(2*time.Second))
	if got := l.At(t.Context(), at(2)); len(got.Lines) != 2 || got.At != ms(0) {
		t.Errorf("%d lines at %d, want 2 at %d", len(got.Lines), got.At, ms(0))
	}
	if got, want := show(t, l.At(t.Context(), at(3))), "x{host=\"b\"} 1s=2 2s=2 3s=2"; got != want {
		t.Errorf("after the marker left: %s, want %s", got, want)
	}
}

func TestLiveHasNoPointAfterNow(t *testing.T) {
	s := newStore(t)
	s.put([]string{"x"}, 0, 1)
	l := open(t, s, "x", between(-1, 100))
	if got, want := show(t, l.At(t.Context(), at(2.5))), "x 0s=1 1s=1 2s=1"; got != want {
		t.Errorf("a fixed range that is not over: %s, want %s", got, want)
	}
	if got, want := show(t, l.At(t.Context(), at(3))), "x 0s=1 1s=1 2s=1 3s=1"; got != want {
		t.Errorf("half a second later: %s, want %s", got, want)
	}
}

func TestEndsOfTheWindowAreTheSameForAllItsPoints(t *testing.T) {
	s := newStore(t)
	s.put([]string{"x"}, -2, 1, -1, 2, 0, 3, 0.5, 4)
	for _, test := range []struct{ expr, want string }{
		{`x @ end()`, "x -1s=4 0s=4 0.5s=4"},
		{`x - x @ start()`, "{} -1s=0 0s=1 0.5s=2"},
		{`max_over_time(x[1s:1s] @ end())`, "{} -1s=3 0s=3 0.5s=3"},
	} {
		l := open(t, s, test.expr, last(2*time.Second))
		l.At(t.Context(), at(0))
		got := show(t, l.At(t.Context(), at(0.5)))
		if want := strings.TrimPrefix(test.want, "{}"); got != want {
			t.Errorf("%s: %s, want %s", test.expr, got, want)
		}
	}
}

func TestAtIsKnownWhileAMetricThatEndedIsInTheWindow(t *testing.T) {
	s := newStore(t)
	s.put([]string{"x"}, -400, 1)
	l := open(t, s, "x", last(10*time.Minute))
	for _, test := range []struct {
		now   float64
		lines int
		at    int64
	}{{0, 1, ms(-400)}, {490, 1, ms(-400)}, {500, 0, 0}} {
		if got := l.At(t.Context(), at(test.now)); len(got.Lines) != test.lines || got.At != test.at {
			t.Errorf("at %gs: %d lines, newest sample %d, want %d and %d", test.now, len(got.Lines), got.At, test.lines, test.at)
		}
	}
}

func TestClockBeforeAFixedRangeLeavesNothingOfIt(t *testing.T) {
	s := newStore(t)
	s.put([]string{"x"}, 0, 1)
	l := open(t, s, "x", between(0, 10))
	l.At(t.Context(), at(5))
	if got := l.At(t.Context(), at(-5)); len(got.Lines) != 0 || got.At != 0 {
		t.Errorf("%d lines, newest sample %d, want none", len(got.Lines), got.At)
	}
}

func TestLiveAnswersStayAsTheyWere(t *testing.T) {
	s := newStore(t)
	s.put([]string{"x"}, 0, 1)
	l := open(t, s, "x", last(5*time.Second))
	var kept []metrics.Result
	var before []string
	for i := range 20 {
		now := 1 + 0.7*float64(i)
		s.put([]string{"x"}, now-0.1*float64(i%7), float64(i))
		kept = append(kept, l.At(t.Context(), at(now)))
		before = append(before, show(t, kept[i]))
	}
	for i := range kept {
		if got := show(t, kept[i]); got != before[i] {
			t.Errorf("answer %d was\n%s\nand became\n%s", i, before[i], got)
		}
	}
}

func TestLiveRefusesWhatCheckRefuses(t *testing.T) {
	_, err := query.New(head.New(nil)).Live("x[", last(time.Minute))
	if metrics.KindOf(err) != metrics.Invalid {
		t.Errorf("error %v, want one of kind Invalid", err)
	}
}

// counter counts what is read from a head.
type counter struct {
	*store
	selects int
	reach   []int64 // the ends of the selections
}

func (c *counter) SelectRolled(ctx context.Context, mint, maxt int64, r head.Rollup, ms ...*labels.Matcher) ([]*head.Series, error) {
	c.selects++
	c.reach = append(c.reach, maxt)
	return c.store.SelectRolled(ctx, mint, maxt, r, ms...)
}

func TestFixedRangeIsReadAgainOnlyForASampleInReach(t *testing.T) {
	for _, expr := range []string{"x", "x offset 1s", "x @ end()"} {
		c := &counter{store: newStore(t)}
		c.put([]string{"x"}, -5, 1)
		l := open(t, c, expr, between(-4, -1))
		first := l.At(t.Context(), at(0))
		read := c.selects
		if diff := cmp.Diff(first, l.At(t.Context(), at(1))); diff != "" || c.selects != read {
			t.Errorf("%s: %d selections for a range that stood still, and the answer became %s", expr, c.selects-read, diff)
		}
		c.put([]string{"y"}, -3, 1)
		if l.At(t.Context(), at(3)); c.selects != read {
			t.Errorf("%s: read again for another metric", expr)
		}
		c.put([]string{"x"}, -3, 2)
		if got := l.At(t.Context(), at(4)); c.selects == read || cmp.Equal(got, first) {
			t.Errorf("%s: not read again for a late sample", expr)
		}
	}
}

func TestTickReadsOnlyItsTip(t *testing.T) {
	c := &counter{store: newStore(t)}
	c.put([]string{"x"}, -5, 1)
	l := open(t, c, "x", last(time.Minute))
	l.At(t.Context(), at(0.5))
	for _, now := range []float64{0.6, 0.7, 1.5} {
		c.reach = nil
		l.At(t.Context(), at(now))
		if want := []int64{ms(now)}; !slices.Equal(c.reach, want) {
			t.Errorf("at %gs: selections up to %d, want %d", now, c.reach, want)
		}
	}
}

func TestQueryThatBrokeALimitIsLeftAloneForAWhile(t *testing.T) {
	c := &counter{store: newStore(t)}
	for i := range query.MaxLines + 1 {
		c.put([]string{"x", "n", fmt.Sprint(i)}, 0, 1)
	}
	l := open(t, c, "x", last(time.Minute))
	for _, test := range []struct {
		now     float64
		selects int
	}{{1, 1}, {2, 1}, {30, 1}, {31, 2}} {
		err := l.At(t.Context(), at(test.now)).Err
		if metrics.KindOf(err) != metrics.TooLarge || c.selects != test.selects {
			t.Errorf("at %gs: error %v after %d selections, want kind TooLarge after %d", test.now, err, c.selects, test.selects)
		}
	}
}

func TestCancelledCallLeavesALiveQueryAsItWas(t *testing.T) {
	s := newStore(t)
	s.put([]string{"x"}, 0, 1)
	l := open(t, s, "x", last(2*time.Second))
	l.At(t.Context(), at(1))
	gone, leave := context.WithCancel(t.Context())
	leave()
	s.put([]string{"x"}, 0.5, 2)
	if err := l.At(gone, at(2)).Err; metrics.KindOf(err) != metrics.Unavailable {
		t.Errorf("error %v, want one of kind Unavailable", err)
	}
	if got, want := show(t, l.At(t.Context(), at(2))), "x 0s=1 1s=2 2s=2"; got != want {
		t.Errorf("the next call: %s, want %s", got, want)
	}
}

// expressions are of all sorts that differ in what they read.
var expressions = []string{
	`x`,
	`{host=~"a|b"}`,
	`rate(x[10s])`,
	`sum by (host) (rate(x[7s]))`,
	`avg by (host) (x) / ignoring(host) group_left sum(y)`,
	`x / (x - 3)`,
	`quantile_over_time(0.9, x[13s])`,
	`x offset 5s`,
	`x - x offset 11s`,
	`x offset -5s`,
	`max_over_time(rate(x[5s])[20s:2s])`,
	`avg_over_time(x[15s:])`,
	`count_over_time(x[10s:3s] offset 4s)`,
	`topk(1, x)`,
	`absent(x{host="a"})`,
	`x and on(host) topk(1, avg_over_time(x[10s] @ end()))`,
	`x - x @ start()`,
	`x > 2 unless y`,
	`timestamp(x)`,
	`time() - 1`,
	`vector(7)`,
	`scalar(y)`,
	`count_values("v", x)`,
}

// history draws what happens to a store between two ticks: mostly samples since the last one,
// some late, some ahead of time, some that end a series.
func history(t *rapid.T, s *store, now float64) {
	names := [][]string{{"x", "host", "a"}, {"x", "host", "b"}, {"y"}}
	for range rapid.IntRange(0, 6).Draw(t, "samples") {
		series := rapid.SampledFrom(names).Draw(t, "series")
		age := float64(rapid.SampledFrom([]int{0, 1, 200, 999, 1500, 4000, 30_000, 400_000, -700, -9000}).Draw(t, "age")) / 1000
		value := float64(rapid.IntRange(0, 5).Draw(t, "value"))
		if rapid.IntRange(0, 9).Draw(t, "ends") == 0 {
			value = metrics.StaleMarker()
		}
		s.put(series, now-age, value)
	}
}

// nextTick draws the time of the next tick: mostly a little later, sometimes much, sometimes earlier.
func nextTick(t *rapid.T, now float64) float64 {
	steps := []int{0, 100, 900, 1000, 1000, 2500, 3000, 7300, 61_000, 900_000, -1, -20_000}
	return now + float64(rapid.SampledFrom(steps).Draw(t, "step"))/1000
}

func TestLiveEqualsAFreshQueryAtEveryTick(t *testing.T) {
	ranges := []metrics.Range{last(15 * time.Second), last(time.Minute), last(10 * time.Minute), last(500 * time.Millisecond), between(-20, 15), between(-300, -200)}
	rapid.Check(t, func(r *rapid.T) {
		s := newStore(t)
		now := 0.3
		history(r, s, now)
		span := rapid.SampledFrom(ranges).Draw(r, "range")
		expr := rapid.SampledFrom(expressions).Draw(r, "expr")
		l := open(t, s, expr, span)
		for range rapid.IntRange(1, 8).Draw(r, "ticks") {
			got, want := l.At(t.Context(), at(now)), open(t, s, expr, span).At(t.Context(), at(now))
			if diff := cmp.Diff(want, got); diff != "" {
				r.Fatalf("%s at %gs (-fresh +live):\n%s", expr, now, diff)
			}
			now = nextTick(r, now)
			history(r, s, now)
		}
	})
}

func TestLiveEqualsAnInstantQueryPerPoint(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newStore(t)
		for now := -20.0; now <= 5; now += 5 {
			history(r, s, now)
		}
		now := 0.001 * float64(rapid.IntRange(0, 4000).Draw(r, "now"))
		expr := rapid.SampledFrom(expressions).Filter(func(e string) bool {
			return !strings.Contains(e, "@") // an instant query has other ends
		}).Draw(r, "expr")
		live := open(t, s, expr, last(10*time.Second)).At(t.Context(), at(now))
		want := instants(t, query.New(s), expr, math.Ceil(now-10), now)
		if diff := cmp.Diff(want, live.Lines, cmpopts.EquateEmpty()); diff != "" {
			r.Fatalf("%s at %gs (-instants +live):\n%s", expr, now, diff)
		}
	})
}

// instants puts the answers of instant queries together: each second from from on, and to.
func instants(t *testing.T, e *query.Engine, expr string, from, to float64) []metrics.Line {
	t.Helper()
	lines := map[string]metrics.Line{}
	for now := from; now < to+1; now++ {
		r := e.Instant(t.Context(), expr, at(min(now, to)))
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		for _, l := range r.Lines {
			key := l.Labels.String()
			l.Points = append(lines[key].Points, l.Points...)
			lines[key] = l
		}
	}
	var sorted []metrics.Line
	for _, key := range slices.Sorted(maps.Keys(lines)) {
		sorted = append(sorted, lines[key])
	}
	return sorted
}
