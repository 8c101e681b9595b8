package handlers

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"liveboard/handlers/fan"
	"liveboard/metrics"
	"liveboard/views/press"
)

// How long things on the wire last.
const (
	streamFor    = 10 * time.Minute // then a stream ends, up to streamJitter later
	streamJitter = 2 * time.Minute
	maxPoll      = 25 * time.Second // then a poll is answered, whether there is news or not
)

// maxViews is how many pages one stream may show.
const maxViews = 16

// live answers GET /live/{dashboards} and GET /live/b/{board}, an event stream of what is newer than the cursor, and
// GET /live, the same for several pages at once.
func (s *Server) live(w http.ResponseWriter, r *http.Request) {
	q, release, err := s.request(r, s.streams)
	if err != nil {
		slog.Info("stream refused", "request", middleware.GetReqID(r.Context()), "path", r.URL.Path, "address", addressOf(r), "why", err)
		fail(w, r, err)
		return
	}
	defer func() {
		if fault := recover(); fault != nil {
			release()
			panic(fault)
		}
	}()
	id, path, addr, started := middleware.GetReqID(r.Context()), r.URL.Path, addressOf(r), time.Now()
	slog.Info("stream opened", "request", id, "path", path, "address", addr, "views", len(q.Shows), "after", reasonOf(r))
	q.For = streamFor + rand.N(streamJitter)
	q.Ended = func(bytes int64, why error) {
		release()
		slog.Info("stream closed", "request", id, "path", path, "seconds", time.Since(started).Seconds(), "bytes", bytes, "why", why)
	}
	eventHeaders(w.Header(), q.Encoding)
	s.fan.Serve(w, r, q)
}

// poll answers GET /poll/{dashboards}, GET /poll/b/{board} and GET /poll: the first frames of the same stream, as soon
// as there are some, as a whole answer.
func (s *Server) poll(w http.ResponseWriter, r *http.Request) {
	q, release, err := s.request(r, s.polls)
	if err != nil {
		fail(w, r, err)
		return
	}
	defer release()
	if why := reasonOf(r); why != "" {
		slog.Debug("poll", "request", middleware.GetReqID(r.Context()), "after", why)
	}
	ctx, cancel := context.WithTimeout(r.Context(), maxPoll)
	defer cancel()
	body := s.fan.Poll(ctx, q, press.Poller{Address: neighbourhood(addressOf(r)), Browser: clientOf(r)})
	eventHeaders(w.Header(), q.Encoding)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a client that has gone needs no answer
}

// request returns what a request for events asks for, once it has a place among those that are open, which the caller
// must release.
func (s *Server) request(r *http.Request, among *streams) (q fan.Request, release func(), err error) {
	if s.stopping.Err() != nil {
		return q, nil, metrics.Errorf(metrics.Unavailable, "The server is stopping.")
	}
	q.Encoding = encodingOf(r)
	one := true
	if names := r.URL.Query()["view"]; names != nil && pathParam(r, "board") == "" && pathParam(r, "dashboards") == "" {
		one, err = false, addShows(&q, names, r.URL.Query()["cursor"])
	} else if r.URL.Path == "/live" || r.URL.Path == "/poll" {
		err = metrics.Errorf(metrics.Invalid, "Name what to show: %[1]s/{dashboard}, %[1]s/b/{leaderboard}, or %[1]s?view= with what stands there.", r.URL.Path)
	} else {
		var view press.View
		view, err = viewOf(r)
		q.Shows = []fan.Show{{View: view, Cursor: cursorIn(r)}}
	}
	if err != nil {
		return q, nil, err
	}
	if release, err = among.enter(r, q.Shows); err != nil {
		return q, nil, err
	}
	if err = s.findPages(&q, one); err != nil {
		release()
	}
	return q, release, err
}

// addShows adds a show for each of the names, which are written as the addresses of their own streams are behind /live/.
func addShows(q *fan.Request, names, cursors []string) error {
	if len(names) > maxViews {
		return metrics.Errorf(metrics.Invalid, "A stream shows at most %d views, not %d.", maxViews, len(names))
	}
	var wrong error
	for i, name := range names {
		view, err := viewNamed(name)
		if err != nil {
			wrong = cmp.Or(wrong, err)
			q.Gone = append(q.Gone, name)
			continue
		}
		show := fan.Show{Name: name, View: view}
		if i < len(cursors) {
			show.Cursor = cursors[i]
		}
		q.Shows = append(q.Shows, show)
	}
	if len(q.Shows) == 0 {
		return wrong
	}
	return nil
}

// findPages finds the page of each show. Who asks for several has them from pages that it loaded: one that is no more
// must not keep it from the others.
func (s *Server) findPages(q *fan.Request, one bool) error {
	var found []fan.Show
	var missing error
	for _, show := range q.Shows {
		page, err := s.Press.Page(show.View)
		switch kind := metrics.KindOf(err); {
		case err == nil && slices.ContainsFunc(found, func(other fan.Show) bool { return other.Page == page }):
			return metrics.Errorf(metrics.Invalid, "view %q shows what another one shows: ask once.", show.Name)
		case err == nil:
			show.Page = page
			found = append(found, show)
		case !one && (kind == metrics.NotFound || kind == metrics.Invalid):
			missing = cmp.Or(missing, err)
			q.Gone = append(q.Gone, show.Name)
		default:
			return err
		}
	}
	if len(found) == 0 {
		return missing
	}
	q.Shows = found
	return nil
}

func viewOf(r *http.Request) (press.View, error) {
	if board := pathParam(r, "board"); board != "" {
		return press.ParseRankingView(board, r.URL.Query())
	}
	return press.ParseView(pathParam(r, "dashboards"), r.URL.Query())
}

// viewNamed is viewOf for what stands behind /live/ in an address.
func viewNamed(name string) (press.View, error) {
	u, err := url.Parse("/" + name)
	if err != nil {
		return press.View{}, metrics.Errorf(metrics.Invalid, "view %q is no address", name)
	}
	if board, ok := strings.CutPrefix(u.Path, "/b/"); ok {
		return press.ParseRankingView(board, u.Query())
	}
	return press.ParseView(strings.TrimPrefix(u.Path, "/"), u.Query())
}

// cursorIn returns the cursor of a request: the header is a browser's own, newer than its URL's.
func cursorIn(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get("cursor")
}

// eventHeaders says how events are encoded, and keeps every cache and proxy from holding or changing them.
func eventHeaders(h http.Header, e press.Encoding) {
	if e != press.Identity {
		h.Set("Content-Encoding", e.String())
	}
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	h.Set("Vary", "Accept-Encoding")
}
