package rank

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"liveboard/metrics"
)

// public returns all that the public can read of a board, as JSON.
func public(t *testing.T, b *Board) string {
	t.Helper()
	ctx := t.Context()
	windows, err := b.Windows(ctx, false)
	all := []any{windows, err}
	for _, w := range append(windows, Window{Key: "2000-01-01T03:00Z"}) {
		for _, team := range []string{"", "red", "blue", "green"} {
			a := Ask{Window: w.Key, Group: team, Sparks: true}
			p, err := b.Page(ctx, a)
			all = append(all, w.Key, team, p, sentence(err))
			for _, player := range []string{"ada", "bob", "cyd", "dan", "eve", "new"} {
				p, err := b.Around(ctx, a, player, 1)
				all = append(all, p, sentence(err))
				profile, err := b.Player(ctx, a, player)
				all = append(all, profile, sentence(err))
			}
			for _, part := range []string{"a", "D", "Queen", "new"} {
				rows, err := b.Find(ctx, a, part)
				all = append(all, rows, sentence(err))
			}
		}
	}
	out, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func sentence(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// begun returns an arcade where five players have scores in two hours.
func begun(t *testing.T, log *memory, spec metrics.Leaderboard) *Ledger {
	l := newLedger(t, log, spec)
	for i, player := range []string{"ada", "bob", "cyd", "dan", "eve"} {
		team := []string{"red", "blue"}[i%2]
		_, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{
			{Player: player, Value: float64(10 * i), Attributes: metrics.Labels{{Name: "team", Value: team}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Hour)
	submit(t, l, "bob", 15)
	return l
}

// goOn lets everything happen that the public of a freeze must not see.
func goOn(t *testing.T, l *Ledger) {
	submit(t, l, "ada", 1000)
	submit(t, l, "new", 500)
	_, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{
		{Player: "cyd", Name: "Queen", Value: 700, Attributes: metrics.Labels{{Name: "team", Value: "green"}}},
		{Player: "dan", Value: 3, At: time.Now().Add(-90 * time.Minute).UnixMilli()},
		{Player: "dan", Value: 3, At: time.Now().Add(-50 * time.Hour).UnixMilli()},
		{Player: "eve", Value: 3, At: time.Now().Add(9 * time.Minute).UnixMilli()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(90 * time.Minute)
	submit(t, l, "bob", 800)
}

func TestNothingPublicDiffersAfterAFreeze(t *testing.T) {
	starts := map[string]func(t *testing.T, l *Ledger){
		"by staff": func(t *testing.T, l *Ledger) { moderate(t, l, Action{Kind: Froze}) },
		"by plan":  func(t *testing.T, l *Ledger) { time.Sleep(30 * time.Minute) },
	}
	for name, start := range starts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log memory
				spec := arcade()
				if name == "by plan" {
					spec.Freeze.At = time.Now().Add(90 * time.Minute)
				}
				l := begun(t, &log, spec)
				start(t, l)
				before := public(t, board(t, l, "arcade"))
				goOn(t, l)
				if after := public(t, board(t, l, "arcade")); after != before {
					t.Errorf("the public sees a change: before\n%s\nafter\n%s", before, after)
				}
				again := newLedger(t, &log, spec)
				if after := public(t, board(t, again, "arcade")); after != before {
					t.Errorf("a restart shows the public a change: before\n%s\nafter\n%s", before, after)
				}
				if got := ranking(t, board(t, l, "arcade"), Ask{Staff: true}); !slices.Equal(got, []string{"ada", "bob", "cyd", "new", "eve", "dan"}) {
					t.Errorf("staff see %v", got)
				}
			})
		})
	}
}

func TestFindHasOneRuleForThoseWhoHaveChanged(t *testing.T) {
	l := newLedger(t, &memory{}, arcade())
	named := func(name string) {
		t.Helper()
		s := metrics.Score{Player: "ada", Name: name, Value: 1}
		if _, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{s}}); err != nil {
			t.Fatal(err)
		}
	}
	named("ﬁrst ONE")
	moderate(t, l, Action{Kind: Froze})
	named("other")
	for text, want := range map[string]int{"ﬁr": 1, "fir": 1, "one": 1, "ｏｎｅ": 0, "AD": 1, "  ": 0, "other": 0} {
		rows, err := board(t, l, "arcade").Find(t.Context(), Ask{}, text)
		if err != nil || len(rows) != want {
			t.Errorf("%q: got %+v, error %v; want %d rows", text, rows, err, want)
		}
	}
}

func TestModerationReachesTheFrozenStandings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log memory
		l := begun(t, &log, arcade())
		moderate(t, l, Action{Kind: Froze})
		goOn(t, l)
		b := board(t, l, "arcade")
		ban := moderate(t, l, Action{Kind: Banned, Player: "eve"})
		moderate(t, l, Action{Kind: Renamed, Player: "cyd", Name: "Cydney"})
		moderate(t, l, Action{Kind: Removed, Target: log.of("arcade", Scored)[5].Number}) // bob's 15
		p, err := b.Page(t.Context(), Ask{})
		if err != nil || len(p.Rows) != 4 || p.Rows[0].Player != "dan" || p.Rows[1].Name != "Cydney" || p.Rows[2].Score != 10 {
			t.Errorf("got %+v, error %v", p.Rows, err)
		}
		moderate(t, l, Action{Kind: Undone, Target: ban.Number})
		before := public(t, b)
		if got := ranking(t, b, Ask{}); !slices.Equal(got, []string{"eve", "dan", "cyd", "bob", "ada"}) {
			t.Errorf("after the undo the public sees %v", got)
		}
		if after := public(t, board(t, newLedger(t, &log, arcade()), "arcade")); after != before {
			t.Errorf("a restart shows the public a change: before\n%s\nafter\n%s", before, after)
		}
	})
}

func TestRevealUncoversFromTheBottomUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log memory
		l := begun(t, &log, arcade())
		moderate(t, l, Action{Kind: Froze})
		goOn(t, l) // ada bob cyd new eve dan
		steps := [][]string{
			{"", "", "", "new", "eve", "dan"},
			{"", "", "cyd", "new", "eve", "dan"},
			{"", "bob", "cyd", "new", "eve", "dan"},
		}
		for i, want := range steps {
			moderate(t, l, Action{Kind: Revealed})
			submit(t, l, "eve", float64(2000+i)) // must not move what is being uncovered
			for _, b := range []*Board{board(t, l, "arcade"), board(t, newLedger(t, &log, arcade()), "arcade")} {
				if got := ranking(t, b, Ask{}); !slices.Equal(got, want) {
					t.Errorf("step %d: got %v, want %v", i+1, got, want)
				}
				checkCovered(t, b, 3-i)
			}
		}
		moderate(t, l, Action{Kind: Revealed})
		p, err := board(t, l, "arcade").Page(t.Context(), Ask{})
		if err != nil || p.Stepping || !p.FrozenAt.IsZero() || p.Rows[0].Player != "eve" {
			t.Errorf("after the last step: got %+v, error %v, want the standings of now", p, err)
		}
		if _, err := l.Moderate(t.Context(), Action{Board: "arcade", Kind: Revealed}); metrics.KindOf(err) != metrics.Conflict {
			t.Errorf("one step too many: got error %v, want one of kind Conflict", err)
		}
	})
}

// checkCovered holds a board in a reveal to what the public may know of the first player.
func checkCovered(t *testing.T, b *Board, covered int) {
	t.Helper()
	p, err := b.Page(t.Context(), Ask{Sparks: true})
	if err != nil || p.Covered != covered || !p.Stepping {
		t.Errorf("got covered %d, stepping %v, error %v; want %d", p.Covered, p.Stepping, err, covered)
	}
	first := p.Rows[0]
	if first.Rank != 1 || first.Name != "" || first.Score != 0 || first.At != 0 || first.Spark != nil || first.Attributes != nil {
		t.Errorf("the covered row tells %+v", first)
	}
	if profile, err := b.Player(t.Context(), Ask{}, "ada"); metrics.KindOf(err) != metrics.NotFound {
		t.Errorf("the first is told: %+v, error %v", profile, err)
	}
	if rows, err := b.Find(t.Context(), Ask{}, "ada"); err != nil || len(rows) != 0 {
		t.Errorf("the first is found: %+v, error %v", rows, err)
	}
	last, err := b.Player(t.Context(), Ask{}, "dan")
	if err != nil || last.Row.Rank != 6 || last.History != nil {
		t.Errorf("the last is told as %+v, error %v", last, err)
	}
}

func TestFrozenMovesAreTheSameAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log memory
		l := begun(t, &log, arcade())
		first := log.of("arcade", Scored)[0].Number
		time.Sleep(time.Hour)
		gone := moderate(t, l, Action{Kind: Hidden, Player: "cyd"})
		submit(t, l, "ada", 35)
		moderate(t, l, Action{Kind: Froze})
		moderate(t, l, Action{Kind: Hidden, Player: "eve"})
		moderate(t, l, Action{Kind: Removed, Target: first})
		moderate(t, l, Action{Kind: Undone, Target: gone.Number})
		time.Sleep(time.Hour)
		want := []Move{{Up: 4}, {Up: 0}, {Up: 0}, {Up: 0}} // ada dan cyd bob, who were behind eve
		for _, l := range []*Ledger{l, newLedger(t, &log, arcade())} {
			p, err := board(t, l, "arcade").Page(t.Context(), Ask{})
			if err != nil || len(p.Rows) != len(want) {
				t.Fatalf("got %+v, error %v", p.Rows, err)
			}
			for i, r := range p.Rows {
				if r.Move != want[i] {
					t.Errorf("%s: got %+v, want %+v", r.Player, r.Move, want[i])
				}
			}
		}
	})
}

func TestThawShowsTheStandingsOfNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log memory
		spec := arcade()
		spec.Freeze.At = time.Now().Add(90 * time.Minute)
		l := begun(t, &log, spec)
		time.Sleep(time.Hour)
		submit(t, l, "ada", 99)
		if got := ranking(t, board(t, l, "arcade"), Ask{Limit: 1}); got[0] != "eve" {
			t.Errorf("frozen: got %v first", got)
		}
		if _, err := l.Moderate(t.Context(), Action{Board: "arcade", Kind: Froze}); metrics.KindOf(err) != metrics.Conflict {
			t.Errorf("frozen twice: got error %v, want one of kind Conflict", err)
		}
		moderate(t, l, Action{Kind: Thawed})
		for _, l := range []*Ledger{l, newLedger(t, &log, spec)} {
			if got := ranking(t, board(t, l, "arcade"), Ask{Limit: 1}); got[0] != "ada" {
				t.Errorf("thawed: got %v first", got)
			}
		}
	})
}

func TestAnAnswerDuringAFreezeTellsNoRanks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begun(t, &memory{}, arcade())
		moderate(t, l, Action{Kind: Froze})
		submit(t, l, "ada", 99)
		s := Submission{Board: "arcade", Scores: []metrics.Score{{Player: "ada", Value: 7}}}
		a, _, err := l.Submit(t.Context(), s)
		if r := a.Results[0]; err != nil || !a.Frozen || r.Before != 0 || r.After != 0 || r.Standings != nil || r.Score != 7 {
			t.Errorf("the public is told %+v, error %v", a, err)
		}
		s.Staff = true
		a, _, err = l.Submit(t.Context(), s)
		if r := a.Results[0]; err != nil || !a.Frozen || r.Before != 1 || r.After != 1 || len(r.Standings) != 3 || r.Score != 99 {
			t.Errorf("staff are told %+v, error %v", a, err)
		}
	})
}

func TestAnAnswerFromALeaderboardForStaffTellsNoRanks(t *testing.T) {
	spec := arcade()
	spec.Visibility = metrics.StaffOnly
	l := newLedger(t, &memory{}, spec)
	submit(t, l, "ada", 99)
	a, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{{Player: "ada", Value: 7}}})
	if r := a.Results[0]; err != nil || r.Before != 0 || r.After != 0 || r.Standings != nil || r.Score != 7 {
		t.Errorf("others are told %+v, error %v", a, err)
	}
	if r := submit(t, l, "ada", 8); r.Before != 1 || r.After != 1 || len(r.Standings) != 3 || r.Score != 99 {
		t.Errorf("staff are told %+v", r)
	}
}

func TestARefusedStepTellsNoScoreDuringAFreeze(t *testing.T) {
	spec := arcade()
	most := 10.0
	spec.Limits.MaxStep = &most
	l := newLedger(t, &memory{}, spec)
	submit(t, l, "ada", 1)
	s := Submission{Board: "arcade", Scores: []metrics.Score{{Player: "ada", Value: 100}}}
	for _, kind := range []Kind{Froze, Thawed} {
		moderate(t, l, Action{Kind: kind})
		_, _, err := l.Submit(t.Context(), s)
		if metrics.KindOf(err) != metrics.Refused || strings.Contains(err.Error(), "99 away") != (kind == Thawed) {
			t.Errorf("after a %d: got error %v, want one of kind Refused that tells the distance only without a freeze", kind, err)
		}
	}
}

func TestAKeyTellsEachWhatTheyMayKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memory{commitFor: time.Second}
		l := newLedger(t, &log, arcade())
		submit(t, l, "bob", 50)
		moderate(t, l, Action{Kind: Froze})
		check := func(staff bool) {
			s := Submission{Board: "arcade", Scores: []metrics.Score{{Player: "bob", Value: 1}}, Key: "k", Staff: staff}
			a, _, err := l.Submit(t.Context(), s)
			score, ranks := 1.0, 0
			if staff {
				score, ranks = 50, 3
			}
			if err != nil || a.Results[0].Score != score || len(a.Results[0].Standings) != ranks {
				t.Errorf("staff %v: got %+v, error %v", staff, a, err)
			}
		}
		var wg sync.WaitGroup
		wg.Go(func() { submit(t, l, "busy", 1) })
		synctest.Wait()
		for _, staff := range []bool{false, true, false} { // in one group
			wg.Go(func() { check(staff) })
			synctest.Wait()
		}
		wg.Wait()
		check(true) // from the log
		check(false)
		moderate(t, l, Action{Kind: Thawed})
		check(false)
	})
}
