package fan

import (
	"time"

	"golang.org/x/sys/unix"
)

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
			c.discard()
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

// discard takes what the client has sent beyond its request, which means nothing: a socket that is closed over unread
// bytes resets the connection, and with it what is still on its way to the client.
func (c *conn) discard() {
	var unread [512]byte
	for n := 1; n > 0; {
		n, _ = unix.Read(c.fd, unread[:])
	}
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
