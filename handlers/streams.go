package handlers

import (
	"net/http"
	"sync"
	"sync/atomic"

	"liveboard/handlers/fan"
	"liveboard/metrics"
	"liveboard/views/press"
)

// StreamLimits bound the event streams that are open at once; zero is no limit.
type StreamLimits struct {
	All        int
	PerAddress int // and twice as many views, and four times as many polls; see neighbourhood
	PerEmbed   int // of those that frames on other sites have, by dashboard and by leaderboard
}

// maxPerBrowser is how many streams one browser may hold over HTTP/1.1. It has six connections to a host, and needs one
// to load pages with.
const maxPerBrowser = 5

// streams counts what is open.
type streams struct {
	limits StreamLimits

	refused atomic.Uint64

	mu        sync.Mutex
	open      int
	addresses map[string]int
	views     map[string]int // by address
	embeds    map[string]int
	browsers  map[string]int
}

func newStreams(limits StreamLimits) *streams {
	return &streams{limits: limits, addresses: map[string]int{}, views: map[string]int{}, embeds: map[string]int{}, browsers: map[string]int{}}
}

// place is what a stream is counted for.
type place struct {
	address string
	views   int
	embeds  []string
	browser string
}

// enter takes a place for the stream of views that a request asks for; the caller must call release once. The error is
// of kind TooMany, or Unavailable where the server as a whole has no place.
func (s *streams) enter(r *http.Request, shows []fan.Show) (release func(), err error) {
	return s.take(place{neighbourhood(addressOf(r)), len(shows), embedsOf(shows), browserOf(r)})
}

func (s *streams) take(p place) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.check(p); err != nil {
		s.refused.Add(1)
		return nil, err
	}
	s.change(1, p)
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.change(-1, p)
	}), nil
}

// check needs mu.
func (s *streams) check(p place) error {
	if reached(s.limits.All, s.open) {
		return metrics.Errorf(metrics.Unavailable, "The server has %d streams open, and no more are allowed (--max-streams). Poll, or come back later.", s.limits.All)
	}
	if reached(s.limits.PerAddress, s.addresses[p.address]) {
		return metrics.Errorf(metrics.TooMany, "This address has %d streams open, and no more are allowed (--max-streams-per-address). Poll, or come back later.", s.limits.PerAddress)
	}
	if most := 2 * s.limits.PerAddress; reached(most, s.views[p.address]+p.views-1) {
		return metrics.Errorf(metrics.TooMany, "The streams of this address show %d views, and no more than %d are allowed (twice --max-streams-per-address).", s.views[p.address], most)
	}
	for _, e := range p.embeds {
		if reached(s.limits.PerEmbed, s.embeds[e]) {
			return metrics.Errorf(metrics.TooMany, "The embed of %s has %d streams open, and no more are allowed (--max-streams-per-embed).", e, s.limits.PerEmbed)
		}
	}
	if p.browser != "" && reached(maxPerBrowser, s.browsers[p.browser]) {
		return metrics.Errorf(metrics.TooMany, "This browser has %d streams open over HTTP/1.1, and few connections left: poll instead.", maxPerBrowser)
	}
	return nil
}

func reached(limit, n int) bool { return limit > 0 && n >= limit }

// change needs mu.
func (s *streams) change(n int, p place) {
	s.open += n
	add(s.addresses, p.address, n)
	add(s.views, p.address, n*p.views)
	for _, e := range p.embeds {
		add(s.embeds, e, n)
	}
	if p.browser != "" {
		add(s.browsers, p.browser, n)
	}
}

// add keeps no key that counts nothing.
func add(counts map[string]int, key string, n int) {
	if counts[key] += n; counts[key] == 0 {
		delete(counts, key)
	}
}

func (s *streams) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// of counts those of an address.
func (s *streams) of(address string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addresses[address]
}

// embedsOf names the dashboards and leaderboards that stand in frames on other sites.
func embedsOf(shows []fan.Show) (names []string) {
	for _, show := range shows {
		switch {
		case show.View.Surface != press.Embed:
		case show.View.Ranking.Board != "":
			names = append(names, "b/"+show.View.Ranking.Board)
		default:
			names = append(names, show.View.Dashboards)
		}
	}
	return names
}
