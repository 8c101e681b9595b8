package rank

import (
	"time"

	"liveboard/metrics"
)

// maxGone is how many players that are gone a fed leaderboard remembers, so that they have the same number when they come back.
const maxGone = 10_000

// NewFed returns a leaderboard whose standings are whatever Feed was last given.
func NewFed(spec *metrics.Leaderboard) *Board {
	b := newBoard(spec, nil, time.Now())
	b.live.build()
	b.live.sparks.given = true
	b.loading, b.turn = false, time.Unix(1<<40, 0) // windows begin when they are fed
	return b
}

// Fed is a player of a leaderboard that is fed by a query.
type Fed struct {
	Player string
	Name   string
	Score  float64
	At     int64
	Spark  []float64
}

// Feed replaces the standings. before are those since when moves count, in any order; nil where they are unknown.
func (b *Board) Feed(now, before []Fed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.players.len() > len(now)+len(before)+maxGone {
		b.players = newPlayers(b.spec.UniqueNames)
	}
	fresh := newView(b, nil, time.Now())
	fresh.sparks.given, fresh.sparks.values = true, make(map[uint32][]float64, len(now))
	if before != nil {
		fresh.feed(before)
		fresh.mark()
		fresh.empty()
	}
	fresh.feed(now)
	fresh.build()
	if before == nil {
		fresh.remember()
	}
	for _, f := range now {
		number, _ := b.players.lookup(f.Player)
		fresh.sparks.values[number] = f.Spark
	}
	b.live = fresh
}

// feed takes the players into the windows of now, whatever their time.
func (v *view) feed(fed []Fed) {
	for _, f := range fed {
		number, ok := v.board.players.lookup(f.Player)
		if !ok {
			number = v.board.players.add(f.Player, f.Name, nil)
		} else if f.Name != "" && f.Name != v.board.players.name(number) {
			v.board.players.rename(number, f.Name)
		}
		for _, s := range v.spans {
			s.now.add(&Entry{Player: number, Value: f.Score, At: f.At})
		}
	}
}

// empty takes everybody out of the windows, and keeps their places for the moves.
func (v *view) empty() {
	for _, s := range v.spans {
		for slot := range s.now.players {
			s.now.clear(uint32(slot))
		}
		s.now.order = nil
	}
}
