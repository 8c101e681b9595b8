package rank

import (
	"context"
	"math"
	"time"

	"liveboard/metrics"
)

// openBoard returns the board as its log tells it.
func openBoard(ctx context.Context, spec *metrics.Leaderboard, log Log) (*Board, error) {
	now := time.Now()
	b := newBoard(spec, log, now)
	mark := LastWhole(b.moves(), b.zone, now)
	var failed error
	err := b.replay(ctx, math.MaxUint64, func(e *Entry) {
		if b.marked.IsZero() && e.Received >= mark.UnixMilli() && failed == nil {
			failed = b.mark(ctx, mark)
		}
		b.apply(e, nil)
	})
	if err == nil {
		err = failed
	}
	if err == nil {
		err = b.finish(ctx, mark, now)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
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

// loadPublic rebuilds what the public saw at the cut of the freeze.
func (b *Board) loadPublic(ctx context.Context) error {
	b.public = newView(b, b.freeze, b.freeze.clock)
	mark, marked := LastWhole(b.moves(), b.zone, b.freeze.clock).UnixMilli(), false
	err := b.replay(ctx, b.applied, func(e *Entry) {
		if !marked && e.Received >= mark {
			b.public.mark()
			marked = true
		}
		if e.Kind == Scored && !b.staff.removed[e.Number] {
			b.public.score(e)
		}
	})
	if !marked {
		b.public.mark()
	}
	b.public.build()
	return err
}
