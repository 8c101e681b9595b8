package rank

import (
	"cmp"
	"slices"

	"liveboard/metrics"
)

// rule is how a leaderboard compares: what its description says, made ready for use.
type rule struct {
	spec    *metrics.Leaderboard
	keep    metrics.Keep
	asc     bool
	breaks  []tieBreak
	columns []string // the sub-scores that are kept: those of the tie-breakers, sorted
}

// tieBreak is a tie-breaker: a column of the rows, or their time.
type tieBreak struct {
	column int // -1 for the time
	asc    bool
}

func newRule(spec *metrics.Leaderboard) *rule {
	r := &rule{spec: spec, keep: spec.Keep, asc: spec.Order == metrics.Asc}
	for _, b := range spec.TieBreaks {
		if b.Sub != "" {
			r.columns = append(r.columns, b.Sub)
		}
	}
	slices.Sort(r.columns)
	r.columns = slices.Compact(r.columns)
	for _, b := range spec.TieBreaks {
		r.breaks = append(r.breaks, tieBreak{slices.Index(r.columns, b.Sub), b.Order == metrics.Asc})
	}
	return r
}

// directed compares two values so that the better one comes first.
func directed[T cmp.Ordered](a, b T, asc bool) int {
	if asc {
		return cmp.Compare(a, b)
	}
	return cmp.Compare(b, a)
}

// result is one value with what breaks its ties.
type result struct {
	value float64
	at    int64
	subs  []float64 // by column
}

// broken compares two results of equal value by the tie-breakers: below zero where a is the better one.
func (r *rule) broken(a, b result) int {
	for _, t := range r.breaks {
		c := 0
		if t.column < 0 {
			c = directed(a.at, b.at, t.asc)
		} else {
			c = directed(a.subs[t.column], b.subs[t.column], t.asc)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// prefers reports whether keep takes the later score in place of the kept one. It is asked of those
// that keep one score: what is equal in everything stays the one that came first.
func (r *rule) prefers(later, kept result) bool {
	c := 0
	switch r.keep {
	case metrics.KeepLast:
		return later.at >= kept.at
	case metrics.KeepMin:
		c = cmp.Compare(later.value, kept.value)
	case metrics.KeepMax:
		c = cmp.Compare(kept.value, later.value)
	default:
		c = directed(later.value, kept.value, r.asc)
	}
	if c == 0 {
		c = r.broken(later, kept)
	}
	return c < 0 || c == 0 && later.at < kept.at
}

// adds reports whether the rule adds scores up rather than to keep one of them.
func (r *rule) adds() bool {
	return r.keep == metrics.KeepSum || r.keep == metrics.KeepCount || r.keep == metrics.KeepAverage
}
