package rank

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"liveboard/metrics"
)

// memory is a Log without a disk.
type memory struct {
	mu        sync.Mutex
	entries   []Entry
	requests  map[string]Request
	refuse    error         // what Append and Keep return
	forgets   bool          // Keep does nothing, as after a crash before it
	commitFor time.Duration // what Append takes
}

func (m *memory) Append(_ context.Context, entries []Entry, requests []Request) error {
	time.Sleep(m.commitFor)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return m.refuse
	}
	m.entries = append(m.entries, entries...)
	m.note(requests)
	return nil
}

func (m *memory) Keep(_ context.Context, answers []Request) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.forgets {
		return errors.New("the power is gone")
	}
	m.note(answers)
	return nil
}

func (m *memory) note(requests []Request) {
	if m.requests == nil {
		m.requests = make(map[string]Request)
	}
	for _, r := range requests {
		m.requests[r.Board+"/"+r.Key] = r
	}
}

func (m *memory) Request(_ context.Context, board, key string) (Request, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.requests[board+"/"+key]
	return r, ok, nil
}

func (m *memory) Entries(_ context.Context, board string) iter.Seq2[*Entry, error] {
	m.mu.Lock()
	entries := m.entries
	m.mu.Unlock()
	return func(yield func(*Entry, error) bool) {
		var e Entry
		for i := range entries {
			if board == "" || entries[i].Board == board {
				if e = entries[i]; !yield(&e, nil) {
					return
				}
			}
		}
	}
}

func (m *memory) Entry(_ context.Context, number uint64) (Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.entries[number-1], nil
}

func (m *memory) Last() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(len(m.entries))
}

// of returns a board's entries of a kind.
func (m *memory) of(board string, kind Kind) []Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(m.entries), func(e Entry) bool { return e.Board != board || e.Kind != kind })
}

// arcade returns a leaderboard of all time, days and hours.
func arcade() metrics.Leaderboard {
	return metrics.Leaderboard{
		Name: "arcade", Order: metrics.Desc, Keep: metrics.KeepBest, Ties: metrics.Competition, Zone: time.UTC, Moves: metrics.Hour,
		Periods: []metrics.Period{
			{Kind: metrics.AllTime, Name: "all"}, {Kind: metrics.Day, Name: "day"}, {Kind: metrics.Hour, Name: "hour"},
		},
		Groups: []string{"team"},
		Freeze: metrics.Freeze{Reveal: 3},
	}
}

// newLedger returns a ledger that the test closes.
func newLedger(t testing.TB, log Log, specs ...metrics.Leaderboard) *Ledger {
	t.Helper()
	l, err := NewLedger(t.Context(), LedgerConfig{Log: log}, specs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func board(t testing.TB, l *Ledger, name string) *Board {
	t.Helper()
	b, err := l.Board(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// submit submits a player's score of now to arcade.
func submit(t testing.TB, l *Ledger, player string, value float64) Outcome {
	t.Helper()
	a, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{{Player: player, Value: value}}, Staff: true})
	if err != nil {
		t.Fatal(err)
	}
	return a.Results[0]
}

// joinTeam submits a score of a player who says to be of a team.
func joinTeam(t testing.TB, l *Ledger, player, team string, value float64) {
	t.Helper()
	s := metrics.Score{Player: player, Value: value, Attributes: metrics.Labels{{Name: "team", Value: team}}}
	if _, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{s}}); err != nil {
		t.Fatal(err)
	}
}

// moderate carries out an action on arcade.
func moderate(t testing.TB, l *Ledger, a Action) Entry {
	t.Helper()
	a.Board = "arcade"
	e, err := l.Moderate(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// ranking returns the ids of a page in their order.
func ranking(t testing.TB, b *Board, a Ask) []string {
	t.Helper()
	p, err := b.Page(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(p.Rows))
	for i, r := range p.Rows {
		ids[i] = r.Player
	}
	return ids
}
