package rank

import (
	"context"
	"errors"
	"iter"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"liveboard/metrics"
)

// gate is a log that lets something happen whenever it is about to be read as a whole, or an entry of it.
type gate struct {
	*memory
	reading func() error
	seeking func()
}

func (g *gate) Entry(ctx context.Context, number uint64) (Entry, error) {
	if g.seeking != nil {
		g.seeking()
	}
	return g.memory.Entry(ctx, number)
}

func (g *gate) Entries(ctx context.Context, board string) iter.Seq2[*Entry, error] {
	if g.reading != nil {
		if err := g.reading(); err != nil {
			return func(yield func(*Entry, error) bool) { yield(nil, err) }
		}
	}
	return g.memory.Entries(ctx, board)
}

// closedHour returns a ledger on whose arcade three players have scores at a time in an hour that was over before
// the ledger began, and how to ask for that hour.
func closedHour(t *testing.T, log Log) (l *Ledger, at time.Time, ask Ask) {
	l, at = newLedger(t, log, arcade()), time.Now().Add(-3*time.Hour)
	for i, player := range []string{"ada", "bob", "cyd"} {
		s := metrics.Score{Player: player, Value: float64(i), At: at.UnixMilli(), Attributes: metrics.Labels{{Name: "team", Value: "red"}}}
		if _, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{s}}); err != nil {
			t.Fatal(err)
		}
	}
	return l, at, Ask{Window: windowAt(period(metrics.Hour), time.UTC, at).Key}
}

// stir lets all that changes a closed window happen to the one of closedHour.
func stir(t *testing.T, l *Ledger, at time.Time) {
	joinTeam(t, l, "ada", "blue", 1)
	scoreAt(t, l, "bob", 9, at)
	removed := scoreAt(t, l, "bob", 99, at)
	moderate(t, l, Action{Kind: Removed, Target: removed.Entry})
	scoreAt(t, l, "cyd", 5, at)
	hidden := moderate(t, l, Action{Kind: Hidden, Player: "cyd"})
	scoreAt(t, l, "cyd", 7, at)
	moderate(t, l, Action{Kind: Undone, Target: hidden.Number})
	moderate(t, l, Action{Kind: Hidden, Player: "bob"})
	scoreAt(t, l, "dan", 3, at)
}

// sameRebuilt holds what a ledger tells of a closed window to what a restart makes of its log.
func sameRebuilt(t *testing.T, l *Ledger, log *memory, ask Ask) {
	t.Helper()
	again := newLedger(t, log, arcade())
	for _, team := range []string{"", "red", "blue"} {
		ask.Group, ask.Groups = team, true
		got, err := board(t, l, "arcade").Page(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		want, err := board(t, again, "arcade").Page(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		if got.Spec, want.Spec = nil, nil; !reflect.DeepEqual(got, want) {
			t.Errorf("team %q: got %+v, want %+v", team, got, want)
		}
	}
}

func TestAClosedWindowIsAnsweredHoweverMuchChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &gate{memory: &memory{}}
		l, at, ask := closedHour(t, log)
		readings := 0
		log.reading = func() error {
			if readings++; readings > 1 {
				return errors.New("it is read again")
			}
			stir(t, l, at)
			return nil
		}
		ranking(t, board(t, l, "arcade"), ask)
		log.reading = nil
		sameRebuilt(t, l, log.memory, ask)
	})
}

func TestAClosedWindowInMemoryFollowsItsPlayers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &gate{memory: &memory{}}
		l, at, ask := closedHour(t, log)
		ranking(t, board(t, l, "arcade"), ask)
		log.reading = func() error { return errors.New("it is in memory") }
		stir(t, l, at)
		sameRebuilt(t, l, log.memory, ask)
	})
}
