package rank

import (
	"testing"

	"pgregory.net/rapid"
)

// Hashes of few values collide all the time, at the end of the table too.
func TestHashSetEqualsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, model := newHashSet(), make(map[uint64]bool)
		hashes := rapid.Custom(func(t *rapid.T) uint64 {
			return rapid.Uint64Range(0, 3).Draw(t, "high")<<32 | rapid.Uint64Range(1, 40).Draw(t, "low")
		})
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				h := hashes.Draw(t, "hash")
				s.add(h)
				model[h] = true
			},
			"remove": func(t *rapid.T) {
				h := hashes.Draw(t, "hash")
				s.remove(h)
				delete(model, h)
			},
			"": func(t *rapid.T) {
				if s.count != len(model) {
					t.Fatalf("got %d hashes, want %d", s.count, len(model))
				}
				for high := range uint64(4) {
					for low := uint64(1); low <= 40; low++ {
						if h := high<<32 | low; s.has(h) != model[h] {
							t.Fatalf("%x: got %v, want %v", h, s.has(h), model[h])
						}
					}
				}
			},
		})
	})
}
