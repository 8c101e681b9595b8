package rank

import (
	"cmp"
	"context"
	"slices"
)

// findPart is how many players are looked through while writers wait.
const findPart = 20_000

// Find returns the rows of players whose name or id holds the text, whatever its case, the best rank
// first: a.Limit of them at most.
func (b *Board) Find(ctx context.Context, a Ask, text string) ([]Row, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	var best []found
	for from, more := 0, true; more; from += findPart {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		err := b.look(ctx, a, func(s *sight) error {
			more = from+findPart < b.players.len()
			best = s.matches(best, text, from)
			return nil
		})
		if err != nil {
			return nil, err
		}
		best = best[:min(len(best), a.limit())]
	}
	return b.foundRows(ctx, a, best)
}

// found is a player who was found, and where.
type found struct {
	player   uint32
	position int
}

// matches adds the players numbered from from on whose names or ids hold the text to best, and sorts it.
func (s *sight) matches(best []found, text string, from int) []found {
	add := func(player uint32) {
		if _, position, ok := s.place(player); ok {
			best = append(best, found{player, position})
		}
	}
	var was map[uint32]persona
	if s.view.frozen != nil {
		was = s.view.frozen.was
	}
	for player := range s.view.board.players.find(text, from, from+findPart) {
		if _, changed := was[player]; !changed {
			add(player)
		}
	}
	if from == 0 {
		wanted := newNeedle(text)
		for player := range was {
			if wanted.in(s.view.name(player)) || wanted.in(s.view.board.players.id(player)) {
				add(player)
			}
		}
	}
	slices.SortFunc(best, func(a, b found) int { return cmp.Compare(a.position, b.position) })
	return best
}

// foundRows returns the rows of players by their ranks of now.
func (b *Board) foundRows(ctx context.Context, a Ask, best []found) ([]Row, error) {
	rows := make([]Row, 0, len(best))
	var v *view
	err := b.look(ctx, a, func(s *sight) error {
		v = s.view
		for _, f := range best {
			if slot, _, ok := s.place(f.player); ok {
				rows = append(rows, s.row(slot, s.order.rank(s.standing.item(slot))))
			}
		}
		return nil
	})
	if err == nil && a.Sparks {
		err = b.fillSparks(ctx, a.Staff, v, rows)
	}
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(a.Rank, b.Rank) })
	return rows, nil
}
