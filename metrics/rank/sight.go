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
	covered  int    // positions from the top that this audience must not see
}

// look calls f with what is asked for, once it is in memory. f must not block.
func (b *Board) look(ctx context.Context, a Ask, f func(s *sight) error) error {
	if b.spec.Visibility == metrics.StaffOnly && !a.Staff {
		return metrics.Errorf(metrics.NotFound, "There is no leaderboard named %q.", b.spec.Name)
	}
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
	s := &sight{view: v}
	var err error
	if s.group, err = v.group(a.Group); err != nil {
		return nil, err
	}
	if s.standing, s.window, err = v.find(a.Window); err != nil {
		return nil, err
	}
	s.window.Closed = s.window.ended(v.now())
	if v.frozen != nil && v.frozen.stepping {
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
	if len(groups) == 1 {
		return group{0, name}, nil
	}
	return group{}, metrics.Errorf(metrics.NotFound, "The leaderboard %q has no group %q.", v.board.spec.Name, name)
}

// page returns limit rows from offset on.
func (s *sight) page(offset, limit int) Page {
	p := Page{
		Spec:     s.view.board.spec,
		Window:   s.window,
		Groups:   s.standing.listed(),
		Total:    s.order.len(),
		Offset:   offset,
		NewestAt: s.standing.newest,
		Rows:     make([]Row, 0, max(0, min(limit, s.order.len()-offset))),
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
		p.Rows = append(p.Rows, s.row(slot, rank, offset+len(p.Rows)))
	}
	return p
}

// row returns the row of a slot at its position; of one that is covered only the rank.
func (s *sight) row(slot uint32, rank, position int) Row {
	if position < s.covered {
		return Row{Rank: rank}
	}
	player, st := s.standing.players[slot], s.standing
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
		ok = s.view.attributes(player).Get(s.view.board.spec.Groups[s.group.attribute]) == s.group.value
	}
	if !ok {
		return 0, 0, false
	}
	position = s.order.position(s.standing.item(slot))
	return slot, position, position >= s.covered
}

// steps reports whether a reveal is under way for this audience.
func (s *sight) steps() bool { return s.view.frozen != nil && s.view.frozen.stepping }

func (b *Board) unknown(player string) error {
	return metrics.Errorf(metrics.NotFound, "There is no player %q here.", player)
}
