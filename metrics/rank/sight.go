package rank

import (
	"context"
	"slices"
	"strings"
	"time"

	"liveboard/metrics"
)

// sight is one look at the standings of a window, while the board's mutex is held for reading.
type sight struct {
	view     *view
	standing *standing
	window   Window
	group    group
	order    *order // of the group
	covered  int    // of the top players of the first window, whom this audience must not see anywhere
	lists    bool   // the page shall list the groups
}

// look calls f with what is asked for, once it is in memory. f must not block.
func (b *Board) look(ctx context.Context, a Ask, f func(s *sight) error) error {
	for {
		b.lock()
		v := b.viewFor(a.Staff)
		s, err := v.sight(a)
		if err != nil {
			b.mu.RUnlock()
			return err
		}
		if s.standing != nil {
			defer b.mu.RUnlock()
			s.order = s.standing.orderOf(s.group)
			return f(s)
		}
		b.mu.RUnlock()
		if err := b.rebuild(ctx, v, s.window); err != nil {
			return metrics.Because(err, metrics.Unavailable, "The closed window cannot be read at the moment: try again in a few seconds.")
		}
	}
}

// lock locks the mutex for reading, after the clock has had its way.
func (b *Board) lock() {
	b.mu.RLock()
	for now := time.Now(); !now.Before(b.turn); {
		b.mu.RUnlock()
		b.mu.Lock()
		b.tick(now)
		b.mu.Unlock()
		b.mu.RLock()
	}
}

// sight finds what is asked for. Its standing is nil where that is a closed window which is not in memory.
func (v *view) sight(a Ask) (*sight, error) {
	if v.board.spec.Visibility == metrics.StaffOnly && !a.Staff {
		return nil, metrics.Errorf(metrics.NotFound, "There is no leaderboard named %q.", v.board.name)
	}
	s := &sight{view: v, lists: a.Groups}
	var err error
	if s.group, err = v.group(a.Group); err != nil {
		return nil, err
	}
	if s.standing, s.window, err = v.find(a.Window); err != nil {
		return nil, err
	}
	s.window.Closed = s.window.ended(v.now())
	if v.steps() {
		s.covered = v.frozen.covered
	}
	return s, nil
}

// find returns the window that is asked for, and its standing where that is in memory.
func (v *view) find(name string) (*standing, Window, error) {
	for i, s := range v.spans {
		if name == "" && i == 0 || name == s.period.Name || name == s.now.window.Key {
			return s.now, s.now.window, nil
		}
	}
	w, err := windowOf(name, v.board.spec.Periods, v.board.zone)
	if err != nil {
		return nil, Window{}, err
	}
	if !v.seen(w) {
		return nil, Window{}, metrics.Errorf(metrics.NotFound, "There are no scores in %q.", name)
	}
	return v.closed.find(w.Key), w, nil
}

// seen reports whether a window is over and has had scores: only such ones are worth reading the log for.
func (v *view) seen(w Window) bool {
	for _, s := range v.spans {
		if s.period.Kind == w.Period.Kind && s.period.Name == w.Period.Name {
			_, ok := s.seen[w.From.UnixMilli()]
			return ok && w.ended(v.now())
		}
	}
	return false
}

// group understands the name of a group, in its long or its short form.
func (v *view) group(name string) (group, error) {
	if name == "" {
		return everybody, nil
	}
	groups := v.board.spec.Groups
	if attribute, value, ok := strings.Cut(name, ":"); ok {
		if i := slices.Index(groups, attribute); i >= 0 {
			return group{i, value}, nil
		}
	}
	if len(groups) == 1 && !strings.Contains(name, ":") {
		return group{0, name}, nil
	}
	return group{}, metrics.Errorf(metrics.NotFound, "The leaderboard %q has no group %q.", v.board.spec.Name, name)
}

// page returns limit rows from offset on.
func (s *sight) page(offset, limit int) Page {
	p := Page{
		Spec:     s.view.board.spec,
		Window:   s.window,
		Total:    s.order.len(),
		Offset:   offset,
		NewestAt: s.standing.newestAt(),
		Rows:     make([]Row, 0, max(0, min(limit, s.order.len()-offset))),
	}
	if s.lists {
		p.Groups = s.standing.listed()
	}
	if s.group != everybody {
		p.Group = p.Spec.Groups[s.group.attribute] + ":" + s.group.value
	}
	if f := s.view.board.freeze; f != nil {
		p.FrozenAt, p.Stepping = f.at, f.stepping
		p.Covered = min(s.covered, p.Total)
	}
	if offset >= p.Total {
		return p
	}
	for slot, rank := range s.order.from(offset) {
		if len(p.Rows) == limit {
			break
		}
		p.Rows = append(p.Rows, s.row(slot, rank))
	}
	return p
}

// row returns the row of a slot; of one that is covered only the rank.
func (s *sight) row(slot uint32, rank int) Row {
	player, st := s.standing.players[slot], s.standing
	if s.covers(player) {
		return Row{Rank: rank}
	}
	r := s.person(player)
	r.Rank = rank
	r.Score, r.At, r.Scores, r.Subs = st.score(slot), st.ats[slot], int(st.counts[slot]), st.named(slot)
	if !s.window.Closed {
		r.Move = st.move(s.group, slot, rank)
	}
	return r
}

// person returns a row of what there is to say about a player without a rank.
func (s *sight) person(player uint32) Row {
	return Row{
		Player:     s.view.board.players.id(player),
		Key:        player,
		Name:       s.view.name(player),
		Attributes: s.view.attributes(player),
	}
}

// place returns the player's slot in the order of the group; ok is false where it has none that may be seen.
func (s *sight) place(player uint32) (slot uint32, position int, ok bool) {
	slot, ok = s.standing.place(player)
	if ok && s.group != everybody {
		its, grouped := s.view.board.groups.in(s.group.attribute, s.view.attributes(player))
		ok = grouped && its == s.group
	}
	if !ok {
		return 0, 0, false
	}
	return slot, s.order.position(s.standing.item(slot)), !s.covers(player)
}

// covers reports whether a reveal has yet to come to the player. The place among everybody in the first window
// decides, wherever the player is looked for: what other windows tell would give it away.
func (s *sight) covers(player uint32) bool {
	if s.covered == 0 {
		return false
	}
	first := s.view.spans[0].now
	slot, ok := first.place(player)
	return ok && first.order.position(first.item(slot)) < s.covered
}

func (b *Board) unknown(player string) error {
	return metrics.Errorf(metrics.NotFound, "There is no player %q here.", player)
}
