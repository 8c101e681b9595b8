package rank

import (
	"strings"

	"liveboard/metrics"
)

// sweepAfter is how many label sets may come before those that nobody has any more are looked for.
const sweepAfter = 1000

// labelSets are the labels of players by number. Many players share few sets, such as their teams, so each is kept once.
type labelSets struct {
	chosen []uint32 // by number: the index in sets
	sets   []metrics.Labels
	index  map[string]uint32 // of sets, by key
	swept  int               // how many sets the last sweep left
}

// of returns the labels of player n. They are shared: callers must not change them.
func (l *labelSets) of(n uint32) metrics.Labels { return l.sets[l.chosen[n]] }

// add gives the next player labels. It keeps nothing of them.
func (l *labelSets) add(labels metrics.Labels) {
	l.chosen = append(l.chosen, l.intern(labels))
}

// set gives player n other labels. It keeps nothing of them.
func (l *labelSets) set(n uint32, labels metrics.Labels) {
	l.chosen[n] = l.intern(labels)
}

// intern returns the index of the set of these labels.
func (l *labelSets) intern(labels metrics.Labels) uint32 {
	key := keyOfLabels(labels)
	if i, ok := l.index[key]; ok {
		return i
	}
	if len(l.sets) > 2*l.swept+sweepAfter {
		l.sweep()
	}
	return l.put(key, labels)
}

func (l *labelSets) put(key string, labels metrics.Labels) uint32 {
	var kept metrics.Labels
	for _, label := range labels {
		kept = append(kept, metrics.Label{Name: strings.Clone(label.Name), Value: strings.Clone(label.Value)})
	}
	if l.index == nil {
		l.index = make(map[string]uint32)
	}
	i := uint32(len(l.sets))
	l.sets = append(l.sets, kept)
	l.index[key] = i
	return i
}

// sweep forgets the sets that nobody has: a player who changes an attribute with every score shall not fill the memory.
func (l *labelSets) sweep() {
	sets := l.sets
	l.sets, l.index = nil, nil
	moved := make(map[uint32]uint32)
	for n, old := range l.chosen {
		i, ok := moved[old]
		if !ok {
			i = l.put(keyOfLabels(sets[old]), sets[old])
			moved[old] = i
		}
		l.chosen[n] = i
	}
	l.swept = len(l.sets)
}

// keyOfLabels tells label sets apart. Its separator cannot occur in valid UTF-8.
func keyOfLabels(labels metrics.Labels) string {
	var b strings.Builder
	for _, label := range labels {
		b.WriteString(label.Name + "\xff" + label.Value + "\xff")
	}
	return b.String()
}
