package rank

import (
	"iter"

	"liveboard/metrics"
)

// maxGroupValues is how many values of a group attribute have groups, those that came first: an order takes a
// kilobyte in each window, and players may say of themselves what they like.
const maxGroupValues = 1_000

// group is one value of one of the leaderboard's group attributes.
type group struct {
	attribute int // in the leaderboard's Groups
	value     string
}

// everybody stands for the order of all players where a group is asked for.
var everybody = group{attribute: -1}

// groups are the groups of a leaderboard. One that was there once stays, whether somebody is in it or not, so
// that which ones there are follows from the log, whatever the window.
type groups struct {
	names  []string // of the attributes
	known  map[group]struct{}
	counts []int // of known, by attribute
}

func newGroups(names []string) groups {
	return groups{names: names, known: make(map[group]struct{}), counts: make([]int, len(names))}
}

// see takes in what a player says.
func (g *groups) see(attributes metrics.Labels) {
	for i, name := range g.names {
		seen := group{i, attributes.Get(name)}
		if _, ok := g.known[seen]; !ok && seen.value != "" && g.counts[i] < maxGroupValues {
			g.known[seen] = struct{}{}
			g.counts[i]++
		}
	}
}

// of yields the groups of a player with these attributes.
func (g *groups) of(attributes metrics.Labels) iter.Seq[group] {
	return func(yield func(group) bool) {
		for i := range g.names {
			if its, ok := g.in(i, attributes); ok && !yield(its) {
				return
			}
		}
	}
}

// in returns the group by an attribute of a player with these attributes; ok is false where that is none.
func (g *groups) in(attribute int, attributes metrics.Labels) (its group, ok bool) {
	its = group{attribute, attributes.Get(g.names[attribute])}
	_, ok = g.known[its]
	return its, ok
}

// differ reports whether a player whose attributes change from one to the other leaves a group or comes into one.
func (g *groups) differ(before, after metrics.Labels) bool {
	for _, name := range g.names {
		if before.Get(name) != after.Get(name) {
			return true
		}
	}
	return false
}
