package rank

// mark is the ranks in a standing at one moment, by slot, 0 for none. It is never changed once made.
type mark struct {
	ranks  []uint32   // among everybody
	groups [][]uint32 // in the player's group of each attribute
}

// remember makes the present ranks those since when moves count.
func (s *standing) remember() {
	m := &mark{ranks: make([]uint32, len(s.players)), groups: make([][]uint32, len(s.rule.spec.Groups))}
	for i := range m.groups {
		m.groups[i] = make([]uint32, len(s.players))
	}
	s.order.note(m.ranks)
	for g, o := range s.groups {
		o.note(m.groups[g.attribute])
	}
	s.mark = m
}

// note writes the order's ranks into ranks, by slot.
func (o *order) note(ranks []uint32) {
	for slot, rank := range o.from(0) {
		ranks[slot] = uint32(rank)
	}
}

// move tells how the rank has changed since the mark.
func (s *standing) move(g group, slot uint32, rank int) Move {
	before := 0
	if s.mark != nil {
		ranks := s.mark.ranks
		if g != everybody {
			ranks = s.mark.groups[g.attribute]
		}
		if int(slot) < len(ranks) {
			before = int(ranks[slot])
		}
	}
	if before == 0 {
		return Move{New: true}
	}
	return Move{Up: before - rank}
}
