package rank

// mark is the ranks in a standing at one moment, by slot, 0 for none. It is never changed once made.
type mark struct {
	ranks   []uint32         // among everybody
	groups  [][]groupRank    // in the player's group of that time, by attribute
	numbers map[group]uint32 // of the groups, from 1
}

// groupRank is a rank in the group of a number.
type groupRank struct{ group, rank uint32 }

// remember makes the present ranks those since when moves count.
func (s *standing) remember() {
	m := &mark{
		ranks:   make([]uint32, len(s.players)),
		groups:  make([][]groupRank, len(s.rule.spec.Groups)),
		numbers: make(map[group]uint32, len(s.groups)),
	}
	for i := range m.groups {
		m.groups[i] = make([]groupRank, len(s.players))
	}
	for slot, rank := range s.order.from(0) {
		m.ranks[slot] = uint32(rank)
	}
	for g, o := range s.groups {
		number := uint32(len(m.numbers) + 1)
		m.numbers[g] = number
		for slot, rank := range o.from(0) {
			m.groups[g.attribute][slot] = groupRank{number, uint32(rank)}
		}
	}
	s.mark = m
}

// rankOf returns the slot's rank in a group, 0 for none.
func (m *mark) rankOf(g group, slot uint32) int {
	if m == nil || int(slot) >= len(m.ranks) {
		return 0
	}
	if g == everybody {
		return int(m.ranks[slot])
	}
	if was := m.groups[g.attribute][slot]; was.group == m.numbers[g] {
		return int(was.rank)
	}
	return 0
}

// move tells how the rank has changed since the mark.
func (s *standing) move(g group, slot uint32, rank int) Move {
	before := s.mark.rankOf(g, slot)
	if before == 0 {
		return Move{New: true}
	}
	return Move{Up: before - rank}
}
