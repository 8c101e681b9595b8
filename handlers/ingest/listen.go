package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"time"

	"liveboard/metrics"
)

// What one listener may take.
const (
	maxLineBytes     = 8 << 10
	maxDatagramBytes = 64 << 10
	maxConnections   = 256
	idleAfter        = 10 * time.Minute
	socketBytes      = 4 << 20                // asked of the kernel for datagrams; it gives what net.core.rmem_max allows
	againSoon        = 100 * time.Millisecond // after an error of a socket
)

// lines is a protocol of lines over sockets.
type lines struct {
	format  string // as Origin calls it
	overTCP bool   // and not only over UDP
	// take reads lines, of which it keeps nothing.
	take func(l *listener, p packet)
	// flush is called so often, and when everything has been read; nil for protocols that hold nothing back.
	flush func(l *listener, now time.Time)
	every time.Duration
}

// packet is some whole lines of one sender.
type packet struct {
	text  []byte
	from  netip.Addr
	now   time.Time // of its arrival
	waits bool      // its sender can be made to wait
}

// listener takes the lines of one protocol.
type listener struct {
	lines
	tcp     net.Listener // nil where the protocol has only datagrams
	udp     *net.UDPConn
	intake  *Intake
	gather  *gatherer
	losses  losses
	closing chan struct{}
	once    sync.Once // closes it
	readers sync.WaitGroup

	mu          sync.Mutex
	connections map[net.Conn]struct{}
}

// open opens the sockets of a protocol at one port, of which 0 takes a free one.
func (p lines) open(flag, address string) (l *listener, err error) {
	l = &listener{lines: p, closing: make(chan struct{}), connections: make(map[net.Conn]struct{})}
	l.gather = newGatherer(l.record)
	if p.overTCP {
		if l.tcp, err = net.Listen("tcp", address); err != nil {
			return nil, openError(flag, address, err)
		}
		address = l.tcp.Addr().String()
	}
	addr, err := net.ResolveUDPAddr("udp", address)
	if err == nil {
		l.udp, err = net.ListenUDP("udp", addr)
	}
	if err != nil {
		if p.overTCP {
			_ = l.tcp.Close()
		}
		return nil, openError(flag, address, err)
	}
	_ = l.udp.SetReadBuffer(socketBytes) // with less, a flood loses more
	return l, nil
}

func openError(flag, address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use by another program: choose another address with %s", address, flag)
	}
	return fmt.Errorf("%s %s: %w", flag, address, err)
}

// serve takes in what comes, until close.
func (l *listener) serve(i *Intake) {
	l.intake = i
	l.gather.start()
	l.readers.Go(l.datagrams)
	if l.tcp != nil {
		l.readers.Go(l.accept)
	}
	if l.flush != nil {
		l.readers.Go(l.flushAll)
	}
}

// close stops taking, and returns when what was read is recorded, or cannot be. It may be called again.
func (l *listener) close() { l.once.Do(l.end) }

func (l *listener) end() {
	close(l.closing)
	_ = l.udp.Close()
	if l.tcp != nil {
		_ = l.tcp.Close()
	}
	l.mu.Lock()
	for c := range l.connections {
		_ = c.SetReadDeadline(time.Unix(1, 0))
	}
	l.mu.Unlock()
	if l.intake == nil {
		return // it was never served
	}
	l.readers.Wait()
	if l.flush != nil {
		l.flush(l, time.Now())
	}
	l.gather.close()
}

func (l *listener) isClosing() bool {
	select {
	case <-l.closing:
		return true
	default:
		return false
	}
}

// pause waits so long, or until the listener closes.
func (l *listener) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-l.closing:
	}
}

func (l *listener) flushAll() {
	ticker := time.NewTicker(l.every)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			l.flush(l, now)
		case <-l.closing:
			return
		}
	}
}

// datagrams takes what comes over UDP. Nobody learns what becomes of a datagram.
func (l *listener) datagrams() {
	buf := make([]byte, maxDatagramBytes)
	for {
		n, from, err := l.udp.ReadFromUDPAddrPort(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // the network is down
			l.pause(againSoon)
		default:
			l.take(l, packet{text: buf[:n], from: from.Addr().Unmap().WithZone(""), now: time.Now()})
		}
	}
}

// accept takes connections.
func (l *listener) accept() {
	for {
		c, err := l.tcp.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // too many files are open
			l.pause(againSoon)
		case !l.enter(c):
			l.drop(1, "connection", hostOf(c), fmt.Errorf("there are %d connections already", maxConnections))
			_ = c.Close()
		default:
			l.readers.Go(func() { l.connection(c) })
		}
	}
}

func (l *listener) enter(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.connections) >= maxConnections {
		return false
	}
	l.connections[c] = struct{}{}
	return true
}

func (l *listener) leave(c net.Conn) {
	l.mu.Lock()
	delete(l.connections, c)
	l.mu.Unlock()
	_ = c.Close()
}

// connection takes what one client sends, no faster than it can be recorded.
func (l *listener) connection(c net.Conn) {
	defer l.leave(c)
	from, r := hostOf(c), lineReader{conn: c}
	for {
		_ = c.SetReadDeadline(time.Now().Add(idleAfter))
		if l.isClosing() { // asked after the deadline was set, which close brings forward
			return
		}
		text, tooLong, err := r.next()
		if tooLong {
			l.drop(1, "long", from, fmt.Errorf("a line has more than %d bytes", maxLineBytes))
		}
		if speaksHTTP(text) {
			l.drop(1, "http", from, errors.New("a connection speaks HTTP"))
			return
		}
		if len(text) > 0 {
			l.take(l, packet{text, from, time.Now(), true})
		}
		if err != nil {
			if r.rest > 0 { // its number may have been cut short
				l.drop(1, "unfinished", from, errors.New("a connection ended within a line"))
			}
			return
		}
	}
}

// speaksHTTP reports whether the lines have the header that every browser sends before a body. A page of another site can
// make one send a body of its choice to any port of this machine.
func speaksHTTP(lines []byte) bool {
	header := []byte("\nHost: ")
	return bytes.Contains(lines, header) || bytes.HasPrefix(lines, header[1:])
}

func hostOf(c net.Conn) netip.Addr {
	addr, _ := netip.ParseAddr(addressOf(c.RemoteAddr().String()))
	return addr
}

// lineReader reads whole lines.
type lineReader struct {
	conn     net.Conn
	buf      [2 * maxLineBytes]byte
	end      int  // of the lines that were given
	rest     int  // bytes behind it, of a line that is not whole
	skipping bool // what comes belongs to a line that was too long
}

// next returns the lines that have come, which stay until it is called again. tooLong tells that one was left out.
func (r *lineReader) next() (text []byte, tooLong bool, err error) {
	copy(r.buf[:], r.buf[r.end:r.end+r.rest])
	n, err := r.conn.Read(r.buf[r.rest:])
	text = r.buf[:r.rest+n]
	start := 0
	if r.skipping {
		start = bytes.IndexByte(text, '\n') + 1
		r.skipping = start == 0
	}
	r.end = bytes.LastIndexByte(text, '\n') + 1
	r.rest = len(text) - r.end
	if r.skipping || r.rest > maxLineBytes {
		r.rest, r.skipping, tooLong = 0, true, !r.skipping
	}
	return text[start:r.end], tooLong, err
}

// put hands samples on. Where there is no room, it waits or drops them.
func (l *listener) put(p packet, samples []metrics.Sample) {
	if !l.gather.put(p.from, samples, p.waits) {
		l.drop(len(samples), "full", p.from, errors.New("more comes than can be recorded"))
	}
}

// malformed drops a line.
func (l *listener) malformed(p packet, line []byte, err error) {
	l.drop(1, "malformed", p.from, fmt.Errorf("%s: %w", strconv.Quote(string(line[:min(len(line), 100)])), err))
}

// drop counts what is lost, and logs the reason once in a while.
func (l *listener) drop(n int, why string, from netip.Addr, err error) {
	l.intake.stats.dropped.WithLabelValues(l.format, why).Add(float64(n))
	if lost := l.losses.note(n); lost > 0 {
		slog.Warn("lines were dropped", "protocol", l.format, "lost", lost, "from", from, "error", err)
	}
}

// logLossesEvery is how often the losses of a protocol are logged at most.
const logLossesEvery = time.Minute

// losses count what was lost since something was logged.
type losses struct {
	mu sync.Mutex
	at time.Time // of the last line in the log
	n  int
}

// note returns how much is to be logged as lost, 0 for not yet.
func (l *losses) note(n int) (lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n += n
	if now := time.Now(); now.Sub(l.at) >= logLossesEvery {
		lost, l.n, l.at = l.n, 0, now
	}
	return lost
}
