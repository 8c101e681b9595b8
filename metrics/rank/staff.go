package rank

// staff is what moderation has done and not taken back.
type staff struct {
	acts    map[uint64]act             // in force, by entry
	removed map[uint32]map[uint64]bool // scores, by player and entry
	hidden  map[uint32]int             // how many Hidden and Banned are in force, by player
	banned  map[uint32]int             // how many Banned
	own     map[uint32]string          // what players are called but for a Renamed in force
}

// act is a moderation that can be undone.
type act struct {
	kind   Kind
	player uint32
	target uint64
	name   string
}

func newStaff() staff {
	return staff{
		acts:    make(map[uint64]act),
		removed: make(map[uint32]map[uint64]bool),
		hidden:  make(map[uint32]int),
		banned:  make(map[uint32]int),
		own:     make(map[uint32]string),
	}
}

// moderate takes in a Removed, Hidden, Banned, Renamed or the Undone of one.
func (b *Board) moderate(e *Entry, scores []Entry) {
	a, by := act{e.Kind, e.Player, e.Target, e.Name}, 1
	if e.Kind == Undone {
		undone, ok := b.staff.acts[e.Target]
		if !ok {
			return
		}
		delete(b.staff.acts, e.Target)
		a, by = undone, -1
	} else {
		b.staff.acts[e.Number] = a
	}
	switch a.kind {
	case Removed:
		b.remove(a, by > 0, scores)
	case Hidden, Banned:
		b.hide(a, by)
	case Renamed:
		b.rename(a.player)
	}
}

func (b *Board) remove(a act, gone bool, scores []Entry) {
	if gone {
		b.staff.remove(a.player, a.target)
	} else {
		b.staff.restore(a.player, a.target)
	}
	if b.loading {
		b.dirty[a.player] = struct{}{}
		return
	}
	b.redo(a.player, scores)
}

func (s *staff) remove(player uint32, score uint64) {
	if s.removed[player] == nil {
		s.removed[player] = make(map[uint64]bool)
	}
	s.removed[player][score] = true
}

func (s *staff) restore(player uint32, score uint64) {
	if delete(s.removed[player], score); len(s.removed[player]) == 0 {
		delete(s.removed, player)
	}
}

// redo makes the player's rows anew from all scores that count.
func (b *Board) redo(player uint32, scores []Entry) {
	b.around(player, func() {
		for _, v := range b.views() {
			v.redo(player, scores)
		}
	})
}

func (v *view) redo(player uint32, scores []Entry) {
	known := scores[:0:0]
	for i := range scores {
		if v.counts(&scores[i]) {
			known = append(known, scores[i])
		}
	}
	for _, s := range v.standings() {
		s.redo(player, known)
	}
	v.closed.redo(player, known)
	v.sparks.forget(player)
}

func (b *Board) hide(a act, by int) {
	b.around(a.player, func() {
		tally(b.staff.hidden, a.player, by)
		if a.kind == Banned {
			tally(b.staff.banned, a.player, by)
		}
	})
}

func tally(counts map[uint32]int, player uint32, by int) {
	if counts[player] += by; counts[player] == 0 {
		delete(counts, player)
	}
}

// rename lets the newest Renamed in force show, or where there is none the player's own name.
func (b *Board) rename(player uint32) {
	own := b.ownName(player)
	name, renamed := b.nameBut(player, 0)
	if renamed {
		b.staff.own[player] = own
	} else {
		delete(b.staff.own, player)
	}
	b.players.rename(player, name)
}

// nameBut returns what the player is called without the Renamed of that number; renamed says whether it is
// staff who call the player so.
func (b *Board) nameBut(player uint32, without uint64) (name string, renamed bool) {
	name = b.ownName(player)
	newest := uint64(0)
	for number, a := range b.staff.acts {
		if a.kind == Renamed && a.player == player && number > newest && number != without {
			newest, name = number, a.name
		}
	}
	return name, newest > 0
}
