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
	"liveboard/metrics/rank"
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

// BenchmarkScores measures how long a group of scores takes to be durable, and how fast the log is
// read. The floor is what the disk and SQLite take for a blob of the same size, synced as well.
func BenchmarkScores(b *testing.B) {
	for _, group := range []int{1, 32, 64} {
		b.Run(fmt.Sprintf("append-%d", group), func(b *testing.B) { benchmarkAppendScores(b, group) })
		b.Run(fmt.Sprintf("floor-%d", group), func(b *testing.B) { benchmarkScoresFloor(b, group) })
	}
	b.Run("read", benchmarkReadScores)
	b.Run("entry", benchmarkEntry)
}

func benchmarkAppendScores(b *testing.B, group int) {
	l := openStore(b, filepath.Join(b.TempDir(), "scores.db")).Scores()
	for b.Loop() {
		appendScores(b, l, scoresFrom(l.Last()+1, group))
	}
	b.ReportMetric(float64(l.Last())/b.Elapsed().Seconds(), "scores/s")
}

func benchmarkScoresFloor(b *testing.B, group int) {
	store := openStore(b, filepath.Join(b.TempDir(), "floor.db"))
	payload, err := encodeScores(scoresFrom(1, group))
	if err != nil {
		b.Fatal(err)
	}
	blob := make([]byte, len(payload))
	rand.Read(blob)
	for b.Loop() {
		if _, err := store.writer.Exec("INSERT INTO journal (at, payload) VALUES (0, ?)", blob); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*group)/b.Elapsed().Seconds(), "scores/s")
}

// millionScores returns a log of a million players with one score each, merged.
func millionScores(b *testing.B) *ScoreLog {
	b.Helper()
	const players, group = 1_000_000, 10_000
	l := openStore(b, filepath.Join(b.TempDir(), "million.db")).Scores()
	random := mathrand.New(mathrand.NewPCG(1, 2))
	entries := make([]rank.Entry, 0, 2*group)
	for player := range uint32(players) {
		number, at := l.Last()+uint64(len(entries))+1, int64(1.7e12)+2*int64(player)
		entries = append(entries,
			rank.Entry{Number: number, Kind: rank.Joined, Board: "arcade", Received: at, Player: player, ID: fmt.Sprintf("player-%d", player), Name: fmt.Sprintf("Player %d", player)},
			rank.Entry{Number: number + 1, Kind: rank.Scored, Board: "arcade", Received: at, Player: player, At: at - random.Int64N(1000), Value: float64(random.IntN(1e6))})
		if len(entries) == cap(entries) {
			appendScores(b, l, entries)
			entries = entries[:0]
		}
	}
	return l
}

func benchmarkReadScores(b *testing.B) {
	l := millionScores(b)
	read := 0
	for b.Loop() {
		read = 0
		for _, err := range l.Entries(context.Background(), "") {
			if err != nil {
				b.Fatal(err)
			}
			read++
		}
	}
	b.ReportMetric(float64(read), "entries")
	var bytes float64
	if err := l.readers.QueryRow("SELECT SUM(LENGTH(payload)) FROM scores").Scan(&bytes); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(bytes/float64(read), "B/entry")
}

// benchmarkEntry asks for entries all over the log, of which the cache holds few.
func benchmarkEntry(b *testing.B) {
	l := millionScores(b)
	random := mathrand.New(mathrand.NewPCG(1, 2))
	for b.Loop() {
		if _, err := l.Entry(context.Background(), random.Uint64N(l.Last())+1); err != nil {
			b.Fatal(err)
		}
	}
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
