package doctor

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// What the lateness of events, in milliseconds, is taken for.
const (
	heldFrom    = 400  // a typical event: somebody gathers them
	slowFrom    = 150  // a typical event: somebody waits whether there is more (HAProxy: 200 ms)
	stutterFrom = 1000 // a single event
	helloWithin = 3000 // after which a page takes to polling
)

func answer(s Seen) Finding {
	a := s.Answer
	switch {
	case a.Redirect != "":
		return finding(Bad, "Requests are sent elsewhere, to %s: a login page, a captive portal, or a rule of a proxy.", a.Redirect)
	case a.Status != http.StatusOK || !strings.HasPrefix(a.Type, "application/json"):
		return finding(Bad, "Something else answers in the server's place (status %d, %s): a login page, a captive portal, or a proxy without its server.", a.Status, cmp.Or(a.Type, "no content type"))
	case a.Repeated:
		return finding(Bad, "A cache answers in the server's place: two requests got the same answer.").curedBy(cached, s)
	case !strings.Contains(a.CacheControl, "no-store"):
		return finding(Warn, "Cache-Control is not what the server sent (no-store) but %q: something may keep answers.", a.CacheControl).curedBy(cached, s)
	}
	if s.Echo.Trusted && (s.Server != "" || s.Via != "") {
		return finding(Bad, "The server takes everybody who comes%s for a program on its own machine, which may push and moderate: it does not know of the proxy.", strings.TrimPrefix(s.through(), ",")).curedBy(unknownProxy, s)
	}
	return finding(Good, "Answers come from the server as it sent them%s.", s.through())
}

// through names the proxies on the way.
func (s Seen) through() string {
	switch known := s.programs(); {
	case len(known) > 0:
		return ", through " + strings.Join(known, " and ")
	case s.proxied():
		return ", through a proxy"
	}
	return ", and no proxy shows itself"
}

func version(s Seen) Finding {
	spoken := map[string]string{"http/1.0": "HTTP/1.0", "http/1.1": "HTTP/1.1", "h2": "HTTP/2", "h3": "HTTP/3"}[s.Version]
	switch s.Version {
	case "h2", "h3":
		return finding(Good, "The client speaks %s, so all streams share one connection; the server sees %s.", spoken, s.Echo.Protocol)
	case "http/1.0", "http/1.1":
		return finding(Warn, "The client speaks %s (the server sees %s): a browser has six connections to a host then. Its tabs share one stream, but not in every browser; HTTP/2 has no such limit.",
			spoken, s.Echo.Protocol).curedBy(oldHTTP, s)
	}
	return finding(Unknown, "The client does not tell which HTTP it speaks; the server sees %s.", s.Echo.Protocol)
}

// What a difference of clocks is taken for, in milliseconds. Signed scores may be 5 minutes off, samples 10 minutes ahead.
const (
	skewWarn = 2000
	skewBad  = 5 * 60_000
)

func clock(s Seen) Finding {
	off := math.Abs(s.Ahead)
	word := "ahead of"
	if s.Ahead < 0 {
		word = "behind"
	}
	switch {
	case off-s.Doubt < skewWarn:
		return finding(Good, "The clocks agree within %s.", span(off+s.Doubt))
	case off < skewBad:
		return finding(Warn, "The server's clock is %s %s this one: pages reckon with that, but times that programs send are wrong by it.", span(off), word).curedBy(skewed, s)
	}
	return finding(Bad, "The server's clock is %s %s this one: samples and signed scores from here will be refused.", span(off), word).curedBy(skewed, s)
}

func liveStream(s Seen) Finding {
	switch st := s.Stream; {
	case st.Status == http.StatusTooManyRequests:
		return finding(Bad, "The server refuses another stream: this address has as many as it may (%d).", s.Echo.Streams.Most).curedBy(fewStreams, s)
	case (st.Status == 0 || st.Status == http.StatusOK) && len(st.Events) == 0 || st.First > helloWithin:
		return finding(Bad, "A page's stream does not say hello within %s (%s): pages poll instead.", span(helloWithin), cmp.Or(st.Fault, "it ended")).curedBy(buffered, s)
	}
	if f, wrong := unusable(s); wrong {
		return f
	}
	return finding(Good, "A page's stream says hello after %s.", span(s.Stream.First))
}

// unusable tells what keeps a stream from being measured.
func unusable(s Seen) (f Finding, wrong bool) {
	switch st := s.Stream; {
	case st.Status == http.StatusTooManyRequests:
		return finding(Unknown, "Too many examinations at once: try again in a minute."), true
	case st.Status == 0:
		return finding(Bad, "The stream did not open: %s.", cmp.Or(st.Fault, "no answer")), true
	case st.Status != http.StatusOK:
		return finding(Bad, "The stream is answered with the status %d.", st.Status), true
	case !strings.HasPrefix(st.Type, "text/event-stream"):
		return finding(Bad, "The stream arrives as %s, not as text/event-stream: browsers will not read it.", cmp.Or(st.Type, "nothing in particular")).curedBy(cached, s), true
	}
	return Finding{}, false
}

func steady(s Seen) Finding { return held(s, int(ProbeFor/ProbeEvery)+1) }

func late(s Seen) Finding {
	f := held(s, int((ProbeFor-LateBy)/ProbeEvery)+1)
	if f.Verdict == Good && s.Stream.Opened > float64(LateBy.Milliseconds())/2 {
		f.Text += " The header waited for the first of them, which does no harm: streams begin with one."
	}
	return f
}

// held judges a probe of so many events. The last may be missing: the server's gzip has no end, and a proxy that looks
// for it (Varnish) gives up what it holds then.
func held(s Seen, want int) Finding {
	if f, wrong := unusable(s); wrong {
		return f
	}
	st := s.Stream
	if len(st.Events) < want-1 {
		return finding(Bad, "The stream broke off after %d of %d events: %s.", len(st.Events), want, cmp.Or(st.Fault, "it ended")).curedBy(buffered, s)
	}
	typical, worst := lateness(st.Events)
	switch {
	case typical >= heldFrom:
		return finding(Bad, "Events are held back and come in lumps, typically %s late: pages poll instead.", span(typical)).curedBy(buffered, s)
	case typical >= slowFrom:
		return finding(Warn, "Each event is held for some %s, to see whether more comes.", span(typical)).curedBy(buffered, s)
	case worst >= stutterFrom:
		return finding(Warn, "Nothing is held back, but one event came %s late: the network or a computer on the way is busy.", span(worst))
	case !strings.Contains(st.CacheControl, "no-transform"):
		return finding(Warn, "Events come when they are sent, but Cache-Control of the stream is not what the server sent: it is %q.", st.CacheControl).curedBy(cached, s)
	}
	return finding(Good, "Events come when they are sent, none more than %s late.", span(worst))
}

func compression(s Seen) Finding {
	st := s.Stream
	f := held(s, int(ProbeFor/ProbeEvery)+1)
	if f.Verdict != Good {
		return f
	}
	switch {
	case !st.Gzip && st.Encoding == "":
		return finding(Warn, "The server was not asked for compression, though the client did: streams weigh some five times as much.").curedBy(unzipped, s)
	case st.Gzip && st.Encoding == "":
		return finding(Warn, "Something undoes the stream's compression on the way: it weighs some five times as much.").curedBy(unzipped, s)
	case !st.Gzip || st.Encoding != "gzip" || st.Remade:
		return finding(Warn, "Something on the way compresses the stream itself (%s), which costs it memory and time for each viewer.", st.Encoding).curedBy(unzipped, s)
	}
	return finding(Good, "A gzip stream arrives as it was sent, each event at once.")
}

func parallel(s Seen) Finding {
	h1 := strings.HasPrefix(s.Version, "http/1")
	switch {
	case s.Stream.Status == http.StatusTooManyRequests:
		return finding(Unknown, "Too many examinations at once: try again in a minute.")
	case s.Opened >= Parallel:
		return finding(Good, "%d streams ran at once.", s.Opened)
	case s.Opened == 0:
		return finding(Bad, "None of %d streams opened.", Parallel).curedBy(buffered, s)
	case s.Browser && h1:
		return finding(Warn, "%d of %d streams ran at once: over HTTP/1.1 a browser has six connections to a host, for all of its tabs.", s.Opened, Parallel).curedBy(oldHTTP, s)
	}
	if !h1 {
		return finding(Bad, "Only %d of %d streams ran at once: something on the way limits the streams of a connection, as Apache does.", s.Opened, Parallel)
	}
	return finding(Bad, "Only %d of %d streams ran at once: something on the way limits connections.", s.Opened, Parallel).curedBy(fewConnections, s)
}

func limit(s Seen) Finding {
	switch n := s.Echo.Streams; {
	case n.Address >= n.Most:
		return finding(Bad, "This address has all of the %d streams that one address may have: further pages poll.", n.Most).curedBy(fewStreams, s)
	case s.proxied() && n.Most < manyStreams:
		return finding(Warn, "Behind a proxy all viewers have its address (%s), which has %d of at most %d streams: more pages than that poll.", s.Echo.Address, n.Address, n.Most).curedBy(fewStreams, s)
	case n.Address*5 >= n.Most*4:
		return finding(Warn, "This address has %d of at most %d streams.", n.Address, n.Most).curedBy(fewStreams, s)
	default:
		return finding(Good, "This address has %d of at most %d streams.", n.Address, n.Most)
	}
}

// manyStreams is a limit of streams per address that suits a proxy.
const manyStreams = 1000

// Of the server's open files: what a viewer takes is one, and 100,000 of them want a little more than that.
const (
	fewFiles    = 100
	someFiles   = 1000
	plentyFiles = 110_000
)

func files(s Seen) Finding {
	n := s.Echo.Files
	if n == nil {
		return finding(Unknown, "The server tells this on its own machine only, and with --public-url to nobody: run liveboard doctor there, or see process_max_fds in /metrics.")
	}
	v, room := Good, n.Limit-n.Open
	if n.MostStreams > 0 {
		room = min(room, n.MostStreams-n.Streams)
	}
	switch {
	case room < fewFiles:
		v = Bad
	case room < someFiles:
		v = Warn
	}
	f := finding(v, "The server has %d of at most %d files and %s streams open: there is room for %d more viewers.", n.Open, n.Limit, n.streams(), room)
	if n.Limit < plentyFiles {
		f.Text += " 100,000 need:"
		f = f.curedBy(fewFilesOpen, s)
	}
	return f
}

// streams tells how many are open, and of how many.
func (n Files) streams() string {
	if n.MostStreams == 0 {
		return strconv.Itoa(n.Streams)
	}
	return fmt.Sprintf("%d of at most %d", n.Streams, n.MostStreams)
}

func idle(s Seen) Finding {
	if f, wrong := unusable(s); wrong {
		return f
	}
	st := s.Stream
	if len(st.Events) < 2 {
		return finding(Bad, "A stream is cut off after %s of silence (%s), and real ones may be silent for 10 s.", span(st.Ended-st.First), cmp.Or(st.Fault, "it ended")).curedBy(impatient, s)
	}
	silence := st.Events[1].Came - st.Events[0].Came
	if silence < float64(SilentFor.Milliseconds())/2 {
		return finding(Unknown, "While events are held back, silence cannot be told from them.")
	}
	return finding(Good, "A stream survives %s of silence; real ones are never silent for more than 10 s.", span(silence))
}
