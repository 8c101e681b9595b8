package fan

import (
	"slices"
	"time"

	"liveboard/metrics"
	"liveboard/views/press"
)

// stream is what one client is shown, and how far it is.
type stream struct {
	fan      *Fan
	encoding press.Encoding
	seats    []*seat
	last     *seat    // whose frames the client got last, nil after what was for it alone
	gone     []string // see Request
	endAt    time.Time
	bytes    int64
	ended    func(bytes int64, why error)
}

// seat is a stream's place at one page.
type seat struct {
	conn   *conn // of a loop; nil for a stream with a goroutine
	group  *group
	at     int // in the group
	viewer *press.Viewer
	view   press.View
	name   string
}

func (f *Fan) newStream(q Request) *stream {
	s := &stream{fan: f, encoding: q.Encoding, gone: q.Gone, endAt: time.Now().Add(q.For), ended: q.Ended}
	seats := make([]seat, len(q.Shows))
	var viewers []*press.Viewer
	for i, show := range q.Shows {
		viewers = append(viewers, show.Page.JoinBeside(viewers, show.Cursor))
		seats[i] = seat{viewer: viewers[i], view: show.View, name: show.Name}
		s.seats = append(s.seats, &seats[i])
	}
	return s
}

// begin appends to bufs what a stream begins with.
func (s *stream) begin(bufs [][]byte) [][]byte {
	if head := s.encoding.Head(); head != nil {
		bufs = append(bufs, head)
	}
	for _, seat := range s.seats {
		bufs = s.private(bufs, seat.viewer.Page().Hello(seat.name, retry()))
	}
	for _, name := range s.gone {
		bufs = s.private(bufs, press.Bye(press.Gone, name, 0))
	}
	s.gone = nil
	return bufs
}

// private appends a frame that this client alone gets.
func (s *stream) private(bufs [][]byte, f *press.Frame) [][]byte {
	s.last = nil
	return append(bufs, f.Encoded(s.encoding, false))
}

// follows reports whether the client got last what stands before the seat's place.
func (s *stream) follows(seat *seat) bool { return s.last == seat && seat.viewer.Fed() }

// take appends what is new at the seat. The error is press.ErrGone.
func (s *stream) take(bufs [][]byte, seat *seat) ([][]byte, time.Time, error) {
	follows := s.follows(seat)
	d, err := seat.viewer.Take()
	if err != nil || len(d.Frames) == 0 {
		return bufs, time.Time{}, err
	}
	s.last = seat
	return d.Append(bufs, s.encoding, follows), d.Since, nil
}

// next is where the seats of a page go that is gone.
type next struct {
	viewer *press.Viewer // at the page that took its place; nil where there is none
	later  bool          // there is one, which is not to be had now
}

// next looks for the page of a view anew. It may take long.
func (f *Fan) next(view press.View) next {
	page, err := f.press.Page(view)
	switch kind := metrics.KindOf(err); {
	case err == nil:
		return next{viewer: page.Join("")}
	case kind == metrics.NotFound || kind == metrics.Invalid:
		return next{}
	}
	return next{later: true}
}

// leave is for a next that nobody goes to.
func (n next) leave() {
	if n.viewer != nil {
		n.viewer.Leave()
	}
}

// reseat takes a seat whose page is gone to the next, and appends what tells of it. The seat is no more, and without a
// viewer, where there is none, or the stream shows that page already.
func (s *stream) reseat(bufs [][]byte, gone *seat, n next) [][]byte {
	gone.viewer.Leave()
	gone.viewer = nil
	if n.later {
		return s.private(bufs, press.Bye(press.Turnover, "", retry()))
	}
	if n.viewer != nil && !s.shows(n.viewer.Page()) {
		gone.viewer = n.viewer
		return s.private(bufs, n.viewer.Page().Hello(gone.name, retry()))
	}
	n.leave()
	s.seats = slices.DeleteFunc(s.seats, func(seat *seat) bool { return seat == gone })
	return s.private(bufs, press.Bye(press.Gone, gone.name, 0))
}

func (s *stream) shows(page *press.Page) bool {
	return slices.ContainsFunc(s.seats, func(seat *seat) bool { return seat.viewer != nil && seat.viewer.Page() == page })
}

// close ends the stream.
func (s *stream) close(why error) {
	for _, seat := range s.seats {
		if seat.viewer != nil {
			seat.viewer.Leave()
		}
	}
	s.ended(s.bytes, why)
}
