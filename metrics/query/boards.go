package query

import (
	"context"
	"sync"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/live"
	"liveboard/metrics/rank"
)

// Boards finds leaderboards by name: those of a Ledger, and those fed by a query, whose
// standings it brings up to date whenever they are asked for. It is safe for concurrent use.
type Boards struct {
	ledger *rank.Ledger
	engine *Engine
	hub    *live.Hub

	mu  sync.Mutex
	fed map[string]*fedBoard
}

// NewBoards returns the leaderboards of the ledger and those of specs that have a query. The
// error is that of Check.
func NewBoards(ledger *rank.Ledger, engine *Engine, hub *live.Hub, specs []metrics.Leaderboard) (*Boards, error) {
	b := &Boards{ledger: ledger, engine: engine, hub: hub}
	return b, b.setFed(specs)
}

// Set replaces the leaderboards, the ledger's among them; see rank.Ledger.Set. It touches no topic. When it returns
// an error, of kind Invalid for a query that cannot be read, those fed by a query may be the new ones already.
func (b *Boards) Set(ctx context.Context, specs []metrics.Leaderboard) error {
	if err := b.setFed(specs); err != nil {
		return err
	}
	return b.ledger.Set(ctx, Submitted(specs))
}

// Submitted returns the leaderboards whose scores are submitted: those for a ledger.
func Submitted(specs []metrics.Leaderboard) []metrics.Leaderboard {
	var those []metrics.Leaderboard
	for _, spec := range specs {
		if spec.Query == nil {
			those = append(those, spec)
		}
	}
	return those
}

func (b *Boards) setFed(specs []metrics.Leaderboard) error {
	fed := map[string]*fedBoard{}
	for _, spec := range specs {
		if spec.Query == nil {
			continue
		}
		f, err := b.newFed(spec)
		if err != nil {
			return err
		}
		fed[spec.Name] = f
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fed = fed
	return nil
}

// Board returns the leaderboard of that name with the standings of now. The error is of kind NotFound, or
// that of the query that feeds it. It blocks while that query runs.
func (b *Boards) Board(ctx context.Context, name string) (*rank.Board, error) {
	b.mu.Lock()
	f := b.fed[name]
	b.mu.Unlock()
	if f == nil {
		return b.ledger.Current(ctx, name)
	}
	return f.board, f.refresh(ctx)
}

// Topics returns the topics of the hub that move when the leaderboard of spec does.
func Topics(spec *metrics.Leaderboard) []string {
	if spec.Query != nil {
		return Names(spec.Query.Expr)
	}
	return []string{Topic(spec.Name)}
}

// Topic is the topic of a leaderboard with scores.
func Topic(leaderboard string) string { return "leaderboard:" + leaderboard }

// The sparks of a fed leaderboard: the last minute, a point every five seconds.
const (
	sparkPoints = 12
	sparkStep   = 5 * time.Second
)

// freshFor is the age up to which standings stand for now although nothing has moved: a rate
// falls by itself when nothing comes.
const freshFor = time.Second

// fedBoard is a leaderboard with the query that feeds it.
type fedBoard struct {
	boards *Boards
	spec   metrics.Leaderboard
	board  *rank.Board
	topics []string

	mu     sync.Mutex
	live   *Live
	rev    live.Rev  // taken before the query was last asked
	at     time.Time // when it was
	mark   time.Time // since when moves count
	before []rank.Fed
}

func (b *Boards) newFed(spec metrics.Leaderboard) (*fedBoard, error) {
	l, err := b.engine.Live(spec.Query.Expr, metrics.Range{Span: sparkPoints * sparkStep})
	if err != nil {
		return nil, err
	}
	return &fedBoard{boards: b, spec: spec, board: rank.NewFed(&spec), topics: Topics(&spec), live: l}, nil
}

// refresh feeds the board unless nothing has moved.
func (f *fedBoard) refresh(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	rev, now := f.boards.hub.Rev(), time.Now()
	if !f.at.IsZero() && f.boards.hub.Newest(f.topics...) <= f.rev && now.Sub(f.at) < freshFor {
		return nil
	}
	answer := f.live.At(ctx, now)
	if answer.Err != nil { // which may be about the past of the sparks alone
		answer = f.boards.engine.Instant(ctx, f.spec.Query.Expr, now)
	}
	if answer.Err != nil {
		return answer.Err
	}
	f.remark(ctx, now)
	f.board.Feed(f.players(answer, now), f.before)
	f.rev, f.at = rev, now
	return nil
}

// remark asks how the standings were when moves began to count: the past of a metric is kept, so
// this is known even when nobody looked then. Where nothing was measured then, rows show no move.
func (f *fedBoard) remark(ctx context.Context, now time.Time) {
	mark := rank.LastWhole(f.spec.Moves, f.spec.Zone, now)
	if mark.Equal(f.mark) {
		return
	}
	answer := f.boards.engine.Instant(ctx, f.spec.Query.Expr, mark)
	if answer.Err != nil {
		return // rows then show no move; the next refresh tries again
	}
	f.mark, f.before = mark, f.players(answer, mark)
}

// players returns the lines that have a value at the end of the answer, which is at now. Without any it is nil.
func (f *fedBoard) players(answer metrics.Result, now time.Time) []rank.Fed {
	end := now.UnixMilli()
	var all []rank.Fed
	for _, l := range answer.Lines {
		if last, _ := l.Last(); last.At == end {
			id := l.Labels.String()
			all = append(all, rank.Fed{
				Player: id,
				Name:   f.spec.Query.Name(l.Labels, id),
				Score:  last.Value,
				At:     answer.At,
				Spark:  spark(l.Points, end),
			})
		}
	}
	return all
}

// spark thins points to the last one of each step that ends at end. Steps without a point are left out.
func spark(points []metrics.Point, end int64) []float64 {
	var thin []float64
	step := sparkStep.Milliseconds()
	for i, p := range points {
		if i == len(points)-1 || (end-p.At)/step != (end-points[i+1].At)/step {
			thin = append(thin, p.Value)
		}
	}
	return thin
}
