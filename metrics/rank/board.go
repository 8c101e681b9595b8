package rank

import (
	"sync"
	"time"

	"liveboard/metrics"
)

// Board is one leaderboard: its players and the standings of its windows. Its methods may be
// called at any time from anywhere.
type Board struct {
	name       string
	rule       *rule
	zone       *time.Location
	log        Log        // nil where a query feeds the leaderboard
	rebuilding sync.Mutex // held while a closed window is rebuilt

	mu      sync.RWMutex
	spec    *metrics.Leaderboard // only the committer's goroutine changes it, and need not lock to read it
	players *players
	groups  groups
	last    []uint64 // by player number: the newest Scored, 0 for none
	applied uint64   // the newest entry taken in
	live    *view
	public  *view     // nil where the public sees the live one
	freeze  *freeze   // nil unless frozen
	planned bool      // the freeze of the board file has had its time
	marked  time.Time // since when moves count
	turn    time.Time // when a window ends, moves start to count anew or the planned freeze begins
	turned  time.Time // when the hour began that the newest turn was in
	lost    bool      // a window has begun whose scores came before: the clock has jumped
	loading bool      // orders are not made yet
	dirty   map[uint32]struct{}
	staff   staff
	audit   []uint64 // numbers of the entries that staff read
	rates   rates[uint32]
}

// newBoard returns a board without players, loading, whose windows are those of now.
func newBoard(spec *metrics.Leaderboard, log Log, now time.Time) *Board {
	b := &Board{name: spec.Name, spec: spec, rule: newRule(spec), zone: spec.Zone, log: log, loading: true}
	if b.zone == nil {
		b.zone = time.UTC
	}
	b.players = newPlayers(spec.UniqueNames)
	b.groups = newGroups(spec.Groups)
	b.dirty = make(map[uint32]struct{})
	b.staff = newStaff()
	b.live = newView(b, nil, now)
	return b
}

// viewFor returns what staff or the public see.
func (b *Board) viewFor(staff bool) *view {
	if staff || b.public == nil {
		return b.live
	}
	return b.public
}

// Spec is the leaderboard as the board file describes it.
func (b *Board) Spec() *metrics.Leaderboard {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.spec
}

// describe gives the board another description by which the standings are the same.
func (b *Board) describe(spec *metrics.Leaderboard) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spec = spec
}

// apply takes in an entry. scores are all of the player's that count, without those that it
// removes and with those that it brings back, in the order of the log; of a Removed and its Undone.
func (b *Board) apply(e *Entry, scores []Entry) {
	b.applied = e.Number
	switch e.Kind {
	case Joined:
		b.players.add(e.ID, e.Name, e.Attributes)
		b.groups.see(e.Attributes)
		b.last = append(b.last, 0)
	case Changed:
		b.change(e)
	case Scored:
		b.score(e)
	case Froze, Revealed, Thawed:
		b.steer(e)
	case Removed, Hidden, Banned, Renamed, Undone:
		b.moderate(e, scores)
	}
	if e.Kind > Scored {
		b.audit = append(b.audit, e.Number)
	}
}

// frozen reports whether the public sees no change.
func (b *Board) frozen() bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.freeze != nil
}

// newest returns the number of the player's newest Scored, 0 for none.
func (b *Board) newest(player uint32) uint64 {
	if int(player) >= len(b.last) {
		return 0
	}
	return b.last[player]
}

func (b *Board) score(e *Entry) {
	b.last[e.Player] = e.Number
	b.rates.count(e.Player, min(e.Received, time.Now().UnixMilli()), b.spec.Limits.PerMinute) // a clock may have been wrong
	for _, v := range b.views() {
		v.score(e)
	}
}

// change takes in what players say of themselves.
func (b *Board) change(e *Entry) {
	b.keepPersona(e.Player)
	if e.Name != "" {
		b.call(e.Player, e.Name)
	}
	if len(e.Attributes) == 0 {
		return
	}
	b.groups.see(e.Attributes)
	before := b.players.attributes(e.Player)
	after := merged(before, e.Attributes)
	set := func() { b.players.setAttributes(e.Player, after) }
	if b.groups.differ(before, after) {
		b.around(e.Player, set)
	} else {
		set()
	}
}

// keepPersona notes how the public knew the player before the freeze.
func (b *Board) keepPersona(player uint32) {
	if b.freeze == nil {
		return
	}
	if _, ok := b.freeze.was[player]; !ok {
		b.freeze.was[player] = persona{b.ownName(player), b.players.attributes(player)}
	}
}

// ownName returns what the player is called but for staff.
func (b *Board) ownName(player uint32) string {
	if own, ok := b.staff.own[player]; ok {
		return own
	}
	return b.players.name(player)
}

// call gives the player a name of the player's own, which shows unless staff have given another.
func (b *Board) call(player uint32, name string) {
	if _, renamed := b.staff.own[player]; renamed {
		b.staff.own[player] = name
	} else {
		b.players.rename(player, name)
	}
}

// around takes the player out of all orders, makes the change, and puts the player back to where the
// player belongs then.
func (b *Board) around(player uint32, change func()) {
	views := b.views()
	for _, v := range views {
		for _, s := range v.all() {
			s.leave(player)
		}
	}
	change()
	for _, v := range views {
		for _, s := range v.all() {
			s.enter(player)
		}
	}
}

// views returns what audiences see.
func (b *Board) views() []*view {
	if b.public == nil {
		return []*view{b.live}
	}
	return []*view{b.live, b.public}
}

// advance makes the live view's clock show now.
func (b *Board) advance(now time.Time) {
	b.live.roll(now)
	if mark := LastWhole(b.moves(), b.zone, now); mark.After(b.marked) {
		b.marked = mark
		b.live.remember()
	}
}

// moves is the stretch of time at whose beginning moves start to count.
func (b *Board) moves() metrics.PeriodKind {
	if b.spec.Moves == "" {
		return metrics.Day
	}
	return b.spec.Moves
}

// tick lets happen what the clock asks for. The caller holds mu.
func (b *Board) tick(now time.Time) {
	if now.Before(b.turn) {
		return
	}
	b.plan(now)
	b.advance(now)
	b.turn, b.turned = b.nextTurn(now), LastWhole(metrics.Hour, b.zone, now)
}

// astray is how far a clock may go back over the beginning of a window and still be in it: so much is put right every day.
const astray = time.Minute

// strayed reports whether the windows are no more those of now, as after a restart they would be: somebody has set the
// clock back.
func (b *Board) strayed() bool {
	b.lock()
	defer b.mu.RUnlock()
	return b.lost || time.Now().Before(b.turned.Add(-astray))
}

func (b *Board) nextTurn(now time.Time) time.Time {
	turn := windowAt(metrics.Period{Kind: b.moves()}, b.zone, now).To
	for _, s := range b.live.spans {
		if to := s.now.window.To; to.After(now) && to.Before(turn) {
			turn = to
		}
	}
	if at := b.spec.Freeze.At; at.After(now) && at.Before(turn) {
		turn = at
	}
	return turn
}

// merged returns the labels with the changes, sorted by name.
func merged(labels, changes metrics.Labels) metrics.Labels {
	all := make(metrics.Labels, 0, len(labels)+len(changes))
	for len(labels) > 0 && len(changes) > 0 {
		switch {
		case labels[0].Name < changes[0].Name:
			all, labels = append(all, labels[0]), labels[1:]
		case labels[0].Name > changes[0].Name:
			all, changes = append(all, changes[0]), changes[1:]
		default:
			all, labels, changes = append(all, changes[0]), labels[1:], changes[1:]
		}
	}
	return append(append(all, labels...), changes...)
}
