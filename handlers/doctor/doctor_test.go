package doctor

import (
	"slices"
	"strings"
	"testing"
)

// probe returns a stream whose events were sent every 250 ms from the given time on, and came as late as came says.
func probe(events int, from float64, came func(sent float64) float64) Stream {
	s := Stream{Status: 200, Type: "text/event-stream; charset=utf-8", CacheControl: "no-store, no-transform", Encoding: "gzip", Gzip: true}
	for i := range events {
		sent := from + 250*float64(i)
		s.Events = append(s.Events, Event{Sent: 1_000_000 + sent, Came: came(sent)})
	}
	s.First, s.Ended = s.Events[0].Came, s.Events[events-1].Came
	return s
}

func soon(sent float64) float64 { return sent + 20 }

func atTheEnd(float64) float64 { return 3020 }

// inLumps is what a proxy does that waits for the next second.
func inLumps(sent float64) float64 { return 1000 * (float64(int(sent/1000)) + 1) }

// exceptLast delays all but the last, which the end of the stream brings.
func exceptLast(sent float64) float64 {
	if sent == 3000 {
		return sent
	}
	return sent + 205
}

func stutter(sent float64) float64 {
	if sent == 1000 {
		return sent + 1300
	}
	return sent
}

func changed(s Stream, change func(*Stream)) Seen {
	change(&s)
	return Seen{Stream: s}
}

func TestJudgements(t *testing.T) {
	good := Answer{Status: 200, Type: "application/json", CacheControl: "no-store"}
	steady := probe(13, 0, soon)
	silent := Stream{Status: 200, Type: "text/event-stream", First: 5, Ended: 12005, Events: []Event{{0, 5}, {12000, 12005}}}
	for _, c := range []struct {
		name, check string
		seen        Seen
		want        Verdict
		says        string
	}{
		{"as sent", "answer", Seen{Answer: good}, Good, "no proxy shows itself"},
		{"named proxies", "answer", Seen{Answer: good, Server: "nginx/1.22.1", Via: "1.1 varnish (Varnish/7.1)"}, Good, "through Varnish and nginx"},
		{"a nameless proxy", "answer", Seen{Answer: good, Echo: Echo{Proxy: map[string][]string{"X-Forwarded-For": {"1.2.3.4"}}}}, Good, "through a proxy"},
		{"redirect", "answer", Seen{Answer: Answer{Status: 302, Redirect: "https://login.example/"}}, Bad, "https://login.example/"},
		{"portal", "answer", Seen{Answer: Answer{Status: 200, Type: "text/html"}}, Bad, "captive portal"},
		{"cache", "answer", Seen{Answer: Answer{Status: 200, Type: "application/json", CacheControl: "no-store", Repeated: true}}, Bad, "A cache"},
		{"Cache-Control", "answer", Seen{Answer: Answer{Status: 200, Type: "application/json", CacheControl: "max-age=60"}}, Warn, "max-age=60"},

		{"HTTP/2", "version", Seen{Version: "h2"}, Good, "HTTP/2"},
		{"trusted through a proxy", "answer", Seen{Answer: Answer{Status: 200, Type: "application/json", CacheControl: "no-store"}, Server: "nginx", Echo: Echo{Trusted: true}}, Bad, "who comes through nginx for a program on its own machine"},
		{"room for streams", "files", Seen{Echo: Echo{Files: &Files{Open: 20, Limit: 20_000, Streams: 3, MostStreams: 103}}}, Warn, "3 of at most 103 streams open: there is room for 100 more viewers"},
		{"HTTP/1.1", "version", Seen{Version: "http/1.1"}, Warn, "six connections"},
		{"no version", "version", Seen{}, Unknown, "does not tell"},

		{"same time", "clock", Seen{Ahead: 30, Doubt: 40}, Good, "within 70 ms"},
		{"far away", "clock", Seen{Ahead: -3000, Doubt: 1500}, Good, "within"},
		{"slow clock", "clock", Seen{Ahead: 61_000, Doubt: 5}, Warn, "61.0 s ahead of"},
		{"wrong clock", "clock", Seen{Ahead: -3_600_000}, Bad, "1h0m0s behind"},

		{"hello", "live", Seen{Stream: steady}, Good, "20 ms"},
		{"no hello", "live", Seen{Stream: Stream{Fault: "nothing more came"}}, Bad, "pages poll"},
		{"late hello", "live", changed(steady, func(s *Stream) { s.First = 3001 }), Bad, "pages poll"},
		{"one too many", "live", Seen{Stream: Stream{Status: 429}, Echo: Echo{Streams: Streams{64, 64}}}, Bad, "(64)"},
		{"no such stream", "live", Seen{Stream: Stream{Status: 502}}, Bad, "502"},

		{"in time", "steady", Seen{Stream: steady}, Good, "none more than 0 ms"},
		{"held to the end", "steady", Seen{Stream: probe(13, 0, atTheEnd)}, Bad, "1.5 s late"},
		{"in lumps", "steady", Seen{Stream: probe(13, 0, inLumps)}, Bad, "in lumps"},
		{"held for more", "steady", Seen{Stream: probe(13, 0, exceptLast)}, Warn, "205 ms"},
		{"a stutter", "steady", Seen{Stream: probe(13, 0, stutter)}, Warn, "1.3 s late"},
		{"broken off", "steady", Seen{Stream: probe(4, 0, soon)}, Bad, "4 of 13"},
		{"all but the last", "steady", Seen{Stream: probe(12, 0, soon)}, Good, "none more than 0 ms"},
		{"not opened", "steady", Seen{Stream: Stream{Fault: "connection refused"}}, Bad, "connection refused"},
		{"another type", "steady", changed(steady, func(s *Stream) { s.Type = "text/html" }), Bad, "text/html"},
		{"may be transformed", "steady", changed(steady, func(s *Stream) { s.CacheControl = "no-store" }), Warn, `"no-store"`},
		{"too many", "steady", Seen{Stream: Stream{Status: 429}}, Unknown, "try again"},
		{"after silence", "late", Seen{Stream: probe(9, 1000, soon)}, Good, "none more than 0 ms"},
		{"header with the first", "late", changed(probe(9, 1000, soon), func(s *Stream) { s.Opened = 1020 }), Good, "header waited"},
		{"silence held", "late", Seen{Stream: probe(9, 1000, atTheEnd)}, Bad, "1.0 s late"},

		{"gzip", "gzip", Seen{Stream: steady}, Good, "as it was sent"},
		{"unzipped", "gzip", changed(steady, func(s *Stream) { s.Encoding = "" }), Warn, "undoes"},
		{"not asked", "gzip", changed(steady, func(s *Stream) { s.Encoding, s.Gzip = "", false }), Warn, "not asked"},
		{"zipped by a proxy", "gzip", changed(steady, func(s *Stream) { s.Gzip = false }), Warn, "compresses the stream itself"},
		{"zipped again", "gzip", changed(steady, func(s *Stream) { s.Remade = true }), Warn, "compresses the stream itself"},
		{"zipped otherwise", "gzip", changed(steady, func(s *Stream) { s.Encoding = "br" }), Warn, "(br)"},
		{"zipped and held", "gzip", Seen{Stream: probe(13, 0, atTheEnd)}, Bad, "held back"},

		{"seven", "parallel", Seen{Opened: 7}, Good, "7 streams"},
		{"six of a browser", "parallel", Seen{Opened: 6, Browser: true, Version: "http/1.1"}, Warn, "six connections"},
		{"six of a command", "parallel", Seen{Opened: 6, Version: "http/1.1"}, Bad, "Only 6"},
		{"two over HTTP/2", "parallel", Seen{Opened: 2, Browser: true, Version: "h2"}, Bad, "the streams of a connection"},
		{"none", "parallel", Seen{}, Bad, "None"},
		{"too many at once", "parallel", Seen{Opened: 3, Stream: Stream{Status: 429}}, Unknown, "try again"},

		{"few streams", "limit", Seen{Echo: Echo{Streams: Streams{3, 64}}}, Good, "3 of at most 64"},
		{"many streams", "limit", Seen{Echo: Echo{Streams: Streams{52, 64}}}, Warn, "52 of at most 64"},
		{"all streams", "limit", Seen{Echo: Echo{Streams: Streams{64, 64}}}, Bad, "all of the 64"},
		{"few for a proxy", "limit", Seen{Server: "Caddy", Echo: Echo{Streams: Streams{3, 64}}}, Warn, "Behind a proxy"},
		{"enough for a proxy", "limit", Seen{Server: "Caddy", Echo: Echo{Streams: Streams{3, 100_000}}}, Good, "3 of at most 100000"},

		{"files of a stranger", "files", Seen{}, Unknown, "own machine"},
		{"few files", "files", Seen{Echo: Echo{Files: &Files{Open: 20, Limit: 1024}}}, Good, "room for 1004 more viewers. 100,000 need"},
		{"files run short", "files", Seen{Echo: Echo{Files: &Files{Open: 600, Limit: 1024}}}, Warn, "424"},
		{"no files", "files", Seen{Echo: Echo{Files: &Files{Open: 1000, Limit: 1024}}}, Bad, "24"},
		{"files for many", "files", Seen{Echo: Echo{Files: &Files{Open: 20, Limit: 250_000}}}, Good, "room for 249980 more viewers."},

		{"patient", "idle", Seen{Stream: silent}, Good, "12.0 s of silence"},
		{"impatient", "idle", changed(silent, func(s *Stream) { s.Events, s.Ended = s.Events[:1], 5005 }), Bad, "after 5.0 s"},
		{"held silence", "idle", changed(silent, func(s *Stream) { s.Events = []Event{{0, 12005}, {12000, 12005}} }), Unknown, "held back"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, ok := Judge(c.check, c.seen)
			if !ok || f.Verdict != c.want || !strings.Contains(f.Text, c.says) {
				t.Errorf("got %s: %q, want %s and %q", f.Verdict, f.Text, c.want, c.says)
			}
			if f.Check != c.check || f.Title == "" {
				t.Errorf("the finding is of %q, titled %q", f.Check, f.Title)
			}
		})
	}
}

func TestThereIsNoOtherCheck(t *testing.T) {
	if f, ok := Judge("pulse", Seen{}); ok {
		t.Errorf("got %+v", f)
	}
}

func TestCuresAreOfTheProxiesOnTheWay(t *testing.T) {
	held := probe(13, 0, atTheEnd)
	for _, c := range []struct {
		name string
		seen Seen
		want []string
	}{
		{"nobody's name", Seen{}, []string{nginx, haproxy, caddy, apache, varnish}},
		{"an unknown name", Seen{Server: "gws"}, []string{nginx, haproxy, caddy, apache, varnish}},
		{"by Server", Seen{Server: "nginx/1.22.1"}, []string{nginx}},
		{"by its kin", Seen{Server: "openresty/1.25.3.1"}, []string{nginx}},
		{"by Via", Seen{Via: "1.1 varnish (Varnish/7.1)"}, []string{varnish}},
		{"by what the server sees", Seen{Echo: Echo{Proxy: map[string][]string{"Via": {"1.1 Caddy"}}}}, []string{caddy}},
		{"two", Seen{Server: "Apache/2.4", Via: "1.1 Caddy"}, []string{caddy, apache}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.seen.Stream = held
			f, _ := Judge("steady", c.seen)
			var got []string
			for _, cure := range f.Cures {
				got = append(got, cure.Program)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got cures for %v, want %v", got, c.want)
			}
		})
	}
}

func TestCuresOfNoProxyAreForAll(t *testing.T) {
	f, _ := Judge("files", Seen{Server: "Caddy", Echo: Echo{Files: &Files{Open: 1, Limit: 1024}}})
	if len(f.Cures) != 3 || f.Cures[0].Lines != "LimitNOFILE=250000" {
		t.Errorf("got %+v, want the lines for the machine, and none for other proxies", f.Cures)
	}
}

func TestSpans(t *testing.T) {
	for ms, want := range map[float64]string{-1: "0 ms", 0.4: "0 ms", 999: "999 ms", 1500: "1.5 s", 99_900: "99.9 s", 600_000: "10m0s"} {
		if got := span(ms); got != want {
			t.Errorf("%v ms: got %q, want %q", ms, got, want)
		}
	}
}
