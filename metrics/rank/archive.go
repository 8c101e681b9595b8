package rank

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// maxClosed is how many closed windows are kept in memory for each audience.
const maxClosed = 8

// archive holds standings of closed windows, as many as were asked for lately. The board's mutex guards it,
// but for the order of use, which readers change.
type archive struct {
	generation uint64      // moves when what is there and under way is out of date
	under      *standing   // the one that is being rebuilt; nil for none
	late       []Entry     // scores that came in for it meanwhile
	use        sync.Mutex  // guards standings
	standings  []*standing // the one used last is the last
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
	if a.under != nil && a.under.window.holds(e.At) {
		a.late = append(a.late, *e)
	}
}

// drop forgets all: what is asked for again is rebuilt.
func (a *archive) drop() {
	a.generation++
	a.standings = nil
}

// rebuild puts the standing of a closed window into the view's archive, from the log. What changes
// meanwhile may leave it out of the archive again, so that the caller must look and may have to come back.
func (b *Board) rebuild(ctx context.Context, v *view, w Window) error {
	b.rebuilding.Lock() // one at a time: it may be large, and others may ask for the same one
	defer b.rebuilding.Unlock()
	b.mu.Lock()
	if v.closed.find(w.Key) != nil {
		b.mu.Unlock()
		return nil
	}
	s, generation, applied, removed := newStanding(b.rule, w, v), v.closed.generation, b.applied, maps.Clone(b.staff.removed)
	v.closed.under, v.closed.late = s, nil
	b.mu.Unlock()
	err := b.replay(ctx, applied, func(e *Entry) {
		if e.Kind == Scored && !removed[e.Number] && w.holds(e.At) && v.counts(e) {
			s.add(e)
		}
	})
	if err == nil {
		b.mu.RLock()
		s.build()
		b.mu.RUnlock()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil && generation == v.closed.generation {
		for i := range v.closed.late {
			s.add(&v.closed.late[i])
		}
		v.closed.put(s)
	}
	v.closed.under, v.closed.late = nil, nil
	return err
}

// replay yields the board's entries up to the one of that number.
func (b *Board) replay(ctx context.Context, last uint64, take func(*Entry)) error {
	if b.log == nil {
		return nil
	}
	for e, err := range b.log.Entries(ctx, b.spec.Name) {
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
