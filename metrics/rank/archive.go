package rank

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// maxClosed is how many closed windows are kept in memory for each audience.
const maxClosed = 8

// archive holds standings of closed windows, as many as were asked for lately. The board's mutex guards them
// and what else is here. Those who hold it for reading may ask for a standing and put in another, for which the list
// has a mutex of its own; the one rebuild at a time may also change under and late.
type archive struct {
	generation uint64    // moves when scores are removed or brought back
	under      *standing // the one that is being rebuilt; nil for none
	late       []func()  // what has to be done to it since that began

	use       sync.Mutex
	standings []*standing // the one used last is the last
}

// find returns the standing of the window called key, nil where it is not in memory.
func (a *archive) find(key string) *standing {
	a.use.Lock()
	defer a.use.Unlock()
	i := slices.IndexFunc(a.standings, func(s *standing) bool { return s.window.Key == key })
	if i < 0 {
		return nil
	}
	s := a.standings[i]
	a.standings = append(slices.Delete(a.standings, i, i+1), s)
	return s
}

// put takes in the standing of a closed window, in place of the one used longest ago.
func (a *archive) put(s *standing) {
	a.use.Lock()
	defer a.use.Unlock()
	s.mark = nil
	if len(a.standings) == maxClosed {
		a.standings = slices.Delete(a.standings, 0, 1)
	}
	a.standings = append(a.standings, s)
}

// add takes in a late score.
func (a *archive) add(e *Entry) {
	for _, s := range a.standings {
		if s.window.holds(e.At) {
			s.add(e)
		}
	}
	if under := a.under; under != nil && under.window.holds(e.At) {
		late := *e
		a.late = append(a.late, func() { under.add(&late) })
	}
}

// redo makes the player's rows anew. They must be out of the orders.
func (a *archive) redo(player uint32, scores []Entry) {
	a.generation++
	for _, s := range a.standings {
		s.redo(player, scores)
	}
	if under := a.under; under != nil {
		a.late = append(a.late, func() { under.redo(player, scores) })
	}
}

// rebuild puts the standing of a closed window into the view's archive, from the log. Others may have put
// it out again when the caller looks.
func (b *Board) rebuild(ctx context.Context, v *view, w Window) error {
	b.rebuilding.Lock() // one at a time: it may be large, and others may ask for the same one
	defer b.rebuilding.Unlock()
	if v.closed.find(w.Key) != nil {
		return nil
	}
	s, applied, removed := b.beginRebuild(v, w)
	err := b.replay(ctx, applied, func(e *Entry) {
		if e.Kind == Scored && !removed[e.Number] && w.holds(e.At) && v.counts(e) {
			s.add(e)
		}
	})
	b.mu.RLock()
	defer b.mu.RUnlock()
	if err == nil {
		for _, do := range v.closed.late {
			do()
		}
		s.build()
		v.closed.put(s)
	}
	v.closed.under, v.closed.late = nil, nil
	return err
}

// beginRebuild returns a standing to fill with the scores up to the entry that was applied last, but for those
// removed. What happens from then on is noted for it.
func (b *Board) beginRebuild(v *view, w Window) (s *standing, applied uint64, removed map[uint64]bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s = newStanding(b.rule, w, v)
	v.closed.under, v.closed.late = s, nil
	removed = make(map[uint64]bool)
	for _, scores := range b.staff.removed {
		maps.Copy(removed, scores)
	}
	return s, b.applied, removed
}

// replay yields the board's entries up to the one of that number.
func (b *Board) replay(ctx context.Context, last uint64, take func(*Entry)) error {
	if b.log == nil {
		return nil
	}
	for e, err := range b.log.Entries(ctx, b.name) {
		if err != nil {
			return err
		}
		if e.Number > last {
			return nil
		}
		take(e)
	}
	return nil
}
