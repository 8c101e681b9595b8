package fan

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sys/unix"
)

// Of a stream's socket.
const (
	sendBuffer  = 32 << 10         // bytes that wait in the kernel for a client that does not read; it takes twice that
	userTimeout = 20 * time.Second // in which a peer acknowledges, or is gone: small writes fit the buffer and tell nothing
)

type connKey struct{}

// ConnContext is an http.Server's: it keeps the connection, which a stream may take with it, and sets how long a peer
// may be silent. The listener cannot: it is not inherited.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	tcp, ok := c.(*net.TCPConn)
	if layered, secure := c.(interface{ NetConn() net.Conn }); secure {
		tcp, ok = layered.NetConn().(*net.TCPConn)
	}
	if !ok {
		return ctx
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { // what is refused is only noticed later
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
		})
	}
	return context.WithValue(ctx, connKey{}, c)
}

// plain reports whether the request came over HTTP/1 on a bare TCP connection.
func plain(r *http.Request) bool {
	_, ok := r.Context().Value(connKey{}).(*net.TCPConn)
	return ok && r.ProtoMajor == 1
}

// confine keeps the kernel from holding much for a client that does not read, where its connection carries nothing but
// the stream.
func confine(r *http.Request) {
	c, ok := r.Context().Value(connKey{}).(interface{ NetConn() net.Conn })
	if !ok || r.ProtoMajor != 1 {
		return
	}
	if tcp, ok := c.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer) // a hint
	}
}

// copyOf returns a descriptor of the request's connection beside Go's own. It is the caller's to close.
func copyOf(r *http.Request) (fd int, err error) {
	raw, err := r.Context().Value(connKey{}).(*net.TCPConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	if err := raw.Control(func(own uintptr) { fd, failed = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return 0, err
	}
	return fd, failed
}

// release takes the connection away from Go, which lets it go: a copy of it stays.
func release(w http.ResponseWriter) error {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return fmt.Errorf("take the connection over: %w", err)
	}
	_ = c.(*net.TCPConn).SetWriteBuffer(sendBuffer) // a hint
	return c.Close()
}

// headOf spells the head of an answer that ends with its connection.
func headOf(h http.Header) []byte {
	h.Set("Connection", "close")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 200 OK\r\n")
	_ = h.Write(&b) // to memory
	b.WriteString("\r\n")
	return b.Bytes()
}
