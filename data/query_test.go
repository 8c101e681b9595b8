package data_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"testing"
	"time"

	"liveboard/data"
	"liveboard/metrics"
	"liveboard/metrics/head"
	"liveboard/metrics/query"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func openData(t testing.TB, path string) *data.Store {
	t.Helper()
	s, err := data.Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newSeries(t testing.TB, name string, pairs ...string) metrics.Series {
	t.Helper()
	var labels []metrics.Label
	for i := 0; i < len(pairs); i += 2 {
		labels = append(labels, metrics.Label{Name: pairs[i], Value: pairs[i+1]})
	}
	s, err := metrics.NewSeries(name, labels...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fill gives a store the samples of every step in [from, to], and rolls up all of them.
func fill(t testing.TB, s *data.Store, from, to time.Time, step time.Duration, samples func(at int64) []metrics.Sample) {
	t.Helper()
	seq := uint64(1)
	for at := from; !at.After(to); at = at.Add(step) {
		group := samples(at.UnixMilli())
		if at.Equal(from) { // to make the series known; what follows passes by the journal
			var err error
			if seq, err = s.Append(t.Context(), group, nil); err != nil {
				t.Fatal(err)
			}
		}
		s.Head().Apply(seq, group)
	}
	if err := s.Seal(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := s.Rollup(context.Background(), to.AddDate(0, 0, 60)); err != nil {
		t.Fatal(err)
	}
}

// machine is a gauge, a counter that is reset every seven hours, and a histogram.
func machine(t testing.TB) func(at int64) []metrics.Sample {
	gauge, total := newSeries(t, "gauge"), newSeries(t, "total")
	var buckets []metrics.Series
	for _, le := range []string{"0.1", "1", "+Inf"} {
		buckets = append(buckets, newSeries(t, "seconds_bucket", "le", le))
	}
	return func(at int64) []metrics.Sample {
		day, up := float64(at/1000%86400), float64(at/1000%(7*3600))
		out := []metrics.Sample{{Series: gauge, At: at, Value: math.Round(100*math.Sin(day/500)) / 4}, {Series: total, At: at, Value: up * 3}}
		for i, s := range buckets {
			out = append(out, metrics.Sample{Series: s, At: at, Value: math.Floor(up * float64(i+1) / 3)})
		}
		return out
	}
}

// A query over tiers answers what it answers over samples: exactly where windows are whole buckets, and rates up to
// what the ends of a bucket can hide.
func TestQueriesOverTiersAnswerAsOverSamples(t *testing.T) {
	t.Parallel()
	from, samples := noon.AddDate(0, 0, -3), machine(t)
	store, memory := openData(t, filepath.Join(t.TempDir(), "tiers.db")), head.New(nil)
	fill(t, store, from, noon, 10*time.Second, samples)
	for at := from; !at.After(noon); at = at.Add(10 * time.Second) {
		memory.Apply(1, samples(at.UnixMilli()))
	}
	for _, test := range []struct {
		expr      string
		tolerance float64
	}{
		{"gauge", 0},
		{"gauge offset 7m", 0},
		{"min_over_time(gauge[2h])", 0},
		{"max_over_time(gauge[2h])", 0},
		{"sum_over_time(gauge[2h])", 1e-6},
		{"count_over_time(gauge[2h])", 0},
		{"avg_over_time(gauge[2h])", 1e-9},
		{"avg_over_time(gauge[2h] offset 1h)", 1e-9},
		{"last_over_time(gauge[2h])", 0},
		{"increase(total[2h])", 0.01 * 7200 * 3},
		{"rate(total[2h])", 0.01 * 3},
		{"sum(rate(total[20m])) / 2", 0.05},
		{"resets(total[8h])", 0},
		{"histogram_quantile(0.9, sum by (le) (rate(seconds_bucket[2h])))", 0.001},
		{"quantile_over_time(0.9, gauge[2h])", 0},
		{"max_over_time(rate(total[20m])[4h:10m])", 0.1},
	} {
		for _, r := range []metrics.Range{
			{From: from.Add(8 * time.Hour).UnixMilli(), To: noon.UnixMilli()}, // where a series begins, a rate guesses by the distance of points
			{From: from.Add(24 * time.Hour).UnixMilli(), To: from.Add(30 * time.Hour).UnixMilli()},
		} {
			got, want := pointsOf(t, store.Head(), test.expr, r), pointsOf(t, memory, test.expr, r)
			if len(got) != len(want) || len(got) < 50 {
				t.Errorf("%s: got %d points, want %d", test.expr, len(got), len(want))
				continue
			}
			for i := range got {
				if got[i].At != want[i].At || math.Abs(got[i].Value-want[i].Value) > test.tolerance {
					t.Errorf("%s: got %v, want %v, point %d of %d", test.expr, got[i], want[i], i, len(got))
					break
				}
			}
		}
	}
}

func pointsOf(t testing.TB, source query.Source, expr string, r metrics.Range) []metrics.Point {
	t.Helper()
	l, err := query.New(source).Live(expr, r)
	if err != nil {
		t.Fatal(err)
	}
	answer := l.At(t.Context(), noon.AddDate(0, 0, 1))
	if answer.Err != nil || len(answer.Lines) != 1 {
		t.Fatalf("%s: got %d lines and error %v", expr, len(answer.Lines), answer.Err)
	}
	return answer.Lines[0].Points
}

// A history that a day's screen of 100 series and a month's of one are read from.
func BenchmarkHistory(b *testing.B) {
	store := openData(b, filepath.Join(b.TempDir(), "history.db"))
	var many []metrics.Series
	for i := range 100 {
		many = append(many, newSeries(b, "many", "host", fmt.Sprint(i)))
	}
	fill(b, store, noon.AddDate(0, 0, -1), noon, time.Second, func(at int64) []metrics.Sample {
		group := make([]metrics.Sample, len(many))
		for i, s := range many {
			group[i] = metrics.Sample{Series: s, At: at, Value: math.Round(100*math.Sin(float64(at/1000)/float64(500+i))) / 4}
		}
		return group
	})
	one := newSeries(b, "one")
	fill(b, store, noon.AddDate(0, 0, -30), noon, time.Second, func(at int64) []metrics.Sample {
		return []metrics.Sample{{Series: one, At: at, Value: float64(at/1000%1e6) / 4}}
	})
	engine := query.New(store.Head())
	for _, bench := range []struct {
		name, expr string
		span       time.Duration
		lines      int
	}{
		{"hour of one", "one", time.Hour, 1},
		{"30 days of one", "one", 30 * 24 * time.Hour, 1},
		{"30 days of one, rate", "rate(one[4h])", 30 * 24 * time.Hour, 1},
		{"day of 100", "many", 24 * time.Hour, 100},
		{"day of 100, rate", "rate(many[5m])", 24 * time.Hour, 100},
		{"day of 100, avg", "avg_over_time(many[5m])", 24 * time.Hour, 100},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				l, err := engine.Live(bench.expr, metrics.Range{From: noon.Add(-bench.span).Add(-time.Hour).UnixMilli(), To: noon.Add(-time.Hour).UnixMilli()})
				if err != nil {
					b.Fatal(err)
				}
				if answer := l.At(b.Context(), noon); answer.Err != nil || len(answer.Lines) != bench.lines {
					b.Fatalf("got %d lines and error %v", len(answer.Lines), answer.Err)
				}
			}
		})
	}
}
