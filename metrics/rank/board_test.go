package rank

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"liveboard/metrics"
)

// scoreAt submits a score that was achieved at a time.
func scoreAt(t *testing.T, l *Ledger, player string, value float64, at time.Time) Outcome {
	t.Helper()
	s := Submission{Board: "arcade", Scores: []metrics.Score{{Player: player, Value: value, At: at.UnixMilli()}}}
	a, _, err := l.Submit(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return a.Results[0]
}

func TestScoresFromAheadWaitForTheirWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log memory
		l := newLedger(t, &log, arcade())
		time.Sleep(55 * time.Minute)
		submit(t, l, "ada", 1)
		scoreAt(t, l, "bob", 2, time.Now().Add(6*time.Minute))
		if got := ranking(t, board(t, l, "arcade"), Ask{Window: "hour"}); !slices.Equal(got, []string{"ada"}) {
			t.Errorf("before the hour: got %v", got)
		}
		time.Sleep(5 * time.Minute)
		if got := ranking(t, board(t, l, "arcade"), Ask{Window: "hour"}); !slices.Equal(got, []string{"bob"}) {
			t.Errorf("in the hour: got %v", got)
		}
		if got := ranking(t, board(t, l, "arcade"), Ask{Window: "2000-01-01T00:00Z"}); !slices.Equal(got, []string{"ada"}) {
			t.Errorf("the hour before: got %v", got)
		}
	})
}

func TestLateScoresReachClosedWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log memory
		l := newLedger(t, &log, arcade())
		start := time.Now()
		submit(t, l, "ada", 1)
		time.Sleep(3 * time.Hour)
		ask := Ask{Window: "2000-01-01T00:00Z"}
		for i, player := range []string{"bob", "cyd"} {
			if got := ranking(t, board(t, l, "arcade"), ask); len(got) != 1+i {
				t.Errorf("before: got %v", got)
			}
			scoreAt(t, l, player, 2, start)
			if got := ranking(t, board(t, l, "arcade"), ask); len(got) != 2+i {
				t.Errorf("after: got %v", got)
			}
			l = newLedger(t, &log, arcade()) // whose closed windows are rebuilt
		}
	})
}

func TestWindowsOfNowAndThoseWithScoresAreListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(t, &memory{}, arcade())
		submit(t, l, "ada", 1)
		time.Sleep(26 * time.Hour)
		windows, err := board(t, l, "arcade").Windows(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, w := range windows {
			keys = append(keys, w.Key)
			if w.Closed != (len(keys) > 3) {
				t.Errorf("%s: closed is %v", w.Key, w.Closed)
			}
		}
		if want := []string{"all", "2000-01-02", "2000-01-02T02:00Z", "2000-01-01", "2000-01-01T00:00Z"}; !slices.Equal(keys, want) {
			t.Errorf("got %v, want %v", keys, want)
		}
	})
}

func TestReadsRefuseWhatIsNotThere(t *testing.T) {
	spec := arcade()
	spec.Groups = []string{"team", "country"}
	l := newLedger(t, &memory{}, spec)
	submit(t, l, "ada", 1)
	b := board(t, l, "arcade")
	tests := []struct {
		name string
		ask  Ask
		want metrics.Kind
	}{
		{"window without scores", Ask{Window: "1999-12-31"}, metrics.NotFound},
		{"window to come", Ask{Window: "2999-12-31"}, metrics.NotFound},
		{"no window", Ask{Window: "year"}, metrics.NotFound},
		{"short group among several attributes", Ask{Group: "red"}, metrics.NotFound},
		{"negative offset", Ask{Offset: -1}, metrics.Invalid},
		{"limit", Ask{Limit: 1001}, metrics.Invalid},
	}
	for _, tt := range tests {
		if p, err := b.Page(t.Context(), tt.ask); err == nil || metrics.KindOf(err) != tt.want {
			t.Errorf("%s: got %+v, error %v; want one of kind %d", tt.name, p, err, tt.want)
		}
	}
	if p, err := b.Page(t.Context(), Ask{Offset: 5}); err != nil || len(p.Rows) != 0 || p.Total != 1 {
		t.Errorf("beyond the end: got %+v, error %v", p, err)
	}
	for _, player := range []string{"nobody", ""} {
		if _, err := b.Around(t.Context(), Ask{}, player, 2); metrics.KindOf(err) != metrics.NotFound {
			t.Errorf("around %q: got error %v, want one of kind NotFound", player, err)
		}
	}
}

func TestAStaffLeaderboardIsNotThereForOthers(t *testing.T) {
	spec := arcade()
	spec.Visibility = metrics.StaffOnly
	l := newLedger(t, &memory{}, spec)
	submit(t, l, "ada", 1)
	b := board(t, l, "arcade")
	if _, err := b.Page(t.Context(), Ask{}); metrics.KindOf(err) != metrics.NotFound {
		t.Errorf("got error %v, want one of kind NotFound", err)
	}
	if got := ranking(t, b, Ask{Staff: true}); len(got) != 1 {
		t.Errorf("staff see %v", got)
	}
}

func TestMovesCountSinceTheWholeHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log memory
		l := newLedger(t, &log, arcade())
		submit(t, l, "ada", 30)
		submit(t, l, "bob", 20)
		submit(t, l, "cyd", 10)
		time.Sleep(time.Hour)
		submit(t, l, "cyd", 40)
		submit(t, l, "dan", 25)
		want := []Move{{Up: 2}, {Up: -1}, {New: true}, {Up: -2}} // cyd ada dan bob
		for _, l := range []*Ledger{l, newLedger(t, &log, arcade())} {
			p, err := board(t, l, "arcade").Page(t.Context(), Ask{})
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range p.Rows {
				if r.Move != want[i] {
					t.Errorf("%s: got %+v, want %+v", r.Player, r.Move, want[i])
				}
			}
		}
	})
}

func TestMovesInAGroupCountSinceTheRankInIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log memory
		l := newLedger(t, &log, arcade())
		for i, player := range []string{"ada", "bob", "cyd"} {
			joinTeam(t, l, player, "red", float64(i))
		}
		joinTeam(t, l, "dan", "blue", 1)
		time.Sleep(time.Hour)
		for _, step := range []struct {
			team  string
			value float64
			want  Move
		}{{"blue", 0, Move{New: true}}, {"red", 5, Move{Up: 2}}} {
			joinTeam(t, l, "ada", step.team, step.value)
			for _, l := range []*Ledger{l, newLedger(t, &log, arcade())} {
				p, err := board(t, l, "arcade").Player(t.Context(), Ask{Group: step.team}, "ada")
				if err != nil || p.Row.Move != step.want {
					t.Errorf("%s: got %+v, error %v; want the move %+v", step.team, p.Row, err, step.want)
				}
			}
		}
	})
}

func TestProfileTellsTheWayToTheNextRank(t *testing.T) {
	l := newLedger(t, &memory{}, arcade())
	for _, s := range []float64{1, 2, 3} {
		submit(t, l, "ada", s)
	}
	submit(t, l, "bob", 7)
	submit(t, l, "cyd", 7)
	submit(t, l, "dan", 9)
	b := board(t, l, "arcade")
	p, err := b.Player(t.Context(), Ask{Sparks: true}, "ada")
	if err != nil || p.Row.Rank != 4 || p.Percentile != 25 || len(p.History) != 3 || p.History[0].Value != 3 || !slices.Equal(p.Row.Spark, []float64{1, 2, 3}) {
		t.Errorf("got %+v, error %v", p, err)
	}
	if p.Next == nil || *p.Next != (Gap{2, "cyd", "cyd", 4}) {
		t.Errorf("got next %+v, want cyd, 4 points away", p.Next)
	}
	if p, _ = b.Player(t.Context(), Ask{}, "cyd"); p.Row.Rank != 2 || p.Next == nil || p.Next.Player != "dan" || p.Percentile != 75 {
		t.Errorf("a tie: got %+v", p)
	}
	if p, _ = b.Player(t.Context(), Ask{}, "dan"); p.Next != nil || p.Percentile != 100 {
		t.Errorf("the first: got %+v", p)
	}
}

func TestSparksFollowTheScores(t *testing.T) {
	var log memory
	l := newLedger(t, &log, arcade())
	var want []float64
	for i := range 15 {
		submit(t, l, "ada", float64(i))
		want = append(want, float64(i))
		p, err := board(t, l, "arcade").Page(t.Context(), Ask{Sparks: true})
		if spark := want[max(0, len(want)-sparkScores):]; err != nil || !slices.Equal(p.Rows[0].Spark, spark) {
			t.Fatalf("got %v, error %v; want %v", p.Rows[0].Spark, err, spark)
		}
	}
	moderate(t, l, Action{Kind: Removed, Target: log.of("arcade", Scored)[13].Number})
	if p, _ := board(t, l, "arcade").Page(t.Context(), Ask{Sparks: true}); slices.Contains(p.Rows[0].Spark, 13) || len(p.Rows[0].Spark) != sparkScores {
		t.Errorf("got %v, want the removed score left out", p.Rows[0].Spark)
	}
}

func TestFindLooksAtNamesAndIDs(t *testing.T) {
	l := newLedger(t, &memory{}, arcade())
	for i, name := range []string{"Ada Lovelace", "Grace", "ADAM"} {
		s := metrics.Score{Player: []string{"p1", "canada", "p3"}[i], Name: name, Value: float64(i)}
		if _, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{s}}); err != nil {
			t.Fatal(err)
		}
	}
	b := board(t, l, "arcade")
	for limit, want := range map[int][]string{0: {"p3", "canada", "p1"}, 2: {"p3", "canada"}} {
		rows, err := b.Find(t.Context(), Ask{Limit: limit}, "ada")
		if err != nil || len(rows) != len(want) {
			t.Fatalf("got %+v, error %v, want %v", rows, err, want)
		}
		for i, r := range rows {
			if r.Player != want[i] || r.Rank != i+1 {
				t.Errorf("row %d: got %+v, want %s", i, r, want[i])
			}
		}
	}
}
