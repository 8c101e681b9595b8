package head

import (
	"slices"

	"liveboard/metrics"
)

// keepChunks is how many full chunks of a series stay in memory once they are stored: at a
// sample a second the last 8 minutes, as far as a live query looks back for its next instant.
const keepChunks = 4

// Unsealed is what memory has of one series and the store has not.
type Unsealed struct {
	Series metrics.Series
	Chunks []Chunk         // to be stored under their From, over what stands there
	Late   []metrics.Point // sorted; to be merged into the stored chunks before Chunks

	series *series
	marks  []mark
}

// mark is the state of a chunk that an Unsealed holds.
type mark struct {
	chunk *chunk
	edits uint32
}

// Unsealed returns the unsealed parts of the next n series from the given place on, and the
// place to go on from, 0 at the end. What it returns holds at least all groups applied before.
func (h *Head) Unsealed(from, n int) (unsealed []Unsealed, next int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	end := min(from+n, len(h.all))
	for _, s := range h.all[from:end] {
		if u, ok := s.unsealed(); ok {
			unsealed = append(unsealed, u)
		}
	}
	if end == len(h.all) {
		end = 0
	}
	return unsealed, end
}

func (s *series) unsealed() (u Unsealed, ok bool) {
	u = Unsealed{Series: s.id, Late: slices.Clone(s.late), series: s}
	for i, c := range s.chunks {
		if c.dirty() {
			u.Chunks = append(u.Chunks, s.freeze(i))
			u.marks = append(u.marks, mark{c, c.edits})
		}
	}
	return u, len(u.Chunks)+len(u.Late) > 0
}

// Sealed notes that the store has committed these parts, and lets go of old full chunks.
// What came after Unsealed was called stays unsealed.
func (h *Head) Sealed(unsealed []Unsealed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, u := range unsealed {
		for _, m := range u.marks {
			m.chunk.stored = m.edits
		}
		u.series.forgetLate(u.Late)
		u.series.letGo()
	}
}

// forgetLate drops the late samples that are stored now, unless a later group replaced them.
func (s *series) forgetLate(stored []metrics.Point) {
	if len(stored) == 0 {
		return
	}
	s.older = true
	s.late = slices.DeleteFunc(s.late, func(p metrics.Point) bool {
		i := firstAtOrAfter(stored, p.At)
		return i < len(stored) && samePoint(stored[i], p)
	})
}

// letGo drops the oldest chunks beyond keepChunks full ones, as far as they are stored.
func (s *series) letGo() {
	n := 0
	for len(s.chunks)-n > keepChunks+1 && !s.chunks[n].dirty() {
		n++
	}
	if n > 0 {
		s.chunks = slices.Delete(s.chunks, 0, n)
		s.older = true
	}
}
