//go:build linux

package fan

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"liveboard/views/press"
)

// settled waits until a loop has taken every seat of its streams to a page.
func (r *room) settled(t *testing.T) {
	t.Helper()
	r.onceSettled(t, func(*loop) {})
}

// onceSettled calls do once that is so, before anything can change.
func (r *room) onceSettled(t *testing.T, do func(l *loop)) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		waiting := 0
		r.on(func(l *loop) {
			for _, c := range l.conns {
				if c == nil {
					continue
				}
				for _, s := range c.seats {
					if s.group == nil {
						waiting++
					}
				}
			}
			if waiting == 0 {
				do(l)
			}
		})
		if waiting == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d seats wait for their page", waiting)
		}
	}
}

// places counts at how many places of a loop's groups a stream stands.
func (r *room) places(c *conn) (n int) {
	r.on(func(l *loop) {
		for _, g := range l.groups {
			for _, s := range g.seats {
				if s.conn == c {
					n++
				}
			}
		}
	})
	return n
}

// A tick that was due when the board was replaced finds the page gone; so does the mark of the page's end, later.
func TestPageIsRenewedOnce(t *testing.T) {
	r := newRoom(t, false)
	c := r.sit(t, press.Identity, ownRange)
	r.read(1)
	r.on(func(l *loop) {
		g := c.seats[0].group
		r.press.SetBoard(boardOf(t, time.Minute))
		l.tick(g)
		l.tick(g)
	})
	r.settled(t)
	if n := r.places(c); n != 1 {
		t.Errorf("the stream's one seat stands at %d places", n)
	}
	_ = unix.Shutdown(r.far[0], unix.SHUT_RDWR)
	for r.loopOpen() > 0 {
		r.on(func(*loop) {})
	}
	if n := r.places(c); n != 0 {
		t.Errorf("a stream that has ended stands at %d places", n)
	}
}

func (r *room) loopOpen() (n int) {
	r.on(func(l *loop) { n = l.open })
	return n
}

// A new board may make two views one page: the second is then no more.
func TestStreamShowsNoPageTwice(t *testing.T) {
	for _, noRing := range []bool{false, true} {
		r := newRoom(t, noRing)
		c := r.sit(t, press.Identity, ownRange, anHour)
		r.read(1)
		r.press.SetBoard(boardOf(t, time.Hour))
		text := r.readUntil(t, `"why":"gone"`)
		if !strings.Contains(text, `"view":"b"`) && !strings.Contains(text, `"view":"a"`) {
			t.Errorf("got %q, want bye to one of the views", text)
		}
		r.settled(t)
		if n := r.places(c); n != 1 {
			t.Errorf("the stream stands at %d places, want 1", n)
		}
		r.tick()
		r.readUntil(t, ">1<")
		r.tick()
		r.readUntil(t, "<live-next")
	}
}

// readUntil reads what the first client gets, up to a text.
func (r *room) readUntil(t *testing.T, text string) string {
	t.Helper()
	var got strings.Builder
	for !strings.Contains(got.String(), text) {
		n, err := unix.Read(r.far[0], r.buf)
		if n <= 0 {
			t.Fatalf("reading = %v after %q", err, got.String())
		}
		got.Write(r.buf[:n])
	}
	return got.String()
}

// Of two views one has news, and the other's page was replaced: each is told of once.
func TestPollTellsOfAPageOnce(t *testing.T) {
	r := newRoom(t, false)
	old, err := r.press.Page(anHour)
	if err != nil {
		t.Fatal(err)
	}
	r.press.SetBoard(boardOf(t, time.Minute))
	page, err := r.press.Page(ownRange)
	if err != nil {
		t.Fatal(err)
	}
	shows := []Show{{Page: page, View: ownRange, Name: "a"}, {Page: old, View: anHour, Name: "b"}}
	body := string(r.fan.Poll(t.Context(), Request{Shows: shows}, press.Poller{}))
	if n := strings.Count(body, "<article"); n != 1 {
		t.Errorf("got %d whole pages: %q, want that of the view that has one", n, body)
	}
}

// Streams end while others begin, boards change and values move.
func TestLoopUnderRace(t *testing.T) {
	r := newRoom(t, false)
	for i := range 40 {
		r.sit(t, press.Encoding(i%int(press.Encodings)), []press.View{ownRange, anHour}[i%2])
	}
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		for range 200 {
			r.tick()
			r.press.SetBoard(boardOf(t, time.Minute))
		}
	}()
	for i := 0; ; i++ {
		select {
		case <-stop:
			r.onceSettled(t, func(l *loop) {
				seats := 0
				for _, g := range l.groups {
					seats += len(g.seats)
				}
				if seats != l.open {
					t.Errorf("%d seats of %d streams", seats, l.open)
				}
			})
			return
		default:
			r.sit(t, press.Gzip, ownRange)
			_ = unix.Shutdown(r.far[i], unix.SHUT_RDWR)
		}
	}
}
