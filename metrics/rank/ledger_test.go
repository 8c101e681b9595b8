package rank

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"liveboard/metrics"
)

func TestSubmitTellsRanksBeforeAndAfter(t *testing.T) {
	var rung []string
	l, err := NewLedger(t.Context(), LedgerConfig{Log: &memory{}, Bell: func(boards []string) { rung = append(rung, boards...) }}, []metrics.Leaderboard{arcade()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	submit(t, l, "ada", 10)
	o := submit(t, l, "bob", 20)
	if o.Before != 0 || o.After != 1 || o.Score != 20 || len(o.Standings) != 3 || o.Standings[0] != (Standing{"all", 1, 2, 20}) {
		t.Errorf("got %+v", o)
	}
	if o = submit(t, l, "ada", 5); o.Before != 2 || o.After != 2 || o.Score != 10 {
		t.Errorf("a worse score: got %+v, want the best one kept", o)
	}
	if o = submit(t, l, "ada", 30); o.Before != 2 || o.After != 1 {
		t.Errorf("a better score: got %+v", o)
	}
	if !slices.Equal(rung, []string{"arcade", "arcade", "arcade", "arcade"}) {
		t.Errorf("the bell got %v", rung)
	}
}

func TestAListIsRecordedWholeOrNotAtAll(t *testing.T) {
	var log memory
	l := newLedger(t, &log, arcade())
	_, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{
		{Player: "ada", Value: 1}, {Player: "bob", Value: 2}, {Player: "c\u202ed", Value: 3},
	}})
	if metrics.KindOf(err) != metrics.Invalid || !strings.HasPrefix(err.Error(), "score 3: ") {
		t.Errorf("got error %v, want one of kind Invalid that names score 3", err)
	}
	if log.Last() != 0 {
		t.Errorf("%d entries were appended", log.Last())
	}
	submit(t, l, "eve", 1)
	if joined := log.of("arcade", Joined); len(joined) != 1 || joined[0].Player != 0 || joined[0].Number != 1 {
		t.Errorf("got %+v, want eve as the first player", joined)
	}
}

func TestSubmitRefusesWhatIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log memory
		low, high, step := 0.0, 100.0, 20.0
		spec := arcade()
		spec.UniqueNames = true
		spec.Limits = metrics.ScoreLimits{Min: &low, Max: &high, MaxStep: &step, PerMinute: 3}
		l := newLedger(t, &log, spec)
		submit(t, l, "Ada", 10)
		submit(t, l, "evil", 10)
		moderate(t, l, Action{Kind: Banned, Player: "evil"})
		tests := []struct {
			name  string
			score metrics.Score
			want  metrics.Kind
			flag  bool
		}{
			{"below the least", metrics.Score{Player: "Ada", Value: -1}, metrics.Refused, true},
			{"above the greatest", metrics.Score{Player: "new", Value: 101}, metrics.Refused, true},
			{"too far from the one before", metrics.Score{Player: "Ada", Value: 31}, metrics.Refused, true},
			{"banned", metrics.Score{Player: "evil", Value: 11}, metrics.Refused, true},
			{"name taken by an id", metrics.Score{Player: "new", Name: "ＡＤＡ", Value: 1}, metrics.Conflict, false},
			{"too old", metrics.Score{Player: "Ada", Value: 1, At: time.Now().Add(-metrics.MaxPast - time.Second).UnixMilli()}, metrics.Invalid, false},
			{"too far ahead", metrics.Score{Player: "Ada", Value: 1, At: time.Now().Add(metrics.MaxFuture + time.Second).UnixMilli()}, metrics.Invalid, false},
			{"sub-scores out of order", metrics.Score{Player: "Ada", Value: 1, Subs: []metrics.Sub{{Name: "b"}, {Name: "a"}}}, metrics.Invalid, false},
			{"no player", metrics.Score{Value: 1}, metrics.Invalid, false},
		}
		for _, tt := range tests {
			flags := len(log.of("arcade", Flagged))
			_, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{tt.score}, By: "local"})
			if err == nil || metrics.KindOf(err) != tt.want {
				t.Errorf("%s: got error %v, want one of kind %d", tt.name, err, tt.want)
			}
			flagged := log.of("arcade", Flagged)[flags:]
			if tt.flag != (len(flagged) == 1) || tt.flag && (flagged[0].ID != tt.score.Player || flagged[0].Reason != err.Error() || flagged[0].By != "local") {
				t.Errorf("%s: got flags %+v, want one: %v", tt.name, flagged, tt.flag)
			}
		}
		if got := log.of("arcade", Scored); len(got) != 2 {
			t.Errorf("got %d scores, want the two that were right", len(got))
		}
	})
}

func TestScoresPerMinuteAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spec := arcade()
		spec.Limits.PerMinute = 2
		l := newLedger(t, &memory{}, spec)
		list := Submission{Board: "arcade", Scores: []metrics.Score{{Player: "ada"}, {Player: "ada"}, {Player: "ada"}}}
		if _, _, err := l.Submit(t.Context(), list); metrics.KindOf(err) != metrics.TooMany || !strings.HasPrefix(err.Error(), "score 3: ") {
			t.Errorf("three at once: got error %v, want one of kind TooMany for the third", err)
		}
		submit(t, l, "ada", 1)
		submit(t, l, "ada", 2)
		if _, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{{Player: "ada"}}}); metrics.KindOf(err) != metrics.TooMany {
			t.Errorf("the third: got error %v, want one of kind TooMany", err)
		}
		submit(t, l, "bob", 1)
		time.Sleep(time.Minute)
		submit(t, l, "ada", 3)
	})
}

func TestFlagsOfAPlayerAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log memory
		high := 1.0
		spec := arcade()
		spec.Limits.Max = &high
		l := newLedger(t, &log, spec)
		for range 2 * maxFlags {
			if _, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{{Player: "ada", Value: 2}}}); metrics.KindOf(err) != metrics.Refused {
				t.Fatalf("got error %v, want one of kind Refused", err)
			}
		}
		if got := len(log.of("arcade", Flagged)); got != maxFlags {
			t.Errorf("got %d flags, want %d", got, maxFlags)
		}
	})
}

func TestFlagsOfALeaderboardAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log memory
		high := 1.0
		spec := arcade()
		spec.Limits.Max = &high
		l := newLedger(t, &log, spec)
		for minute := range 2 {
			for i := range 2 * maxBoardFlags {
				s := metrics.Score{Player: fmt.Sprint("p", i), Value: 2}
				if _, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{s}}); metrics.KindOf(err) != metrics.Refused {
					t.Fatalf("got error %v, want one of kind Refused", err)
				}
			}
			if got := len(log.of("arcade", Flagged)); got != (minute+1)*maxBoardFlags {
				t.Errorf("got %d flags after minute %d, want %d in each", got, minute+1, maxBoardFlags)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestTheSameKeyGivesTheSameAnswer(t *testing.T) {
	var log memory
	l := newLedger(t, &log, arcade())
	s := Submission{Board: "arcade", Scores: []metrics.Score{{Player: "ada", Value: 1}}, Key: "k", Hash: [32]byte{1}}
	first, again, err := l.Submit(t.Context(), s)
	if err != nil || again {
		t.Fatalf("got again %v, error %v", again, err)
	}
	submit(t, l, "bob", 2)
	restarted := newLedger(t, &log, arcade())
	for _, l := range []*Ledger{l, restarted} {
		second, again, err := l.Submit(t.Context(), s)
		if err != nil || !again || !reflect.DeepEqual(first, second) {
			t.Errorf("got %+v, again %v, error %v; want %+v", second, again, err, first)
		}
	}
	s.Hash[0]++
	if _, _, err := l.Submit(t.Context(), s); metrics.KindOf(err) != metrics.Conflict {
		t.Errorf("another body: got error %v, want one of kind Conflict", err)
	}
	if got := len(log.of("arcade", Scored)); got != 2 {
		t.Errorf("got %d scores, want 2", got)
	}
}

func TestAKeyWithoutAnAnswerIsAnsweredAnew(t *testing.T) {
	log := memory{forgets: true}
	l := newLedger(t, &log, arcade())
	s := Submission{Board: "arcade", Scores: []metrics.Score{{Player: "ada", Value: 1}}, Key: "k"}
	first, _, err := l.Submit(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	submit(t, l, "bob", 2)
	log.forgets = false
	restarted := newLedger(t, &log, arcade())
	second, again, err := restarted.Submit(t.Context(), s)
	if err != nil || !again || second.Results[0].Entry != first.Results[0].Entry || second.Results[0].After != 2 {
		t.Errorf("got %+v, again %v, error %v; want the first one's entry at its rank of now", second, again, err)
	}
	submit(t, restarted, "ada", 3)
	third, _, err := restarted.Submit(t.Context(), s)
	if err != nil || !reflect.DeepEqual(second, third) {
		t.Errorf("got %+v, error %v; want what was answered last, %+v", third, err, second)
	}
}

func TestAKeyIsAnsweredAnewWhereTheAnswerCannotBeKept(t *testing.T) {
	log := memory{forgets: true}
	l := newLedger(t, &log, arcade())
	s := Submission{Board: "arcade", Scores: []metrics.Score{{Player: "ada", Value: 1}}, Key: "k", Hash: [32]byte{1}}
	for i := range 3 {
		a, again, err := l.Submit(t.Context(), s)
		if err != nil || again != (i > 0) || a.Results[0].After != 1 {
			t.Errorf("got %+v, again %v, error %v", a, again, err)
		}
	}
}

func TestOneKeyTwiceInAGroupIsOneSubmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memory{commitFor: time.Second}
		l := newLedger(t, &log, arcade())
		var wg sync.WaitGroup
		var mu sync.Mutex
		agains, answers := 0, []Answer{}
		wg.Go(func() { submit(t, l, "busy", 1) })
		synctest.Wait()
		for range 5 {
			wg.Go(func() {
				a, again, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{{Player: "ada", Value: 1}}, Key: "k"})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				answers = append(answers, a)
				if again {
					agains++
				}
			})
		}
		wg.Wait()
		if agains != 4 || len(log.of("arcade", Scored)) != 2 {
			t.Errorf("got %d answers again and %d scores, want 4 and 2", agains, len(log.of("arcade", Scored)))
		}
		for _, a := range answers {
			if !reflect.DeepEqual(a, answers[0]) {
				t.Errorf("got answers %+v and %+v", answers[0], a)
			}
		}
	})
}

func TestWhatTheLogRefusesDidNotHappen(t *testing.T) {
	log := memory{refuse: errors.New("disk full")}
	l := newLedger(t, &log, arcade())
	_, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{{Player: "ada", Value: 1}}, Key: "k"})
	if metrics.KindOf(err) != metrics.Unavailable || !errors.Is(err, log.refuse) {
		t.Errorf("got error %v, want one of kind Unavailable around %v", err, log.refuse)
	}
	log.refuse = nil
	if o := submit(t, l, "bob", 1); o.Entry != 2 || o.After != 1 || o.Standings[0].Total != 1 {
		t.Errorf("got %+v, want the first entries of the log", o)
	}
}

func TestWritersAtOnce(t *testing.T) {
	const writers, each = 64, 200
	var log memory
	spec := arcade()
	spec.Keep, spec.Ties = metrics.KeepSum, metrics.Ordinal
	l := newLedger(t, &log, spec)
	b := board(t, l, "arcade")
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				s := metrics.Score{Player: fmt.Sprint("p", (w*7+i*13)%100), Value: float64((w * i) % 17)}
				if _, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{s}}); err != nil {
					t.Error(err)
				}
				if i%50 == 0 {
					if _, err := b.Page(t.Context(), Ask{Sparks: true}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	m := &model{spec: spec, entries: log.entries}
	p, err := b.Page(t.Context(), Ask{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	want := m.rows(Window{}, "")
	for i, r := range p.Rows {
		if r.Rank != i+1 || r.Player != want[i].Player || r.Score != want[i].Score {
			t.Fatalf("row %d: got %+v, want %+v", i, r, want[i])
		}
	}
	if len(p.Rows) != 100 || len(log.of("arcade", Scored)) != writers*each {
		t.Errorf("got %d rows of %d scores", len(p.Rows), len(log.of("arcade", Scored)))
	}
}

func TestSetRebuildsWhatHasChanged(t *testing.T) {
	l := newLedger(t, &memory{}, arcade())
	submit(t, l, "ada", 2)
	submit(t, l, "ada", 1)
	before := board(t, l, "arcade")
	other := arcade()
	other.Name = "other"
	set := func(specs ...metrics.Leaderboard) {
		t.Helper()
		if err := l.Set(t.Context(), specs); err != nil {
			t.Fatal(err)
		}
	}
	set(arcade(), other)
	if board(t, l, "arcade") != before {
		t.Error("a leaderboard that has not changed was rebuilt")
	}
	set(other)
	if _, err := l.Board("arcade"); metrics.KindOf(err) != metrics.NotFound {
		t.Errorf("gone: got error %v, want one of kind NotFound", err)
	}
	changed := arcade()
	changed.Keep = metrics.KeepSum
	set(changed, other)
	if p, err := board(t, l, "arcade").Page(t.Context(), Ask{}); err != nil || p.Rows[0].Score != 3 {
		t.Errorf("changed: got %+v, error %v; want the sum of the log", p.Rows, err)
	}
	if o := submit(t, l, "ada", 4); o.Score != 7 {
		t.Errorf("got %+v, want the sum to go on", o)
	}
}

func TestAClockThatOnceWasWrongIsForgiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spec := arcade()
		spec.Limits.PerMinute = 1
		spec.Freeze.At = time.Now().Add(12 * time.Hour)
		ahead := time.Now().Add(24 * time.Hour).UnixMilli()
		log := memory{entries: []Entry{{Number: 1, Kind: Flagged, Board: "other", Received: ahead}}}
		l := newLedger(t, &log, spec)
		for range 3 {
			submit(t, l, "ada", 1)
			time.Sleep(time.Minute)
		}
		if last := log.of("arcade", Scored)[2]; last.Received != ahead || last.At != time.Now().Add(-time.Minute).UnixMilli() {
			t.Errorf("got %+v, want an entry received in the order of the log, achieved now", last)
		}
		for _, l := range []*Ledger{l, newLedger(t, &log, spec)} {
			p, err := board(t, l, "arcade").Page(t.Context(), Ask{Window: "hour"})
			if err != nil || !p.FrozenAt.IsZero() || p.Window.Key != "2000-01-01T00:00Z" || p.Total != 1 {
				t.Errorf("got %+v, error %v; want the first hour, not frozen", p, err)
			}
		}
		time.Sleep(12 * time.Hour)
		if p, err := board(t, l, "arcade").Page(t.Context(), Ask{}); err != nil || p.FrozenAt.IsZero() || p.Total != 1 {
			t.Errorf("half a day later: got %+v, error %v; want the freeze with its score", p, err)
		}
		moderate(t, l, Action{Kind: Thawed})
		moderate(t, l, Action{Kind: Froze})
		for _, l := range []*Ledger{l, newLedger(t, &log, spec)} {
			if p, err := board(t, l, "arcade").Page(t.Context(), Ask{}); err != nil || !p.FrozenAt.Equal(time.Now()) {
				t.Errorf("got %+v, error %v; want it frozen since now", p, err)
			}
		}
	})
}
