package rank

import (
	"slices"
	"strings"
	"testing"

	"liveboard/metrics"
)

func TestRanksCloseUpAtOnce(t *testing.T) {
	var log memory
	l := newLedger(t, &log, arcade())
	for i, player := range []string{"ada", "bob", "cyd", "dan"} {
		submit(t, l, player, float64(i))
	}
	b := board(t, l, "arcade")
	steps := []struct {
		action Action
		want   string
	}{
		{Action{Kind: Hidden, Player: "dan"}, "cyd bob ada"},
		{Action{Kind: Banned, Player: "bob"}, "cyd ada"},
		{Action{Kind: Banned, Player: "dan"}, "cyd ada"},
		{Action{Kind: Removed, Target: 2}, "cyd"}, // ada's only score
		{Action{Kind: Undone, Target: 9}, "cyd"},  // dan is banned all the same
		{Action{Kind: Undone, Target: 11}, "dan cyd"},
		{Action{Kind: Undone, Target: 12}, "dan cyd ada"},
		{Action{Kind: Undone, Target: 10}, "dan cyd bob ada"},
	}
	for i, step := range steps {
		moderate(t, l, step.action)
		for _, b := range []*Board{b, board(t, newLedger(t, &log, arcade()), "arcade")} {
			if got := strings.Join(ranking(t, b, Ask{}), " "); got != step.want {
				t.Errorf("step %d: got %q, want %q", i+1, got, step.want)
			}
		}
	}
}

func TestHiddenPlayersAreNotToldOfButGoOn(t *testing.T) {
	l := newLedger(t, &memory{}, arcade())
	submit(t, l, "ada", 1)
	hide := moderate(t, l, Action{Kind: Hidden, Player: "ada"})
	if o := submit(t, l, "ada", 5); o.After != 0 || len(o.Standings) != 0 || o.Score != 5 {
		t.Errorf("got %+v, want the score and no rank", o)
	}
	b := board(t, l, "arcade")
	if p, err := b.Player(t.Context(), Ask{}, "ada"); metrics.KindOf(err) != metrics.NotFound {
		t.Errorf("the public is told %+v, error %v", p, err)
	}
	if p, err := b.Player(t.Context(), Ask{Staff: true}, "ada"); err != nil || p.Row.Rank != 0 || len(p.History) != 2 {
		t.Errorf("staff are told %+v, error %v", p, err)
	}
	moderate(t, l, Action{Kind: Undone, Target: hide.Number})
	if p, err := b.Player(t.Context(), Ask{}, "ada"); err != nil || p.Row.Rank != 1 || p.Row.Score != 5 {
		t.Errorf("after the undo: got %+v, error %v", p, err)
	}
}

func TestOnlyStaffAreToldOfRemovedScores(t *testing.T) {
	l := newLedger(t, &memory{}, arcade())
	submit(t, l, "ada", 1)
	cheated := submit(t, l, "ada", 9)
	moderate(t, l, Action{Kind: Removed, Target: cheated.Entry})
	b := board(t, l, "arcade")
	for staff, want := range map[bool]int{false: 1, true: 2} {
		p, err := b.Player(t.Context(), Ask{Staff: staff}, "ada")
		if err != nil || p.Row.Score != 1 || len(p.History) != want || p.History[0].Removed != staff {
			t.Errorf("staff %v: got %+v, error %v; want %d scores", staff, p, err, want)
		}
	}
}

func TestAStaffNameOutlastsThePlayersOwn(t *testing.T) {
	var log memory
	l := newLedger(t, &log, arcade())
	submit(t, l, "ada", 1)
	first := moderate(t, l, Action{Kind: Renamed, Player: "ada", Name: "Player 1"})
	second := moderate(t, l, Action{Kind: Renamed, Player: "ada", Name: "Player 2"})
	own := Submission{Board: "arcade", Scores: []metrics.Score{{Player: "ada", Name: "Rude", Value: 2}}}
	if _, _, err := l.Submit(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		undo uint64
		want string
	}{{0, "Player 2"}, {second.Number, "Player 1"}, {first.Number, "Rude"}} {
		if step.undo > 0 {
			moderate(t, l, Action{Kind: Undone, Target: step.undo})
		}
		for _, l := range []*Ledger{l, newLedger(t, &log, arcade())} {
			p, err := board(t, l, "arcade").Page(t.Context(), Ask{})
			if err != nil || p.Rows[0].Name != step.want {
				t.Errorf("got %+v, error %v; want the name %q", p.Rows, err, step.want)
			}
		}
	}
}

func TestAnUndoneRenameMustNotMakeTwoOfAUniqueName(t *testing.T) {
	spec := arcade()
	spec.UniqueNames = true
	l := newLedger(t, &memory{}, spec)
	score := func(player, name string) {
		t.Helper()
		s := Submission{Board: "arcade", Scores: []metrics.Score{{Player: player, Name: name, Value: 1}}}
		if _, _, err := l.Submit(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	score("a", "Ada")
	first := moderate(t, l, Action{Kind: Renamed, Player: "a", Name: "Player 1"})
	second := moderate(t, l, Action{Kind: Renamed, Player: "a", Name: "Player 2"})
	score("b", "PLAYER 1")
	if e, err := l.Moderate(t.Context(), Action{Board: "arcade", Kind: Undone, Target: second.Number}); metrics.KindOf(err) != metrics.Conflict {
		t.Errorf("back to a name of staff: got %+v, error %v; want one of kind Conflict", e, err)
	}
	moderate(t, l, Action{Kind: Undone, Target: first.Number}) // which does not show
	score("b", "ada")
	if e, err := l.Moderate(t.Context(), Action{Board: "arcade", Kind: Undone, Target: second.Number}); metrics.KindOf(err) != metrics.Conflict {
		t.Errorf("back to the player's own: got %+v, error %v; want one of kind Conflict", e, err)
	}
	score("b", "Bob")
	moderate(t, l, Action{Kind: Undone, Target: second.Number})
	if p, err := board(t, l, "arcade").Player(t.Context(), Ask{}, "a"); err != nil || p.Row.Name != "Ada" {
		t.Errorf("got %+v, error %v; want Ada again", p, err)
	}
}

func TestModerateRefusesWhatIsSoAlready(t *testing.T) {
	spec := arcade()
	spec.UniqueNames = true
	l := newLedger(t, &memory{}, spec)
	submit(t, l, "ada", 1) // entries 1 and 2
	submit(t, l, "bob", 2)
	hide := moderate(t, l, Action{Kind: Hidden, Player: "ada"})
	moderate(t, l, Action{Kind: Removed, Target: 2})
	moderate(t, l, Action{Kind: Undone, Target: hide.Number})
	tests := []struct {
		name   string
		action Action
		want   metrics.Kind
	}{
		{"nobody", Action{Kind: Hidden, Player: "eve"}, metrics.NotFound},
		{"removed twice", Action{Kind: Removed, Target: 2}, metrics.Conflict},
		{"no such entry", Action{Kind: Removed, Target: 99}, metrics.NotFound},
		{"no score", Action{Kind: Removed, Target: 1}, metrics.Invalid},
		{"undone twice", Action{Kind: Undone, Target: hide.Number}, metrics.Conflict},
		{"a score undone", Action{Kind: Undone, Target: 2}, metrics.Invalid},
		{"the same name", Action{Kind: Renamed, Player: "ada", Name: "ada"}, metrics.Conflict},
		{"another's name", Action{Kind: Renamed, Player: "ada", Name: "BOB"}, metrics.Conflict},
		{"no name", Action{Kind: Renamed, Player: "ada"}, metrics.Invalid},
		{"not frozen", Action{Kind: Thawed}, metrics.Conflict},
		{"no action", Action{Kind: Scored}, metrics.Invalid},
		{"a reason of control characters", Action{Kind: Froze, Reason: "\x1b[2J"}, metrics.Invalid},
	}
	for _, tt := range tests {
		tt.action.Board = "arcade"
		if e, err := l.Moderate(t.Context(), tt.action); err == nil || metrics.KindOf(err) != tt.want {
			t.Errorf("%s: got %+v, error %v; want one of kind %d", tt.name, e, err, tt.want)
		}
	}
}

func TestNobodyWaitsForTheLogToBeRead(t *testing.T) {
	log, step := &gate{memory: &memory{}}, 10.0
	spec := arcade()
	spec.Limits.MaxStep = &step
	l := newLedger(t, log, spec)
	b, scored := board(t, l, "arcade"), submit(t, l, "ada", 1)
	sought := 0
	log.seeking = func() {
		if sought++; !b.mu.TryLock() {
			t.Error("the leaderboard is locked")
			return
		}
		b.mu.Unlock()
	}
	submit(t, l, "ada", 2)
	removed := moderate(t, l, Action{Kind: Removed, Target: scored.Entry})
	moderate(t, l, Action{Kind: Undone, Target: removed.Number})
	if sought < 5 {
		t.Errorf("%d entries were read, want the one before the second score, the removed one, and all there are twice", sought)
	}
}

func TestRemovalsAreThoseOfThePlayer(t *testing.T) {
	l := newLedger(t, &memory{}, arcade())
	submit(t, l, "ada", 1)
	cheated := submit(t, l, "bob", 9)
	moderate(t, l, Action{Kind: Removed, Target: cheated.Entry})
	b := board(t, l, "arcade")
	if got := b.removals(0); got != nil {
		t.Errorf("of ada's got %v, want none", got)
	}
	if got := b.removals(1); len(got) != 1 || !got[cheated.Entry] {
		t.Errorf("of bob's got %v, want %d", got, cheated.Entry)
	}
}

func TestAuditTellsWhatStaffDidTheNewestFirst(t *testing.T) {
	var log memory
	l := newLedger(t, &log, arcade())
	submit(t, l, "ada", 1)
	moderate(t, l, Action{Kind: Hidden, Player: "ada", By: "eve", Reason: "spam"})
	submit(t, l, "bob", 1)
	moderate(t, l, Action{Kind: Froze, By: "eve"})
	moderate(t, l, Action{Kind: Thawed, By: "eve"})
	for _, l := range []*Ledger{l, newLedger(t, &log, arcade())} {
		page, err := l.Audit(t.Context(), "arcade", 0, 2)
		if err != nil || len(page) != 2 || page[0].Kind != Thawed || page[1].Kind != Froze {
			t.Fatalf("got %+v, error %v", page, err)
		}
		page, err = l.Audit(t.Context(), "arcade", page[1].Number, 2)
		if err != nil || len(page) != 1 || page[0].Kind != Hidden || page[0].By != "eve" || page[0].Reason != "spam" {
			t.Errorf("the rest: got %+v, error %v", page, err)
		}
	}
	if _, err := l.Audit(t.Context(), "none", 0, 0); metrics.KindOf(err) != metrics.NotFound {
		t.Errorf("got error %v, want one of kind NotFound", err)
	}
}

func TestEntriesOfStaffBearThePlayersID(t *testing.T) {
	var log memory
	l := newLedger(t, &log, arcade())
	submit(t, l, "eve", 1)
	scored := submit(t, l, "ada", 1)
	for _, a := range []Action{
		{Kind: Hidden, Player: "ada"},
		{Kind: Banned, Player: "ada"},
		{Kind: Renamed, Player: "ada", Name: "Player 1"},
		{Kind: Removed, Target: scored.Entry},
		{Kind: Undone, Target: scored.Entry + 4}, // the Removed
	} {
		if e := moderate(t, l, a); e.ID != "ada" {
			t.Errorf("moderate: entry %+v, want the id ada", e)
		}
	}
	for _, l := range []*Ledger{l, newLedger(t, &log, arcade())} {
		page, err := l.Audit(t.Context(), "arcade", 0, 0)
		if err != nil || len(page) != 5 {
			t.Fatalf("got %+v, error %v, want 5 entries", page, err)
		}
		for _, e := range page {
			if e.ID != "ada" {
				t.Errorf("audit: entry %+v, want the id ada", e)
			}
		}
	}
}

func TestRemovalsReachClosedWindows(t *testing.T) {
	l := newLedger(t, &memory{}, arcade())
	late := metrics.Score{Player: "ada", Value: 9}
	b := board(t, l, "arcade")
	now, err := b.Windows(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	late.At = now[1].From.UnixMilli() - 1 // the end of yesterday
	a, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{late, {Player: "bob", Value: 1, At: late.At}}})
	if err != nil {
		t.Fatal(err)
	}
	windows, err := b.Windows(t.Context(), false)
	if err != nil || len(windows) != 5 {
		t.Fatalf("got windows %+v, error %v", windows, err)
	}
	ask := Ask{Window: windows[4].Key}
	if got := ranking(t, b, ask); !slices.Equal(got, []string{"ada", "bob"}) {
		t.Errorf("before: got %v", got)
	}
	moderate(t, l, Action{Kind: Removed, Target: a.Results[0].Entry})
	if got := ranking(t, b, ask); !slices.Equal(got, []string{"bob"}) {
		t.Errorf("after: got %v", got)
	}
}
