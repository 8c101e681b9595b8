package handlers

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"liveboard/metrics"
)

func TestStreamsInAllAreLimited(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Streams = StreamLimits{All: 2} })
	one, two := open(t, w.URL+"/live/d"), open(t, w.URL+"/live/d")
	one.until("")
	two.until("")
	logged := logs(t)
	wantProblem(t, do(t, "GET", w.URL+"/live/d", ""), http.StatusServiceUnavailable, "2 streams open")
	if got := logged(); !strings.Contains(got, "stream refused") || strings.Contains(got, `"ERROR"`) || w.server.streams.refused.Load() != 1 {
		t.Errorf("the log is %s, want that a stream was refused, as no fault of ours", got)
	}
	get200(t, w.URL+"/poll/d")
	two.cancel()
	eventually(t, "the place is free", func() bool { return w.server.streams.count() == 1 })
	open(t, w.URL+"/live/d").until("")
}

func TestStreamsOfAnEmbedAreLimited(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Streams = StreamLimits{PerEmbed: 1} }, dashboard("d", "orders"), dashboard("e", "orders"))
	open(t, w.URL+"/live/d?surface=embed").until("")
	wantProblem(t, do(t, "GET", w.URL+"/live/d?surface=embed&panel=orders", ""), http.StatusTooManyRequests, "The embed of d has 1 streams open")
	open(t, w.URL+"/live/e?surface=embed").until("")
	open(t, w.URL+"/live/d").until("")
}

// A browser has six connections to a host over HTTP/1.1: with a sixth stream its pages could not load any more.
func TestBrowserWithFiveStreamsIsToldToPoll(t *testing.T) {
	w := newWorld(t, nil)
	browser := []string{clientHeader, "0123456789abcdef"}
	for range maxPerBrowser {
		open(t, w.URL+"/live/d", browser...).until("")
	}
	wantProblem(t, do(t, "GET", w.URL+"/live/d", "", browser...), http.StatusTooManyRequests, "poll instead")
	get200(t, w.URL+"/poll/d", browser...)
	for name, other := range map[string][]string{
		"another browser":            {clientHeader, "fedcba9876543210"},
		"who gives no name":          nil,
		"a name that is none":        {clientHeader, "short"},
		"HTTP/2 to a proxy with TLS": append(browser, "X-Forwarded-Proto", "https"),
	} {
		t.Run(name, func(t *testing.T) { open(t, w.URL+"/live/d", other...).until("") })
	}
}

func TestWhoIsRefusedComesBackAtARandomTime(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Streams = StreamLimits{PerAddress: 1} })
	open(t, w.URL+"/live/d").until("")
	seen := map[string]bool{}
	for range 40 {
		after := do(t, "GET", w.URL+"/live/d", "").Header.Get("Retry-After")
		if seconds, err := strconv.Atoi(after); err != nil || seconds < 1 || seconds > 30 {
			t.Fatalf("Retry-After = %q, want 1 to 30 seconds", after)
		}
		seen[after] = true
	}
	if len(seen) < 3 {
		t.Errorf("40 clients were told to come back after %v seconds, want them spread", seen)
	}
}

func TestStreamOfSeveralViewsRefusesNonsense(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct {
		query, detail string
		status        int
	}{
		{"view=d&view=d", "ask once", 400},
		{"view=d&view=d%3Frange%3D5m", "ask once", 400}, // it is the dashboard's own range
		{"view=nothing", `no dashboard named "nothing"`, 404},
		{"view=%25zz", "is no address", 400},
		{"view=", `no dashboard named ""`, 404},
		{"view=d%3Frange%3Dsoon&view=nothing", "no dashboard", 404},
		{"view=d%3Frange%3Dsoon", "range must be", 400},
		{strings.Repeat("view=d&", maxViews+1), "at most 16 views", 400},
	} {
		for _, route := range []string{"/live?", "/poll?", "/live/?", "/poll/?"} {
			wantProblem(t, do(t, "GET", w.URL+route+c.query, ""), c.status, c.detail)
		}
	}
}

func TestPollOfSeveralViewsAnswersForAny(t *testing.T) {
	w := newWorld(t, nil, dashboard("d", "orders"), dashboard("e", "returns"))
	w.record("orders", 1)
	w.record("returns", 1)
	whole := parseAll(get200(t, w.URL+"/poll?view=d&view=e&view=nothing", "Accept-Encoding", "identity").body)
	var cursors []string
	for _, e := range whole {
		if e.name == "" {
			cursors = append(cursors, e.id)
		}
	}
	if len(cursors) != 2 || !strings.Contains(texts(whole), `"why":"gone"`) {
		t.Fatalf("got %+v, want both pages whole and bye to the third", whole)
	}
	for encoding, text := range map[string]func(answer) string{
		"identity": func(a answer) string { return a.body },
		"gzip":     func(a answer) string { return unzip(t, a.body) },
	} {
		answers := make(chan answer)
		go func() {
			answers <- do(t, "GET", w.URL+"/poll?view=d&cursor="+cursors[0]+"&view=e&cursor="+cursors[1], "", "Accept-Encoding", encoding)
		}()
		eventually(t, "the poll waits", func() bool { return w.press.Viewers()["e"] > 0 })
		w.record("returns", 2, metrics.Label{Name: "for", Value: encoding})
		events := parseAll(text(<-answers))
		last := events[len(events)-1]
		if !strings.Contains(texts(events), "p-e-returns") || strings.Contains(texts(events), "p-d-orders") || last.id == cursors[1] {
			t.Errorf("%s: got %+v, want what is new of e alone", encoding, events)
		}
		cursors[1] = last.id
	}
}
