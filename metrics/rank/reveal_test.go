package rank

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"liveboard/metrics"
)

// contest returns an arcade of these periods in which players have scores, the last of them the best.
func contest(t *testing.T, log *memory, periods ...metrics.Period) *Ledger {
	t.Helper()
	spec := arcade()
	spec.Periods = periods
	l := newLedger(t, log, spec)
	for i := range 8 {
		submit(t, l, fmt.Sprint("p", i), float64(i))
	}
	return l
}

func TestARevealShowsTheWindowsOfTheFreeze(t *testing.T) {
	for _, newcomers := range []int{0, 1} {
		t.Run(fmt.Sprint("newcomers ", newcomers), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log memory
				l := contest(t, &log, metrics.Period{Kind: metrics.Day, Name: "day"}, metrics.Period{Kind: metrics.AllTime, Name: "all"})
				spec := board(t, l, "arcade").Spec()
				moderate(t, l, Action{Kind: Froze})
				submit(t, l, "p0", 100)
				time.Sleep(25 * time.Hour)
				for i := range newcomers {
					submit(t, l, fmt.Sprint("q", i), 1)
				}
				if e := moderate(t, l, Action{Kind: Revealed}); e.Value != 3 {
					t.Errorf("%v ranks stay covered, want 3", e.Value)
				}
				for _, l := range []*Ledger{l, newLedger(t, &log, *spec)} {
					want := []string{"", "", "", "p5", "p4", "p3", "p2", "p1"} // covered are p0 p7 p6
					for _, window := range []string{"day", "2000-01-01"} {
						if got := ranking(t, board(t, l, "arcade"), Ask{Window: window}); !slices.Equal(got, want) {
							t.Errorf("%s: got %v, want %v", window, got, want)
						}
					}
					if got := ranking(t, board(t, l, "arcade"), Ask{Window: "all", Limit: 4}); !slices.Equal(got, want[:4]) {
						t.Errorf("all: got %v, want %v", got, want[:4])
					}
				}
			})
		})
	}
}

func TestAPlayerIsCoveredInEveryWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log memory
		now := time.Now()
		final := metrics.Period{Kind: metrics.Season, Name: "final", From: now.Add(24 * time.Hour), To: now.Add(100 * time.Hour)}
		l := contest(t, &log, final, metrics.Period{Kind: metrics.AllTime, Name: "all"})
		time.Sleep(25 * time.Hour)
		for i := range 5 {
			submit(t, l, fmt.Sprint("fin", i), float64(-i))
		}
		moderate(t, l, Action{Kind: Froze})
		submit(t, l, "fin4", 3.5)
		moderate(t, l, Action{Kind: Revealed})
		for _, l := range []*Ledger{l, newLedger(t, &log, *board(t, l, "arcade").Spec())} {
			b := board(t, l, "arcade")
			if got, want := ranking(t, b, Ask{Window: "all"}), []string{"p7", "p6", "p5", "p4", "", "p3", "p2", "p1", "p0", "", "", "fin2", "fin3"}; !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			for _, window := range []string{"final", "all"} {
				if p, err := b.Player(t.Context(), Ask{Window: window}, "fin4"); metrics.KindOf(err) != metrics.NotFound {
					t.Errorf("%s: the first is told as %+v, error %v", window, p, err)
				}
			}
			p, err := b.Player(t.Context(), Ask{Window: "all"}, "p3")
			if err != nil || p.Row.Rank != 6 || p.Next == nil || *p.Next != (Gap{Rank: 5}) {
				t.Errorf("who stands behind the first: got %+v, next %+v, error %v; want a rank without a player", p, p.Next, err)
			}
		}
	})
}

func TestScoresRemovedDuringAFreezeAreNotRevealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log memory
		l := contest(t, &log, metrics.Period{Kind: metrics.AllTime, Name: "all"})
		early := log.of("arcade", Scored)[1].Number // p1's only one so far
		moderate(t, l, Action{Kind: Froze})
		cheated := submit(t, l, "p0", 100)
		submit(t, l, "p1", 4.5)
		moderate(t, l, Action{Kind: Removed, Target: cheated.Entry})
		moderate(t, l, Action{Kind: Removed, Target: early})
		moderate(t, l, Action{Kind: Hidden, Player: "p2"})
		moderate(t, l, Action{Kind: Revealed})
		want := []string{"", "", "", "p1", "p4", "p3", "p0"}
		before := public(t, board(t, l, "arcade"))
		for _, l := range []*Ledger{l, newLedger(t, &log, *board(t, l, "arcade").Spec())} {
			b := board(t, l, "arcade")
			if got := ranking(t, b, Ask{}); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if after := public(t, b); after != before {
				t.Errorf("a restart shows the public a change: before\n%s\nafter\n%s", before, after)
			}
		}
	})
}

// slow is a log that calls read before it reads an entry.
type slow struct {
	*memory
	read func()
}

func (s *slow) Entry(ctx context.Context, number uint64) (Entry, error) {
	s.read()
	return s.memory.Entry(ctx, number)
}

func TestSparksAreOfTheMomentOfTheirPage(t *testing.T) {
	starts := map[string]func(t *testing.T, l *Ledger){
		"a reveal begins": func(t *testing.T, l *Ledger) { moderate(t, l, Action{Kind: Revealed}) },
		"the freeze ends": func(t *testing.T, l *Ledger) { moderate(t, l, Action{Kind: Thawed}) },
	}
	for name, start := range starts {
		t.Run(name, func(t *testing.T) {
			log := &slow{&memory{}, func() {}}
			l := newLedger(t, log, arcade())
			submit(t, l, "ada", 1)
			submit(t, l, "bob", 2)
			moderate(t, l, Action{Kind: Froze})
			submit(t, l, "ada", 999)
			log.read = func() {
				log.read = func() {}
				start(t, l)
			}
			p, err := board(t, l, "arcade").Page(t.Context(), Ask{Sparks: true})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := p.Rows[1].Spark, []float64{1}; p.Rows[1].Player != "ada" || !slices.Equal(got, want) {
				t.Errorf("got %+v, want ada with the spark %v", p.Rows[1], want)
			}
		})
	}
}

func TestAFreezeBetweenAPageAndItsSparksLeavesThemOut(t *testing.T) {
	log := &slow{&memory{}, func() {}}
	l := newLedger(t, log, arcade())
	submit(t, l, "ada", 1)
	submit(t, l, "bob", 2)
	log.read = func() {
		log.read = func() {}
		moderate(t, l, Action{Kind: Froze})
		submit(t, l, "ada", 999)
	}
	p, err := board(t, l, "arcade").Page(t.Context(), Ask{Sparks: true})
	if err != nil || p.Rows[1].Player != "ada" || p.Rows[1].Spark != nil {
		t.Errorf("got %+v, error %v; want ada without a spark", p.Rows, err)
	}
}

func TestReadersDuringAReveal(t *testing.T) {
	l := contest(t, &memory{}, metrics.Period{Kind: metrics.Day, Name: "day"}, metrics.Period{Kind: metrics.AllTime, Name: "all"})
	b := board(t, l, "arcade")
	over := make(chan struct{})
	var wg sync.WaitGroup
	for _, window := range []string{"day", "all"} {
		wg.Go(func() {
			for open := true; open; {
				select {
				case <-over:
					open = false
				default:
				}
				p, err := b.Page(t.Context(), Ask{Window: window, Sparks: true})
				if err != nil || len(p.Rows) < 8 {
					t.Errorf("%s: got %+v, error %v", window, p, err)
				}
				for i, r := range p.Rows {
					if (r.Player == "") != (i < p.Covered) {
						t.Errorf("%s: got %+v at %d, want %d covered", window, r, i, p.Covered)
					}
				}
			}
		})
	}
	for i := range 20 {
		moderate(t, l, Action{Kind: Froze})
		submit(t, l, fmt.Sprint("p", i%8), float64(10+i))
		for covered := 3; covered >= 0; covered-- {
			if e := moderate(t, l, Action{Kind: Revealed}); e.Value != float64(covered) {
				t.Errorf("%v ranks stay covered, want %d", e.Value, covered)
			}
			submit(t, l, "p1", float64(20+i))
		}
	}
	close(over)
	wg.Wait()
}
