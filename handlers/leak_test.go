//go:build linux

package handlers

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// visits are all the states in which a client may leave: what it asks for, up to which text it reads, and whether
// it then leaves as a machine does that is switched off and on again.
var visits = []struct {
	path, upTo string
	reset      bool
}{
	{path: ""}, // it never asks
	{path: "/live/d"},
	{path: "/live/d", upTo: "\r\n\r\n"},
	{path: "/live/d", upTo: "event: hello"},
	{path: "/live/d", upTo: "\nid: "},
	{path: "/live/d", upTo: "\nid: ", reset: true},
	{path: "/live?view=d&view=e", upTo: "\nid: "},
	{path: "/live/nothing", upTo: "404"},
	{path: "/poll/d", upTo: "\nid: "},
	{path: "/poll/d?cursor=CURSOR"}, // it waits for news
	{path: "/poll?view=d&view=e", reset: true},
}

// visit is one client that comes and goes.
func (w *world) visit(kind int, cursor string) error {
	v := visits[kind%len(visits)]
	conn, err := net.Dial("tcp", w.http.Listener.Addr().String())
	if err != nil {
		return err
	}
	defer conn.Close()
	if v.path == "" {
		return nil
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", strings.ReplaceAll(v.path, "CURSOR", cursor)); err != nil {
		return err
	}
	var got bytes.Buffer
	for in := bufio.NewReader(conn); !strings.Contains(got.String(), v.upTo); {
		b, err := in.ReadByte()
		if err != nil {
			return fmt.Errorf("GET %s: %w after %q", v.path, err, got.String())
		}
		got.WriteByte(b)
	}
	if v.reset {
		return conn.(*net.TCPConn).SetLinger(0)
	}
	return nil
}

// visitAll lets so many clients come and go, some at once, and waits until the server has seen all of them leave.
func (w *world) visitAll(clients int) {
	w.t.Helper()
	cursor := parseAll(get200(w.t, w.URL+"/poll/d", "Accept-Encoding", "identity").body)[2].id
	kinds := make(chan int)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for kind := range kinds {
				if err := w.visit(kind, cursor); err != nil {
					w.t.Error(err)
				}
			}
		})
	}
	for kind := range clients {
		if kinds <- kind; kind%100 == 0 {
			w.record("orders", float64(kind))
		}
	}
	close(kinds)
	all.Wait()
	w.record("orders", -1) // polls that wait for news have it
	eventually(w.t, "every stream has ended", func() bool { return w.server.streams.count() == 0 })
}

// footprint is what a process holds.
type footprint struct{ goroutines, files, heap int }

func measure(t *testing.T) footprint {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.GC() // what pools hold goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return footprint{runtime.NumGoroutine(), len(files), int(m.HeapAlloc)}
}

func TestTenThousandVisitsLeaveNothingBehind(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Streams = StreamLimits{} }, dashboard("d", "orders"), dashboard("e", "orders"))
	w.visitAll(500)
	before := measure(t)
	w.visitAll(10_000)
	const slack = 8 // goroutines and files of other things that come and go
	var after footprint
	within(t, patience, "goroutines and files are as many as before", func() bool {
		after = measure(t)
		return after.goroutines <= before.goroutines+slack && after.files <= before.files+slack
	})
	t.Logf("before %+v, after %+v", before, after)
	if most := before.heap + before.heap/20 + 1<<20; after.heap > most {
		t.Errorf("the heap has grown from %d to %d bytes", before.heap, after.heap)
	}
	if got := w.server.fan.Behind(); got != 0 {
		t.Errorf("%d streams are behind", got)
	}
}
