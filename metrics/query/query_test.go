package query_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"liveboard/metrics"
	"liveboard/metrics/head"
	"liveboard/metrics/query"
)

// noon is a multiple of every step, so that tests read in seconds from there.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time {
	return noon.Add(time.Duration(math.Round(seconds*1000)) * time.Millisecond)
}

func ms(seconds float64) int64 { return at(seconds).UnixMilli() }

// store is a head that numbers its groups.
type store struct {
	*head.Head
	t   testing.TB
	seq uint64
}

func newStore(t testing.TB) *store { return &store{Head: head.New(nil), t: t} }

// put applies one group: the series of that name and those label pairs, with times in seconds
// from noon and values by turns.
func (s *store) put(series []string, timesAndValues ...float64) {
	s.t.Helper()
	id := seriesOf(s.t, series...)
	var group []metrics.Sample
	for i := 0; i < len(timesAndValues); i += 2 {
		group = append(group, metrics.Sample{Series: id, At: ms(timesAndValues[i]), Value: timesAndValues[i+1]})
	}
	s.seq++
	s.Apply(s.seq, group)
}

func seriesOf(t testing.TB, series ...string) metrics.Series {
	t.Helper()
	var ls []metrics.Label
	for i := 1; i < len(series); i += 2 {
		ls = append(ls, metrics.Label{Name: series[i], Value: series[i+1]})
	}
	id, err := metrics.NewSeries(series[0], ls...)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// show writes a result as its lines, each with points of seconds from noon and value.
func show(t *testing.T, r metrics.Result) string {
	t.Helper()
	if r.Err != nil {
		t.Fatalf("unexpected error: %v", r.Err)
	}
	out := make([]string, len(r.Lines))
	for i, l := range r.Lines {
		out[i] = l.Labels.String()
		for _, p := range l.Points {
			out[i] += fmt.Sprintf(" %gs=%g", float64(p.At-ms(0))/1000, p.Value)
		}
	}
	return strings.Join(out, "\n")
}

func TestInstantAnswersEachSeriesSortedByLabels(t *testing.T) {
	s := newStore(t)
	s.put([]string{"x", "host", "b"}, -2, 20, -1, 21)
	s.put([]string{"x", "host", "a"}, -2, 10, 0.5, 11)
	s.put([]string{"y"}, -1, 5)
	for _, test := range []struct{ name, expr, want string }{
		{"a selector", `x`, "x{host=\"a\"} 0s=10\nx{host=\"b\"} 0s=21"},
		{"an aggregation drops the name", `sum(x)`, " 0s=31"},
		{"a scalar", `scalar(y) + 1`, " 0s=6"},
		{"nothing", `x{host="c"}`, ""},
		{"topk keeps its order", `(topk(2, x))`, "x{host=\"b\"} 0s=21\nx{host=\"a\"} 0s=10"},
		{"bottomk keeps its order", `bottomk(2, -x)`, "{host=\"b\"} 0s=-21\n{host=\"a\"} 0s=-10"},
		{"sort_desc keeps its order", `sort_desc(x)`, "x{host=\"b\"} 0s=21\nx{host=\"a\"} 0s=10"},
		{"an inner topk does not", `topk(2, x) + 0`, "{host=\"a\"} 0s=10\n{host=\"b\"} 0s=21"},
		{"not a number is no value", `y / 0 - y / 0`, ""},
		{"infinity is no value", `x / (x - 10)`, "{host=\"b\"} 0s=1.9090909090909092"},
		{"the time is now", `time()`, fmt.Sprintf(" 0s=%g", float64(noon.Unix()))},
		{"a subquery without a step", `count_over_time(y[20s:])`, " 0s=2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := show(t, query.New(s).Instant(t.Context(), test.expr, noon))
			if got != test.want {
				t.Errorf("Instant(%s) =\n%s\nwant\n%s", test.expr, got, test.want)
			}
		})
	}
}

func TestInstantKeepsTheNameAmongTheLabels(t *testing.T) {
	s := newStore(t)
	s.put([]string{"x", "host", "a"}, 0, 1)
	got := query.New(s).Instant(t.Context(), "x", noon).Lines[0].Labels
	want := metrics.Labels{{Name: metrics.NameLabel, Value: "x"}, {Name: "host", Value: "a"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func TestAtIsTheNewestSampleThatCounts(t *testing.T) {
	s := newStore(t)
	s.put([]string{"x"}, -30, 1, -10.25, 2, 5, 3)
	s.put([]string{"y"}, -20, 1)
	s.put([]string{"dead"}, -40, 1, -35, metrics.StaleMarker())
	s.put([]string{"old"}, -400, 1)
	for _, test := range []struct {
		expr string
		want int64
	}{
		{`x`, ms(-10.25)},
		{`y`, ms(-20)},
		{`x + y`, ms(-10.25)},
		{`rate(x[1m])`, ms(-10.25)},
		{`x offset 15s`, ms(-30)},
		{`x offset -5s`, ms(5)},
		{`dead`, ms(-40)},
		{`old`, 0},
		{`vector(1)`, 0},
		{`nosuch`, 0},
	} {
		if got := query.New(s).Instant(t.Context(), test.expr, noon).At; got != test.want {
			t.Errorf("Instant(%s).At = %d, want %d, which is %d ms off", test.expr, got, test.want, got-test.want)
		}
	}
}

func TestStaleMarkerEndsASeriesAtOnce(t *testing.T) {
	s := newStore(t)
	s.put([]string{"x", "host", "a"}, -3, 1, -2, 2, -1, metrics.StaleMarker())
	s.put([]string{"x", "host", "b"}, -3, 7)
	e := query.New(s)
	if got, want := show(t, e.Instant(t.Context(), "x", at(-1.5))), "x{host=\"a\"} -1.5s=2\nx{host=\"b\"} -1.5s=7"; got != want {
		t.Errorf("before the marker:\n%s\nwant\n%s", got, want)
	}
	if got, want := show(t, e.Instant(t.Context(), "x", at(-1))), "x{host=\"b\"} -1s=7"; got != want {
		t.Errorf("at the marker:\n%s\nwant\n%s", got, want)
	}
}

func TestValueCountsUntilTheLookback(t *testing.T) {
	s := newStore(t)
	s.put([]string{"x"}, 0, 1)
	e := query.New(s)
	if got := e.Instant(t.Context(), "x", noon.Add(query.Lookback-time.Millisecond)); len(got.Lines) != 1 {
		t.Errorf("just inside the lookback: %d lines, want 1", len(got.Lines))
	}
	if got := e.Instant(t.Context(), "x", noon.Add(query.Lookback)); len(got.Lines) != 0 {
		t.Errorf("at the lookback: %d lines, want 0", len(got.Lines))
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	s := newStore(t)
	for i := range query.MaxLines + 1 {
		s.put([]string{"x", "n", fmt.Sprint(i)}, 0, 1)
	}
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, test := range []struct {
		name, expr string
		ctx        context.Context
		kind       metrics.Kind
		want       string
	}{
		{"syntax", `x +`, t.Context(), metrics.Invalid, "1:4: parse error: unexpected end of input"},
		{"matching", `x * on() x`, t.Context(), metrics.Invalid, "many-to-many matching not allowed"},
		{"too many lines", `x`, t.Context(), metrics.TooLarge, "1001 lines, at most 1000"},
		{"too many samples", `sum_over_time(vector(1)[60d:1s])`, t.Context(), metrics.TooLarge, "more than 5000000 samples"},
		{"timeout", `sum(x)`, late, metrics.Unavailable, "took too long"},
		{"canceled", `sum(x)`, gone, metrics.Unavailable, "given up"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := query.New(s).Instant(test.ctx, test.expr, noon).Err
			if err == nil || metrics.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error of kind %d: %v, want kind %d and %q", metrics.KindOf(err), err, test.kind, test.want)
			}
		})
	}
	if r := query.New(s).Instant(t.Context(), `topk(1000, x)`, noon); r.Err != nil || len(r.Lines) != query.MaxLines {
		t.Errorf("%d lines and error %v, want all %d", len(r.Lines), r.Err, query.MaxLines)
	}
}

// trouble is a head whose Select does what the test says.
type trouble struct {
	*head.Head
	find func() ([]*head.Series, error)
}

func (s trouble) SelectRolled(context.Context, int64, int64, head.Rollup, ...*labels.Matcher) ([]*head.Series, error) {
	return s.find()
}

func TestTroubleInTheSourceIsAnErrorOfOurs(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, test := range []struct {
		name string
		find func() ([]*head.Series, error)
		kind metrics.Kind
		want string
	}{
		{"an error", func() ([]*head.Series, error) { return nil, broken }, metrics.Internal, "disk on fire"},
		{"an error with a kind", func() ([]*head.Series, error) { return nil, metrics.Errorf(metrics.Unavailable, "closing") }, metrics.Unavailable, "closing"},
		{"a panic while selecting", func() ([]*head.Series, error) { panic("no map") }, metrics.Internal, "no map"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := query.New(trouble{head.New(nil), test.find}).Instant(t.Context(), "x", noon).Err
			if err == nil || metrics.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error of kind %d: %.200v, want kind %d and %q", metrics.KindOf(err), err, test.kind, test.want)
			}
		})
	}
}

// torn is a store whose only chunk lost its bytes.
type torn struct{}

func (torn) Chunks(context.Context, metrics.Series, int64, int64, head.Rollup) ([]head.Chunk, error) {
	return []head.Chunk{{From: ms(-60), To: ms(-50), Samples: 2}}, nil
}

func TestPanicInTheEngineIsAnError(t *testing.T) {
	h := head.New(torn{})
	newest := head.Encode([]metrics.Point{{At: ms(-1), Value: 1}})[0]
	if err := h.Load(seriesOf(t, "x"), newest); err != nil {
		t.Fatal(err)
	}
	err := open(t, h, "x", last(time.Minute)).At(t.Context(), noon).Err
	if err == nil || metrics.KindOf(err) != metrics.Internal || !strings.Contains(err.Error(), "out of range") {
		t.Errorf("error of kind %d: %v, want kind Internal and the range error", metrics.KindOf(err), err)
	}
}
