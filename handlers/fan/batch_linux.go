package fan

import (
	"bytes"
	"syscall"

	"liveboard/views/press"
)

// batchSize is how many writes go to the kernel at once.
const batchSize = 256

// op is one write that does not block.
type op struct {
	fd    int
	bytes []byte
	n     int           // how many bytes the socket has taken
	err   syscall.Errno // why it took none
}

// sender makes writes. It is for one thread.
type sender interface {
	// send makes every write, at most batchSize, and returns when each has its n or err.
	send(ops []op)
	close()
}

// batch is what some seats get.
type batch struct {
	ops   []op
	seats []*seat
}

func (b *batch) add(s *seat, bytes []byte) {
	b.ops = append(b.ops, op{fd: s.conn.fd, bytes: bytes})
	b.seats = append(b.seats, s)
}

func (b *batch) full() bool { return len(b.ops) == batchSize }

// clear keeps the room, and nothing that stood in it.
func (b *batch) clear() {
	clear(b.ops)
	clear(b.seats)
	b.ops, b.seats = b.ops[:0], b.seats[:0]
}

// encoded is a delivery in the forms that somebody needed.
type encoded struct {
	delivery press.Delivery
	forms    [press.Encodings][2][]byte // by encoding, and whether it follows what its reader got last
}

// of returns the form that the seat's stream needs.
func (e *encoded) of(s *seat) []byte {
	stream, follows := s.conn.stream, 0
	if stream.follows(s) {
		follows = 1
	}
	form := &e.forms[stream.encoding][follows]
	if *form == nil {
		if parts := e.delivery.Append(nil, stream.encoding, follows == 1); len(parts) == 1 {
			*form = parts[0]
		} else {
			*form = bytes.Join(parts, nil)
		}
	}
	return *form
}
