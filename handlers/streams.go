package handlers

import (
	"net/netip"
	"sync"

	"liveboard/metrics"
)

// streams counts the open streams, in all and by address.
type streams struct {
	perAddress int // at most

	mu     sync.Mutex
	open   int
	counts map[netip.Addr]int
}

func newStreams(perAddress int) *streams {
	return &streams{perAddress: perAddress, counts: map[netip.Addr]int{}}
}

// enter takes a place for a stream from addr; the caller must call release once. The error is of kind TooMany.
func (s *streams) enter(addr netip.Addr) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts[addr] >= s.perAddress {
		return nil, metrics.Errorf(metrics.TooMany,
			"This address has %d streams open, and no more are allowed (--max-streams-per-address).", s.perAddress)
	}
	s.open++
	s.counts[addr]++
	return func() { s.leave(addr) }, nil
}

func (s *streams) leave(addr netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if s.counts[addr]--; s.counts[addr] == 0 {
		delete(s.counts, addr)
	}
}

func (s *streams) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}
