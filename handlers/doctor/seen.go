package doctor

import (
	"slices"
	"strings"
	"time"
)

// The probes: streams of the server that are there to be measured.
const (
	SteadyProbe = "steady" // an event every ProbeEvery for ProbeFor
	LateProbe   = "late"   // silent for LateBy at first, then an event every ProbeEvery
	SilentProbe = "silent" // an event, SilentFor of silence, two events
)

// How the probes send, and what a stream is held to.
const (
	ProbeEvery = 250 * time.Millisecond
	ProbeFor   = 3 * time.Second
	LateBy     = time.Second
	SilentFor  = 12 * time.Second // longer than the silence between two beats of a stream
	Parallel   = 7                // streams at once that are tried: one more than a browser has connections
)

// Seen is what a client has measured. Each check reads only a part of it. Times are in milliseconds.
type Seen struct {
	Browser bool    `json:"browser"` // the client is one
	Version string  `json:"version"` // of HTTP, as the client speaks it: http/1.1, h2, h3
	Server  string  `json:"server"`  // header of an answer
	Via     string  `json:"via"`     // header of an answer
	Ahead   float64 `json:"ahead"`   // the server's clock, before the client's
	Doubt   float64 `json:"doubt"`   // how far Ahead may be off
	Echo    Echo    `json:"echo"`
	Answer  Answer  `json:"answer"`
	Stream  Stream  `json:"stream"`
	Opened  int     `json:"opened"` // of Parallel streams
}

// Echo is what the server says about a request, and about itself.
type Echo struct {
	Build    string              `json:"build"`
	Now      int64               `json:"now"`      // Unix milliseconds
	Request  string              `json:"request"`  // differs from one request to the next
	Protocol string              `json:"protocol"` // "HTTP/1.1"
	Address  string              `json:"address"`  // where the connection comes from
	Gzip     bool                `json:"gzip"`     // the request asks for it
	Proxy    map[string][]string `json:"proxy"`    // headers by which proxies say that they are some
	Trusted  bool                `json:"trusted"`  // the server takes it for one of its own machine's
	Streams  Streams             `json:"streams"`
	Files    *Files              `json:"files,omitempty"` // for callers on the server's machine
}

// Streams are the streams that are open at the server.
type Streams struct {
	Address int `json:"address"` // from the address that asks
	Most    int `json:"most"`    // that one address may open
}

// Files are the files that the server has open, connections among them.
type Files struct {
	Open        int `json:"open"`
	Limit       int `json:"limit"`
	Streams     int `json:"streams"`     // that are open
	MostStreams int `json:"mostStreams"` // that may be; 0 for no limit
}

// Answer is how an answer to an ordinary request came.
type Answer struct {
	Status       int    `json:"status"`
	Type         string `json:"type"`
	CacheControl string `json:"cacheControl"`
	Redirect     string `json:"redirect"` // where to; "" for none
	Repeated     bool   `json:"repeated"` // a second request got the same answer as the first
}

// Stream is how a stream came.
type Stream struct {
	Status       int     `json:"status"` // 0 where no answer came at all
	Type         string  `json:"type"`
	CacheControl string  `json:"cacheControl"`
	Encoding     string  `json:"encoding"`
	Opened       float64 `json:"opened"` // from the request to the header
	First        float64 `json:"first"`  // from the request to the first event
	Ended        float64 `json:"ended"`  // from the request to the end
	Events       []Event `json:"events"`
	Gzip         bool    `json:"gzip"`   // so the server sent it
	Remade       bool    `json:"remade"` // compressed by another than the server
	Fault        string  `json:"fault"`  // how it broke; "" for a clean end
}

// Event is one event of a stream.
type Event struct {
	Sent float64 `json:"sent"` // by the server's clock
	Came float64 `json:"came"` // by the client's
}

// lateness returns how long after the event that was fastest the others came: the typical one, and the latest. What
// all events have in common, the way's length and the difference of the clocks, is not in it.
func lateness(events []Event) (typical, worst float64) {
	late := make([]float64, len(events))
	for i, e := range events {
		late[i] = e.Came - e.Sent
	}
	slices.Sort(late)
	return late[len(late)/2] - late[0], late[len(late)-1] - late[0]
}

// proxied reports whether something on the way says that it is a proxy.
func (s Seen) proxied() bool { return len(s.Echo.Proxy) > 0 || s.Server != "" || s.Via != "" }

// programs returns the programs on the way that are known here, by how they name themselves.
func (s Seen) programs() (known []string) {
	said := strings.ToLower(s.Server + " " + s.Via + " " + strings.Join(s.Echo.Proxy["Via"], " "))
	for word, program := range map[string]string{
		"nginx": nginx, "openresty": nginx, "haproxy": haproxy, "caddy": caddy, "apache": apache, "varnish": varnish,
	} {
		if strings.Contains(said, word) && !slices.Contains(known, program) {
			known = append(known, program)
		}
	}
	slices.Sort(known)
	return known
}
