package rank

// hashSet is a set of hashes, at 11 to 21 bytes each: a map takes twice as much. Its zero value is not ready, see newHashSet.
type hashSet struct {
	entries []uint64 // a hash stands where its low bits say, or after it; 0 is free. The length is a power of two
	count   int
}

func newHashSet() *hashSet { return &hashSet{entries: make([]uint64, 16)} }

// search returns the index of h, or that of the free entry where it would be.
func (s *hashSet) search(h uint64) int {
	mask := len(s.entries) - 1
	i := int(h) & mask
	for s.entries[i] != 0 && s.entries[i] != h {
		i = (i + 1) & mask
	}
	return i
}

// has reports whether h, which is not 0, is in the set.
func (s *hashSet) has(h uint64) bool { return s.entries[s.search(h)] == h }

// add puts h, which is not 0, into the set.
func (s *hashSet) add(h uint64) {
	if s.has(h) {
		return
	}
	if s.count++; s.count*4 > len(s.entries)*3 {
		narrow := s.entries
		s.entries = make([]uint64, 2*len(narrow))
		for _, e := range narrow {
			if e != 0 {
				s.entries[s.search(e)] = e
			}
		}
	}
	s.entries[s.search(h)] = h
}

// remove takes h out, if it is in. Entries behind it move up to where they may stand, so that no search for them
// ends at the gap (Knuth, The Art of Computer Programming, volume 3, 6.4, algorithm R).
func (s *hashSet) remove(h uint64) {
	gap := s.search(h)
	if s.entries[gap] == 0 {
		return
	}
	s.count--
	mask := len(s.entries) - 1
	for i := (gap + 1) & mask; s.entries[i] != 0; i = (i + 1) & mask {
		home := int(s.entries[i]) & mask
		if (i-home)&mask >= (i-gap)&mask {
			s.entries[gap] = s.entries[i]
			gap = i
		}
	}
	s.entries[gap] = 0
}
