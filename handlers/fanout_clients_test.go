//go:build linux

package handlers

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func init() { children["clients"] = watchFanout }

// What the clients look for in a stream. The stamp is when the newest sample of a panel was published, in
// Unix milliseconds, as every article tells it. A tick has one: it numbers the ticks.
const (
	stampMark   = `data-at="`
	stampDigits = 13
	cursorMark  = "\nid: "
	eventEnd    = "\n\n"
)

const (
	fanSources   = 32       // addresses that clients come from: ports are no limit then
	fanBuffer    = 16 << 10 // of a socket's receive buffer: it holds a few ticks, and 20,000 of them need little memory
	fanWaiting   = 1000     // connections of a loop without an answer: the kernel's backlog shall not overflow
	fanTooLong   = time.Minute
	fanBinSize   = 100 * time.Microsecond // of latencies
	fanBins      = int(fanTooLong / fanBinSize)
	addressNoNow = 24 // IP_BIND_ADDRESS_NO_PORT: connect finds the port, not bind
)

// fanCrowd is the process of the clients: raw sockets that epoll loops read, one loop per core.
type fanCrowd struct{ loops []*fanLoop }

// fanLoop reads the streams of some of the clients.
type fanLoop struct {
	epoll  int
	source int // of the client that came last
	runs   fanRuns

	mu        sync.Mutex
	target    fanOrder
	clients   []*fanClient // the first of them are connected, or were
	connected int          // how many of the first were
	bySocket  map[int32]*fanClient
	waiting   int // of those connected have no tick yet
	err       error
	counts    fanReport
	latencies []int // how many were so many bins long
}

func watchFanout() error {
	crowd := &fanCrowd{}
	for i := range runtime.GOMAXPROCS(0) {
		epoll, err := syscall.EpollCreate1(0)
		if err != nil {
			return err
		}
		l := &fanLoop{epoll: epoll, source: i, bySocket: map[int32]*fanClient{}, latencies: make([]int, fanBins)}
		crowd.loops = append(crowd.loops, l)
		go l.run()
	}
	return fanCommands{"open": crowd.open, "drop": crowd.drop, "stall": crowd.stall, "await": crowd.await, "count": crowd.count}.obey()
}

// open connects clients until there are as many as ordered, those that were dropped with their cursor. It is
// done once every one has seen the stamp.
func (f *fanCrowd) open(o fanOrder) (fanReport, error) {
	for i, l := range f.loops {
		l.mu.Lock()
		l.target = o
		for share := (o.Clients + i) / len(f.loops); len(l.clients) < share; {
			l.clients = append(l.clients, &fanClient{})
		}
		l.connect()
		l.mu.Unlock()
	}
	return f.await(o)
}

// drop closes every connection. The clients keep their cursors.
func (f *fanCrowd) drop(fanOrder) (fanReport, error) {
	for _, l := range f.loops {
		l.mu.Lock()
		for socket := range l.bySocket {
			_ = syscall.Close(int(socket))
		}
		clear(l.bySocket)
		l.connected, l.waiting = 0, 0
		l.mu.Unlock()
	}
	return fanReport{}, nil
}

// stall lets some clients read nothing any more.
func (f *fanCrowd) stall(o fanOrder) (fanReport, error) {
	for i, l := range f.loops {
		l.mu.Lock()
		left := (o.Clients + i) / len(f.loops)
		for socket, c := range l.bySocket {
			if left == 0 {
				break
			}
			left--
			c.stalled = true
			l.err = errors.Join(l.err, syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_DEL, int(socket), nil))
		}
		l.mu.Unlock()
	}
	return fanReport{}, nil
}

// await waits until every client has seen the stamp.
func (f *fanCrowd) await(o fanOrder) (fanReport, error) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(fanTooLong); ; <-tick.C {
		behind, err := 0, error(nil)
		for _, l := range f.loops {
			n, e := l.behind(o.Stamp)
			behind += n
			err = errors.Join(err, e)
		}
		if behind == 0 || err != nil {
			return fanReport{}, err
		}
		if time.Now().After(deadline) {
			return fanReport{}, fmt.Errorf("%d clients have not seen the tick within %v", behind, fanTooLong)
		}
	}
}

// behind counts the clients that have not seen the stamp on their present connection.
func (l *fanLoop) behind(stamp int64) (n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = len(l.clients) - l.connected + l.waiting
	for _, c := range l.clients[:l.connected] {
		if c.greeted && !c.stalled && c.stamp < stamp {
			n++
		}
	}
	return n, l.err
}

// count tells what came since it was last asked.
func (f *fanCrowd) count(fanOrder) (fanReport, error) {
	var sum fanReport
	latencies := make([]int, fanBins)
	for _, l := range f.loops {
		l.mu.Lock()
		sum.Deliveries += l.counts.Deliveries
		sum.Repeated += l.counts.Repeated
		sum.Bytes += l.counts.Bytes
		for i, n := range l.latencies {
			latencies[i] += n
		}
		l.counts = fanReport{}
		clear(l.latencies)
		l.mu.Unlock()
	}
	sum.P50, sum.P99 = quantile(latencies, 0.5), quantile(latencies, 0.99)
	return sum, nil
}

// quantile returns the milliseconds that so great a part of the latencies does not exceed.
func quantile(latencies []int, part float64) float64 {
	all, seen := 0, 0
	for _, n := range latencies {
		all += n
	}
	for i, n := range latencies {
		if seen += n; float64(seen) > part*float64(all) {
			return milliseconds(time.Duration(i+1) * fanBinSize)
		}
	}
	return 0
}

func (l *fanLoop) run() {
	events, buffer := make([]syscall.EpollEvent, 512), make([]byte, 64<<10)
	for {
		n, _ := syscall.EpollWait(l.epoll, events, -1) // an interrupted one has none
		l.mu.Lock()
		for _, e := range events[:max(n, 0)] {
			if c := l.bySocket[e.Fd]; c != nil {
				l.read(e.Fd, c, buffer)
			}
		}
		l.connect()
		l.mu.Unlock()
	}
}

// read takes what has come for a client. It needs mu.
func (l *fanLoop) read(socket int32, c *fanClient, buffer []byte) {
	n, err := syscall.Read(int(socket), buffer)
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		return
	}
	if n <= 0 {
		err = cmp.Or(err, io.EOF)
		l.err = fmt.Errorf("a stream ended: %w", err)
		delete(l.bySocket, socket)
		_ = syscall.Close(int(socket))
		return
	}
	l.counts.Bytes += n
	before := c.greeted
	stamps, err := c.take(buffer[:n], &l.runs)
	if err != nil {
		l.err = err
	}
	now := time.Now()
	for _, stamp := range stamps {
		l.note(c, stamp, now)
	}
	if c.greeted && !before {
		l.waiting--
	}
}

// note counts a tick. It needs mu.
func (l *fanLoop) note(c *fanClient, stamp int64, now time.Time) {
	c.greeted = true
	if stamp <= c.stamp {
		l.counts.Repeated++
		return
	}
	c.stamp = stamp
	l.counts.Deliveries++
	bin := int(now.Sub(time.UnixMilli(stamp)) / fanBinSize)
	l.latencies[min(max(bin, 0), fanBins-1)]++
}

// connect connects clients that are not, as long as not too many wait. It needs mu.
func (l *fanLoop) connect() {
	for l.connected < len(l.clients) && l.waiting < fanWaiting && l.err == nil {
		c := l.clients[l.connected]
		socket, err := l.dial()
		if err == nil {
			err = c.ask(socket, l.target)
		}
		if err == nil {
			err = syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, socket, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(socket)})
		}
		if err != nil {
			l.err = err
			return
		}
		l.bySocket[int32(socket)] = c
		l.connected++
		l.waiting++
	}
}

// dial connects a socket, from each source address in turn. Over loopback that does not wait for the server.
func (l *fanLoop) dial() (socket int, err error) {
	to, err := net.ResolveTCPAddr("tcp4", l.target.Address)
	if err != nil {
		return 0, err
	}
	if socket, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0); err != nil {
		return 0, err
	}
	l.source++
	return socket, errors.Join(
		syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_RCVBUF, fanBuffer),
		syscall.SetsockoptInt(socket, syscall.IPPROTO_IP, addressNoNow, 1),
		syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 1, byte(l.source%fanSources + 1)}}),
		syscall.Connect(socket, &syscall.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}),
	)
}

// fanClient is one viewer. Its fields but the first two are of its present connection.
type fanClient struct {
	stamp  int64  // of the newest tick
	cursor []byte // behind it

	greeted bool // it has shown a tick
	stalled bool // it reads nothing any more
	headed  bool // the header is through
	chunks  *chunks
	gzip    *fanGzip
	carry   []byte // came already, but is no whole event yet
}

// ask sends the request for the stream, from the client's cursor on.
func (c *fanClient) ask(socket int, o fanOrder) error {
	*c = fanClient{stamp: c.stamp, cursor: c.cursor, carry: c.carry[:0]}
	coding := "identity"
	if o.Gzip {
		coding = "gzip"
	}
	_, err := syscall.Write(socket, fmt.Appendf(nil, "GET /live/d?cursor=%s HTTP/1.1\r\nHost: %s\r\nAccept-Encoding: %s\r\n\r\n", c.cursor, o.Address, coding))
	return errors.Join(err, syscall.SetNonblock(socket, true))
}

// take reads what came, and returns the stamps in it.
func (c *fanClient) take(b []byte, runs *fanRuns) (stamps []int64, err error) {
	if !c.headed {
		if b, err = c.header(b); b == nil {
			return nil, err
		}
	}
	if c.chunks != nil {
		b = c.chunks.strip(b)
	}
	if c.gzip != nil {
		return c.takeRuns(b, runs)
	}
	return c.see(c.whole(b, eventEnd), nil), nil
}

// header reads the answer's header, and returns what comes behind it, nil where it is not through yet.
func (c *fanClient) header(b []byte) (body []byte, err error) {
	c.carry = append(c.carry, b...)
	header, body, ok := bytes.Cut(c.carry, []byte("\r\n\r\n"))
	if !ok {
		return nil, nil
	}
	if !bytes.HasPrefix(header, []byte("HTTP/1.1 200 ")) {
		return nil, fmt.Errorf("the answer is %q", c.carry)
	}
	c.headed = true
	if bytes.Contains(header, []byte("\r\nTransfer-Encoding: chunked")) {
		c.chunks = &chunks{}
	}
	if bytes.Contains(header, []byte("\r\nContent-Encoding: gzip")) {
		c.gzip = &fanGzip{}
	}
	c.carry = nil
	return body, nil
}

// whole returns what there is up to the last mark, and keeps the rest for the next time.
func (c *fanClient) whole(b []byte, mark string) []byte {
	if len(c.carry) > 0 {
		b = append(c.carry, b...)
		c.carry = nil
	}
	end := bytes.LastIndex(b, []byte(mark)) + len(mark)
	if end < len(mark) {
		end = 0
	}
	if end < len(b) {
		c.carry = bytes.Clone(b[end:])
	}
	return b[:end]
}

// see adds the stamps in whole events to those before, and keeps the cursor.
func (c *fanClient) see(text []byte, stamps []int64) []int64 {
	if i := bytes.LastIndex(text, []byte(cursorMark)); i >= 0 {
		cursor, _, _ := bytes.Cut(text[i+len(cursorMark):], []byte("\n"))
		c.cursor = append(c.cursor[:0], cursor...)
	}
	for {
		_, after, ok := bytes.Cut(text, []byte(stampMark))
		if !ok || len(after) < stampDigits {
			return stamps
		}
		if stamp, err := strconv.ParseInt(string(after[:stampDigits]), 10, 64); err == nil {
			stamps = append(stamps, stamp)
		}
		text = after
	}
}

// chunks takes the framing of chunked transfer coding (RFC 9112, 7.1) off.
type chunks struct {
	size   int  // of the chunk's data, as far as its line is read
	left   int  // of the chunk's data to come
	inData bool // and the line break behind it
}

// strip returns the data in b, in b's own memory.
func (c *chunks) strip(b []byte) []byte {
	data := b[:0]
	for len(b) > 0 {
		if c.left > 0 {
			n := min(c.left, len(b))
			data, b = append(data, b[:n]...), b[n:]
			c.left -= n
			continue
		}
		switch digit := b[0]; {
		case c.inData && digit == '\n': // behind the data
			c.inData = false
		case c.inData || digit == '\r':
		case digit == '\n':
			c.left, c.size, c.inData = c.size, 0, true
		default:
			c.size = c.size<<4 | int(digit&0xf) + 9*int(digit>>6)
		}
		b = b[1:]
	}
	return data
}
