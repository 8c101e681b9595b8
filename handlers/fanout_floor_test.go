//go:build linux

package handlers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
)

func init() { children["floor"] = serveFloor }

// fanFloor is the least that a server in Go has to do: net/http reads the request, the socket is taken
// from it, and a loop per core writes each tick to its sockets with one write(2) each. It knows no
// pages, cursors or laggards: a socket that takes no more holds its loop up.
type fanFloor struct {
	loops []*floorLoop
	next  atomic.Int64 // who gets the next socket
	first atomic.Int64 // bytes for who comes, header included
	bytes atomic.Int64 // of a tick
}

// floorLoop is the sockets of one core.
type floorLoop struct {
	ticks chan []byte
	epoll int // tells of sockets whose other side has gone

	mu      sync.Mutex
	sockets map[int]struct{}
	stamp   string // of the newest tick that it wrote
}

// maxFloorTicks is how many ticks wait for a loop; then publishing waits.
const maxFloorTicks = 64

func serveFloor() error {
	f := &fanFloor{}
	for range runtime.GOMAXPROCS(0) {
		epoll, err := syscall.EpollCreate1(0)
		if err != nil {
			return err
		}
		l := &floorLoop{ticks: make(chan []byte, maxFloorTicks), epoll: epoll, sockets: map[int]struct{}{}}
		f.loops = append(f.loops, l)
		go l.write()
		go l.watch()
	}
	return fanCommands{"serve": f.serve, "size": f.size, "cpu": usedCPU, "memory": usedMemory, "peak": peakMemory, "prints": noPrints}.obey()
}

func (f *fanFloor) serve(fanOrder) (fanReport, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fanReport{}, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", f.stream)
	mux.HandleFunc("POST /", f.push)
	server := &http.Server{Handler: mux, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func() { _ = server.Serve(listener) }() // until the process ends
	return fanReport{Address: listener.Addr().String()}, nil
}

func noPrints(fanOrder) (fanReport, error) { return fanReport{}, nil }

// size sets how many bytes the floor sends from now on.
func (f *fanFloor) size(o fanOrder) (fanReport, error) {
	f.first.Store(int64(o.First))
	f.bytes.Store(int64(o.Bytes))
	return fanReport{}, nil
}

// stream takes the socket from net/http, and gives it to a loop.
func (f *fanFloor) stream(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		socket, err := syscall.Dup(int(fd))
		for errors.Is(err, syscall.EMFILE) { // watch is closing others
			runtime.Gosched()
			socket, err = syscall.Dup(int(fd))
		}
		if err != nil {
			return
		}
		n := f.next.Add(1)
		f.loops[n%int64(len(f.loops))].add(socket, int(f.first.Load()))
	})
}

const floorHeader = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

// add sends the newest state to a socket, and ticks from then on.
func (l *floorLoop) add(socket, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	frame := append([]byte(floorHeader), floorFrame(l.stamp, bytes-len(floorHeader))...)
	err := errors.Join(
		syscall.SetNonblock(socket, false),
		writeAll(socket, frame),
		syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, socket, &syscall.EpollEvent{Events: syscall.EPOLLRDHUP, Fd: int32(socket)}),
	)
	if err != nil {
		_ = syscall.Close(socket)
		return
	}
	l.sockets[socket] = struct{}{}
}

// push takes a tick as the server does, and hands it to the loops.
func (f *fanFloor) push(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	fields := bytes.Fields(body)
	if err != nil || len(fields) == 0 {
		http.Error(w, "no tick", http.StatusBadRequest)
		return
	}
	frame := floorFrame(string(fields[len(fields)-1]), int(f.bytes.Load()))
	for _, l := range f.loops {
		l.ticks <- frame
	}
	w.WriteHeader(http.StatusNoContent)
}

// floorFrame is an event of so many bytes with the stamp where the server's have it.
func floorFrame(stamp string, size int) []byte {
	frame := fmt.Appendf(nil, "data: <i %s%s\">", stampMark, stamp)
	if missing := size - len(frame) - len(eventEnd); missing > 0 {
		frame = append(frame, bytes.Repeat([]byte{'x'}, missing)...)
	}
	return append(frame, eventEnd...)
}

func (l *floorLoop) write() {
	for frame := range l.ticks {
		l.mu.Lock()
		for socket := range l.sockets {
			_ = writeAll(socket, frame) // watch finds out who has gone
		}
		_, after, _ := bytes.Cut(frame, []byte(stampMark))
		l.stamp = string(after[:stampDigits])
		l.mu.Unlock()
	}
}

// watch forgets sockets whose other side has gone.
func (l *floorLoop) watch() {
	events := make([]syscall.EpollEvent, 256)
	for {
		n, _ := syscall.EpollWait(l.epoll, events, -1) // an interrupted one has none
		l.mu.Lock()
		for _, e := range events[:max(n, 0)] {
			delete(l.sockets, int(e.Fd))
			_ = syscall.Close(int(e.Fd))
		}
		l.mu.Unlock()
	}
}

func writeAll(socket int, b []byte) error {
	for len(b) > 0 {
		n, err := syscall.Write(socket, b)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
