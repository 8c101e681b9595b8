package handlers

import (
	"runtime"
	"testing"

	"liveboard/metrics"
)

// BenchmarkMemory measures what a series takes of the server's memory, which remote write brought one sample of, and which has an
// hour at 1 Hz after that, of which the last two minutes are not sealed.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		s := newBench(b, 0)
		w := newRoomyWorld(b)
		before := heapBytes()
		if err := sendTo(b, w.URL+"/api/v1/write", writtenBody)(s); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric((heapBytes()-before)/benchSeries, "idle-B/series")
		w.fillHour(b, s)
		b.ReportMetric((heapBytes()-before)/benchSeries, "hour-B/series")
	}
}

// fillHour passes by the journal.
func (w *world) fillHour(b *testing.B, s *bench) {
	group := make([]metrics.Sample, len(s.series))
	for second := range 3600 {
		s.tick()
		for i, series := range s.series {
			group[i] = metrics.Sample{Series: series, At: s.at, Value: s.values[i]}
		}
		w.store.Head().Apply(2, group)
		if second%120 == 119 && second < 3500 {
			if err := w.store.Seal(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// heapBytes is what is in use.
func heapBytes() float64 {
	runtime.GC()
	runtime.GC() // pools keep what they have through one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
