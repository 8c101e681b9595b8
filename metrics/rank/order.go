package rank

import (
	"cmp"
	"iter"
	"math"
	"slices"

	"liveboard/metrics"
)

// order ranks the players of one window. A slot is whatever small number the caller keeps a player's
// row under; its item has the key of its score. Readers may share an order among themselves, a
// writer needs it for itself.
type order struct {
	ties   metrics.Ties
	breaks func(a, b uint32) int
	all    *tree // sorted by key, tie-breakers and the player's number
	groups *tree // one item of each group of equals, whichever; nil unless ties are dense
}

// newOrder returns an empty order. breaks compares the rows of two slots by the tie-breakers: negative
// where a's is the better; it is nil where the score alone decides. number returns the number of
// the slot's player, which settles what is left; it is nil where slots are numbers.
// Both must answer the same as long as a slot is in: remove it before its row changes, and insert it afterwards.
func newOrder(ties metrics.Ties, breaks func(a, b uint32) int, number func(slot uint32) uint32) *order {
	if breaks == nil {
		breaks = func(_, _ uint32) int { return 0 }
	}
	if number == nil {
		number = func(slot uint32) uint32 { return slot }
	}
	o := &order{ties: ties, breaks: breaks}
	o.all = newTree(func(a, b uint32) int {
		if c := breaks(a, b); c != 0 {
			return c
		}
		return cmp.Compare(number(a), number(b))
	})
	if ties == metrics.Dense {
		o.groups = newTree(breaks)
	}
	return o
}

// load fills an empty order at once. It sorts items in place and keeps nothing of them.
func (o *order) load(items []item) {
	sortByKey(items)
	for from := 0; from < len(items); {
		to := from + 1
		for to < len(items) && items[to].key == items[from].key {
			to++
		}
		slices.SortFunc(items[from:to], func(a, b item) int { return o.all.equals(a.slot, b.slot) })
		from = to
	}
	o.all.load(items)
	if o.groups != nil {
		o.groups.load(slices.CompactFunc(items, o.equal))
	}
}

// fill makes an empty order the same as another, of slots whose rows are the same.
func (o *order) fill(from *order) {
	o.all.fill(from.all)
	if o.groups != nil {
		o.groups.fill(from.groups)
	}
}

// equal reports whether neither item is better than the other.
func (o *order) equal(a, b item) bool {
	return a.key == b.key && o.breaks(a.slot, b.slot) == 0
}

// len returns the number of slots.
func (o *order) len() int { return o.all.count }

// insert adds a slot that is not in the order.
func (o *order) insert(it item) {
	o.all.insert(it)
	if o.groups == nil {
		return
	}
	if _, ok := o.groups.find(it); !ok {
		o.groups.insert(it)
	}
}

// remove takes a slot out, and reports whether it was there under that key.
func (o *order) remove(it item) bool {
	if !o.all.remove(it) {
		return false
	}
	// Another of its equals, if there is one, takes its place as their representative.
	if o.groups != nil && o.groups.remove(it) {
		if place := o.better(it); place < o.len() {
			if heir := o.all.at(place); o.equal(heir, it) {
				o.groups.insert(heir)
			}
		}
	}
	return true
}

// position returns how many slots stand before this one, equals with a lesser number among them.
func (o *order) position(it item) int { return o.all.below(it, o.all.equals) }

// better returns how many slots are strictly better by score and tie-breakers: the position of the
// first equal.
func (o *order) better(it item) int { return o.all.below(it, o.breaks) }

// rank returns the rank of a slot by the order's ties, from 1.
func (o *order) rank(it item) int {
	switch o.ties {
	case metrics.Dense:
		return o.groups.below(it, o.breaks) + 1
	case metrics.Ordinal:
		return o.position(it) + 1
	}
	return o.better(it) + 1
}

// at returns the item at a position, from 0 to len-1.
func (o *order) at(position int) item { return o.all.at(position) }

// from yields the slots from a position on, counted from 0, each with its rank. Nothing may be
// inserted or removed meanwhile.
func (o *order) from(position int) iter.Seq2[uint32, int] {
	return func(yield func(uint32, int) bool) {
		var before item
		rank := 0
		for place := max(position-1, 0); place < o.all.count; {
			keys, slots := o.all.leaf(place)
			for i, key := range keys {
				it := item{key, slots[i]}
				place++
				if place > position {
					tied := key == before.key && place > 1 && o.breaks(before.slot, it.slot) == 0
					if rank = o.next(rank, place, tied); rank == 0 {
						rank = o.rank(it)
					}
					if !yield(it.slot, rank) {
						return
					}
				}
				before = it
			}
		}
	}
}

// next returns the rank of the item at a place, counted from 1, from that of the item before it, which is 0 where it
// is unknown; tied says that the two are equal. It returns 0 where these do not tell.
func (o *order) next(before, place int, tied bool) int {
	switch {
	case o.ties == metrics.Ordinal, !tied && o.ties != metrics.Dense:
		return place
	case tied || before == 0:
		return before
	}
	return before + 1
}

// keyOf returns v as a number that sorts as scores do: the better, the smaller. v is not NaN; -0 is 0.
func keyOf(v float64, by metrics.Order) uint64 {
	const sign = 1 << 63
	bits := math.Float64bits(v + 0) // -0 + 0 is 0
	if bits&sign != 0 {
		bits = ^bits
	} else {
		bits |= sign
	}
	if by == metrics.Desc {
		return ^bits
	}
	return bits
}
