package rank

import (
	"fmt"
	"testing"

	"liveboard/metrics"
)

// BenchmarkSubmit submits scores of 100,000 players from 64 senders to a log without a disk.
func BenchmarkSubmit(b *testing.B) {
	l := newLedger(b, &memory{}, arcade())
	players := make([]string, 100_000)
	for i := range players {
		players[i] = fmt.Sprintf("player-%d", i)
	}
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			s := Submission{Board: "arcade", Scores: []metrics.Score{{Player: players[i*7919%len(players)], Value: float64(i * 31 % 9973)}}}
			if _, _, err := l.Submit(b.Context(), s); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "scores/s")
}

// BenchmarkRebuild opens a leaderboard of a million players from a log in memory; the peer reads the log alone.
func BenchmarkRebuild(b *testing.B) {
	log := million()
	b.Run("rebuild", func(b *testing.B) {
		spec := arcade()
		for b.Loop() {
			if _, err := openBoards(b.Context(), []*metrics.Leaderboard{&spec}, log); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s")
	})
	b.Run("log", func(b *testing.B) {
		players := 0
		for b.Loop() {
			for e := range log.Entries(b.Context(), "arcade") {
				players = max(players, int(e.Player))
			}
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s")
	})
}

// million returns a log in which a million players have a score each.
func million() *memory {
	log := &memory{}
	for i := range uint32(1_000_000) {
		id := fmt.Sprintf("player-%07d", i)
		received := int64(1.7e12) + int64(i)
		log.entries = append(log.entries,
			Entry{Number: uint64(2*i + 1), Kind: Joined, Board: "arcade", Player: i, ID: id, Name: id, Received: received},
			Entry{Number: uint64(2*i + 2), Kind: Scored, Board: "arcade", Player: i, Value: float64(i * 2654435761 % 999_983), At: received, Received: received},
		)
	}
	return log
}

// BenchmarkPage reads a page of 100 in the middle of a million players.
func BenchmarkPage(b *testing.B) {
	spec := arcade()
	boards, err := openBoards(b.Context(), []*metrics.Leaderboard{&spec}, million())
	if err != nil {
		b.Fatal(err)
	}
	board := boards["arcade"]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := board.Page(b.Context(), Ask{Offset: 500_000, Limit: 100}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFreeze freezes a leaderboard of a million players, while nobody can read it; the peer sorts them.
func BenchmarkFreeze(b *testing.B) {
	spec := arcade()
	boards, err := openBoards(b.Context(), []*metrics.Leaderboard{&spec}, million())
	if err != nil {
		b.Fatal(err)
	}
	live := boards["arcade"].live
	b.Run("copy", func(b *testing.B) {
		for b.Loop() {
			live.clone(&freeze{})
		}
	})
	b.Run("sort", func(b *testing.B) {
		for b.Loop() {
			s := &standing{rows: live.spans[0].now.rows.clone(), people: live}
			s.build()
		}
	})
}
