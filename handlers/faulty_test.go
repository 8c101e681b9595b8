package handlers

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// faulty is a proxy before a site that does to requests what networks and their boxes do. Every request has a
// connection of its own.
type faulty struct {
	t    *testing.T
	site string // host and port
	URL  string

	mu       sync.Mutex
	fault    fault
	ended    chan struct{} // closed when the fault is
	open     map[net.Conn]bool
	requests []*http.Request
}

// fault answers one request on c, which is closed behind it; site is the site's end of the connection, to which the
// request is on its way.
type fault func(c *net.TCPConn, r *http.Request, site net.Conn, ended <-chan struct{})

// newFaulty returns a proxy that has no fault yet.
func newFaulty(t *testing.T, s *site) *faulty {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &faulty{t: t, site: strings.TrimPrefix(s.URL, "http://"), URL: "http://" + listener.Addr().String(), fault: passes, ended: make(chan struct{}), open: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.serve(c.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		p.set(passes)
		p.breakAll()
		serving.Wait()
	})
	return p
}

// set has the fault in new requests; what hangs in the one before goes on.
func (p *faulty) set(f fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.ended)
	p.fault, p.ended = f, make(chan struct{})
}

// breakAll ends all connections, as a box does that starts anew.
func (p *faulty) breakAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
}

// begin sets the fault, and breaks what was open before.
func (p *faulty) begin(f fault) {
	p.set(f)
	p.breakAll()
}

// asked returns the requests so far whose paths begin so.
func (p *faulty) asked(prefix string) (asked []*http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.requests {
		if strings.HasPrefix(r.URL.Path, prefix) {
			asked = append(asked, r)
		}
	}
	return asked
}

func (p *faulty) serve(c *net.TCPConn) {
	p.mu.Lock()
	p.open[c] = true
	p.mu.Unlock()
	defer func() {
		c.Close()
		p.mu.Lock()
		delete(p.open, c)
		p.mu.Unlock()
	}()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return // a connection that the browser opened in advance
	}
	site, err := net.Dial("tcp", p.site)
	if err != nil {
		says(http.StatusBadGateway)(c, r, nil, nil)
		return
	}
	defer site.Close()
	go func() { // the browser has nothing more to say: its end of the connection ends the other one
		_, _ = io.Copy(io.Discard, c)
		site.Close()
	}()
	p.mu.Lock()
	p.requests = append(p.requests, r)
	f, ended := p.fault, p.ended
	p.mu.Unlock()
	f(c, r, site, ended)
}

// ask sends the request on.
func ask(r *http.Request, site net.Conn) {
	r.Close = true
	_ = r.Write(site) // the answer will tell
}

func passes(c *net.TCPConn, r *http.Request, site net.Conn, _ <-chan struct{}) {
	ask(r, site)
	_, _ = io.Copy(c, site)
}

// late holds every piece back for that long.
func late(by time.Duration) fault {
	return func(c *net.TCPConn, r *http.Request, site net.Conn, ended <-chan struct{}) {
		ask(r, site)
		for piece := make([]byte, 32<<10); ; {
			n, err := site.Read(piece)
			if err != nil {
				return
			}
			select {
			case <-time.After(by):
			case <-ended:
			}
			if _, err := c.Write(piece[:n]); err != nil {
				return
			}
		}
	}
}

// sliced passes so many bytes at a time on.
func sliced(size int) fault {
	return func(c *net.TCPConn, r *http.Request, site net.Conn, _ <-chan struct{}) {
		ask(r, site)
		from := bufio.NewReader(site)
		for piece := make([]byte, size); ; {
			if _, err := io.ReadFull(from, piece[:1]); err != nil {
				return
			}
			n, _ := io.ReadFull(from, piece[1:min(size, 1+from.Buffered())])
			if _, err := c.Write(piece[:1+n]); err != nil {
				return
			}
		}
	}
}

// swallowed gives no answer until the fault ends.
func swallowed(c *net.TCPConn, r *http.Request, site net.Conn, ended <-chan struct{}) {
	<-ended
	passes(c, r, site, ended)
}

// reset ends the connection hard at once.
func reset(c *net.TCPConn, _ *http.Request, _ net.Conn, _ <-chan struct{}) {
	_ = c.SetLinger(0)
}

// says answers with that status and a page, as a box does that knows nothing of events.
func says(status int, headers ...string) fault {
	return func(c *net.TCPConn, _ *http.Request, _ net.Conn, _ <-chan struct{}) {
		body := "<!doctype html><title>box</title><h1>Please accept the terms</h1>"
		if status == http.StatusNoContent {
			body = ""
		}
		fmt.Fprintf(c, "HTTP/1.1 %d %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n%s\r\n%s",
			status, http.StatusText(status), len(body), strings.Join(append(headers, ""), "\r\n"), body)
		_ = c.CloseWrite()
	}
}

// refuses answers as our own server does when something is not to be had.
func refuses(status int) fault {
	return func(c *net.TCPConn, _ *http.Request, _ net.Conn, _ <-chan struct{}) {
		fmt.Fprintf(c, "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", status, http.StatusText(status))
		_ = c.CloseWrite()
	}
}

// toStreams has a fault in streams alone.
func toStreams(f fault) fault {
	return func(c *net.TCPConn, r *http.Request, site net.Conn, ended <-chan struct{}) {
		if strings.HasPrefix(r.URL.Path, "/live") {
			f(c, r, site, ended)
		} else {
			passes(c, r, site, ended)
		}
	}
}

// cut passes an answer with events on, in its clear text, up to so many bytes behind the first occurrence of a word;
// then the connection ends, hard or as if all had been said.
func cut(word string, behind int, hard bool) fault {
	return func(c *net.TCPConn, r *http.Request, site net.Conn, ended <-chan struct{}) {
		if !strings.HasPrefix(r.URL.Path, "/live") && !strings.HasPrefix(r.URL.Path, "/poll") {
			passes(c, r, site, ended)
			return
		}
		r.Header.Del("Accept-Encoding")
		ask(r, site)
		answer, err := http.ReadResponse(bufio.NewReader(site), r) // its body is not closed: that would wait for its end
		if err != nil {
			return
		}
		fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Type: %s\r\nConnection: close\r\n\r\n", answer.Status, answer.Header.Get("Content-Type"))
		copyUpTo(c, answer.Body, word, behind)
		if hard {
			_ = c.SetLinger(0)
		}
	}
}

func copyUpTo(to io.Writer, from io.Reader, word string, behind int) {
	var seen []byte
	for piece := make([]byte, 4<<10); ; {
		n, err := from.Read(piece)
		sent := len(seen)
		seen = append(seen, piece[:n]...)
		if i := bytes.Index(seen, []byte(word)); i >= 0 && len(seen) > i+len(word)+behind {
			_, _ = to.Write(seen[sent:max(sent, i+len(word)+behind)])
			return
		}
		if _, failed := to.Write(seen[sent:]); err != nil || failed != nil {
			return
		}
	}
}
