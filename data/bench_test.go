package data

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"liveboard/metrics"
)

// fleet is many series that change as those of machines do: counters, rounded gauges and constants.
type fleet struct {
	samples []metrics.Sample
	random  *mathrand.Rand
}

func newFleet(b *testing.B, series int, at int64) *fleet {
	b.Helper()
	f := &fleet{random: mathrand.New(mathrand.NewPCG(1, 2))}
	for i := range series {
		s, err := metrics.NewSeries(fmt.Sprintf("bench_%d_total", i%20), metrics.Label{Name: "instance", Value: fmt.Sprintf("host-%d.example", i/20)})
		if err != nil {
			b.Fatal(err)
		}
		f.samples = append(f.samples, metrics.Sample{Series: s, At: at, Value: float64(f.random.IntN(100))})
	}
	return f
}

// step moves every series one second on.
func (f *fleet) step() []metrics.Sample {
	for i := range f.samples {
		s := &f.samples[i]
		s.At += 1000
		switch i % 3 {
		case 0:
			s.Value += float64(f.random.IntN(5))
		case 1:
			s.Value = math.Round((s.Value+f.random.NormFloat64())*100) / 100
		}
	}
	return f.samples
}

// BenchmarkRecord measures durable samples per second: groups of 10,000 samples from 10,000
// series through Recorder, Store and Head, seals included. The floor is what the disk and SQLite
// take for a blob of the same size, synced as well.
func BenchmarkRecord(b *testing.B) {
	b.Run("recorder", benchmarkRecorder)
	b.Run("floor", benchmarkFloor)
}

const fleetSize = 10_000

func benchmarkRecorder(b *testing.B) {
	store := openStore(b, filepath.Join(b.TempDir(), "bench.db"))
	recorder := metrics.NewRecorder(metrics.RecorderConfig{Log: store, Applier: store.Head()})
	f := newFleet(b, fleetSize, time.Now().AddDate(0, 0, -6).UnixMilli())
	for first := true; first || b.Loop(); first = false { // the first round makes the series known
		if err := recorder.Record(context.Background(), metrics.Batch{Samples: f.step()}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*fleetSize/b.Elapsed().Seconds(), "samples/s")
	recorder.Close()
	if err := store.Seal(context.Background()); err != nil {
		b.Fatal(err)
	}
	var bytes, samples float64
	if err := store.readers.QueryRow("SELECT SUM(LENGTH(data)), SUM(samples) FROM chunks").Scan(&bytes, &samples); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(bytes/samples, "B/sample")
}

func benchmarkFloor(b *testing.B) {
	store := openStore(b, filepath.Join(b.TempDir(), "floor.db"))
	entries, _ := store.resolve(newFleet(b, fleetSize, 0).step())
	blob := make([]byte, len(encodeGroup(entries)))
	rand.Read(blob)
	for b.Loop() {
		if _, err := store.writer.Exec("INSERT INTO journal (at, payload) VALUES (0, ?)", blob); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*fleetSize/b.Elapsed().Seconds(), "samples/s")
	b.ReportMetric(float64(len(blob))/fleetSize, "B/sample")
}

// BenchmarkRestart measures the opening of a database that holds an hour of 10,000 series at one sample a
// second, the last two minutes of it only in the journal.
func BenchmarkRestart(b *testing.B) {
	path := filepath.Join(b.TempDir(), "restart.db")
	prepareHour(b, path)
	size := databaseBytes(b, path)
	for b.Loop() {
		s, err := openQuiet(path)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := crash(s); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(size/(3600*fleetSize), "B/sample")
}

// prepareHour fills a database and leaves it as a kill would: the last interval is not sealed.
func prepareHour(b *testing.B, path string) {
	b.Helper()
	const seconds, unsealed = 3600, 120
	s, err := openQuiet(path)
	if err != nil {
		b.Fatal(err)
	}
	f := newFleet(b, fleetSize, time.Now().Add(-time.Hour).UnixMilli())
	record(b, s, f.step())
	for range seconds - unsealed { // these pass by the journal
		s.head.Apply(1, f.step())
	}
	seal(b, s)
	for range unsealed {
		record(b, s, f.step())
	}
	if err := crash(s); err != nil {
		b.Fatal(err)
	}
}

func databaseBytes(b *testing.B, path string) float64 {
	b.Helper()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return float64(info.Size())
}

// BenchmarkRead measures a selection of 360 samples of one series out of 1,000, of which memory holds none.
func BenchmarkRead(b *testing.B) {
	s := openStore(b, filepath.Join(b.TempDir(), "read.db"))
	start := time.Now().Add(-2 * time.Hour).UnixMilli()
	f := newFleet(b, 1000, start)
	record(b, s, f.step())
	for range 7200 { // these pass by the journal
		s.head.Apply(1, f.step())
	}
	seal(b, s)
	name := labels.MustNewMatcher(labels.MatchEqual, metrics.NameLabel, "bench_1_total")
	host := labels.MustNewMatcher(labels.MatchEqual, "instance", "host-7.example")
	points := 0
	for b.Loop() {
		points = 0
		found, err := s.head.Select(context.Background(), start+60_000, start+60_000+359_000, name, host)
		if err != nil || len(found) != 1 {
			b.Fatalf("got %d series and error %v, want 1 series", len(found), err)
		}
		for it := found[0].Iterator(nil); it.Next() != chunkenc.ValNone; {
			points++
		}
	}
	b.ReportMetric(float64(points), "points")
}

// BenchmarkCheck measures the check of a token. The floor is the one hash that no check can do without.
func BenchmarkCheck(b *testing.B) {
	tokens := openStore(b, filepath.Join(b.TempDir(), "tokens.db")).Tokens()
	secret, _, err := tokens.Create(b.Context(), "", []string{"score:*"}, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("token", func(b *testing.B) {
		for b.Loop() {
			if _, err := tokens.Check(b.Context(), secret); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		for b.Loop() {
			sha256.Sum256([]byte(secret))
		}
	})
}

// machines are series as node_exporter has them: of ten, three counters of hundredths of seconds, two of bytes, one of events, two
// gauges of memory, one of load, and one that hardly ever changes.
type machines struct {
	fleet
	at, step int64
}

func newMachines(b *testing.B, series int, at, step int64) *machines {
	b.Helper()
	return &machines{*newFleet(b, series, at), at, step}
}

func (m *machines) next() []metrics.Sample {
	m.at += m.step
	for i := range m.samples {
		s := &m.samples[i]
		s.At = m.at + int64(m.random.IntN(3)) // as the ticks of a collector
		seconds := float64(m.step) / 1000
		switch i % 10 {
		case 0, 1, 2:
			s.Value = math.Round((s.Value+seconds*m.random.Float64()*float64(i%3)/3)*100) / 100
		case 3, 4:
			s.Value += math.Floor(seconds * (2000 + m.random.ExpFloat64()*3000))
		case 5:
			s.Value += float64(m.random.IntN(1 + int(3*seconds)))
		case 6, 7:
			s.Value = 4096 * (math.Floor(s.Value/4096) + float64(m.random.IntN(200)-100) + 1e6*float64(1-min(1, int(s.Value))))
		case 8:
			s.Value = math.Abs(math.Round((s.Value*0.95+m.random.Float64()*0.1)*100) / 100)
		case 9:
			if m.random.IntN(1000) == 0 {
				s.Value++
			}
		}
	}
	return m.samples
}

// BenchmarkStorage measures the bytes of the whole file for a sample of machines, sealed and rolled up every two
// minutes, and what of them is in blocks of samples, in buckets, in chunks (of the last hours), and in free pages.
func BenchmarkStorage(b *testing.B) {
	for _, bench := range []struct {
		name   string
		series int
		step   time.Duration
		hours  int
	}{
		{"1s", 30, time.Second, 73},
		{"15s", 100, 15 * time.Second, 73},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				path := filepath.Join(b.TempDir(), "storage.db")
				samples := fillMachines(b, path, bench.series, bench.step, bench.hours)
				b.ReportMetric(databaseBytes(b, path)/samples, "B/sample")
				reportLanes(b, path, samples)
			}
		})
	}
}

func fillMachines(b *testing.B, path string, series int, step time.Duration, hours int) (samples float64) {
	s, err := openQuiet(path)
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now().Add(-time.Duration(hours) * time.Hour)
	m := newMachines(b, series, start.UnixMilli(), step.Milliseconds())
	record(b, s, m.next())
	steps := int(time.Duration(hours) * time.Hour / step)
	for i := range steps {
		s.head.Apply(1, m.next())
		at := start.Add(time.Duration(i) * step)
		if at.Truncate(sealEvery) != at.Add(step).Truncate(sealEvery) {
			seal(b, s)
			rollup(b, s, at.UnixMilli())
		}
	}
	s.SetStorage(metrics.DefaultStorage())
	if err := s.Retain(context.Background(), time.Now()); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	return float64(series) * float64(steps+1)
}

// reportLanes reports what of that is in rows of samples, of buckets, and of neither.
func reportLanes(b *testing.B, path string, samples float64) {
	s := openStore(b, path)
	for _, part := range []struct{ name, query string }{
		{"B/samples", "SELECT IFNULL(SUM(LENGTH(data)), 0) FROM blocks WHERE id >> 59 < 5"},
		{"B/buckets", "SELECT IFNULL(SUM(LENGTH(data)), 0) FROM blocks WHERE id >> 59 >= 5"},
		{"B/chunks", "SELECT SUM(LENGTH(data)) FROM chunks"},
		{"B/free", "SELECT freelist_count * 4096 FROM pragma_freelist_count"},
	} {
		var bytes float64
		if err := s.readers.QueryRow(part.query).Scan(&bytes); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(bytes/samples, part.name)
	}
}
