// Package fan writes event streams to those who look. On Linux a plaintext HTTP/1.1 stream is handed over after its
// headers: Go's goroutine, buffers and connection are let go, and one of a few loops, a thread for each core, writes
// every tick to all of its streams without blocking. HTTP/2, TLS and other systems keep a goroutine for each stream.
// Both ways show the same: see stream.
package fan

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"liveboard/metrics"
	"liveboard/views/press"
)

// How long things last.
const (
	stallFor   = 20 * time.Second // a client that takes no byte for so long is let go
	retryLeast = time.Second      // before a client comes back by itself, and up to four times that more
	stopSpread = 5 * time.Second  // over which clients come back after a stop
	byeWithin  = 2 * time.Second  // in which a client may take its goodbye
)

// Why streams end.
var (
	errTurnover = errors.New("its time was over")
	errStopping = errors.New("the server stops")
	errLeft     = errors.New("the client left")
	errStalled  = errors.New("the client took nothing")
	errFault    = errors.New("a fault of ours")
)

// Show is one of the pages that a stream shows.
type Show struct {
	Page   *press.Page
	View   press.View // by which to ask for the page again
	Name   string     // what the client calls it; "" where it asked for one alone
	Cursor string
}

// Request is what a client asks for.
type Request struct {
	Gone     []string // what it calls views that there are none of
	Shows    []Show   // no page twice
	Encoding press.Encoding
	For      time.Duration                // then the stream ends
	Ended    func(bytes int64, why error) // called once, when the stream has ended
}

// Fan holds the open streams.
type Fan struct {
	press    *press.Press
	noRing   bool
	sent     *metrics.Histogram
	stopping context.Context
	stop     context.CancelFunc
	loops    *loops
	behind   atomic.Int64
	open     sync.WaitGroup // loops, and what they have others do
}

// New returns a fan for the pages of a press. sent takes the seconds from a change to its sending, by delivery. With
// noRing it writes without io_uring, as it does where the kernel has none. End it with Stop and Wait.
func New(p *press.Press, sent *metrics.Histogram, noRing bool) *Fan {
	f := &Fan{press: p, sent: sent, noRing: noRing}
	f.stopping, f.stop = context.WithCancel(context.Background())
	f.loops = newLoops(f)
	return f
}

// Stop says goodbye to every stream; Serve refuses none, and ends it at once. It does not wait.
func (f *Fan) Stop() {
	f.stop()
	f.loops.stop()
}

// Wait waits until the streams that were handed over have ended, or ctx has; call it after Stop. Those with a goroutine
// are http.Server.Shutdown's to wait for.
func (f *Fan) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.open.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Serve answers with the stream. It blocks until the stream has ended, unless that was handed over. The headers of the
// answer but those that its form asks for are the caller's to set before.
func (f *Fan) Serve(w http.ResponseWriter, r *http.Request, q Request) {
	s := f.newStream(q)
	if f.loops.take(w, r, s) {
		return
	}
	confine(r)
	why := errFault
	defer func() { s.close(why) }()
	why = s.follow(r.Context(), w)
}

// Behind is how many of the streams that were handed over wait for clients that take nothing at the moment.
func (f *Fan) Behind() int { return int(f.behind.Load()) }

// retry is how long a client shall wait before it comes back by itself.
func retry() time.Duration { return retryLeast + rand.N(4*retryLeast) }

// observe counts deliveries of a change.
func (f *Fan) observe(since time.Time, deliveries int) {
	if !since.IsZero() {
		f.sent.ObserveMany(time.Since(since).Seconds(), deliveries)
	}
}
