package rank

import (
	"iter"
	"slices"
	"strings"
	"sync"
)

// standing is the ranking of one window: the players' rows, and the orders of everybody and of each group.
type standing struct {
	rows
	window Window
	people people
	order  *order           // of everybody; nil while rows are loaded
	groups map[group]*order // of those that have players
	mark   *mark            // the ranks since when moves count; nil for none
	bulk   int              // while loading: how many more scores are inserted one by one before the orders are dropped

	asking sync.Mutex // of readers, who find newest again
	newest int64      // the latest time in the rows of the order, unless stale
	stale  bool
}

// people knows who is shown, and where.
type people interface {
	hides(player uint32) bool
	groups(player uint32) iter.Seq[group]
}

// newStanding returns a standing that is loading: rows are taken in, and build makes the orders.
func newStanding(r *rule, w Window, p people) *standing {
	return &standing{rows: rows{rule: r}, window: w, people: p}
}

// add takes in a score.
func (s *standing) add(e *Entry) {
	if s.bulk > 0 {
		if s.bulk--; s.bulk == 0 {
			s.order = nil // from here on sorting once more costs less
		}
	}
	slot := s.join(e.Player)
	if moves := s.moves(slot, e); moves && s.order != nil {
		s.out(slot)
		s.take(slot, e, moves)
		s.in(slot)
	} else {
		s.take(slot, e, moves)
	}
}

// redo makes the player's row anew from all of the player's scores that count, in the order of the log.
// The row must be out of the orders.
func (s *standing) redo(player uint32, scores []Entry) {
	if slot, ok := s.slot(player); ok {
		s.clear(slot)
	}
	for i := range scores {
		if e := &scores[i]; s.window.holds(e.At) {
			slot := s.join(player)
			s.take(slot, e, s.moves(slot, e))
		}
	}
}

// leave takes the player out of the orders before something changes that they depend on; enter undoes it.
func (s *standing) leave(player uint32) {
	if slot, ok := s.slot(player); ok && s.order != nil {
		s.out(slot)
	}
}

func (s *standing) enter(player uint32) {
	if slot, ok := s.slot(player); ok && s.order != nil {
		s.in(slot)
	}
}

// shown reports whether the slot stands in the orders.
func (s *standing) shown(slot uint32) bool {
	return s.counts[slot] > 0 && !s.people.hides(s.players[slot])
}

func (s *standing) item(slot uint32) item {
	return item{keyOf(s.score(slot), s.rule.spec.Order), slot}
}

func (s *standing) out(slot uint32) {
	if !s.shown(slot) {
		return
	}
	it := s.item(slot)
	s.order.remove(it)
	for g := range s.groupsOf(slot) {
		if s.groups[g].remove(it); s.groups[g].len() == 0 {
			delete(s.groups, g)
		}
	}
	s.stale = s.stale || s.ats[slot] == s.newest
}

func (s *standing) in(slot uint32) {
	if !s.shown(slot) {
		return
	}
	it := s.item(slot)
	s.order.insert(it)
	for g := range s.groupsOf(slot) {
		if s.groups[g] == nil {
			s.groups[g] = s.newOrder()
		}
		s.groups[g].insert(it)
	}
	if s.ats[slot] >= s.newest {
		s.newest, s.stale = s.ats[slot], false
	}
}

// newestAt returns the latest time in the rows of the order, 0 for none. It looks through all rows after the one that
// had it has got an older one, which writers need not wait for.
func (s *standing) newestAt() int64 {
	s.asking.Lock()
	defer s.asking.Unlock()
	if !s.stale {
		return s.newest
	}
	s.newest, s.stale = 0, false
	for slot, at := range s.ats {
		if at > s.newest && s.shown(uint32(slot)) {
			s.newest = at
		}
	}
	return s.newest
}

// groupsOf yields the groups of the slot's player.
func (s *standing) groupsOf(slot uint32) iter.Seq[group] { return s.people.groups(s.players[slot]) }

func (s *standing) newOrder() *order {
	var breaks func(a, b uint32) int
	if len(s.rule.breaks) > 0 {
		breaks = s.broken
	}
	return newOrder(s.rule.spec.Ties, breaks, func(slot uint32) uint32 { return s.players[slot] })
}

// build makes the orders from the rows, sorting once, unless they are there.
func (s *standing) build() {
	s.bulk = 0
	if s.order != nil {
		return
	}
	all := make([]item, 0, len(s.players))
	groups := make(map[group][]item)
	s.newest, s.stale = 0, false
	for i := range s.players {
		slot := uint32(i)
		if !s.shown(slot) {
			continue
		}
		it := s.item(slot)
		all = append(all, it)
		s.newest = max(s.newest, s.ats[slot])
		for g := range s.groupsOf(slot) {
			groups[g] = append(groups[g], it)
		}
	}
	s.order, s.groups = s.newOrder(), make(map[group]*order, len(groups))
	s.order.load(all)
	for g, items := range groups {
		s.groups[g] = s.newOrder()
		s.groups[g].load(items)
	}
}

// clone returns a copy for other people, who see the same so far.
func (s *standing) clone(p people) *standing {
	c := &standing{rows: s.rows.clone(), window: s.window, people: p, mark: s.mark, newest: s.newest, stale: s.stale}
	c.order, c.groups = c.newOrder(), make(map[group]*order, len(s.groups))
	c.order.fill(s.order)
	for g, o := range s.groups {
		c.groups[g] = c.newOrder()
		c.groups[g].fill(o)
	}
	return c
}

// orderOf returns the order of a group, which is empty where nobody is in it.
func (s *standing) orderOf(g group) *order {
	switch o := s.groups[g]; {
	case g == everybody:
		return s.order
	case o != nil:
		return o
	}
	return s.newOrder()
}

// listed returns the groups that have players, by attribute and value.
func (s *standing) listed() []Group {
	var listed []Group
	for g, o := range s.groups {
		listed = append(listed, Group{s.rule.spec.Groups[g.attribute] + ":" + g.value, o.len()})
	}
	slices.SortFunc(listed, func(a, b Group) int { return strings.Compare(a.Key, b.Key) })
	return listed
}

// place returns the player's slot in the order of everybody; ok is false where the player has no rank.
func (s *standing) place(player uint32) (slot uint32, ok bool) {
	slot, ok = s.slot(player)
	return slot, ok && s.shown(slot)
}

// rankOf returns the player's rank among everybody, 0 for none.
func (s *standing) rankOf(player uint32) int {
	slot, ok := s.place(player)
	if !ok {
		return 0
	}
	return s.order.rank(s.item(slot))
}
