package query_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/query"
)

// filled returns an engine over series of x, ten cpu of each host, with a sample a second for 20 minutes to noon.
func filled(b *testing.B, series int) *query.Engine {
	s := newStore(b)
	ids := make([]metrics.Series, series)
	for i := range ids {
		ids[i] = seriesOf(b, "x", "host", fmt.Sprint(i/10), "cpu", fmt.Sprint(i%10))
	}
	for second := -1200; second <= 0; second++ {
		group := make([]metrics.Sample, series)
		for i, id := range ids {
			group[i] = metrics.Sample{Series: id, At: ms(float64(second)), Value: float64((second + 2000) * i)}
		}
		s.seq++
		s.Apply(s.seq, group)
	}
	return query.New(s)
}

// answer fails the benchmark unless r has that many lines.
func answer(b *testing.B, r metrics.Result, lines int) {
	if r.Err != nil || len(r.Lines) != lines {
		b.Fatalf("got %d lines and error %v, want %d lines", len(r.Lines), r.Err, lines)
	}
}

// BenchmarkLive compares a whole window of a quarter hour with its next step: one instant of the
// grid that has become due and a tip (advance), or a new tip alone (tip).
func BenchmarkLive(b *testing.B) {
	ctx := context.Background()
	for _, bench := range []struct {
		name, expr    string
		series, lines int
	}{
		{"selector", `x{cpu="0"}`, 10, 1},
		{"rate", `rate(x{cpu="0"}[1m])`, 10, 1},
		{"topk", `topk(5, x)`, 100, 5},
		{"sum1000", `sum by (host) (rate(x[1m]))`, 1000, 100},
	} {
		engine := filled(b, bench.series)
		open := func() *query.Live {
			l, err := engine.Live(bench.expr, metrics.Range{Span: 15 * time.Minute})
			if err != nil {
				b.Fatal(err)
			}
			return l
		}
		b.Run(bench.name+"/range", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				answer(b, open().At(ctx, noon), bench.lines)
			}
		})
		b.Run(bench.name+"/advance", func(b *testing.B) { steps(b, open(), 3, 60, bench.lines) })
		b.Run(bench.name+"/tip", func(b *testing.B) { steps(b, open(), 0.001, 2.9, bench.lines) })
		b.Run(bench.name+"/instant", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				answer(b, engine.Instant(ctx, bench.expr, noon), bench.lines)
			}
		})
	}
}

// steps measures answers of l that are so many seconds apart, beginning again at noon after until seconds.
func steps(b *testing.B, l *query.Live, every, until float64, lines int) {
	ctx, now := context.Background(), until
	b.ReportAllocs()
	for b.Loop() {
		if now += every; now > until {
			b.StopTimer()
			now = every
			answer(b, l.At(ctx, noon), lines)
			b.StartTimer()
		}
		answer(b, l.At(ctx, at(now)), lines)
	}
}
