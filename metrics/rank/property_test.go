package rank

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"liveboard/metrics"
)

var (
	keeps  = []metrics.Keep{metrics.KeepBest, metrics.KeepLast, metrics.KeepSum, metrics.KeepCount, metrics.KeepMin, metrics.KeepMax, metrics.KeepAverage}
	orders = []metrics.Order{metrics.Desc, metrics.Asc}
	ties   = []metrics.Ties{metrics.Competition, metrics.Dense, metrics.Ordinal}
	breaks = [][]metrics.TieBreak{
		nil,
		{{Order: metrics.Asc}},
		{{Order: metrics.Desc}},
		{{Sub: "deaths", Order: metrics.Asc}},
		{{Sub: "rings", Order: metrics.Desc}, {Order: metrics.Asc}, {Sub: "deaths", Order: metrics.Asc}},
	}
)

// every returns a leaderboard for each keep and rule of ties, in that order and with those tie-breakers.
func every(t *rapid.T, order metrics.Order, tieBreaks []metrics.TieBreak) []metrics.Leaderboard {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	var specs []metrics.Leaderboard
	for _, keep := range keeps {
		for _, tie := range ties {
			spec := arcade()
			spec.Name = fmt.Sprintf("%s-%s", keep, tie)
			spec.Keep, spec.Order, spec.Ties, spec.TieBreaks, spec.Zone = keep, order, tie, tieBreaks, zone
			specs = append(specs, spec)
		}
	}
	return specs
}

// world is a ledger of many leaderboards to which the same happens.
type world struct {
	*rapid.T
	ctx    context.Context
	log    memory
	specs  []metrics.Leaderboard
	ledger *Ledger
}

func TestStandingsAreThoseOfASortOfTheLog(t *testing.T) {
	rapid.Check(t, inBubble(t, func(rt *rapid.T, ctx context.Context) {
		w := &world{T: rt, ctx: ctx, specs: every(rt, rapid.SampledFrom(orders).Draw(rt, "order"), rapid.SampledFrom(breaks).Draw(rt, "breaks"))}
		w.open()
		defer func() { w.ledger.Close() }()
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			w.step()
		}
		w.compare()
		w.compareRebuilt()
		for i := range w.specs {
			w.specs[i].Keep = keeps[(slices.Index(keeps, w.specs[i].Keep)+1)%len(keeps)]
		}
		if err := w.ledger.Set(ctx, w.specs); err != nil {
			rt.Fatal(err)
		}
		w.compare()
	}))
}

// inBubble gives each check a clock of its own. Rapid stops a check by a panic, which must not leave the bubble by itself.
func inBubble(t *testing.T, check func(*rapid.T, context.Context)) func(*rapid.T) {
	return func(rt *rapid.T) {
		var stopped any
		synctest.Test(t, func(t *testing.T) {
			defer func() { stopped = recover() }()
			check(rt, t.Context())
		})
		if stopped != nil {
			panic(stopped)
		}
	}
}

func (w *world) open() {
	l, err := NewLedger(w.ctx, LedgerConfig{Log: &w.log}, w.specs)
	if err != nil {
		w.Fatal(err)
	}
	w.ledger = l
}

// step lets something happen to every leaderboard.
func (w *world) step() {
	switch kind := rapid.IntRange(0, 9).Draw(w.T, "step"); kind {
	case 0:
		time.Sleep(rapid.SampledFrom([]time.Duration{time.Second, 10 * time.Minute, time.Hour, 24 * time.Hour}).Draw(w.T, "pass"))
	case 1, 2:
		w.remove(rapid.IntRange(0, 1000).Draw(w.T, "score"))
	case 3:
		w.undo(rapid.IntRange(0, 1000).Draw(w.T, "act"))
	case 4:
		kind := rapid.SampledFrom([]Kind{Hidden, Banned}).Draw(w.T, "kind")
		w.act(Action{Kind: kind, Player: w.player()})
	default:
		w.submit()
	}
}

func (w *world) player() string {
	return rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}).Draw(w.T, "player")
}

func (w *world) submit() {
	ago := []time.Duration{0, 0, time.Minute, time.Hour, 26 * time.Hour, 72 * time.Hour, -5 * time.Minute, -9 * time.Minute}
	var scores []metrics.Score
	for range rapid.IntRange(1, 3).Draw(w.T, "scores") {
		s := metrics.Score{
			Player: w.player(),
			Value:  rapid.SampledFrom([]float64{-2, 0, 1, 1.5, 3}).Draw(w.T, "value"),
			At:     time.Now().Add(-rapid.SampledFrom(ago).Draw(w.T, "ago")).UnixMilli(),
			Subs:   []metrics.Sub{{Name: "deaths", Value: rapid.SampledFrom([]float64{0, 1, 2}).Draw(w.T, "deaths")}},
		}
		if rapid.Bool().Draw(w.T, "rings") {
			s.Subs = append(s.Subs, metrics.Sub{Name: "rings", Value: 1})
		}
		if team := rapid.SampledFrom([]string{"", "red", "blue"}).Draw(w.T, "team"); team != "" {
			s.Attributes = metrics.Labels{{Name: "team", Value: team}}
		}
		scores = append(scores, s)
	}
	for _, spec := range w.specs {
		_, _, err := w.ledger.Submit(w.ctx, Submission{Board: spec.Name, Scores: scores})
		if err != nil && metrics.KindOf(err) != metrics.Refused {
			w.Fatal(err)
		}
	}
}

func (w *world) act(a Action) {
	for _, spec := range w.specs {
		a.Board = spec.Name
		_, err := w.ledger.Moderate(w.ctx, a)
		if kind := metrics.KindOf(err); err != nil && kind != metrics.Conflict && kind != metrics.NotFound {
			w.Fatal(err)
		}
	}
}

// remove removes the score that is the nth of its leaderboard, counted round.
func (w *world) remove(n int) {
	for _, spec := range w.specs {
		if scores := w.log.of(spec.Name, Scored); len(scores) > 0 {
			w.target(spec.Name, Removed, scores[n%len(scores)].Number)
		}
	}
}

func (w *world) undo(n int) {
	for _, spec := range w.specs {
		acts := slices.Concat(w.log.of(spec.Name, Removed), w.log.of(spec.Name, Hidden), w.log.of(spec.Name, Banned))
		if len(acts) > 0 {
			w.target(spec.Name, Undone, acts[n%len(acts)].Number)
		}
	}
}

func (w *world) target(board string, kind Kind, number uint64) {
	_, err := w.ledger.Moderate(w.ctx, Action{Board: board, Kind: kind, Target: number})
	if err != nil && metrics.KindOf(err) != metrics.Conflict {
		w.Fatal(err)
	}
}

// compare holds all that the boards tell to the model.
func (w *world) compare() {
	for _, spec := range w.specs {
		b, err := w.ledger.Board(spec.Name)
		if err != nil {
			w.Fatal(err)
		}
		m := &model{spec: spec, entries: slices.Collect(entriesOf(&w.log, spec.Name))}
		windows, err := b.Windows(w.ctx, false)
		if err != nil {
			w.Fatal(err)
		}
		for _, window := range windows {
			for _, team := range []string{"", "red", "blue"} {
				w.compareRows(b, window, team, m.rows(window, team))
			}
		}
	}
}

func entriesOf(m *memory, board string) func(yield func(Entry) bool) {
	return func(yield func(Entry) bool) {
		for e := range m.Entries(context.Background(), board) {
			if !yield(*e) {
				return
			}
		}
	}
}

// compareRows holds a page of all to the rows wanted, and in windows of now pages from every offset, the
// rows around each player and each player's rank.
func (w *world) compareRows(b *Board, window Window, team string, want []rowOf) {
	a := Ask{Window: window.Key, Group: team}
	p, err := b.Page(w.ctx, a)
	w.same(b, a, p, err, len(want), want)
	if window.Closed {
		return
	}
	for offset := 0; offset <= len(want); offset++ {
		a.Offset, a.Limit = offset, 3
		p, err := b.Page(w.ctx, a)
		w.same(b, a, p, err, len(want), want[offset:min(offset+3, len(want))])
	}
	a.Offset, a.Limit = 0, 0
	for i, row := range want {
		p, err := b.Around(w.ctx, a, row.Player, 1)
		w.same(b, a, p, err, len(want), want[max(0, i-1):min(i+2, len(want))])
		profile, err := b.Player(w.ctx, a, row.Player)
		if err != nil || profile.Row.Rank != row.Rank || profile.Total != len(want) {
			w.Fatalf("%s %+v: got player %+v, error %v, want %+v", b.spec.Name, a, profile, err, row)
		}
	}
}

func (w *world) same(b *Board, a Ask, p Page, err error, total int, want []rowOf) {
	if err != nil {
		w.Fatalf("%s %+v: %v", b.spec.Name, a, err)
	}
	got := make([]rowOf, len(p.Rows))
	for i, r := range p.Rows {
		got[i] = rowOf{r.Rank, r.Player, r.Score, r.At, r.Scores, r.Subs, r.Key}
	}
	if p.Total != total || !slices.EqualFunc(want, got, rowOf.equal) {
		w.Fatalf("%s %+v: got %d rows in all, %+v; want %d, %+v", b.spec.Name, a, p.Total, got, total, want)
	}
}

// compareRebuilt holds boards to those that a restart makes of their logs, moves and sparks among all.
func (w *world) compareRebuilt() {
	live := w.told()
	w.ledger.Close()
	w.open()
	if again := w.told(); !reflect.DeepEqual(live, again) {
		w.Fatalf("a restart changes what is told: before -, after +\n%s", cmp.Diff(live, again))
	}
}

// told returns all pages of all windows.
func (w *world) told() map[string]Page {
	told := make(map[string]Page)
	for _, spec := range w.specs {
		b, err := w.ledger.Board(spec.Name)
		if err != nil {
			w.Fatal(err)
		}
		windows, err := b.Windows(w.ctx, false)
		if err != nil {
			w.Fatal(err)
		}
		for _, window := range windows {
			for _, team := range []string{"", "red", "blue"} {
				p, err := b.Page(w.ctx, Ask{Window: window.Key, Group: team, Sparks: true})
				if err != nil {
					w.Fatal(err)
				}
				p.Spec = nil
				told[spec.Name+window.Key+team] = p
			}
		}
	}
	return told
}
