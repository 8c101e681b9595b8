package handlers

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// stopsWithin is what a stop may take; see the README.
const stopsWithin = 5 * time.Second

func TestStopSaysGoodbyeToAThousandStreams(t *testing.T) {
	const streams = 1000
	w := newWorld(t, func(c *Config) { c.Streams.PerAddress = streams })
	w.record("orders", 1)
	farewells := make(chan []event, streams)
	var opened sync.WaitGroup
	for range streams {
		opened.Add(1)
		go func() { farewells <- w.listen(opened.Done) }()
	}
	opened.Wait()
	acked := w.pushUntilStopped()

	w.server.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), stopsWithin)
	defer cancel()
	if err := w.http.Config.Shutdown(ctx); err != nil {
		t.Fatalf("Shutdown: %v", err)
	}
	retries := map[int64]int{}
	for range streams {
		retries[retryOf(t, <-farewells)]++
	}
	if len(retries) < streams/10 {
		t.Errorf("%d streams come back at only %d different times", streams, len(retries))
	}
	want := <-acked
	w.close()
	reopened := openStore(t, w.path)
	defer reopened.Close()
	if got := int(stored(reopened, "orders")["orders"]); got < want {
		t.Errorf("the reopened store has order %d, and %d was acknowledged", got, want)
	}
}

// listen reads a stream over a connection of its own to its end, and returns its events. It calls
// ready once the stream has shown the page.
func (w *world) listen(ready func()) (events []event) {
	conn, err := net.Dial("tcp", w.http.Listener.Addr().String())
	if err != nil {
		ready()
		return nil
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /live/d HTTP/1.1\r\nHost: %s\r\n\r\n", conn.RemoteAddr())
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		ready()
		return nil
	}
	defer answer.Body.Close()
	once := sync.OnceFunc(ready)
	defer once()
	parse(answer.Body, func(e event) {
		if e.id != "" {
			once()
		}
		events = append(events, e)
	})
	return events
}

// pushUntilStopped pushes orders 2, 3 and so on until the server takes no more. It returns when the
// first is answered; the channel then tells the last that was acknowledged.
func (w *world) pushUntilStopped() <-chan int {
	last, answered := make(chan int, 1), make(chan struct{})
	first := sync.OnceFunc(func() { close(answered) })
	go func() {
		n := 1
		for w.acknowledged(fmt.Sprint("orders ", n+1)) {
			n++
			first()
		}
		last <- n
		first()
	}()
	<-answered
	return last
}

func (w *world) acknowledged(line string) bool {
	answer, err := http.Post(w.URL+"/api/push", textPlain, strings.NewReader(line))
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusNoContent
}

// retryOf returns after how many milliseconds the client of a stream that ended shall come back.
func retryOf(t *testing.T, events []event) int64 {
	t.Helper()
	if len(events) == 0 {
		t.Fatal("a stream brought nothing")
	}
	last := events[len(events)-1]
	var bye struct {
		Why        string
		Now, Retry int64
	}
	if err := json.Unmarshal([]byte(last.data), &bye); err != nil || last.name != "bye" || bye.Why != "stopping" {
		t.Fatalf("the last event is %+v, want bye", last)
	}
	if spread := stopsWithin.Milliseconds(); bye.Now == 0 || bye.Retry < 0 || bye.Retry > spread {
		t.Errorf("bye = %+v, want the time and a retry within %d ms", bye, spread)
	}
	return bye.Retry
}
