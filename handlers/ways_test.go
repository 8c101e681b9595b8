package handlers

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"liveboard/metrics"
)

// way is one of the ways in which a stream reaches its client.
type way struct {
	name   string
	noRing bool
	secure bool
	http2  bool
}

// ways are all of them: by a loop that writes through io_uring where the kernel has it, by a loop that writes itself,
// and by a goroutine for each.
var ways = []way{
	{name: "loop with a ring"},
	{name: "loop", noRing: true},
	{name: "TLS", secure: true},
	{name: "HTTP2", secure: true, http2: true},
}

// wayWorld is a world that is reached in one of the ways.
type wayWorld struct {
	*world
	by http.RoundTripper
}

// everyWay runs the test once for each of the ways.
func everyWay(t *testing.T, test func(t *testing.T, w *wayWorld), dashboards ...metrics.Dashboard) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			test(t, way.world(t, dashboards...))
		})
	}
}

func (way way) world(t *testing.T, dashboards ...metrics.Dashboard) *wayWorld {
	w := &wayWorld{world: newWorld(t, func(c *Config) { c.NoRing = way.noRing }, dashboards...), by: &http.Transport{DisableCompression: true}}
	if !way.secure {
		return w
	}
	secure := httptest.NewUnstartedServer(nil)
	secure.Config = w.server.HTTP()
	secure.EnableHTTP2 = way.http2
	secure.StartTLS()
	t.Cleanup(secure.Close)
	t.Cleanup(w.server.Stop) // Close waits for streams
	w.URL = secure.URL
	trust := secure.Client().Transport.(*http.Transport)
	w.by = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust.TLSClientConfig.RootCAs}, ForceAttemptHTTP2: way.http2, DisableCompression: true}
	return w
}

func (w *wayWorld) open(path string, headers ...string) *stream {
	w.t.Helper()
	return openBy(w.t, w.by, w.URL+path, headers...)
}

func TestEveryWayShowsTheWholeAndWhatComes(t *testing.T) {
	everyWay(t, func(t *testing.T, w *wayWorld) {
		w.record("orders", 1)
		for _, encoding := range []string{"identity", "gzip", "zstd"} {
			s := w.open("/live/d", "Accept-Encoding", encoding)
			events := s.until("")
			if len(events) != 3 || events[0].name != "hello" || !strings.Contains(events[1].data, "<article") {
				t.Fatalf("%s: got %+v, want hello, the dashboard and the cursor", encoding, events)
			}
			for i := range 5 { // the first is no continuation of anything, the others are
				w.record("orders", float64(10+i))
				if news := s.until(""); len(news) != 2 || !strings.Contains(news[0].data, fmt.Sprintf(">%d<", 10+i)) {
					t.Fatalf("%s: a write of %d brought %+v", encoding, 10+i, news)
				}
			}
			s.cancel()
		}
	})
}

func TestEveryWayGoesOnFromACursor(t *testing.T) {
	everyWay(t, func(t *testing.T, w *wayWorld) {
		w.record("orders", 1)
		first := w.open("/live/d", "Accept-Encoding", "gzip")
		old := first.until("")[2].id
		w.record("orders", 2)
		first.until("")
		again := w.open("/live/d?cursor="+old, "Accept-Encoding", "gzip")
		if events := again.until(""); !strings.Contains(events[1].data, "<live-next") {
			t.Errorf("an old cursor got %+v, want the difference", events)
		}
	})
}

func TestEveryWayFollowsANewBoard(t *testing.T) {
	everyWay(t, func(t *testing.T, w *wayWorld) {
		kept, dropped := w.open("/live/d", "Accept-Encoding", "gzip"), w.open("/live/e", "Accept-Encoding", "gzip")
		kept.until("")
		dropped.until("")
		w.press.SetBoard(&metrics.Board{Dashboards: []metrics.Dashboard{dashboard("d", "returns")}})
		if events := kept.until(""); events[0].name != "hello" || !strings.Contains(texts(events), `id="p-d-returns"`) {
			t.Errorf("got %+v, want hello and the new board whole", events)
		}
		w.record("returns", 7)
		if got := texts(kept.until("")); !strings.Contains(got, "returns") {
			t.Errorf("a write brought %q, want the new panel's", got)
		}
		if bye := dropped.until("bye"); !strings.Contains(bye[len(bye)-1].data, `"why":"gone"`) || !dropped.ended() {
			t.Errorf("the stream of a dashboard that is no more got %+v, want bye and the end", bye)
		}
	}, dashboard("d", "orders"), dashboard("e", "orders"))
}

func TestEveryWaySaysGoodbye(t *testing.T) {
	everyWay(t, func(t *testing.T, w *wayWorld) {
		s := w.open("/live/d", "Accept-Encoding", "gzip")
		s.until("")
		w.server.Stop()
		if events := s.until("bye"); !strings.Contains(events[len(events)-1].data, `"why":"stopping"`) || !s.ended() {
			t.Errorf("got %+v, want bye and the end", events)
		}
		eventually(t, "the stream is counted out", func() bool { return w.server.streams.count() == 0 })
	})
}

func TestEveryWayNoticesWhoLeaves(t *testing.T) {
	everyWay(t, func(t *testing.T, w *wayWorld) {
		s, stays := w.open("/live/d"), w.open("/live/d")
		s.until("")
		stays.until("")
		s.cancel()
		eventually(t, "one stream is open", func() bool { return w.server.streams.count() == 1 && w.press.Viewers()["d"] == 1 })
		w.record("orders", 5)
		stays.until("")
	})
}

func TestEveryWayShowsSeveralPagesOnOneStream(t *testing.T) {
	everyWay(t, func(t *testing.T, w *wayWorld) {
		w.record("orders", 1)
		w.record("returns", 1)
		views := []string{"d", "e?range=1h", "e?surface=kiosk", "nothing"}
		s := w.open("/live?"+url.Values{"view": views}.Encode(), "Accept-Encoding", "gzip")
		epochs := map[string]string{} // by view
		for len(epochs) < 3 {
			for _, e := range s.until("hello") {
				if e.name == "hello" {
					view, epoch := field(e.data, "view"), field(e.data, "epoch")
					epochs[view] = epoch
				}
			}
		}
		if bye := s.until("bye"); field(bye[0].data, "view") != "nothing" || field(bye[0].data, "why") != "gone" {
			t.Fatalf("got %+v, want bye to the view that there is not", bye)
		}
		cursors := map[string]string{} // by epoch
		for range 3 {
			epoch, cursor := cursorOfTick(t, s.until(""), "")
			cursors[epoch] = cursor
		}
		w.record("orders", 2)
		if epoch, _ := cursorOfTick(t, s.until(""), "p-d-orders"); epoch != epochs["d"] {
			t.Errorf("a tick of d ends with the cursor of epoch %q, want %q", epoch, epochs["d"])
		}
		w.record("returns", 2)
		seen := map[string]bool{}
		for range 2 {
			epoch, _ := cursorOfTick(t, s.until(""), "p-e-returns")
			seen[epoch] = true
		}
		if !seen[epochs["e?range=1h"]] || !seen[epochs["e?surface=kiosk"]] {
			t.Errorf("a write to what two pages show came to the epochs %v of %v", seen, epochs)
		}
		back := url.Values{"view": views[:2], "cursor": {cursors[epochs["d"]], "elsewhere-1"}}
		again := w.open("/live?"+back.Encode(), "Accept-Encoding", "gzip")
		if _, cursor := cursorOfTick(t, again.until(""), "<live-next"); !strings.HasPrefix(cursor, epochs["d"]) {
			t.Errorf("the cursor of d got %q, want what came after it", cursor)
		}
		cursorOfTick(t, again.until(""), "<article")
	}, dashboard("d", "orders"), dashboard("e", "returns"))
}

// cursorOfTick returns the cursor at the end of a tick that has a text in it, and its epoch.
func cursorOfTick(t *testing.T, tick []event, text string) (epoch, cursor string) {
	t.Helper()
	if got := texts(tick); !strings.Contains(got, text) {
		t.Fatalf("got %q, want %s", got, text)
	}
	cursor = tick[len(tick)-1].id
	epoch, _, _ = strings.Cut(cursor, "-")
	return epoch, cursor
}

// field returns a text of an event's JSON.
func field(data, name string) string {
	_, rest, _ := strings.Cut(data, `"`+name+`":"`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// A board that changes takes along every page of a stream that it still has, and tells which it has not.
func TestEveryWayTellsWhichPageIsGone(t *testing.T) {
	everyWay(t, func(t *testing.T, w *wayWorld) {
		s := w.open("/live?view=d&view=e", "Accept-Encoding", "gzip")
		s.until("")
		s.until("")
		w.press.SetBoard(&metrics.Board{Dashboards: []metrics.Dashboard{dashboard("d", "orders")}})
		var gone, moved bool
		for !gone || !moved {
			e, ok := s.next()
			if !ok {
				t.Fatal("the stream ended")
			}
			gone = gone || e.name == "bye" && field(e.data, "view") == "e"
			moved = moved || e.name == "hello" && field(e.data, "view") == "d"
		}
		w.record("orders", 3)
		for !strings.Contains(texts(s.until("")), ">3<") {
		}
	}, dashboard("d", "orders"), dashboard("e", "returns"))
}

// What a client does not read is skipped: it costs no more than the sockets hold, delays nobody, and who reads on ends
// at the newest state.
func TestEveryWaySkipsWhatAClientDoesNotRead(t *testing.T) {
	everyWay(t, func(t *testing.T, w *wayWorld) {
		const writes, labels = 400, 3
		label := func(i int) metrics.Label {
			return metrics.Label{Name: "l", Value: fmt.Sprint(strings.Repeat("x", 900), i%labels)}
		}
		unread, err := w.unread("/live/d")
		if err != nil {
			t.Fatal(err)
		}
		defer unread.Close()
		reads := w.open("/live/d")
		reads.until("")
		for i := range writes {
			w.record("orders", float64(i), label(i))
			reads.until("")
		}
		w.record("orders", 4321, label(0))
		reads.until("")
		shown, newest := 0, false
		parse(unread, func(e event) {
			if e.name == "datastar-patch-elements" {
				shown++
			}
			if !newest && strings.Contains(e.data, ">4321<") {
				newest = true
				w.server.Stop() // which ends the stream
			}
		})
		if !newest || shown > writes/2 {
			t.Errorf("the client was shown %d of %d ticks that it slept through, the newest among them: %v", shown, writes, newest)
		}
	})
}

// unread opens a stream over a connection of its own on which the client's side holds little, and returns its body.
func (w *wayWorld) unread(path string) (io.ReadCloser, error) {
	const holds = 8 << 10
	by := w.by.(*http.Transport).Clone()
	by.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: holds}
	by.DialContext = dialed(func(conn *net.TCPConn) error { return conn.SetReadBuffer(holds) })
	w.t.Cleanup(by.CloseIdleConnections)
	r, err := http.NewRequestWithContext(w.t.Context(), "GET", w.URL+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := by.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// dialed is a transport's DialContext that does something to each new connection.
func dialed(do func(*net.TCPConn) error) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return conn, do(conn.(*net.TCPConn))
	}
}
