package handlers

import (
	"net"
	"net/http"
	"sync"
)

// newcomers are the connections that have not asked for anything yet. Browsers open them ahead of
// need, and http.Server.Shutdown waits 5 seconds for each to ask.
type newcomers struct {
	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// note is an http.Server's ConnState.
func (n *newcomers) note(conn net.Conn, state http.ConnState) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(n.conns, conn)
	case n.closed:
		_ = conn.Close()
	case n.conns == nil:
		n.conns = map[net.Conn]struct{}{conn: {}}
	default:
		n.conns[conn] = struct{}{}
	}
}

// close closes them and all that come later.
func (n *newcomers) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	for conn := range n.conns {
		_ = conn.Close() // nobody is told anything by it
	}
}
