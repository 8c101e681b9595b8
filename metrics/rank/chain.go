package rank

import (
	"context"
	"iter"
	"maps"
	"slices"

	"liveboard/metrics"
)

// chain yields a player's scores from an entry back to the first, those that staff have removed among them.
func (b *Board) chain(ctx context.Context, last uint64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for number := last; number > 0 && b.log != nil; {
			e, err := b.log.Entry(ctx, number)
			if err != nil {
				yield(Entry{}, metrics.Because(err, metrics.Unavailable, "The scores cannot be read at the moment: try again in a few seconds."))
				return
			}
			if !yield(e, nil) {
				return
			}
			number = e.Previous
		}
	}
}

// scores returns all scores of a player that are not removed, in the order of the log.
func (b *Board) scores(ctx context.Context, last uint64, removed map[uint64]bool) ([]Entry, error) {
	var all []Entry
	for e, err := range b.chain(ctx, last) {
		if err != nil {
			return nil, err
		}
		if !removed[e.Number] {
			all = append(all, e)
		}
	}
	slices.Reverse(all)
	return all, nil
}

// removals returns the player's scores that staff have removed, nil for none. The map is the caller's.
func (b *Board) removals(player uint32) map[uint64]bool {
	return maps.Clone(b.staff.removed[player])
}
