package handlers

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
	"liveboard/views"
	"liveboard/views/press"
)

func TestStreamBeginsWithHelloThenTheWholeThenTheCursor(t *testing.T) {
	w := newWorld(t, nil)
	w.record("orders", 42)
	s := open(t, w.URL+"/live/d")
	events := s.until("")
	if len(events) != 3 || events[0].name != "hello" || events[1].name != "datastar-patch-elements" || !strings.Contains(events[1].data, `<article id="p-d-orders"`) {
		t.Fatalf("got %+v, want hello, the dashboard and the cursor", events)
	}
	var hello struct {
		Build, Epoch string
		Now, Beat    int64
	}
	if err := json.Unmarshal([]byte(events[0].data), &hello); err != nil {
		t.Fatal(err)
	}
	if age := time.Since(time.UnixMilli(hello.Now)); hello.Build != "build" || hello.Beat != 10 || age < 0 || age > time.Minute {
		t.Errorf("hello = %+v, want this build, 10 s and now", hello)
	}
	if cursor := events[2].id; hello.Epoch == "" || !strings.HasPrefix(cursor, hello.Epoch+"-") {
		t.Errorf("the cursor %q does not begin with the epoch %q", cursor, hello.Epoch)
	}
	w.record("orders", 43)
	if news := s.until(""); len(news) != 2 || !strings.Contains(news[0].data, "<live-next") || news[1].id == events[2].id {
		t.Errorf("a write brought %+v, want a next and another cursor", news)
	}
}

func TestStreamGoesOnFromACursor(t *testing.T) {
	w := newWorld(t, nil)
	w.record("orders", 1)
	first := open(t, w.URL+"/live/d")
	old := first.until("")[2].id
	w.record("orders", 2)
	newest := first.until("")[1].id
	for _, c := range []struct {
		name, query, header string
		want                string // of the first patch; none where the viewer is in step
	}{
		{"old cursor in the query", old, "", "<live-next"},
		{"old cursor in the header", "", old, "<live-next"},
		{"the header is newer", old, newest, ""},
		{"the header is older", newest, old, "<live-next"},
		{"foreign epoch", "another.1-1", "", "<article"},
		{"foreign header beside a good query", newest, "another.1-1", "<article"},
		{"rubbish", "\x00\"-", "", "<article"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, w.URL+"/live/d?cursor="+url.QueryEscape(c.query), "Last-Event-ID", c.header)
			s.until("hello")
			want := c.want
			if want == "" { // then the next write is what comes first
				w.record("orders", 3)
				want = "<live-next"
			}
			events := s.until("")
			if !strings.Contains(events[0].data, want) {
				t.Errorf("got %+v, want %s", events, want)
			}
			if c.want == "" && events[1].id == newest {
				t.Error("got what the cursor had seen")
			}
		})
	}
}

func TestStreamHeadersKeepProxiesAndCachesOut(t *testing.T) {
	w := newWorld(t, nil)
	poll := do(t, "GET", w.URL+"/poll/d", "")
	for name, h := range map[string]http.Header{"stream": open(t, w.URL+"/live/d").Header, "poll": poll.Header} {
		for key, want := range map[string]string{
			"Content-Type":           "text/event-stream; charset=utf-8",
			"Cache-Control":          "no-store, no-transform",
			"X-Accel-Buffering":      "no",
			"Vary":                   "Accept-Encoding",
			"X-Content-Type-Options": "nosniff",
		} {
			if got := h.Get(key); got != want {
				t.Errorf("%s: %s = %q, want %q", name, key, got, want)
			}
		}
	}
}

func TestStreamIsCompressedForThoseWhoUnderstand(t *testing.T) {
	w := newWorld(t, nil)
	for accept, want := range map[string]string{
		"gzip": "gzip", "br, gzip;q=0.5": "gzip", "*": "gzip", "gzip; q=1.0": "gzip",
		"gzip;q=0": "", "gzip; q=0.000, br": "", "identity": "", "xgzip": "", "gzip;q=much": "",
	} {
		s := open(t, w.URL+"/live/d", "Accept-Encoding", accept)
		if got := s.Header.Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q: Content-Encoding %q, want %q", accept, got, want)
		}
		s.until("") // can be read while it goes on
		w.record("orders", 1)
		s.until("")
		s.cancel()
	}
}

func TestStreamAndPollRefuseNonsense(t *testing.T) {
	w := newWorld(t, nil, dashboard("d", "orders"), dashboard("e", "orders"))
	for _, c := range []struct {
		path, detail string
		status       int
	}{
		{"d?range=soon", "range must be", 400},
		{"d?range=1s", "range must be", 400},
		{"d?range=-5m", "range must be", 400},
		{"d?range=99d", "range must be", 400},
		{"d?from=1763777777000", "to must be", 400},
		{"d?from=1763777777000&to=1763777777001", "to must be", 400},
		{"d?from=yesterday&to=1763777777001", "from must be", 400},
		{"d?surface=wall", "surface must be", 400},
		{"d,e?surface=kiosk&turn=1", "turn must be", 400},
		{"d,e?surface=kiosk&turn=often", "turn must be", 400},
		{"d,e", "Only a kiosk", 400},
		{"d?panel=nothing", `no panel named "nothing"`, 404},
		{"nothing", `no dashboard named "nothing"`, 404},
		{"d,nothing?surface=kiosk", `no dashboard named "nothing"`, 404},
		{"", `no dashboard named ""`, 404},
	} {
		for _, route := range []string{"/live/", "/poll/"} {
			wantProblem(t, do(t, "GET", w.URL+route+c.path, ""), c.status, c.detail)
		}
	}
	for _, method := range []string{"HEAD", "POST", "PUT"} {
		for _, route := range []string{"/live/d", "/poll/d"} {
			a := do(t, method, w.URL+route, "")
			if a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "GET" {
				t.Errorf("%s %s: status %d, Allow %q, want 405 and GET", method, route, a.StatusCode, a.Header.Get("Allow"))
			}
		}
	}
}

func TestPollAnswersWhenSomethingIsWritten(t *testing.T) {
	w := newWorld(t, nil)
	w.record("orders", 1)
	whole := get200(t, w.URL+"/poll/d", "Accept-Encoding", "identity")
	events := parseAll(whole.body)
	if len(events) != 3 || events[0].name != "hello" || !strings.Contains(events[1].data, "<article") {
		t.Fatalf("got %+v, want hello, the whole and the cursor at once", events)
	}
	answers := make(chan answer)
	go func() { answers <- do(t, "GET", w.URL+"/poll/d?cursor="+events[2].id, "", "Accept-Encoding", "gzip") }()
	w.record("orders", 2)
	a := <-answers
	if a.ContentLength < 0 || a.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("Content-Length %d, Content-Encoding %q, want a length and gzip", a.ContentLength, a.Header.Get("Content-Encoding"))
	}
	if got := parseAll(unzip(t, a.body)); len(got) != 3 || !strings.Contains(got[1].data, "<live-next") || got[2].id == events[2].id {
		t.Errorf("got %+v, want hello, a next and another cursor", got)
	}
}

func TestStreamsOfAnAddressAreLimited(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Streams.PerAddress = 2 })
	one, two := open(t, w.URL+"/live/d"), open(t, w.URL+"/live/d")
	one.until("")
	two.until("")
	a := do(t, "GET", w.URL+"/live/d", "")
	wantProblem(t, a, http.StatusTooManyRequests, "2 streams open")
	if a.Header.Get("Retry-After") == "" {
		t.Error("there is no Retry-After")
	}
	get200(t, w.URL+"/poll/d") // a poll takes no place: pages fall back to it
	one.cancel()
	eventually(t, "the place is free", func() bool { return w.server.streams.count() == 1 })
	open(t, w.URL+"/live/d").until("")
}

func TestStreamFollowsANewBoard(t *testing.T) {
	w := newWorld(t, nil, dashboard("d", "orders"), dashboard("e", "orders"))
	kept, dropped := open(t, w.URL+"/live/d"), open(t, w.URL+"/live/e")
	before := kept.until("")[2].id
	dropped.until("")
	w.press.SetBoard(&metrics.Board{Dashboards: []metrics.Dashboard{dashboard("d", "returns")}})
	events := kept.until("")
	if len(events) != 3 || events[0].name != "hello" || !strings.Contains(events[1].data, `id="p-d-returns"`) || events[2].id == before {
		t.Errorf("got %+v, want hello and the new board whole", events)
	}
	bye := dropped.until("bye")
	if !strings.Contains(bye[len(bye)-1].data, `"why":"gone"`) || !dropped.ended() {
		t.Errorf("the stream of a dashboard that is no more got %+v, want bye and the end", bye)
	}
	w.press.SetNotice(views.NoticeModel{Title: "broken"})
	if got := texts(kept.until("")); !strings.Contains(got, "broken") {
		t.Errorf("got %q, want the notice", got)
	}
}

func TestPollFollowsANewBoard(t *testing.T) {
	w := newWorld(t, nil)
	cursor := parseAll(get200(t, w.URL+"/poll/d").body)[2].id
	answers := make(chan answer)
	go func() { answers <- do(t, "GET", w.URL+"/poll/d?cursor="+cursor, "") }()
	w.press.SetBoard(&metrics.Board{Dashboards: []metrics.Dashboard{dashboard("d", "returns")}})
	if a := <-answers; !strings.Contains(a.body, `id="p-d-returns"`) {
		t.Errorf("got %q, want the new board whole", a.body)
	}
}

func TestEverySurfaceHasAStream(t *testing.T) {
	w := newWorld(t, nil, dashboard("d", "orders"), dashboard("e", "orders"))
	for path, want := range map[string]string{
		"?surface=index":                `id="cards"`,
		"?surface=arrivals&q=o":         `id="arrivals"`,
		"d":                             `id="grid-d"`,
		"d?surface=embed":               `id="grid-d"`,
		"d?panel=orders":                `id="grid-d"`,
		"d?range=1h":                    `id="grid-d"`,
		"d,e?surface=kiosk&turn=3600":   `id="kiosk"`,
		"d%2Ce?surface=kiosk&turn=3600": `id="kiosk"`, // as it comes out of chat programs
	} {
		s := open(t, w.URL+"/live/"+path)
		if got := texts(s.until("")); !strings.Contains(got, want) {
			t.Errorf("/live/%s brings %q, want %s", path, got, want)
		}
		s.cancel()
	}
}

func TestStreamsAreLoggedAtStartAndEnd(t *testing.T) {
	logged := logs(t)
	w := newWorld(t, nil)
	s := open(t, w.URL+"/live/d?cursor=xyz")
	s.until("")
	s.cancel()
	eventually(t, "the end is logged", func() bool { return strings.Contains(logged(), "stream closed") })
	if got := logged(); !strings.Contains(got, "stream opened") || !strings.Contains(got, `"path":"/live/d"`) || strings.Contains(got, "xyz") {
		t.Errorf("the log is %s, want the opening, the path and no query", got)
	}
}

func TestByeTellsWhy(t *testing.T) {
	w := newWorld(t, nil)
	s := open(t, w.URL+"/live/d")
	s.until("")
	get200(t, w.URL+"/poll/d") // its connection stays open: new ones find nobody any more
	w.server.Stop()
	events := s.until("bye")
	if !strings.Contains(events[len(events)-1].data, `"why":"`+string(press.Stopping)+`"`) || !s.ended() {
		t.Errorf("got %+v, want bye and the end", events)
	}
	wantProblem(t, do(t, "GET", w.URL+"/live/d", ""), http.StatusServiceUnavailable, "stopping")
	wantProblem(t, do(t, "GET", w.URL+"/poll/d", ""), http.StatusServiceUnavailable, "stopping")
}

func unzip(t testing.TB, body string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
