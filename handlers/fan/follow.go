package fan

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"time"

	"liveboard/views/press"
)

// follow writes the stream until the client, the server, its time or all of its pages end, and returns which.
func (s *stream) follow(ctx context.Context, w http.ResponseWriter) error {
	ctx, cancel := context.WithDeadline(ctx, s.endAt)
	defer cancel()
	defer context.AfterFunc(s.fan.stopping, cancel)()
	if err := s.write(w, s.begin(nil)); err != nil {
		return err
	}
	for len(s.seats) > 0 {
		if err := s.step(ctx, w); err != nil {
			return err
		}
	}
	return press.ErrGone
}

// step writes what is new, or waits until something is.
func (s *stream) step(ctx context.Context, w http.ResponseWriter) error {
	news := make(chan struct{}, 1)
	for _, seat := range s.seats {
		defer seat.viewer.Page().Watch(func() { wake(news) }).Close()
	}
	for {
		bufs, since, err := s.news()
		if err != nil {
			return s.renew(w, bufs)
		}
		if len(bufs) > 0 {
			if err := s.write(w, bufs); err != nil {
				return err
			}
			s.fan.observe(since, 1)
			continue
		}
		select {
		case <-news:
		case <-ctx.Done():
			return s.farewell(ctx, w)
		}
	}
}

func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is awake already
	}
}

// news returns what is new at all seats. The error is press.ErrGone, when a page is.
func (s *stream) news() (bufs [][]byte, since time.Time, err error) {
	for _, seat := range s.seats {
		var at time.Time
		if bufs, at, err = s.take(bufs, seat); err != nil {
			return bufs, since, err
		}
		if since.IsZero() || !at.IsZero() && at.Before(since) {
			since = at
		}
	}
	return bufs, since, nil
}

// renew writes bufs, and takes every seat whose page is gone to the next.
func (s *stream) renew(w http.ResponseWriter, bufs [][]byte) error {
	for _, seat := range slices.Clone(s.seats) {
		if !seat.viewer.Page().Gone() {
			continue
		}
		n := s.fan.next(seat.view)
		if bufs = s.reseat(bufs, seat, n); n.later {
			return errors.Join(errTurnover, s.write(w, bufs))
		}
	}
	return s.write(w, bufs)
}

// farewell tells a client that still listens when to come back, and returns why its stream ends.
func (s *stream) farewell(ctx context.Context, w http.ResponseWriter) error {
	switch {
	case s.fan.stopping.Err() != nil:
		return errors.Join(errStopping, s.write(w, s.private(nil, press.Bye(press.Stopping, "", rand.N(stopSpread)))))
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errors.Join(errTurnover, s.write(w, s.private(nil, press.Bye(press.Turnover, "", 0))))
	}
	return errLeft
}

// piece is what a client has stallFor to take.
const piece = 16 << 10

// write blocks until the client's side has taken everything. It fails when that takes nothing for stallFor.
func (s *stream) write(w http.ResponseWriter, bufs [][]byte) error {
	out := http.NewResponseController(w)
	for _, b := range bufs {
		for part := range slices.Chunk(b, piece) {
			if err := out.SetWriteDeadline(time.Now().Add(stallFor)); err != nil {
				return err
			}
			n, err := w.Write(part)
			s.bytes += int64(n)
			if err != nil {
				return stalled(err)
			}
		}
	}
	return stalled(out.Flush())
}

// stalled tells a client that takes nothing from one that left.
func stalled(err error) error {
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		return errStalled
	}
	return err
}
