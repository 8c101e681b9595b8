package handlers

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"liveboard/metrics"
	"liveboard/metrics/head"
	"liveboard/metrics/live"
	"liveboard/metrics/query"
	"liveboard/views/press"
)

// bubble serves one dashboard over connections in memory, under the false clock of synctest.
type bubble struct {
	t      *testing.T
	head   *head.Head
	hub    *live.Hub
	server *Server
	http   *http.Server
	conns  pipes
	seq    uint64
}

// inBubble runs the test with a real http.Server whose hours pass in no time.
func inBubble(t *testing.T, test func(b *bubble)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{t: t, head: head.New(nil), hub: live.New(time.Millisecond), conns: make(pipes)}
		p := press.New(b.hub, query.New(b.head), nil, &metrics.Board{Dashboards: []metrics.Dashboard{dashboard("d", "orders")}}, "build")
		b.server = New(Config{Press: p, Registry: prometheus.NewRegistry(), Streams: StreamLimits{PerAddress: 9}})
		b.http = b.server.HTTP()
		done := make(chan error)
		go func() { done <- b.http.Serve(b.conns) }()
		test(b)
		b.stop()
		<-done
		p.Close()
		b.hub.Close()
	})
}

// stop stops the server as main does. A second call does nothing.
func (b *bubble) stop() {
	b.server.Stop()
	if err := b.http.Shutdown(context.Background()); err != nil {
		b.t.Error(err)
	}
}

// write puts a sample of now into the head.
func (b *bubble) write(value float64) {
	series, err := metrics.NewSeries("orders")
	if err != nil {
		b.t.Fatal(err)
	}
	b.seq++
	b.head.Apply(b.seq, []metrics.Sample{{Series: series, At: time.Now().UnixMilli(), Value: value}})
	b.hub.Touch("orders")
}

// get asks for a path on a connection of its own, and returns the answer and the connection.
func (b *bubble) get(path string) (*http.Response, net.Conn) {
	b.t.Helper()
	conn, far := net.Pipe()
	b.conns <- far
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
		b.t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer, conn
}

// pipes is a listener to which connections are handed.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	conn, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) Close() error {
	close(p)
	return nil
}

func TestStreamBeatsAndEndsAfterTenMinutes(t *testing.T) {
	inBubble(t, func(b *bubble) {
		answer, conn := b.get("/live/d")
		defer conn.Close()
		began, beats := time.Now(), 0
		var last event
		parse(answer.Body, func(e event) {
			if e.name == "beat" {
				beats++
			}
			last = e
		})
		took := time.Since(began)
		if took < streamFor || took > streamFor+streamJitter {
			t.Errorf("the stream lasted %v, want %v to %v", took, streamFor, streamFor+streamJitter)
		}
		if want := int(took/press.Beat) + 1; beats < want-1 || beats > want {
			t.Errorf("%d beats in %v, want one that tells of the viewer and one every %v", beats, took, press.Beat)
		}
		if last.name != "bye" || !strings.Contains(last.data, `"why":"turnover"`) || !strings.Contains(last.data, `"retry":0`) {
			t.Errorf("the last event is %+v, want bye for a turnover", last)
		}
	})
}

func TestClientThatTakesNothingIsLetGo(t *testing.T) {
	inBubble(t, func(b *bubble) {
		_, conn := b.get("/live/d")
		defer conn.Close()
		if n := b.server.streams.count(); n != 1 {
			t.Fatalf("%d streams are open, want 1", n)
		}
		b.write(1) // nobody reads it
		time.Sleep(time.Minute)
		if n := b.server.streams.count(); n != 0 {
			t.Errorf("%d streams are open, want none", n)
		}
	})
}

func TestStopWaitsForNobodyWhoAskedNothing(t *testing.T) {
	inBubble(t, func(b *bubble) {
		before, far := net.Pipe()
		defer before.Close()
		b.conns <- far
		synctest.Wait()
		began := time.Now()
		b.server.Stop()
		after, far := net.Pipe() // it was in the listener's queue
		defer after.Close()
		b.conns <- far
		synctest.Wait()
		b.stop()
		if took := time.Since(began); took > time.Second {
			t.Errorf("the stop took %v", took)
		}
	})
}

func TestPollWaitsForNewsAndNoLonger(t *testing.T) {
	inBubble(t, func(b *bubble) {
		whole, conn := b.get("/poll/d")
		defer conn.Close()
		cursor := parseAll(body(t, whole))[2].id

		began := time.Now()
		time.AfterFunc(15*time.Second, func() { b.write(1) })
		news, conn := b.get("/poll/d?cursor=" + cursor)
		defer conn.Close()
		events := parseAll(body(t, news))
		if len(events) != 3 || time.Since(began).Truncate(time.Second) != 15*time.Second {
			t.Errorf("after %v came %+v, want news after 15 s, and no answer for a heartbeat", time.Since(began), events)
		}
		poll := "/poll/d?cursor=" + events[len(events)-1].id

		began = time.Now()
		none, conn := b.get(poll)
		defer conn.Close()
		if events := parseAll(body(t, none)); len(events) != 1 || time.Since(began) != maxPoll {
			t.Errorf("after %v came %+v, want hello alone after %v", time.Since(began), events, maxPoll)
		}

		began = time.Now()
		time.AfterFunc(5*time.Second, b.server.Stop)
		stopped, conn := b.get(poll)
		defer conn.Close()
		if events := parseAll(body(t, stopped)); len(events) != 1 || time.Since(began) != 5*time.Second {
			t.Errorf("at a stop after %v came %+v, want hello alone at once", time.Since(began), events)
		}
	})
}

func body(t *testing.T, answer *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
