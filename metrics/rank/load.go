package rank

import (
	"context"
	"fmt"
	"time"

	"liveboard/metrics"
)

// loader is a board on its way, the time of its loading, and the time since when its moves will count.
type loader struct {
	*Board
	now, from time.Time
}

// openBoards returns the boards of specs, by name, as the log tells them. It is read once for all of them.
func openBoards(ctx context.Context, specs []*metrics.Leaderboard, log Log) (map[string]*Board, error) {
	if len(specs) == 0 {
		return nil, nil
	}
	now := time.Now()
	loaders := make(map[string]loader, len(specs))
	for _, spec := range specs {
		b := newBoard(spec, log, now)
		loaders[spec.Name] = loader{b, now, LastWhole(b.moves(), b.zone, now)}
	}
	for e, err := range log.Entries(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("rebuild the leaderboards: %w", err)
		}
		if l, ok := loaders[e.Board]; ok {
			if err := l.load(ctx, e); err != nil {
				return nil, fmt.Errorf("rebuild the leaderboard %s: %w", e.Board, err)
			}
		}
	}
	boards := make(map[string]*Board, len(specs))
	for name, l := range loaders {
		if err := l.finish(ctx, l.from, now); err != nil {
			return nil, fmt.Errorf("rebuild the leaderboard %s: %w", name, err)
		}
		boards[name] = l.Board
	}
	return boards, nil
}

// load takes in an entry of the log.
func (l loader) load(ctx context.Context, e *Entry) error {
	if l.marked.IsZero() && e.Received >= l.from.UnixMilli() {
		if err := l.mark(ctx, l.from); err != nil {
			return err
		}
	}
	l.plan(time.UnixMilli(min(e.Received, l.now.UnixMilli()))) // a clock that was wrong begins no freeze
	l.apply(e, nil)
	return nil
}

// mark makes the ranks of what is loaded so far those since when moves count.
func (b *Board) mark(ctx context.Context, at time.Time) error {
	if err := b.settle(ctx); err != nil {
		return err
	}
	b.marked = at
	b.live.mark()
	return nil
}

// settle brings the rows of the players up to date whose scores staff have removed or brought back.
func (b *Board) settle(ctx context.Context) error {
	for player := range b.dirty {
		scores, err := b.scores(ctx, b.last[player], b.removals(player))
		if err != nil {
			return err
		}
		b.redo(player, scores)
	}
	clear(b.dirty)
	return nil
}

// finish makes the orders, and the public's view of a freeze.
func (b *Board) finish(ctx context.Context, mark, now time.Time) error {
	if b.marked.IsZero() {
		if err := b.mark(ctx, mark); err != nil {
			return err
		}
	}
	if err := b.settle(ctx); err != nil {
		return err
	}
	b.live.build()
	b.plan(now)
	if b.freeze != nil {
		if err := b.loadPublic(ctx); err != nil {
			return err
		}
	}
	b.loading = false
	b.tick(now)
	return nil
}

// mark makes the ranks of what is loaded so far those since when moves count.
func (v *view) mark() {
	v.build()
	v.remember()
	for _, s := range v.standings() {
		s.bulk = 1000 + len(s.players)/16
	}
}

// loadPublic rebuilds what the public sees in a freeze. Its moves count since ranks that the moderation of that
// time has made, as they did before: they are those of a board that knows nothing of later.
func (b *Board) loadPublic(ctx context.Context) error {
	v, err := b.viewOf(ctx, b.freeze)
	if err != nil {
		return err
	}
	then, mark := newBoard(b.spec, b.log, b.freeze.at), LastWhole(b.moves(), b.zone, b.freeze.at)
	err = b.replay(ctx, b.applied, func(e *Entry) {
		if e.Received < mark.UnixMilli() {
			then.apply(e, nil)
		}
	})
	if err == nil {
		err = then.mark(ctx, mark)
	}
	for i, s := range then.live.spans {
		v.spans[i].now.mark = s.now.mark
	}
	b.public = v
	return err
}

// viewOf reads from the log what the public of a freeze sees, but for the moves.
func (b *Board) viewOf(ctx context.Context, f *freeze) (*view, error) {
	v := newView(b, f, f.at)
	err := b.replay(ctx, b.applied, func(e *Entry) {
		if e.Kind == Scored {
			v.score(e)
		}
	})
	if err != nil {
		return nil, err
	}
	for player := range b.staff.removed {
		scores, err := b.scores(ctx, b.newest(player), b.removals(player))
		if err != nil {
			return nil, err
		}
		v.redo(player, scores)
	}
	v.build()
	return v, nil
}
