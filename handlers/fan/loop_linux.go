package fan

import (
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"liveboard/views/press"
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
func (ls *loops) take(w http.ResponseWriter, r *http.Request, q Request) bool {
	if !plain(r) {
		return false
	}
	all := ls.start()
	if len(all) == 0 {
		return false
	}
	fd, head, err := handOver(w)
	if err != nil {
		q.Ended(0, err)
		return true
	}
	c := &conn{stream: ls.fan.newStream(q), fd: fd}
	c.rest = c.begin([][]byte{head})
	l := all[int(ls.next.Add(1))%len(all)]
	if !l.post(func() { l.admit(c) }) {
		_ = unix.Close(fd)
		c.close(errStopping)
	}
	return true
}

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

// group is all of a loop's seats at one page.
type group struct {
	page  *press.Page
	watch *press.Watch
	lead  *press.Viewer // takes for all who are abreast of it
	seats []*seat
	dirty bool // in the loop's list; it needs mu
}

// conn is a stream with the socket that it goes to.
type conn struct {
	*stream
	fd      int
	slot    int32
	rest    [][]byte  // of what the socket has not taken yet
	behind  bool      // the socket is full: it is asked again when it is not
	since   time.Time // when it took something last, while behind
	leaving error     // why the stream ends once rest is out; nil while it goes on
	closed  bool
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

// join puts the seat among those of its page.
func (l *loop) join(s *seat) {
	page := s.viewer.Page()
	g := l.groups[page]
	if g == nil {
		g = &group{page: page, lead: page.Lead()}
		g.watch = page.Watch(func() { l.mark(g) })
		l.groups[page] = g
		l.mark(g) // it may have gone before the watch began
	}
	s.group, s.at = g, len(g.seats)
	g.seats = append(g.seats, s)
}

// part takes the seat away from those of its page.
func (l *loop) part(s *seat) {
	g := s.group
	if g == nil {
		return
	}
	last := len(g.seats) - 1
	g.seats[s.at] = g.seats[last]
	g.seats[s.at].at = s.at
	g.seats[last] = nil
	g.seats = g.seats[:last]
	s.group = nil
	if last == 0 {
		g.watch.Close()
		delete(l.groups, g.page)
	}
}

// tick writes what is new at the page to all who are abreast of the lead, each in one write, and lets the others catch up.
func (l *loop) tick(g *group) {
	from := g.lead.Place()
	d, err := g.lead.Take()
	if err != nil {
		l.renew(g)
		return
	}
	if len(d.Frames) == 0 {
		return
	}
	bytes, sent := encoded{delivery: d}, 0
	for _, s := range g.seats {
		switch {
		case s.conn.behind: // epoll says when it can go on
		case s.viewer.Place() != from:
			l.lagging = append(l.lagging, s.conn)
		default:
			l.batch.add(s, bytes.of(s))
		}
		if l.batch.full() {
			sent += l.flush(g.lead)
		}
	}
	sent += l.flush(g.lead)
	l.fan.observe(d.Since, sent)
	l.settle()
}

// settle ends and resumes the streams that a tick has found broken or lagging: both change the group that it walks.
func (l *loop) settle() {
	for _, c := range l.broken {
		l.end(c, errLeft)
	}
	for _, c := range l.lagging {
		if !c.closed && !c.behind {
			l.resume(c)
		}
	}
	clear(l.broken)
	clear(l.lagging)
	l.broken, l.lagging = l.broken[:0], l.lagging[:0]
}

// flush writes the batch, whose seats then are where the lead is, and returns how many there were. Whose socket took
// nothing stays where it is, and gets the newest state when it can.
func (l *loop) flush(lead *press.Viewer) (sent int) {
	l.sender.send(l.batch.ops)
	for i, op := range l.batch.ops {
		s := l.batch.seats[i]
		c := s.conn
		switch {
		case op.n > 0:
			s.viewer.Follow(lead)
			c.last = s
			c.bytes += int64(op.n)
			sent++
			if op.n < len(op.bytes) {
				c.rest = append(c.rest, op.bytes[op.n:])
				c.setBehind(true)
			}
		case op.err == unix.EAGAIN:
			c.setBehind(true)
		default:
			l.broken = append(l.broken, c)
		}
	}
	l.batch.clear()
	return sent
}

// setBehind notes whether the socket is full.
func (c *conn) setBehind(behind bool) {
	if behind == c.behind {
		return
	}
	c.behind = behind
	if behind {
		c.since = time.Now()
		c.fan.behind.Add(1)
	} else {
		c.fan.behind.Add(-1)
	}
}

// resume writes what waits for the socket and then what is new, until there is nothing more or the socket is full.
func (l *loop) resume(c *conn) {
	for {
		if full, err := c.drain(); err != nil {
			l.end(c, errLeft)
			return
		} else if full {
			return
		}
		switch {
		case c.leaving != nil:
			l.end(c, c.leaving)
			return
		case !l.refill(c):
			c.setBehind(false)
			return
		}
	}
}

// drain writes rest, and reports whether the socket is full before its end.
func (c *conn) drain() (full bool, err error) {
	for len(c.rest) > 0 {
		n, err := unix.Writev(c.fd, c.rest[:min(len(c.rest), maxVector)])
		switch {
		case err == unix.EAGAIN:
			c.setBehind(true)
			return true, nil
		case err != nil:
			return false, err
		}
		c.bytes += int64(n)
		c.rest, c.since = beyond(c.rest, n), time.Now()
	}
	c.rest = nil
	return false, nil
}

// maxVector is how many buffers one write takes at most; Linux has 1024.
const maxVector = 512

// beyond returns what is left of bufs behind n bytes.
func beyond(bufs [][]byte, n int) [][]byte {
	for len(bufs) > 0 && n >= len(bufs[0]) {
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	if n > 0 {
		bufs[0] = bufs[0][n:]
	}
	return bufs
}

// refill puts what is new at the stream's pages into rest, and reports whether there is anything. Pages that are gone
// wait for their turn, see renew.
func (l *loop) refill(c *conn) bool {
	for _, s := range c.seats {
		if s.group == nil {
			continue
		}
		bufs, since, err := c.take(c.rest, s)
		if err == nil && len(bufs) > len(c.rest) {
			c.rest = bufs
			l.fan.observe(since, 1)
		}
	}
	return len(c.rest) > 0
}

// renew takes the seats of a page that is gone to the page that took its place. To find that may take long: the loop
// goes on meanwhile.
func (l *loop) renew(g *group) {
	g.watch.Close()
	delete(l.groups, g.page)
	for _, s := range g.seats {
		s.group = nil
	}
	l.fan.open.Go(func() {
		type answer struct {
			page *press.Page
			err  error
		}
		found := map[press.View]answer{}
		for _, s := range g.seats {
			if _, known := found[s.view]; !known {
				page, err := l.fan.press.Page(s.view)
				found[s.view] = answer{page, err}
			}
		}
		l.post(func() {
			for _, s := range g.seats {
				if a := found[s.view]; !s.conn.closed && s.conn.leaving == nil {
					l.reseat(s, a.page, a.err)
				}
			}
		})
	})
}

func (l *loop) reseat(s *seat, page *press.Page, err error) {
	c := s.conn
	if err != nil {
		c.rest = c.remove(c.rest, s)
	} else {
		c.rest = c.move(c.rest, s, page)
		l.join(s)
	}
	if len(c.seats) == 0 {
		c.leaving = press.ErrGone
	}
	if !c.behind {
		l.resume(c)
	}
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
