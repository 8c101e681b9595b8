package fan

import (
	"slices"

	"golang.org/x/sys/unix"

	"liveboard/views/press"
)

// group is all of a loop's seats at one page.
type group struct {
	page  *press.Page
	watch *press.Watch
	lead  *press.Viewer // takes for all who are abreast of it
	seats []*seat
	dirty bool // in the loop's list; it needs mu
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
	if l.groups[g.page] != g {
		return // it was marked before it was known that its page is gone, or that nobody looks any more
	}
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

// reseats is how many seats a loop takes to another page before it looks at anything else.
const reseats = 256

// renew takes the seats of a page that is gone to the page that took its place. That may have to be printed first: the
// loop goes on meanwhile.
func (l *loop) renew(g *group) {
	g.watch.Close()
	delete(l.groups, g.page)
	for _, s := range g.seats {
		s.group = nil
	}
	l.fan.open.Go(func() {
		for seats := range slices.Chunk(g.seats, reseats) {
			found := make([]next, len(seats))
			for i, s := range seats {
				found[i] = l.fan.next(s.view)
			}
			taken := l.post(func() {
				for i, s := range seats {
					l.reseat(s, found[i])
				}
			})
			if !taken {
				for _, n := range found {
					n.leave()
				}
			}
		}
	})
}

// reseat lets the seat go on with what follows its page.
func (l *loop) reseat(s *seat, n next) {
	c := s.conn
	if c.leaving != nil {
		n.leave()
		return
	}
	c.rest = c.reseat(c.rest, s, n)
	switch {
	case n.later:
		c.leaving = errTurnover
	case len(c.seats) == 0:
		c.leaving = press.ErrGone
	case s.viewer != nil:
		l.join(s)
	}
	if !c.behind {
		l.resume(c)
	}
}
