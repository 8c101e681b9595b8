package rank

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// current returns who is in the windows of now.
func current(t *testing.T, l *Ledger) (hour, day, all []string) {
	t.Helper()
	b, err := l.Current(t.Context(), "arcade")
	if err != nil {
		t.Fatal(err)
	}
	return ranking(t, b, Ask{Window: "hour"}), ranking(t, b, Ask{Window: "day"}), ranking(t, b, Ask{Window: "all"})
}

func wantWindows(t *testing.T, l *Ledger, hour, day, all []string) {
	t.Helper()
	gotHour, gotDay, gotAll := current(t, l)
	if !slices.Equal(gotHour, hour) || !slices.Equal(gotDay, day) || !slices.Equal(gotAll, all) {
		t.Errorf("got %v in the hour, %v in the day, %v in all, want %v, %v, %v", gotHour, gotDay, gotAll, hour, day, all)
	}
}

// wasAhead lets the board see what its clock shows while it is wrong.
func wasAhead(t *testing.T, l *Ledger, ahead time.Duration) {
	t.Helper()
	b := board(t, l, "arcade")
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tick(time.Now().Add(ahead))
}

func TestClockThatIsSetBackTakesTheWindowsWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(t, &memory{}, arcade())
		submit(t, l, "ada", 10)
		for _, ahead := range []time.Duration{time.Hour, 24 * time.Hour} {
			wasAhead(t, l, ahead)
			wantWindows(t, l, []string{"ada"}, []string{"ada"}, []string{"ada"})
		}
		wasAhead(t, l, 24*time.Hour)
		if o := submit(t, l, "bob", 20); o.Before != 0 || o.After != 1 || len(o.Standings) != 3 {
			t.Errorf("the next score: got %+v, want the first of three windows", o)
		}
		wantWindows(t, l, []string{"bob", "ada"}, []string{"bob", "ada"}, []string{"bob", "ada"})
	})
}

func TestScoresFromAheadCountOnceTheirWindowBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tomorrow := time.Now().Add(24*time.Hour + time.Minute).UnixMilli()
		l := newLedger(t, &memory{entries: []Entry{
			{Number: 1, Board: "arcade", Kind: Joined, ID: "eve", Name: "eve", Received: tomorrow},
			{Number: 2, Board: "arcade", Kind: Scored, Value: 5, At: tomorrow, Received: tomorrow},
		}}, arcade())
		submit(t, l, "ada", 10)
		wantWindows(t, l, []string{"ada"}, []string{"ada"}, []string{"ada", "eve"})
		time.Sleep(24*time.Hour + 2*time.Minute)
		wantWindows(t, l, []string{"eve"}, []string{"eve"}, []string{"ada", "eve"})
	})
}
