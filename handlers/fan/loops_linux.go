package fan

import (
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// loops are the threads that write the streams that were handed over. They start with the first.
type loops struct {
	fan  *Fan
	next atomic.Uint32

	mu      sync.Mutex
	all     []*loop
	started bool
	stopped bool
}

func newLoops(f *Fan) *loops { return &loops{fan: f} }

// start returns a loop for each core. Without any, where the system refuses what they need, every stream keeps its
// goroutine.
func (ls *loops) start() []*loop {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.started || ls.stopped {
		return ls.all
	}
	ls.started = true
	for range runtime.GOMAXPROCS(0) {
		l, err := newLoop(ls.fan)
		if err != nil {
			slog.Warn("streams have a goroutine each", "error", err)
			break
		}
		ls.all = append(ls.all, l)
	}
	return ls.all
}

func (ls *loops) stop() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.stopped = true
	for _, l := range ls.all {
		l.post(l.goodbyeAll)
	}
}

// take hands the stream over, and reports whether it could be.
func (ls *loops) take(w http.ResponseWriter, r *http.Request, s *stream) bool {
	if !plain(r) {
		return false
	}
	all := ls.start()
	if len(all) == 0 {
		return false
	}
	fd, err := copyOf(r)
	if err != nil {
		return false
	}
	c := &conn{stream: s, fd: fd}
	if err := release(w); err != nil {
		_ = unix.Close(fd)
		s.close(err)
		return true
	}
	c.rest = c.begin([][]byte{headOf(w.Header())})
	l := all[int(ls.next.Add(1))%len(all)]
	if !l.post(func() { l.admit(c) }) {
		_ = unix.Close(fd)
		c.close(errStopping)
	}
	return true
}
