package handlers

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"liveboard/metrics"
	"liveboard/views/press"
)

// How long things on the wire last.
const (
	streamFor    = 10 * time.Minute // then a stream ends, up to streamJitter later
	streamJitter = 2 * time.Minute
	maxPoll      = 25 * time.Second // then a poll is answered, whether there is news or not
	writeWithin  = 15 * time.Second // a client that takes no bytes for so long is let go
	retryAfter   = time.Second      // before a client comes back, and up to four times that
	stopSpread   = 5 * time.Second  // over which clients come back after a stop
)

// live answers GET /live/{dashboards} and GET /live/b/{board}: an event stream of what is newer than the cursor.
func (s *Server) live(w http.ResponseWriter, r *http.Request) {
	page, view, err := s.page(r)
	if err != nil {
		fail(w, r, err)
		return
	}
	release, err := s.streams.enter(addressOf(r))
	if err != nil {
		fail(w, r, err)
		return
	}
	defer release()
	ctx, cancel := context.WithTimeout(r.Context(), streamFor+rand.N(streamJitter))
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()

	out := newEventWriter(w, r)
	started, id := time.Now(), middleware.GetReqID(r.Context())
	slog.Info("stream opened", "request", id, "path", r.URL.Path, "address", addressOf(r))
	err = s.stream(ctx, out, page, view, cursorIn(r))
	slog.Info("stream closed", "request", id, "path", r.URL.Path, "seconds", time.Since(started).Seconds(), "bytes", out.bytes, "why", err)
}

// stream sends hello, then what the page shows until ctx or the page ends, then bye. It
// returns why it ended.
func (s *Server) stream(ctx context.Context, out *eventWriter, page *press.Page, view press.View, cursor string) error {
	if err := out.send(press.Hello(s.Build, page.Epoch(), retryAfter+rand.N(4*retryAfter))); err != nil {
		return err
	}
	for {
		err := s.follow(ctx, out, page, cursor)
		if !errors.Is(err, press.ErrGone) {
			return errors.Join(err, s.farewell(ctx, out))
		}
		if page, err = s.Press.Page(view); err != nil {
			return errors.Join(err, out.send(press.Bye(press.Gone, 0)))
		}
		cursor = "" // of a page that is no more
	}
}

// follow sends what the page shows beyond the cursor until ctx or the page ends, or a write fails.
func (s *Server) follow(ctx context.Context, out *eventWriter, page *press.Page, cursor string) error {
	viewer := page.Join(cursor)
	defer viewer.Leave()
	for {
		d, err := viewer.Next(ctx)
		if err != nil {
			return err
		}
		if err := out.send(d.Frames...); err != nil {
			return err
		}
		if !d.Since.IsZero() {
			s.sent.Observe(time.Since(d.Since).Seconds())
		}
	}
}

// farewell tells a client that still listens when to come back.
func (s *Server) farewell(ctx context.Context, out *eventWriter) error {
	switch {
	case s.stopping.Err() != nil:
		return out.send(press.Bye(press.Stopping, rand.N(stopSpread)))
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return out.send(press.Bye(press.Turnover, 0))
	}
	return nil // it left
}

// poll answers GET /poll/{dashboards} and GET /poll/b/{board}: the first frames of the same stream, as soon as there are
// some, as a whole answer.
func (s *Server) poll(w http.ResponseWriter, r *http.Request) {
	page, view, err := s.page(r)
	if err != nil {
		fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), maxPoll)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	var out bytes.Buffer
	out.Write(press.Hello(s.Build, page.Epoch(), retryAfter).Plain())
	frames, err := s.newer(ctx, page, view, cursorIn(r))
	if err != nil {
		fail(w, r, err)
		return
	}
	for _, f := range frames {
		out.Write(f.Plain())
	}
	eventHeaders(w.Header())
	writeWhole(w, r, http.StatusOK, out.Bytes())
}

// newer waits for frames beyond the cursor other than heartbeats; it returns none when ctx ends before.
func (s *Server) newer(ctx context.Context, page *press.Page, view press.View, cursor string) ([]*press.Frame, error) {
	for {
		frames, err := newerOf(ctx, page, cursor)
		if !errors.Is(err, press.ErrGone) || ctx.Err() != nil {
			return frames, nil
		}
		if page, err = s.Press.Page(view); err != nil {
			return nil, err
		}
	}
}

func newerOf(ctx context.Context, page *press.Page, cursor string) ([]*press.Frame, error) {
	viewer := page.Join(cursor)
	defer viewer.Leave()
	for {
		d, err := viewer.Next(ctx)
		if err != nil || !d.Beats {
			return d.Frames, err
		}
	}
}

// page returns the page that a request for events means.
func (s *Server) page(r *http.Request) (*press.Page, press.View, error) {
	if s.stopping.Err() != nil {
		return nil, press.View{}, metrics.Errorf(metrics.Unavailable, "The server is stopping.")
	}
	view, err := viewOf(r)
	if err != nil {
		return nil, view, err
	}
	page, err := s.Press.Page(view)
	return page, view, err
}

func viewOf(r *http.Request) (press.View, error) {
	if board := pathParam(r, "board"); board != "" {
		return press.ParseRankingView(board, r.URL.Query())
	}
	return press.ParseView(pathParam(r, "dashboards"), r.URL.Query())
}

// cursorIn returns the cursor of a request: the header is a browser's own, newer than its URL's.
func cursorIn(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get("cursor")
}

// eventHeaders keeps every cache and proxy from holding or changing events.
func eventHeaders(h http.Header) {
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	h.Set("Vary", "Accept-Encoding")
}

// eventWriter sends frames to one client, compressed where it understands that.
type eventWriter struct {
	w     io.Writer
	rc    *http.ResponseController
	gzip  bool
	bytes int
}

func newEventWriter(w http.ResponseWriter, r *http.Request) *eventWriter {
	eventHeaders(w.Header())
	out := &eventWriter{w: w, rc: http.NewResponseController(w), gzip: acceptsGzip(r)}
	if out.gzip {
		w.Header().Set("Content-Encoding", "gzip")
	}
	return out
}

// send writes the frames and flushes them. It blocks until the client's side has taken them, at
// most writeWithin.
func (o *eventWriter) send(frames ...*press.Frame) error {
	if err := o.rc.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	if o.gzip && o.bytes == 0 {
		if err := o.write(press.GzipHeader); err != nil {
			return err
		}
	}
	for _, f := range frames {
		b := f.Plain()
		if o.gzip {
			b = f.Deflated()
		}
		if err := o.write(b); err != nil {
			return err
		}
	}
	return o.rc.Flush()
}

func (o *eventWriter) write(b []byte) error {
	n, err := o.w.Write(b)
	o.bytes += n
	return err
}
