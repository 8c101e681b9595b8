package rank

import (
	"fmt"
	"iter"
	"slices"
	"testing"

	"liveboard/metrics"
)

// keysOf returns the keys of the groups that a page lists.
func keysOf(t *testing.T, b *Board) []string {
	t.Helper()
	p, err := b.Page(t.Context(), Ask{Groups: true})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, g := range p.Groups {
		keys = append(keys, g.Key)
	}
	return keys
}

// counted are people without groups who are all shown, and how often that was asked.
type counted struct{ asked int }

func (c *counted) hides(uint32) bool             { c.asked++; return false }
func (c *counted) groups(uint32) iter.Seq[group] { return func(func(group) bool) {} }

func TestAScoreIsTakenInWithoutALookAtOtherPlayers(t *testing.T) {
	const players = 1000
	all, spec := &counted{}, arcade()
	s := newStanding(newRule(&spec), Window{}, all)
	s.build()
	for i := range players {
		s.add(&Entry{Player: uint32(i), Value: 1, At: int64(i)})
	}
	all.asked = 0
	for i := range 100 { // better ones of the newest, by turns newer and older than all others
		s.add(&Entry{Player: 0, Value: float64(2 + i), At: int64(players + i)})
		s.add(&Entry{Player: 0, Value: float64(2+i) + 0.5, At: -1})
	}
	if all.asked > players {
		t.Errorf("200 scores of a player took %d looks at players", all.asked)
	}
	if got := s.newestAt(); got != players-1 {
		t.Errorf("got the newest at %d, want %d", got, players-1)
	}
}

func TestGroupsWithoutPlayersAreLetGo(t *testing.T) {
	l := newLedger(t, &memory{}, arcade())
	for _, team := range []string{"red", "blue", "green"} {
		joinTeam(t, l, "ada", team, 1)
	}
	b := board(t, l, "arcade")
	if got := keysOf(t, b); !slices.Equal(got, []string{"team:green"}) {
		t.Errorf("got groups %v, want green alone", got)
	}
	for _, s := range b.live.standings() {
		if len(s.groups) != 1 {
			t.Errorf("%s: %d groups are kept, want 1", s.window.Key, len(s.groups))
		}
	}
}

func TestAPageListsGroupsWhereItIsAskedTo(t *testing.T) {
	l := newLedger(t, &memory{}, arcade())
	joinTeam(t, l, "ada", "red", 1)
	p, err := board(t, l, "arcade").Page(t.Context(), Ask{})
	if err != nil || p.Groups != nil {
		t.Errorf("got groups %+v, error %v; want none", p.Groups, err)
	}
}

func TestValuesOfAGroupAttributeAreBounded(t *testing.T) {
	var log memory
	l := newLedger(t, &log, arcade())
	for i := range maxGroupValues + 1 {
		joinTeam(t, l, fmt.Sprint("p", i), fmt.Sprint("t", i), 1)
	}
	beyond := fmt.Sprint("t", maxGroupValues)
	joinTeam(t, l, "p0", beyond, 1) // t0 has nobody now, and keeps its place for who comes back
	for _, b := range []*Board{board(t, l, "arcade"), board(t, newLedger(t, &log, arcade()), "arcade")} {
		if got := keysOf(t, b); len(got) != maxGroupValues-1 || slices.Contains(got, "team:"+beyond) {
			t.Errorf("got %d groups, want %d and %s none of them", len(got), maxGroupValues-1, beyond)
		}
		if got := ranking(t, b, Ask{Group: beyond}); len(got) != 0 {
			t.Errorf("got %v in the group of a value too many", got)
		}
		if _, err := b.Around(t.Context(), Ask{Group: beyond}, "p0", 1); metrics.KindOf(err) != metrics.NotFound {
			t.Errorf("around p0 in it: got error %v, want one of kind NotFound", err)
		}
		if p, err := b.Player(t.Context(), Ask{Group: beyond}, "p0"); err != nil || p.Row.Rank != 0 {
			t.Errorf("p0 in it: got %+v, error %v; want no rank", p.Row, err)
		}
	}
}
