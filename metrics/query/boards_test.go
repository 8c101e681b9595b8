package query_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/head"
	"liveboard/metrics/live"
	"liveboard/metrics/query"
	"liveboard/metrics/rank"
)

// noLog is the log of a ledger to which nobody submits.
type noLog struct{}

func (noLog) Append(context.Context, []rank.Entry, []rank.Request) error {
	return errors.New("there is no log")
}
func (noLog) Keep(context.Context, []rank.Request) error { return nil }
func (noLog) Last() uint64                               { return 0 }

func (noLog) Request(context.Context, string, string) (r rank.Request, ok bool, err error) {
	return r, false, nil
}

func (noLog) Entries(context.Context, string) iter.Seq2[*rank.Entry, error] {
	return func(func(*rank.Entry, error) bool) {}
}

func (noLog) Entry(context.Context, uint64) (rank.Entry, error) {
	return rank.Entry{}, errors.New("there is no log")
}

// feeder is leaderboards over a head whose samples are of now.
type feeder struct {
	*query.Boards
	t    testing.TB
	head *head.Head
	hub  *live.Hub

	mu  sync.Mutex
	seq uint64
}

func newFeeder(t testing.TB, specs ...metrics.Leaderboard) *feeder {
	t.Helper()
	f := &feeder{t: t, head: head.New(nil), hub: live.New(time.Millisecond)}
	t.Cleanup(f.hub.Close)
	ledger, err := rank.NewLedger(t.Context(), rank.LedgerConfig{Log: noLog{}}, query.Submitted(specs))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ledger.Close)
	if f.Boards, err = query.NewBoards(ledger, query.New(f.head), f.hub, specs); err != nil {
		t.Fatal(err)
	}
	return f
}

// write puts a sample of now into the head and tells the hub, as the recorder does.
func (f *feeder) write(value float64, series ...string) {
	id := seriesOf(f.t, series...)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq++
	f.head.Apply(f.seq, []metrics.Sample{{Series: id, At: time.Now().UnixMilli(), Value: value}})
	f.hub.Touch(series[0])
}

// rows are those of a leaderboard.
func (f *feeder) rows(name string) []rank.Row {
	f.t.Helper()
	board, err := f.Board(f.t.Context(), name)
	if err != nil {
		f.t.Fatal(err)
	}
	page, err := board.Page(f.t.Context(), rank.Ask{Sparks: true})
	if err != nil {
		f.t.Fatal(err)
	}
	return page.Rows
}

// want holds the rows, written as "rank name score move", to a text.
func (f *feeder) want(name, want string) {
	f.t.Helper()
	var got []string
	for _, r := range f.rows(name) {
		move := fmt.Sprintf("%+d", r.Move.Up)
		if r.Move.New {
			move = "new"
		}
		got = append(got, fmt.Sprintf("%d %s %g %s", r.Rank, r.Name, r.Score, move))
	}
	if text := strings.Join(got, ", "); text != want {
		f.t.Errorf("%s stands at %q, want %q", name, text, want)
	}
}

// fed returns a leaderboard fed by a query. change may be nil.
func fed(name, expr string, change func(*metrics.Leaderboard)) metrics.Leaderboard {
	spec := submitted(name)
	spec.Query = &metrics.Query{Expr: expr, Legend: "{{host}}"}
	if change != nil {
		change(&spec)
	}
	return spec
}

func submitted(name string) metrics.Leaderboard {
	return metrics.Leaderboard{
		Name: name, Order: metrics.Desc, Keep: metrics.KeepBest, Ties: metrics.Competition, Zone: time.UTC, Moves: metrics.Hour,
		Periods: []metrics.Period{{Kind: metrics.AllTime, Name: "all", Title: "Now"}},
	}
}

func TestFedBoardFollowsItsMetric(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t, fed("busy", "load", nil))
		f.want("busy", "")
		f.write(3, "load", "host", "a")
		f.write(5, "load", "host", "b")
		f.write(3, "load", "host", "c")
		time.Sleep(time.Second)
		f.want("busy", "1 b 5 +0, 2 a 3 +0, 2 c 3 +0")
		time.Sleep(time.Second)
		f.write(9, "load", "host", "c")
		f.write(metrics.StaleMarker(), "load", "host", "b")
		time.Sleep(time.Millisecond)
		f.want("busy", "1 c 9 +0, 2 a 3 +0")
		keys := []uint32{f.rows("busy")[0].Key, f.rows("busy")[1].Key}
		time.Sleep(time.Second)
		f.write(99, "load", "host", "a")
		time.Sleep(time.Millisecond)
		if rows := f.rows("busy"); rows[0].Key != keys[1] || rows[1].Key != keys[0] {
			t.Errorf("rows with the keys %d are now %+v", keys, rows)
		}
	})
}

func TestFedBoardRanksAsItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t,
			fed("dense", "load", func(b *metrics.Leaderboard) { b.Ties = metrics.Dense }),
			fed("least", "load", func(b *metrics.Leaderboard) { b.Order = metrics.Asc }),
			fed("named", `label_replace(load, "host", "$1$1", "host", "(.*)")`, nil),
			fed("finite", "load / (load - 3)", nil),
		)
		for host, value := range map[string]float64{"a": 3, "b": 5, "c": 5, "d": 1} {
			f.write(value, "load", "host", host)
		}
		time.Sleep(time.Second)
		f.want("dense", "1 b 5 +0, 1 c 5 +0, 2 a 3 +0, 3 d 1 +0")
		f.want("least", "1 d 1 +0, 2 a 3 +0, 3 b 5 +0, 3 c 5 +0")
		f.want("named", "1 bb 5 +0, 1 cc 5 +0, 3 aa 3 +0, 4 dd 1 +0")
		f.want("finite", "1 b 2.5 +0, 1 c 2.5 +0, 3 d -0.5 +0")
	})
}

// The past of a metric is kept: moves are right even where nobody looked then.
func TestFedBoardMovesSinceTheLastWholeHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t, fed("hourly", "load", nil), fed("daily", "load", func(b *metrics.Leaderboard) { b.Moves = metrics.Day }))
		time.Sleep(58 * time.Minute)
		f.write(1, "load", "host", "a")
		f.write(2, "load", "host", "b")
		time.Sleep(3 * time.Minute) // and an hour has begun
		f.write(3, "load", "host", "a")
		f.write(2, "load", "host", "b")
		f.write(1, "load", "host", "c")
		time.Sleep(time.Millisecond)
		f.want("hourly", "1 a 3 +1, 2 b 2 -1, 3 c 1 new")
		f.want("daily", "1 a 3 +0, 2 b 2 +0, 3 c 1 +0") // of midnight nothing is known
		time.Sleep(time.Hour - 3*time.Minute)
		for host, value := range map[string]float64{"a": 3, "b": 2, "c": 1} {
			f.write(value, "load", "host", host)
		}
		time.Sleep(4 * time.Minute)
		f.want("hourly", "1 a 3 +0, 2 b 2 +0, 3 c 1 +0")
	})
}

func TestFedBoardSparksAreTheLastMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t, fed("busy", "load", nil))
		for i := range 90 {
			f.write(float64(i), "load", "host", "a")
			time.Sleep(time.Second)
		}
		f.write(90, "load", "host", "a")
		time.Sleep(time.Millisecond)
		want := []float64{35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90}
		if got := f.rows("busy")[0].Spark; !slices.Equal(got, want) {
			t.Errorf("the spark is %v, want %v", got, want)
		}
	})
}

// A rate falls by itself when nothing comes.
func TestFedBoardIsOfNowWithoutSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t, fed("rates", "rate(sent_total[1m])", nil))
		for i := range 61 {
			f.write(float64(10*i), "sent_total", "host", "a")
			time.Sleep(time.Second)
		}
		before := f.rows("rates")[0].Score
		time.Sleep(30 * time.Second)
		after := f.rows("rates")[0].Score
		if before < 9 || after > 6 {
			t.Errorf("the rate was %g, and is %g half a minute after the last sample, want about 10 and 5", before, after)
		}
		time.Sleep(time.Minute)
		f.want("rates", "")
	})
}

func TestBoardsAreFoundByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t, fed("busy", "load", nil), submitted("arcade"))
		for name, topic := range map[string]string{"busy": "load", "arcade": "leaderboard:arcade"} {
			board, err := f.Board(t.Context(), name)
			if err != nil || board.Spec().Name != name || !slices.Equal(query.Topics(board.Spec()), []string{topic}) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := f.Board(t.Context(), "chess"); metrics.KindOf(err) != metrics.NotFound || !strings.Contains(err.Error(), `"chess"`) {
			t.Errorf("a leaderboard that there is not = %v, want NotFound", err)
		}
	})
}

func TestFedBoardThatFailsSaysWhyAndHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t, fed("scaled", "load * on() group_left() scale", nil))
		f.write(2, "load", "host", "a")
		f.write(10, "scale")
		time.Sleep(time.Millisecond)
		f.want("scaled", "1 a 20 +0")
		f.write(10, "scale", "twice", "there")
		time.Sleep(time.Second)
		if _, err := f.Board(t.Context(), "scaled"); err == nil || !strings.Contains(err.Error(), "duplicate") {
			t.Errorf("a query that fails: %v, want an error that says why", err)
		}
		f.write(metrics.StaleMarker(), "scale", "twice", "there")
		time.Sleep(time.Second)
		f.want("scaled", "1 a 20 +0")
	})
}

func TestSetReplacesTheBoards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t, fed("one", "load", nil), fed("two", "load", nil), submitted("arcade"))
		f.write(1, "load", "host", "a")
		f.write(2, "other", "host", "b")
		time.Sleep(time.Second)
		f.want("one", "1 a 1 +0")
		if err := f.Set(t.Context(), []metrics.Leaderboard{fed("one", "other", nil), submitted("two")}); err != nil {
			t.Fatal(err)
		}
		f.want("one", "1 b 2 +0")
		f.want("two", "") // which has scores now, and none yet
		if _, err := f.Board(t.Context(), "arcade"); metrics.KindOf(err) != metrics.NotFound {
			t.Errorf("a leaderboard that is gone = %v, want NotFound", err)
		}
		if err := f.Set(t.Context(), []metrics.Leaderboard{fed("one", "sum(", nil)}); metrics.KindOf(err) != metrics.Invalid {
			t.Errorf("a query that cannot be read = %v, want Invalid", err)
		}
		f.want("one", "1 b 2 +0") // as before
	})
}

func TestBoardsUnderRace(t *testing.T) {
	specs := []metrics.Leaderboard{fed("busy", "load", nil), submitted("arcade")}
	f := newFeeder(t, specs...)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for k := range 50 {
				f.write(float64(k), "load", "host", fmt.Sprint(i))
				board, err := f.Board(t.Context(), "busy")
				if err != nil {
					t.Error(err)
					return
				}
				page, err := board.Page(t.Context(), rank.Ask{Sparks: true})
				if err != nil {
					t.Error(err)
				}
				for at, row := range page.Rows {
					if row.Rank < 1 || row.Rank > at+1 {
						t.Errorf("row %d has the rank %d", at, row.Rank)
					}
				}
				if k%20 == 19 {
					if err := f.Set(t.Context(), specs); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
}
