package data

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	mathrand "math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

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

// millionScores returns a log of a million players with one score each.
func millionScores(b *testing.B) *ScoreLog {
	b.Helper()
	l := openStore(b, filepath.Join(b.TempDir(), "million.db")).Scores()
	appendMillion(b, l)
	return l
}

// appendMillion puts a million players with one score each, of now, into an empty log.
func appendMillion(b *testing.B, l *ScoreLog) {
	b.Helper()
	const players, group = 1_000_000, 10_000
	at := time.Now().UnixMilli()
	random := mathrand.New(mathrand.NewPCG(1, 2))
	entries := make([]rank.Entry, 0, 2*group)
	for player := range uint32(players) {
		number := l.Last() + uint64(len(entries)) + 1
		entries = append(entries,
			rank.Entry{Number: number, Kind: rank.Joined, Board: "arcade", Received: at, Player: player, ID: fmt.Sprintf("player-%d", player), Name: fmt.Sprintf("Player %d", player)},
			rank.Entry{Number: number + 1, Kind: rank.Scored, Board: "arcade", Received: at, Player: player, At: at - random.Int64N(1000), Value: float64(random.IntN(1e6))})
		if len(entries) == cap(entries) {
			appendScores(b, l, entries)
			entries = entries[:0]
		}
	}
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

// BenchmarkReopen measures the opening of a database in which a million players have a score each, up to standings of
// three windows that hold all of them. The floor reads the payloads of the rows and nothing more.
func BenchmarkReopen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "reopen.db")
	s, err := openQuiet(path)
	must(b, err)
	appendMillion(b, s.Scores())
	must(b, s.Scores().Merge(b.Context()))
	must(b, crash(s))
	b.Run("reopen", func(b *testing.B) { benchmarkReopen(b, path) })
	b.Run("floor", func(b *testing.B) { benchmarkPayloads(b, path) })
}

func benchmarkReopen(b *testing.B, path string) {
	spec := metrics.Leaderboard{
		Name: "arcade", Order: metrics.Desc, Keep: metrics.KeepBest, Ties: metrics.Competition, Zone: time.UTC, Moves: metrics.Day,
		Periods: []metrics.Period{{Kind: metrics.AllTime, Name: "all"}, {Kind: metrics.Month, Name: "month"}, {Kind: metrics.Day, Name: "day"}},
	}
	for b.Loop() {
		s, err := openQuiet(path)
		must(b, err)
		l, err := rank.NewLedger(b.Context(), rank.LedgerConfig{Log: s.Scores()}, []metrics.Leaderboard{spec})
		must(b, err)
		b.StopTimer()
		l.Close()
		must(b, crash(s))
		b.StartTimer()
	}
}

func benchmarkPayloads(b *testing.B, path string) {
	l := openStore(b, path).Scores()
	for b.Loop() {
		rows, err := l.readers.Query("SELECT payload FROM scores ORDER BY first")
		must(b, err)
		var payload sql.RawBytes
		for rows.Next() {
			must(b, rows.Scan(&payload))
		}
		must(b, rows.Err())
		must(b, rows.Close())
	}
}
