package rank

import (
	"time"

	"liveboard/metrics"
)

// draft is a group of submissions on its way to the log: what the boards will know once it is durable.
type draft struct {
	now      int64 // Unix milliseconds, as received
	received int64 // now, but never before the newest entry, whose clock may have been wrong: it gives the order
	entries  []Entry
	requests []Request
	outcomes []Outcome // of Scored entries, by index
	jobs     []*job
	refused  []func() // answer those whose flags stand among the entries
	boards   map[string]*draftBoard
	next     uint64          // the number of the next entry
	undo     []func()        // what takes the submission under way back
	keys     map[string]*job // by leaderboard and key
}

// draftBoard is what a draft adds to a board. What is not here is as on the board.
type draftBoard struct {
	board   *Board
	entries []int // indexes in the draft
	joined  map[string]uint32
	taken   map[string]bool    // looks of names
	self    map[uint32]persona // of those who joined or changed
	scored  map[uint32]scored
	rate    map[uint32]int
}

// scored is a player's newest score in the draft.
type scored struct {
	number uint64
	value  float64
}

func (l *Ledger) newDraft() *draft {
	now := time.Now().UnixMilli()
	return &draft{
		now:      now,
		received: max(l.received, now),
		next:     l.config.Log.Last() + 1,
		boards:   make(map[string]*draftBoard),
		keys:     make(map[string]*job),
	}
}

// on returns what the draft adds to the board.
func (d *draft) on(b *Board) *draftBoard {
	db := d.boards[b.spec.Name]
	if db == nil {
		db = &draftBoard{
			board:  b,
			joined: make(map[string]uint32),
			taken:  make(map[string]bool),
			self:   make(map[uint32]persona),
			scored: make(map[uint32]scored),
			rate:   make(map[uint32]int),
		}
		d.boards[b.spec.Name] = db
	}
	return db
}

// put sets m[k], until the submission under way is taken back.
func put[K comparable, V any](d *draft, m map[K]V, k K, v V) {
	old, ok := m[k]
	d.undo = append(d.undo, func() {
		if ok {
			m[k] = old
		} else {
			delete(m, k)
		}
	})
	m[k] = v
}

// add numbers an entry and puts it in.
func (d *draft) add(db *draftBoard, e Entry) uint64 {
	e.Number, e.Board, e.Received = d.next, db.board.spec.Name, d.received
	d.next++
	db.entries = append(db.entries, len(d.entries))
	d.entries = append(d.entries, e)
	return e.Number
}

// back takes the submission under way back, whose entries begin at first.
func (d *draft) back(db *draftBoard, first int) {
	more := len(d.entries) - first
	d.next -= uint64(more)
	d.entries, db.entries = d.entries[:first], db.entries[:len(db.entries)-more]
	for i := len(d.undo) - 1; i >= 0; i-- {
		d.undo[i]()
	}
	d.undo = d.undo[:0]
}

// player returns the number of the player with that id; ok is false where there is none.
func (db *draftBoard) player(id string) (number uint32, ok bool) {
	if number, ok = db.joined[id]; ok {
		return number, ok
	}
	return db.board.players.lookup(id)
}

// persona returns what the player said last.
func (db *draftBoard) persona(player uint32) persona {
	if p, ok := db.self[player]; ok {
		return p
	}
	return persona{db.board.ownName(player), db.board.players.attributes(player)}
}

// isTaken reports whether a name looks like that of somebody.
func (db *draftBoard) isTaken(name string) bool {
	return db.taken[look(name)] || db.board.players.taken(name)
}

// last returns the number of the player's newest score, 0 for none.
func (db *draftBoard) last(player uint32) uint64 {
	if s, ok := db.scored[player]; ok {
		return s.number
	}
	return db.board.newest(player)
}

// rates returns how many scores of the player were received in the minute of now.
func (db *draftBoard) rates(player uint32, now int64) int {
	return db.rate[player] + db.board.rates.of(player, now)
}

// join puts a new player in, or what a known one says anew.
func (d *draft) join(db *draftBoard, s *metrics.Score) (uint32, error) {
	number, known := db.player(s.Player)
	switch {
	case !known:
		return d.joinNew(db, s)
	case s.Name == "" && len(s.Attributes) == 0:
		return number, nil
	}
	p := db.persona(number)
	e := Entry{Kind: Changed, Player: number, Attributes: differing(p.attributes, s.Attributes)}
	if s.Name != "" && s.Name != p.name {
		if err := db.checkName(s.Name, p.name); err != nil {
			return 0, err
		}
		e.Name, p.name = s.Name, s.Name
	}
	if e.Name == "" && len(e.Attributes) == 0 {
		return number, nil
	}
	p.attributes = merged(p.attributes, e.Attributes)
	d.add(db, e)
	put(d, db.self, number, p)
	d.take(db, p.name)
	return number, nil
}

func (d *draft) joinNew(db *draftBoard, s *metrics.Score) (uint32, error) {
	name := s.Name
	if name == "" {
		name = s.Player
	}
	if err := db.checkName(name, ""); err != nil {
		return 0, err
	}
	number := uint32(db.board.players.len() + len(db.joined))
	d.add(db, Entry{Kind: Joined, Player: number, ID: s.Player, Name: name, Attributes: s.Attributes})
	put(d, db.joined, s.Player, number)
	put(d, db.self, number, persona{name, s.Attributes})
	d.take(db, name)
	return number, nil
}

// take notes that a name is in use, where the leaderboard cares.
func (d *draft) take(db *draftBoard, name string) {
	if db.board.spec.UniqueNames {
		put(d, db.taken, look(name), true)
	}
}

// checkName refuses a name that looks like another player's, where the leaderboard cares.
func (db *draftBoard) checkName(name, own string) error {
	if db.board.spec.UniqueNames && (own == "" || look(own) != look(name)) && db.isTaken(name) {
		return metrics.Errorf(metrics.Conflict, "The name %q is taken: choose another one.", name)
	}
	return nil
}

// differing returns the labels of changes that are not in labels.
func differing(labels, changes metrics.Labels) metrics.Labels {
	var d metrics.Labels
	for _, l := range changes {
		if labels.Get(l.Name) != l.Value {
			d = append(d, l)
		}
	}
	return d
}
