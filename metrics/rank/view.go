package rank

import (
	"iter"
	"slices"
	"time"

	"liveboard/metrics"
)

// view is what an audience sees of a board: staff the live one, whose clock runs, and the public
// the same or, during a freeze, one whose clock stands.
type view struct {
	board  *Board
	frozen *freeze // nil on the live view
	spans  []*span // one for each period
	closed archive
	sparks sparks
}

// span is one of the leaderboard's periods: the window of now, and the one after it as soon as a
// score belongs there, for senders' clocks may be ahead.
type span struct {
	period metrics.Period
	now    *standing
	ahead  *standing
	seen   map[int64]struct{} // the beginnings of windows that have had a score
	last   Window             // of them, the one found last
}

// newView returns a view at a moment, whose standings are loading.
func newView(b *Board, frozen *freeze, at time.Time) *view {
	v := &view{board: b, frozen: frozen}
	for _, p := range b.spec.Periods {
		s := &span{period: p, seen: make(map[int64]struct{})}
		s.now = newStanding(b.rule, windowAt(p, b.zone, at), v)
		v.spans = append(v.spans, s)
	}
	return v
}

// clone returns a copy of the live view for the public of a freeze.
func (v *view) clone(f *freeze) *view {
	c := &view{board: v.board, frozen: f}
	for _, s := range v.spans {
		seen := make(map[int64]struct{}, len(s.seen))
		for from := range s.seen {
			seen[from] = struct{}{}
		}
		copied := &span{period: s.period, now: s.now.clone(c), seen: seen, last: s.last}
		if s.ahead != nil {
			copied.ahead = s.ahead.clone(c)
		}
		c.spans = append(c.spans, copied)
	}
	return c
}

// hides reports whether staff have taken the player out of the standings.
func (v *view) hides(player uint32) bool { return v.board.staff.hidden[player] > 0 }

// attributes returns the player's attributes as the audience knows them.
func (v *view) attributes(player uint32) metrics.Labels {
	if v.frozen != nil {
		if was, ok := v.frozen.was[player]; ok {
			return was.attributes
		}
	}
	return v.board.players.attributes(player)
}

// groups yields the player's groups as the audience knows them.
func (v *view) groups(player uint32) iter.Seq[group] {
	return v.board.groups.of(v.attributes(player))
}

// name returns the player's name as the audience knows it.
func (v *view) name(player uint32) string {
	if _, renamed := v.board.staff.own[player]; !renamed && v.frozen != nil {
		if was, ok := v.frozen.was[player]; ok {
			return was.name
		}
	}
	return v.board.players.name(player)
}

// counts reports whether the audience knows of the entry.
func (v *view) counts(e *Entry) bool { return v.frozen == nil || v.frozen.cut.holds(e) }

// now is what the view's clock shows.
func (v *view) now() time.Time {
	if v.frozen != nil {
		return v.frozen.at
	}
	return time.Now()
}

// score takes in a new score.
func (v *view) score(e *Entry) {
	if !v.counts(e) {
		return
	}
	at := time.UnixMilli(e.At)
	for _, s := range v.spans {
		s.see(v.board.zone, at)
		switch {
		case s.now.window.holds(e.At):
			s.now.add(e)
		case s.now.window.ended(at):
			v.addAhead(s, e)
		}
	}
	v.closed.add(e)
	v.sparks.push(e)
}

// addAhead takes in a score of the window after the one of now.
func (v *view) addAhead(s *span, e *Entry) {
	if s.ahead == nil {
		w, ok := s.now.window.next(v.board.zone)
		if !ok {
			return
		}
		s.ahead = newStanding(v.board.rule, w, v)
		if s.now.order != nil {
			s.ahead.build()
		}
	}
	if s.ahead.window.holds(e.At) {
		s.ahead.add(e)
	}
}

// see notes that the window of a time has had a score.
func (s *span) see(zone *time.Location, at time.Time) {
	if s.period.Kind == metrics.AllTime || s.period.Kind == metrics.Season {
		return
	}
	if s.last.From.IsZero() || !s.last.holds(at.UnixMilli()) {
		s.last = windowAt(s.period, zone, at)
		s.seen[s.last.From.UnixMilli()] = struct{}{}
	}
}

// standings returns all standings of the view that are kept up to date one by one.
func (v *view) standings() []*standing {
	var all []*standing
	for _, s := range v.spans {
		all = append(all, s.now)
		if s.ahead != nil {
			all = append(all, s.ahead)
		}
	}
	return all
}

// all returns all standings that are in memory.
func (v *view) all() []*standing { return append(v.standings(), v.closed.standings...) }

// roll starts the windows that have begun since the last roll, and closes those before them.
func (v *view) roll(now time.Time) {
	for _, s := range v.spans {
		if !s.now.window.ended(now) || s.period.Kind == metrics.Season {
			continue
		}
		v.closed.put(s.now)
		w := windowAt(s.period, v.board.zone, now)
		switch {
		case s.ahead == nil || !s.ahead.window.From.Equal(w.From):
			if s.ahead != nil {
				v.closed.put(s.ahead)
			}
			_, seen := s.seen[w.From.UnixMilli()]
			v.board.lost = v.board.lost || seen
			s.now = newStanding(v.board.rule, w, v)
			s.now.build()
		default:
			s.now = s.ahead
		}
		s.ahead = nil
	}
}

// remember makes the ranks of now those since when moves count.
func (v *view) remember() {
	for _, s := range v.spans {
		s.now.remember()
	}
}

// build ends the loading.
func (v *view) build() {
	for _, s := range v.standings() {
		s.build()
	}
}

// past returns the closed windows that have had scores, the newest first.
func (v *view) past() []Window {
	var past []Window
	now := v.now()
	for _, s := range v.spans {
		for from := range s.seen {
			w := windowAt(s.period, v.board.zone, time.UnixMilli(from))
			if w.Closed = w.ended(now); w.Closed && !w.From.Equal(s.now.window.From) {
				past = append(past, w)
			}
		}
	}
	slices.SortStableFunc(past, func(a, b Window) int { return b.From.Compare(a.From) })
	return past
}
