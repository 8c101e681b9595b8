package handlers

import (
	"net/http"
	"net/netip"
	"regexp"
	"sync"

	"liveboard/handlers/fan"
	"liveboard/metrics"
	"liveboard/views/press"
)

// StreamLimits bound the event streams that are open at once; zero is no limit.
type StreamLimits struct {
	All        int
	PerAddress int
	PerEmbed   int // of those that frames on other sites have, by dashboard and by leaderboard
}

// maxPerBrowser is how many streams one browser may hold over HTTP/1.1. It has six connections to a host, and needs one
// to load pages with.
const maxPerBrowser = 5

// streams counts the open streams.
type streams struct {
	limits StreamLimits

	mu        sync.Mutex
	open      int
	addresses map[netip.Addr]int
	embeds    map[string]int
	browsers  map[string]int
}

func newStreams(limits StreamLimits) *streams {
	return &streams{limits: limits, addresses: map[netip.Addr]int{}, embeds: map[string]int{}, browsers: map[string]int{}}
}

// place is what a stream is counted for.
type place struct {
	address netip.Addr
	embeds  []string
	browser string
}

// enter takes a place for the stream that a request asks for; the caller must call release once. The error is of kind
// TooMany, or Unavailable where the server as a whole has no place.
func (s *streams) enter(r *http.Request, shows []fan.Show) (release func(), err error) {
	return s.take(place{addressOf(r), embedsOf(shows), browserOf(r)})
}

func (s *streams) take(p place) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.check(p); err != nil {
		return nil, err
	}
	s.change(1, p)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.change(-1, p)
	}, nil
}

// check needs mu.
func (s *streams) check(p place) error {
	if reached(s.limits.All, s.open) {
		return metrics.Errorf(metrics.Unavailable, "The server has %d streams open, and no more are allowed (--max-streams). Poll, or come back later.", s.limits.All)
	}
	if reached(s.limits.PerAddress, s.addresses[p.address]) {
		return metrics.Errorf(metrics.TooMany, "This address has %d streams open, and no more are allowed (--max-streams-per-address).", s.limits.PerAddress)
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
	for _, e := range p.embeds {
		add(s.embeds, e, n)
	}
	if p.browser != "" {
		add(s.browsers, p.browser, n)
	}
}

// add keeps no key that counts nothing.
func add[K comparable](counts map[K]int, key K, n int) {
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
func (s *streams) of(addr netip.Addr) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addresses[addr]
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

// Headers of our own that a page's script sends.
const (
	clientHeader = "Liveboard-Client" // a random name that the browser has given itself
	reasonHeader = "Liveboard-Reason" // why the request before this one failed
)

var (
	clientName = regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`)
	reasonWord = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
)

// clientOf returns the name that the browser has given itself, "" for none.
func clientOf(r *http.Request) string {
	if name := r.Header.Get(clientHeader); clientName.MatchString(name) {
		return name
	}
	return ""
}

// browserOf is clientOf where that browser's connections are few: over HTTP/1.1, unless a proxy speaks another with it.
func browserOf(r *http.Request) string {
	if r.ProtoMajor > 1 || r.TLS == nil && r.Header.Get("X-Forwarded-Proto") == "https" {
		return ""
	}
	return clientOf(r)
}

// reasonOf returns why the client's last request failed, in its words; "" where it does not say.
func reasonOf(r *http.Request) string {
	if word := r.Header.Get(reasonHeader); reasonWord.MatchString(word) {
		return word
	}
	return ""
}

// filesBeside is how many of the open files are kept for everything else: pages, pushes, the database.
const filesBeside = 512

// MostStreams returns how many streams the open-file limit allows, 0 where there is none.
func MostStreams() int {
	files, ok := openFiles()
	if !ok {
		return 0
	}
	return max(files-filesBeside, files/2)
}
