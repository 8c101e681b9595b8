package fan

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"liveboard/views/press"
)

// sweepEvery is how often a loop looks for streams whose time is over.
const sweepEvery = time.Second

// loop owns the sockets of some of the streams: nobody else writes to them, or touches what is not above mu.
type loop struct {
	fan   *Fan
	epoll int
	bell  int // an eventfd that ends a wait

	mu     sync.Mutex
	posted []func()
	dirty  []*group
	rung   bool
	over   bool // it has ended

	stopping bool
	conns    []*conn // by slot; nil where one was
	free     []int32 // slots
	open     int
	groups   map[*press.Page]*group
	sender   sender
	batch    batch
	broken   []*conn // whose sockets a tick has found so
	lagging  []*conn // that are not abreast of a tick
	ended    []*conn // that nobody was told of yet
	sweepAt  time.Time
}

// bellSlot marks the bell's events.
const bellSlot = -1

func newLoop(f *Fan) (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(epoll)
		return nil, err
	}
	l := &loop{fan: f, epoll: epoll, bell: bell, groups: map[*press.Page]*group{}}
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, bell, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: bellSlot}); err != nil {
		_ = unix.Close(epoll)
		_ = unix.Close(bell)
		return nil, err
	}
	f.open.Go(l.run)
	return l, nil
}

// post lets the loop run do, and reports whether it will. It does not block.
func (l *loop) post(do func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	l.posted = append(l.posted, do)
	l.ring()
	return true
}

// mark tells the loop that the group's page has news. It does not block.
func (l *loop) mark(g *group) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.dirty {
		return
	}
	g.dirty = true
	l.dirty = append(l.dirty, g)
	l.ring()
}

// ring needs mu.
func (l *loop) ring() {
	if l.rung || l.over {
		return
	}
	l.rung = true
	one := binary.NativeEndian.AppendUint64(nil, 1)
	_, _ = unix.Write(l.bell, one) // it can only be full, and then it rings
}

// run is the loop's thread. It ends when the fan has stopped and every stream has ended.
func (l *loop) run() {
	runtime.LockOSThread() // a ring belongs to the thread that made it
	l.sender = newSender(l.fan.noRing)
	defer l.sender.close()
	events := make([]unix.EpollEvent, 256)
	for !l.finished() {
		n, err := unix.EpollWait(l.epoll, events, l.patience())
		if err != nil && err != unix.EINTR {
			panic("fan: epoll_wait: " + err.Error()) // only a wrong call is refused
		}
		for _, e := range events[:max(n, 0)] {
			l.handle(e)
		}
		l.work()
		if now := time.Now(); !now.Before(l.sweepAt) {
			l.sweepAt = now.Add(sweepEvery)
			l.sweep(now)
		}
		l.report()
	}
}

// finished reports whether there is nothing left to do, and then closes the loop.
func (l *loop) finished() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.stopping || l.open > 0 || len(l.posted) > 0 {
		return false
	}
	l.over = true
	_ = unix.Close(l.epoll)
	_ = unix.Close(l.bell)
	return true
}

// patience is how long to wait for events, in milliseconds.
func (l *loop) patience() int {
	if l.open == 0 {
		return -1
	}
	return int(max(0, time.Until(l.sweepAt).Milliseconds()+1))
}

func (l *loop) handle(e unix.EpollEvent) {
	if e.Fd == bellSlot {
		var count [8]byte
		_, _ = unix.Read(l.bell, count[:])
		return
	}
	c := l.conns[e.Fd]
	switch {
	case c == nil: // it ended meanwhile
	case e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0:
		l.end(c, errLeft)
	case e.Events&unix.EPOLLOUT != 0 && c.behind:
		l.resume(c)
	}
}

// work does what others have asked for.
func (l *loop) work() {
	l.mu.Lock()
	posted, dirty := l.posted, l.dirty
	l.posted, l.dirty, l.rung = nil, nil, false
	for _, g := range dirty {
		g.dirty = false
	}
	l.mu.Unlock()
	for _, do := range posted {
		do()
	}
	for _, g := range dirty {
		l.tick(g)
	}
}

// admit takes a stream in, and writes what it begins with.
func (l *loop) admit(c *conn) {
	c.slot = int32(len(l.conns))
	if n := len(l.free); n > 0 {
		c.slot, l.free = l.free[n-1], l.free[:n-1]
		l.conns[c.slot] = c
	} else {
		l.conns = append(l.conns, c)
	}
	l.open++
	if l.open == 1 {
		l.sweepAt = time.Now().Add(sweepEvery)
	}
	event := unix.EpollEvent{Events: unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: c.slot}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, c.fd, &event); err != nil {
		l.end(c, err)
		return
	}
	for _, s := range c.seats {
		s.conn = c
		l.join(s)
	}
	if l.stopping {
		l.goodbye(c, errStopping, stopBye())
		return
	}
	l.resume(c)
}

// goodbye ends a stream once its client was told when to come back.
func (l *loop) goodbye(c *conn, why error, f *press.Frame) {
	c.rest = c.private(c.rest, f)
	c.leaving = why
	if c.behind {
		c.since = time.Now()
		return
	}
	l.resume(c)
}

// goodbyeAll ends every stream, and each that comes yet.
func (l *loop) goodbyeAll() {
	l.stopping = true
	for _, c := range l.conns {
		if c != nil && c.leaving == nil {
			l.goodbye(c, errStopping, stopBye())
		}
	}
}

// stopBye sends clients back spread over a while.
func stopBye() *press.Frame { return press.Bye(press.Stopping, "", rand.N(stopSpread)) }

// sweep ends streams whose time is over, and those whose clients take nothing.
func (l *loop) sweep(now time.Time) {
	for _, c := range l.conns {
		switch {
		case c == nil:
		case c.leaving != nil && now.Sub(c.since) > byeWithin:
			l.end(c, c.leaving)
		case c.behind && now.Sub(c.since) > stallFor:
			l.end(c, errStalled)
		case c.leaving == nil && now.After(c.endAt):
			l.goodbye(c, errTurnover, press.Bye(press.Turnover, "", 0))
		}
	}
}

// end closes the stream's socket.
func (l *loop) end(c *conn, why error) {
	if c.closed {
		return
	}
	c.closed, c.leaving, c.rest = true, why, nil
	c.setBehind(false)
	_ = unix.Close(c.fd)
	l.conns[c.slot] = nil
	l.free = append(l.free, c.slot)
	l.open--
	for _, s := range c.seats {
		l.part(s)
	}
	l.ended = append(l.ended, c)
}

// report tells that streams have ended. Who is told may write a log: the loop does not wait.
func (l *loop) report() {
	if len(l.ended) == 0 {
		return
	}
	ended := l.ended
	l.ended = nil
	l.fan.open.Go(func() {
		for _, c := range ended {
			c.close(c.leaving)
		}
	})
}
