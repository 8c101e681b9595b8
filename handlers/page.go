package handlers

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"liveboard/assets"
	"liveboard/metrics"
	"liveboard/views"
	"liveboard/views/press"
)

// index answers GET /: the lists of dashboards and of leaderboards.
func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	snap, err := s.snapshot(r, press.Index)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	parts := snap.Parts()
	s.show(w, r, http.StatusOK, views.Index(views.IndexModel{
		Page:         page(r, "Dashboards"),
		Topbar:       topbar(r, true),
		Feed:         snap.Feed(),
		Notice:       snap.Notice,
		Cards:        parts[0],
		Leaderboards: parts[1],
	}))
}

// desk answers GET /d/{dashboard} and GET /d/{dashboard}/{panel}.
func (s *Server) desk(w http.ResponseWriter, r *http.Request) {
	snap, err := s.snapshot(r, press.Desk)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	m := views.DeskModel{
		Topbar:  topbar(r, false),
		Feed:    snap.Feed(),
		Notice:  snap.Notice,
		Name:    snap.Dashboard.Name,
		Heading: snap.Heading(),
		Ranges:  rangeLinks(r, snap),
		Panels:  snap.Parts(),
	}
	m.Page = page(r, m.Heading.Title)
	if snap.View.Panel == "" {
		m.Kiosk = "/kiosk/" + snap.Dashboard.Name
	} else {
		m.Page = page(r, m.Heading.Title+" · "+snap.Dashboard.Title)
		m.Up = views.Link{Text: snap.Dashboard.Title, Href: "/d/" + snap.Dashboard.Name}
	}
	if snap.View.Range.Fixed() {
		m.Window, m.Follow = windowText(snap.View.Range), r.URL.Path
	}
	s.show(w, r, http.StatusOK, views.Desk(m))
}

// kiosk answers GET /kiosk/{dashboards}.
func (s *Server) kiosk(w http.ResponseWriter, r *http.Request) {
	snap, err := s.snapshot(r, press.Kiosk)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	m := snap.KioskModel()
	m.Page = page(r, m.Title)
	if m.Page.Theme == views.Auto {
		m.Page.Theme = views.Dark // televisions claim to prefer light, and glare
	}
	s.show(w, r, http.StatusOK, views.Kiosk(m))
}

// embed answers GET /embed/{dashboard} and GET /embed/{dashboard}/{panel}: pages without
// cookies that the origins of the board file may frame.
func (s *Server) embed(w http.ResponseWriter, r *http.Request) {
	board, _ := s.Press.Board()
	allowFrames(w, board.Embed.Origins)
	snap, err := s.snapshot(r, press.Embed)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	m := views.EmbedModel{
		Feed:   snap.Feed(),
		Name:   snap.Dashboard.Name,
		Single: snap.View.Panel != "",
		Panels: snap.Parts(),
	}
	m.Page = page(r, snap.Heading().Title)
	m.Page.Theme = views.ThemeOf(r.URL.Query().Get("theme"))
	s.show(w, r, http.StatusOK, views.Embed(m))
}

// snapshot returns what the request's page shows now.
func (s *Server) snapshot(r *http.Request, surface press.Surface) (press.Snapshot, error) {
	query := r.URL.Query()
	query.Set("surface", string(surface))
	query.Set("panel", pathParam(r, "panel"))
	view, err := press.ParseView(pathParam(r, "dashboards"), query)
	if err != nil {
		return press.Snapshot{}, err
	}
	p, err := s.Press.Page(view)
	if err != nil {
		return press.Snapshot{}, err
	}
	return p.Snapshot(), nil
}

// pathParam is chi.URLParam with the escapes undone that chi leaves in: some programs write the
// commas of a kiosk's link as %2C.
func pathParam(r *http.Request, name string) string {
	raw := chi.URLParam(r, name)
	if r.URL.RawPath == "" {
		return raw // net/url has undone them
	}
	if text, err := url.PathUnescape(raw); err == nil {
		return text
	}
	return raw
}

// show renders into memory first, so that a fault cannot leave half a page.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, c templ.Component) {
	var b bytes.Buffer
	if err := c.Render(r.Context(), &b); err != nil {
		slog.Error("page failed", "request", middleware.GetReqID(r.Context()), "path", r.URL.Path, "error", err)
		http.Error(w, "This page could not be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	writeWhole(w, r, status, b.Bytes())
}

// problem answers a page request with a page that says what is wrong and shows the way out.
func (s *Server) problem(w http.ResponseWriter, r *http.Request, err error) {
	status, sentence := explain(r, err)
	m := views.ProblemModel{
		Page:   page(r, http.StatusText(status)),
		Topbar: topbar(r, false),
		Status: strconv.Itoa(status),
		Title:  sentence,
	}
	if status == http.StatusNotFound {
		m.Text, m.Others = s.waysOut(r)
	}
	if status == http.StatusInternalServerError {
		m.Request = middleware.GetReqID(r.Context())
	}
	setRetryAfter(w, status)
	s.show(w, r, status, views.Problem(m))
}

// waysOut returns what there is of the kind that was asked for.
func (s *Server) waysOut(r *http.Request) (text string, others []views.Link) {
	board, _ := s.Press.Board()
	if strings.HasPrefix(r.URL.Path, "/b/") {
		for _, b := range board.Leaderboards {
			if b.Visibility == metrics.Public {
				others = append(others, views.Link{Text: b.Title, Href: "/b/" + b.Name})
			}
		}
		return "These are the leaderboards there are:", others
	}
	for _, d := range board.Dashboards {
		others = append(others, views.Link{Text: d.Title, Href: "/d/" + d.Name})
	}
	return "These are the dashboards there are:", others
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	err := metrics.Errorf(metrics.NotFound, "There is nothing at %s.", r.URL.Path)
	if strings.HasPrefix(r.URL.Path, "/api/") {
		fail(w, r, err)
		return
	}
	s.problem(w, r, err)
}

func (s *Server) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
		if s.handler.Match(chi.NewRouteContext(), method, r.URL.Path) {
			w.Header().Add("Allow", method)
		}
	}
	fail(w, r, metrics.Errorf(metrics.BadMethod, "%s is not possible at %s.", r.Method, r.URL.Path))
}

// page returns what every shell needs.
func page(r *http.Request, title string) views.Page {
	var chosen string
	if c, err := r.Cookie("theme"); err == nil {
		chosen = c.Value
	}
	return views.Page{
		Title:  title,
		Theme:  views.ThemeOf(r.URL.Query().Get("theme"), chosen),
		Assets: scripts(r.URL.Query().Has("plain")),
	}
}

// scripts are what a page loads; plain ones are for browsers that know no modules.
func scripts(plain bool) views.Assets {
	a := views.Assets{Style: assets.URL("app.css"), Icon: assets.URL("img/icon.svg")}
	if plain {
		a.Script = assets.URL("js/plain.js")
		return a
	}
	a.Script, a.Main, a.Plain = assets.URL("js/start.js"), assets.URL("js/main.js"), assets.URL("js/plain.js")
	a.Preloads = []string{
		a.Main,
		assets.URL("js/datastar.js"),
		assets.URL("js/live.js"),
		assets.URL("js/line.js"),
		assets.URL("js/worker.js"),
		assets.URL("js/exchange.js"),
		assets.URL("js/carrier.js"),
		assets.URL("js/request.js"),
		assets.URL("js/events.js"),
		assets.URL("js/cursor.js"),
		assets.URL("js/memory.js"),
		assets.URL("js/age.js"),
		assets.URL("js/next.js"),
		assets.URL("js/live-chart.js"),
		assets.URL("js/crosshair.js"),
		assets.URL("js/format.js"),
		assets.URL("js/clock.js"),
		assets.URL("js/page.js"),
		assets.URL("js/rows.js"),
		assets.URL("js/since.js"),
		assets.URL("js/board.js"),
	}
	return a
}

func topbar(r *http.Request, index bool) views.Topbar {
	return views.Topbar{Index: index, Themes: views.ThemeLinks(r.URL.Query(), page(r, "").Theme)}
}

// rangeLinks are the ranges to choose from, the dashboard's own among them.
func rangeLinks(r *http.Request, snap press.Snapshot) []views.Link {
	spans, own := press.Ranges, press.SpanText(snap.Dashboard.Range)
	if !strings.Contains(" "+strings.Join(spans, " ")+" ", " "+own+" ") {
		spans = append([]string{own}, spans...)
	}
	var current string
	if !snap.View.Range.Fixed() {
		current = press.SpanText(snap.View.Range.Span)
	}
	return views.RangeLinks(r.URL.Query(), current, spans...)
}

// windowText spells a fixed window in the server's zone; the day only once when it is the same.
func windowText(span metrics.Range) string {
	const day, clock = "2 Jan 2006 ", "15:04:05"
	from, to := time.UnixMilli(span.From), time.UnixMilli(span.To)
	if from.Format(day) == to.Format(day) {
		return from.Format(day+clock) + " – " + to.Format(clock+" MST")
	}
	return from.Format(day+clock) + " – " + to.Format(day+clock+" MST")
}
