package rank

import (
	"context"
	"slices"
	"time"

	"liveboard/metrics"
)

// maxReason is how long an action's reason may be, in bytes.
const maxReason = 500

// Moderate records the action and returns its entry, with the ID of the player whom it is about,
// once it is durable and every reader sees it.
// Errors are of kind Invalid, NotFound, Conflict (it is so already) or Unavailable.
func (l *Ledger) Moderate(ctx context.Context, a Action) (Entry, error) {
	if len(a.Reason) > maxReason {
		return Entry{}, metrics.Errorf(metrics.Invalid, "The reason has %d bytes, at most %d are allowed.", len(a.Reason), maxReason)
	}
	if err := metrics.CheckText(a.Reason); err != nil {
		return Entry{}, metrics.Errorf(metrics.Invalid, "The reason: %w", err)
	}
	o := l.do(ctx, &job{action: &a})
	return o.entry, o.err
}

// moderate carries out an action in the committer's goroutine.
func (l *Ledger) moderate(a *Action) outcome {
	b, err := l.Board(a.Board)
	if err != nil {
		return outcome{err: err}
	}
	now := time.Now()
	e := Entry{Kind: a.Kind, Board: a.Board, Number: l.config.Log.Last() + 1, Received: max(l.received, now.UnixMilli()), By: a.By, Reason: a.Reason}
	if e.Kind == Froze {
		e.At = now.UnixMilli()
	}
	b.mu.Lock()
	b.tick(now) // a planned freeze may just begin
	b.mu.Unlock()
	scores, err := b.prepare(&e, a)
	if err != nil {
		return outcome{err: err}
	}
	var shown *view
	if e.Kind == Revealed {
		if shown, err = b.unveil(&e); err != nil {
			return outcome{err: err}
		}
	}
	if err := l.append([]Entry{e}, nil); err != nil {
		return outcome{err: err}
	}
	b.mu.Lock()
	b.apply(&e, scores)
	b.show(shown)
	b.identify(&e)
	b.mu.Unlock()
	l.config.Bell([]string{a.Board})
	return outcome{entry: e}
}

// prepare checks the action and fills in the entry, and returns the scores that apply needs for it:
// they are read before it is too late to fail, and without the board's mutex: only the committer's goroutine
// changes players, scores and moderation.
func (b *Board) prepare(e *Entry, a *Action) ([]Entry, error) {
	if err := b.check(e, a); err != nil {
		return nil, err
	}
	return b.affected(e)
}

func (b *Board) check(e *Entry, a *Action) error {
	switch a.Kind {
	case Hidden, Banned, Renamed:
		return b.checkPlayer(e, a)
	case Removed:
		return b.checkRemoved(e, a)
	case Undone:
		return b.checkUndone(e, a)
	case Froze, Revealed, Thawed:
		return b.checkFreeze(e)
	}
	return metrics.Errorf(metrics.Invalid, "Staff cannot do this.")
}

func (b *Board) checkPlayer(e *Entry, a *Action) (err error) {
	number, ok := b.players.lookup(a.Player)
	if !ok {
		return b.unknown(a.Player)
	}
	e.Player = number
	switch {
	case a.Kind == Hidden && b.staff.hidden[number] > 0:
		return metrics.Errorf(metrics.Conflict, "The player %q is hidden already.", a.Player)
	case a.Kind == Banned && b.staff.banned[number] > 0:
		return metrics.Errorf(metrics.Conflict, "The player %q is banned already.", a.Player)
	case a.Kind != Renamed:
		return nil
	}
	if e.Name, err = cleanName(a.Name); err != nil {
		return err
	}
	switch {
	case e.Name == b.players.name(number):
		return metrics.Errorf(metrics.Conflict, "The player %q has this name already.", a.Player)
	case b.isOthers(e.Name, number):
		return metrics.Errorf(metrics.Conflict, "The name %q is taken: choose another one.", e.Name)
	}
	return nil
}

// isOthers reports whether a name looks like that of another player, where the leaderboard cares.
func (b *Board) isOthers(name string, player uint32) bool {
	return b.spec.UniqueNames && look(name) != look(b.players.name(player)) && b.players.taken(name)
}

func (b *Board) checkRemoved(e *Entry, a *Action) error {
	target, err := b.target(a.Target)
	switch {
	case err != nil:
		return err
	case target.Kind != Scored:
		return metrics.Errorf(metrics.Invalid, "Entry %d is no score.", a.Target)
	case b.staff.removed[target.Player][a.Target]:
		return metrics.Errorf(metrics.Conflict, "The score of entry %d is removed already.", a.Target)
	}
	e.Target, e.Player = a.Target, target.Player
	return nil
}

func (b *Board) checkUndone(e *Entry, a *Action) error {
	if undone, ok := b.staff.acts[a.Target]; ok {
		e.Target, e.Player = a.Target, undone.player
		if name, _ := b.nameBut(undone.player, a.Target); undone.kind == Renamed && b.isOthers(name, undone.player) {
			return metrics.Errorf(metrics.Conflict, "The name %q is another player's by now: rename one of the two.", name)
		}
		return nil
	}
	target, err := b.target(a.Target)
	if err != nil {
		return err
	}
	switch target.Kind {
	case Removed, Hidden, Banned, Renamed:
		return metrics.Errorf(metrics.Conflict, "Entry %d is undone already.", a.Target)
	}
	return metrics.Errorf(metrics.Invalid, "Entry %d cannot be undone.", a.Target)
}

// target returns an entry of this board that an action names.
func (b *Board) target(number uint64) (Entry, error) {
	if number == 0 || number > b.applied {
		return Entry{}, metrics.Errorf(metrics.NotFound, "There is no entry %d.", number)
	}
	e, err := b.log.Entry(context.Background(), number)
	switch {
	case err != nil:
		return Entry{}, metrics.Because(err, metrics.Unavailable, "The entry cannot be read at the moment: try again in a few seconds.")
	case e.Board != b.spec.Name:
		return Entry{}, metrics.Errorf(metrics.NotFound, "The leaderboard %q has no entry %d.", b.spec.Name, number)
	}
	return e, nil
}

func (b *Board) checkFreeze(e *Entry) error {
	frozen := b.frozen()
	switch {
	case e.Kind == Froze && frozen:
		return metrics.Errorf(metrics.Conflict, "The leaderboard %q is frozen already.", b.spec.Name)
	case e.Kind != Froze && !frozen:
		return metrics.Errorf(metrics.Conflict, "The leaderboard %q is not frozen.", b.spec.Name)
	}
	return nil
}

// affected reads all scores that count once the entry does, of the player whom a Removed or its Undone is about.
func (b *Board) affected(e *Entry) ([]Entry, error) {
	removed := b.removals(e.Player)
	if removed == nil {
		removed = make(map[uint64]bool)
	}
	switch {
	case e.Kind == Removed:
		removed[e.Target] = true
	case e.Kind == Undone && b.staff.acts[e.Target].kind == Removed:
		delete(removed, b.staff.acts[e.Target].target)
	default:
		return nil, nil
	}
	return b.scores(context.Background(), b.last[e.Player], removed)
}

// Audit returns what staff did and what was flagged, the newest first, each with the ID of the player
// whom it is about; before is the number of an entry to go on from, 0 for the newest. Of limit entries
// at most; 0 means 50.
func (l *Ledger) Audit(ctx context.Context, board string, before uint64, limit int) ([]Entry, error) {
	b, err := l.Board(board)
	if err != nil {
		return nil, err
	}
	ask := Ask{Limit: limit}
	if err := ask.check(); err != nil {
		return nil, err
	}
	var entries []Entry
	for _, number := range b.auditBefore(before, ask.limit()) {
		e, err := l.config.Log.Entry(ctx, number)
		if err != nil {
			return nil, metrics.Because(err, metrics.Unavailable, "The audit cannot be read at the moment: try again in a few seconds.")
		}
		entries = append(entries, e)
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	for i := range entries {
		b.identify(&entries[i])
	}
	return entries, nil
}

// identify fills in the id of the player whom staff have acted on. The log has it once, in the Joined.
func (b *Board) identify(e *Entry) {
	switch e.Kind {
	case Removed, Hidden, Banned, Renamed, Undone:
		e.ID = b.players.id(e.Player)
	}
}

// auditBefore returns the numbers of the entries that staff read, the newest first.
func (b *Board) auditBefore(before uint64, limit int) []uint64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	end := len(b.audit)
	if before > 0 {
		end, _ = slices.BinarySearch(b.audit, before)
	}
	page := slices.Clone(b.audit[max(0, end-limit):end])
	slices.Reverse(page)
	return page
}
