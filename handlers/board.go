package handlers

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"liveboard/metrics"
	"liveboard/metrics/rank"
	"liveboard/views"
	"liveboard/views/press"
)

// routeBoards routes the pages of leaderboards.
func (s *Server) routeBoards(r chi.Router) {
	get(r, "/b/{board}", s.boardDesk)
	get(r, "/b/{board}.txt", s.boardText)
	get(r, "/b/{board}.svg", s.boardSVG)
	get(r, "/b/{board}.json", s.standings)
	get(r, "/b/{board}.csv", s.standingsCSV)
	get(r, "/b/{board}/kiosk", s.boardKiosk)
	get(r, "/b/{board}/embed", s.boardEmbed)
	get(r, "/b/{board}/qr.svg", s.boardQR)
	get(r, "/b/{board}/p/{player}", s.playerPage)
	get(r, "/b/{board}/staff", s.staffPage)
	r.Post("/b/{board}/staff", s.staffDeed)
}

// boardDesk answers GET /b/{board}.
func (s *Server) boardDesk(w http.ResponseWriter, r *http.Request) {
	snap, err := s.rankingSnapshot(w, r, press.Desk)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	spec, query := snap.Leaderboard, r.URL.Query()
	page, _ := snap.Ranking() // the page itself says why it has no rows
	m := views.BoardModel{
		Page:    boardPage(r, spec),
		Topbar:  boardTopbar(r),
		Feed:    snap.Feed(),
		Notice:  snap.Notice,
		Heading: views.HeadingModel{Title: spec.Title, Text: spec.Text},
		Windows: windowLinks(query, spec, page.Window),
		Earlier: s.earlierLinks(r, spec, page.Window),
		Groups:  views.GroupLinks(query, page),
		Search:  views.SearchModel{Kept: views.Kept(query, "q")},
		Ranking: snap.Parts()[0],
		Share:   s.share(r, spec),
		Kiosk:   "/b/" + spec.Name + "/kiosk?" + kept(query).Encode(),
	}
	if parts := snap.Parts(); len(parts) > 1 {
		m.Around = parts[1]
	}
	switch v := snap.View.Ranking; {
	case v.Find != "":
		m.Search.Text, m.Search.Back = v.Find, "/b/"+spec.Name+"?"+kept(query).Encode()
	case v.You != "":
		m.You = s.you(r, snap, page)
	}
	s.show(w, r, http.StatusOK, views.Leaderboard(m))
}

// you tells whose rows the page shows.
func (s *Server) you(r *http.Request, snap press.Snapshot, page rank.Page) views.YouModel {
	id, base := snap.View.Ranking.You, "/b/"+snap.Leaderboard.Name
	query := kept(r.URL.Query())
	own := url.Values{"player": {id}}.Encode()
	m := views.YouModel{
		Name: id,
		Page: base + "/p/" + url.PathEscape(id) + "?" + query.Encode(),
		QR:   base + "/qr.svg?" + own,
		Link: s.publicURL(r) + base + "?" + own,
		Top:  base + "?" + query.Encode(),
	}
	for _, row := range page.Rows {
		if row.Player == id {
			m.Name = row.Name
		}
	}
	return m
}

// share tells how others get to see a leaderboard.
func (s *Server) share(r *http.Request, spec *metrics.Leaderboard) views.ShareModel {
	base, query := "/b/"+spec.Name, kept(r.URL.Query()).Encode()
	return views.ShareModel{
		Link: strings.TrimSuffix(s.publicURL(r)+base+"?"+query, "?"),
		QR:   base + "/qr.svg?" + query,
		Data: []views.Link{
			{Text: "CSV", Href: leaderboardsPath + "/" + spec.Name + ".csv?" + query},
			{Text: "JSON", Href: base + ".json?" + query},
			{Text: "Text", Href: base + ".txt?" + query},
			{Text: "Picture", Href: base + ".svg?" + query},
		},
	}
}

// sharePlayer tells how others get to see a player's place.
func (s *Server) sharePlayer(r *http.Request, spec *metrics.Leaderboard, player string) views.ShareModel {
	base, query := "/b/"+spec.Name, url.Values{"player": {player}}.Encode()
	return views.ShareModel{Link: s.publicURL(r) + base + "?" + query, QR: base + "/qr.svg?" + query}
}

// playerPage answers GET /b/{board}/p/{player}.
func (s *Server) playerPage(w http.ResponseWriter, r *http.Request) {
	snap, err := s.rankingSnapshot(w, r, press.Player)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	spec := snap.Leaderboard
	profile, _ := snap.Profile()
	m := views.PlayerModel{
		Page:    boardPage(r, spec),
		Topbar:  boardTopbar(r),
		Feed:    snap.Feed(),
		Notice:  snap.Notice,
		Up:      views.Link{Text: spec.Title, Href: "/b/" + spec.Name + "?" + kept(r.URL.Query()).Encode()},
		Windows: windowLinks(r.URL.Query(), spec, profile.Window),
		Profile: snap.Parts()[0],
	}
	m.Share = s.sharePlayer(r, spec, snap.View.Ranking.You)
	m.Page.Title = profile.Row.Name + " · " + m.Page.Title
	s.show(w, r, http.StatusOK, views.Player(m))
}

// boardKiosk answers GET /b/{board}/kiosk.
func (s *Server) boardKiosk(w http.ResponseWriter, r *http.Request) {
	snap, err := s.rankingSnapshot(w, r, press.Kiosk)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	m := snap.BoardKioskModel()
	m.Page = boardPage(r, snap.Leaderboard)
	if m.Page.Theme == views.Auto {
		m.Page.Theme = views.Dark // as every kiosk
	}
	base := "/b/" + snap.Leaderboard.Name
	_, short, _ := strings.Cut(s.publicURL(r)+base, "://")
	m.Join = views.JoinModel{QR: base + "/qr.svg", Link: short}
	s.show(w, r, http.StatusOK, views.BoardKiosk(m))
}

// boardEmbed answers GET /b/{board}/embed: as handlers.embed, for a leaderboard.
func (s *Server) boardEmbed(w http.ResponseWriter, r *http.Request) {
	board, _ := s.Press.Board()
	allowFrames(w, board.Embed.Origins)
	snap, err := s.rankingSnapshot(w, r, press.Embed)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	m := views.BoardEmbedModel{Page: boardPage(r, snap.Leaderboard), Feed: snap.Feed(), Ranking: snap.Parts()[0]}
	m.Page.Theme = views.ThemeOf(r.URL.Query().Get("theme"))
	s.show(w, r, http.StatusOK, views.BoardEmbed(m))
}

// rankingSnapshot returns what the request's page of a leaderboard shows now.
func (s *Server) rankingSnapshot(w http.ResponseWriter, r *http.Request, surface press.Surface) (press.Snapshot, error) {
	hideOwn(w, r)
	query := r.URL.Query()
	query.Set("surface", string(surface))
	if surface == press.Player {
		query.Set("player", pathParam(r, "player"))
	}
	view, err := press.ParseRankingView(pathParam(r, "board"), query)
	if err != nil {
		return press.Snapshot{}, err
	}
	p, err := s.Press.Page(view)
	if err != nil {
		return press.Snapshot{}, err
	}
	return p.Snapshot(), nil
}

// hideOwn keeps a player's own link out of search engines: it is nobody else's matter.
func hideOwn(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("player") {
		w.Header().Set("X-Robots-Tag", "noindex")
	}
}

func boardPage(r *http.Request, spec *metrics.Leaderboard) views.Page { return page(r, spec.Title) }

func boardTopbar(r *http.Request) views.Topbar {
	t := topbar(r, false)
	t.Leaderboards = true
	return t
}

// windowLinks leaves out a choice of one.
func windowLinks(query url.Values, spec *metrics.Leaderboard, current rank.Window) []views.Link {
	if len(spec.Periods) < 2 {
		return nil
	}
	return views.WindowLinks(query, spec, current)
}

// earlierLinks lead to the closed windows. Where they cannot be told the page does without.
func (s *Server) earlierLinks(r *http.Request, spec *metrics.Leaderboard, current rank.Window) []views.Link {
	board, err := s.Boards.Board(r.Context(), spec.Name)
	if err != nil {
		return nil
	}
	windows, err := board.Windows(r.Context(), false)
	if err != nil {
		return nil
	}
	return views.EarlierLinks(r.URL.Query(), windows, current)
}

// kept is what of a page's query other pages of the leaderboard go on with.
func kept(query url.Values) url.Values {
	rest := url.Values{}
	for _, name := range []string{"window", "group"} {
		if value := query.Get(name); value != "" {
			rest.Set(name, value)
		}
	}
	return rest
}

// publicURL is where people reach this server, without a slash at the end.
func (s *Server) publicURL(r *http.Request) string {
	if s.PublicURL != "" {
		return s.PublicURL
	}
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
