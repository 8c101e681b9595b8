//go:build linux

package handlers

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"liveboard/metrics"
)

// goneWithin is how long one may hold a stream without taking anything from it.
const goneWithin = 45 * time.Second

func TestClientsThatReadNothingAreLetGo(t *testing.T) {
	t.Parallel()
	const stalled = 20
	w := ways[0].world(t)
	w.record("orders", 0)
	for range stalled {
		body, err := w.unread("/live/d")
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
	}
	reads := w.open("/live/d")
	reads.until("")
	for i := 0; w.server.fan.Behind() < stalled; i++ {
		w.record("orders", float64(i), metrics.Label{Name: "l", Value: strings.Repeat("x", 900) + string(rune('a'+i%8))})
		reads.until("")
	}
	within(t, goneWithin, "only who reads has a stream", func() bool { return w.server.streams.count() == 1 })
	if n := w.server.fan.Behind(); n != 0 {
		t.Errorf("%d streams are behind that are no more", n)
	}
	w.record("orders", 4321)
	reads.until("")
}

// A peer whose machine has lost its power acknowledges nothing, and small writes fit the buffer: only TCP itself knows.
func TestPeersThatVanishAreNoticed(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			w := way.world(t)
			var client *net.TCPConn
			w.by.(*http.Transport).DialContext = dialed(func(conn *net.TCPConn) error {
				client = conn
				return nil
			})
			s := w.open("/live/d")
			s.until("")
			deaf(t, client)
			w.record("orders", 1)
			within(t, goneWithin, "the stream is gone", func() bool { return w.server.streams.count() == 0 })
		})
	}
}

// deaf makes the kernel drop everything that comes for the connection, acknowledgements with it.
func deaf(t *testing.T, conn *net.TCPConn) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	drop := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}}
	control := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop[0]})
	})
	if err != nil || control != nil {
		t.Fatal(err, control)
	}
}
