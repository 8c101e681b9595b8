package rank

import (
	"math"
	"slices"

	"liveboard/metrics"
)

// rows are what the players' scores in one window come to: columns by slot, in the order in
// which the players came into the window.
type rows struct {
	rule    *rule
	slots   []uint32 // by player number: the slot and one, 0 for none
	players []uint32 // by slot, as all below
	values  []float64
	ats     []int64
	counts  []uint32  // of scores; 0 once all of them are removed
	subs    []float64 // len(rule.columns) a slot
	scratch []float64
}

// slot returns the player's slot; ok is false where the window has none.
func (r *rows) slot(player uint32) (slot uint32, ok bool) {
	if int(player) >= len(r.slots) || r.slots[player] == 0 {
		return 0, false
	}
	return r.slots[player] - 1, true
}

// join returns the player's slot, a new one where there is none.
func (r *rows) join(player uint32) uint32 {
	if slot, ok := r.slot(player); ok {
		return slot
	}
	if n := int(player) + 1 - len(r.slots); n > 0 {
		r.slots = append(r.slots, make([]uint32, n)...)
	}
	r.players = append(r.players, player)
	r.values = append(r.values, 0)
	r.ats = append(r.ats, 0)
	r.counts = append(r.counts, 0)
	for range r.rule.columns {
		r.subs = append(r.subs, 0)
	}
	r.slots[player] = uint32(len(r.players))
	return uint32(len(r.players)) - 1
}

// moves reports whether the score changes more than the number of the row's scores.
func (r *rows) moves(slot uint32, e *Entry) bool {
	return r.counts[slot] == 0 || r.rule.adds() || r.rule.prefers(r.resultOf(e), r.result(slot))
}

// take puts the score into the row. moves is what the method of that name says.
func (r *rows) take(slot uint32, e *Entry, moves bool) {
	r.counts[slot]++
	switch {
	case r.rule.adds():
		r.sum(slot, e)
	case moves:
		r.values[slot], r.ats[slot] = e.Value, e.At
		copy(r.subsOf(slot), r.resultOf(e).subs)
	}
}

func (r *rows) sum(slot uint32, e *Entry) {
	r.values[slot] = finite(r.values[slot] + e.Value)
	r.ats[slot] = max(r.ats[slot], e.At)
	if r.counts[slot] == 1 {
		r.ats[slot] = e.At
	}
	subs := r.subsOf(slot)
	for i, name := range r.rule.columns {
		subs[i] = finite(subs[i] + subOf(e.Subs, name))
	}
}

// finite keeps sums of huge numbers from becoming what no answer could be written with.
func finite(v float64) float64 { return min(max(v, -math.MaxFloat64), math.MaxFloat64) }

// clear empties the row.
func (r *rows) clear(slot uint32) {
	r.values[slot], r.ats[slot], r.counts[slot] = 0, 0, 0
	clear(r.subsOf(slot))
}

// score is what is kept.
func (r *rows) score(slot uint32) float64 {
	switch r.rule.keep {
	case metrics.KeepCount:
		return float64(r.counts[slot])
	case metrics.KeepAverage:
		return r.values[slot] / float64(r.counts[slot])
	}
	return r.values[slot]
}

// sub is the sub-score of a column.
func (r *rows) sub(slot uint32, column int) float64 {
	v := r.subsOf(slot)[column]
	if r.rule.keep == metrics.KeepAverage {
		return v / float64(r.counts[slot])
	}
	return v
}

// broken compares two rows of equal score by the tie-breakers: below zero where a is the better one.
func (r *rows) broken(a, b uint32) int {
	for _, t := range r.rule.breaks {
		c := 0
		if t.column < 0 {
			c = directed(r.ats[a], r.ats[b], t.asc)
		} else {
			c = directed(r.sub(a, t.column), r.sub(b, t.column), t.asc)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// named returns the row's sub-scores.
func (r *rows) named(slot uint32) []metrics.Sub {
	if len(r.rule.columns) == 0 {
		return nil
	}
	subs := make([]metrics.Sub, len(r.rule.columns))
	for i, name := range r.rule.columns {
		subs[i] = metrics.Sub{Name: name, Value: r.sub(slot, i)}
	}
	return subs
}

// clone returns a copy that later changes do not reach.
func (r *rows) clone() rows {
	c := *r
	c.slots, c.players = slices.Clone(r.slots), slices.Clone(r.players)
	c.values, c.ats = slices.Clone(r.values), slices.Clone(r.ats)
	c.counts, c.subs = slices.Clone(r.counts), slices.Clone(r.subs)
	c.scratch = nil
	return c
}

func (r *rows) subsOf(slot uint32) []float64 {
	n := len(r.rule.columns)
	return r.subs[int(slot)*n : (int(slot)+1)*n]
}

func (r *rows) result(slot uint32) result {
	return result{r.values[slot], r.ats[slot], r.subsOf(slot)}
}

// resultOf returns the score as a result, whose subs are good until the next call.
func (r *rows) resultOf(e *Entry) result {
	r.scratch = r.scratch[:0]
	for _, name := range r.rule.columns {
		r.scratch = append(r.scratch, subOf(e.Subs, name))
	}
	return result{e.Value, e.At, r.scratch}
}

// subOf returns the sub-score of that name, zero where there is none.
func subOf(subs []metrics.Sub, name string) float64 {
	for _, s := range subs {
		if s.Name == name {
			return s.Value
		}
	}
	return 0
}
