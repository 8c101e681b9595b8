package rank

import (
	"context"

	"liveboard/metrics"
)

// maxHistory is how many scores of a player a Profile tells.
const maxHistory = 100

// Player returns what there is to know about a player. The error is of kind NotFound where that is nothing
// the asking may know. A Rank of 0 is that of a player who has no rank in the window.
func (b *Board) Player(ctx context.Context, a Ask, player string) (Profile, error) {
	var p Profile
	var h history
	err := b.look(ctx, a, func(s *sight) error {
		number, ok := b.players.lookup(player)
		if !ok || !a.Staff && s.view.hides(number) {
			return b.unknown(player)
		}
		p = s.profile(number)
		if s.view.steps() && p.Row.Rank == 0 {
			return b.unknown(player)
		}
		h = history{view: s.view, last: b.newest(number), removed: b.removals(number), staff: a.Staff, silent: s.view.steps()}
		return nil
	})
	if err != nil {
		return Profile{}, err
	}
	if p.History, err = b.history(ctx, h); err != nil {
		return Profile{}, err
	}
	if len(p.History) == 0 && p.Row.Rank == 0 && !a.Staff {
		return Profile{}, b.unknown(player) // of whom the public cannot know yet
	}
	if a.Sparks && !h.silent {
		p.Row.Spark, err = b.spark(ctx, a.Staff, h.view, p.Row.Key)
	}
	return p, err
}

// profile returns all but the history.
func (s *sight) profile(player uint32) Profile {
	p := Profile{Row: s.person(player), Window: s.window, Total: s.order.len(), Standings: s.standings(player)}
	slot, position, ok := s.place(player)
	if !ok {
		return p
	}
	it := s.standing.item(slot)
	p.Row = s.row(slot, s.order.rank(it))
	better := s.order.better(it)
	p.Percentile = 100 * float64(p.Total-better) / float64(p.Total)
	if s.view.board.spec.Ties == metrics.Ordinal {
		better = position
	}
	p.Next = s.gap(slot, better)
	return p
}

// gap returns the way to the player who stands last among the better ones; nil where there is none.
func (s *sight) gap(slot uint32, better int) *Gap {
	if better == 0 {
		return nil
	}
	for next, rank := range s.order.from(better - 1) {
		number := s.standing.players[next]
		if s.covers(number) {
			return &Gap{Rank: rank}
		}
		points := finite(s.standing.score(next) - s.standing.score(slot))
		return &Gap{Rank: rank, Player: s.view.board.players.id(number), Name: s.view.name(number), Points: max(points, -points)}
	}
	return nil
}

// standings returns the player's ranks among everybody in the windows of now.
func (s *sight) standings(player uint32) []Standing {
	if s.covers(player) {
		return nil
	}
	all := make([]Standing, 0, len(s.view.spans))
	for _, span := range s.view.spans {
		st := span.now
		slot, ok := st.place(player)
		if !ok {
			continue
		}
		all = append(all, Standing{st.window.Key, st.order.rank(st.item(slot)), st.order.len(), st.score(slot)})
	}
	return all
}

// history is whose scores may be told.
type history struct {
	view    *view
	last    uint64
	removed map[uint64]bool
	staff   bool
	silent  bool // a reveal is under way, and scores would tell of covered ranks
}

func (b *Board) history(ctx context.Context, h history) ([]Past, error) {
	var all []Past
	for e, err := range b.chain(ctx, h.last) {
		if err != nil {
			return nil, err
		}
		if len(all) == maxHistory || h.silent {
			break
		}
		removed := h.removed[e.Number]
		if h.view.counts(&e) && (h.staff || !removed) {
			all = append(all, Past{e.Number, e.At, e.Value, e.Subs, removed})
		}
	}
	return all, nil
}
