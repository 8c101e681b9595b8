package handlers

import (
	"bytes"
	"net/http"
	"net/url"

	"github.com/a-h/templ"
	"github.com/skip2/go-qrcode"

	"liveboard/metrics"
	"liveboard/metrics/rank"
	"liveboard/views"
	"liveboard/views/press"
)

// boardSVG answers GET /b/{board}.svg: a picture that other sites may show.
func (s *Server) boardSVG(w http.ResponseWriter, r *http.Request) {
	page, err := s.twin(w, r, 10)
	if err != nil {
		fail(w, r, err)
		return
	}
	picture := views.BoardImage(views.Picture(page, views.ThemeOf(r.URL.Query().Get("theme"))))
	board, _ := s.Press.Board()
	if page.Spec.Visibility != metrics.StaffOnly && len(board.Embed.Origins) > 0 {
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	s.draw(w, r, picture)
}

// twin reads the rows that a twin of the page shows: limit of them unless the request says.
func (s *Server) twin(w http.ResponseWriter, r *http.Request, limit int) (rank.Page, error) {
	hideOwn(w, r)
	board, ask, err := s.ask(r)
	if err != nil {
		return rank.Page{}, err
	}
	if ask.Limit == 0 {
		ask.Limit = limit
	}
	if player := r.URL.Query().Get("player"); player != "" {
		return board.Around(r.Context(), ask, player, ask.Limit/2)
	}
	return board.Page(r.Context(), ask)
}

// boardQR answers GET /b/{board}/qr.svg: a picture of the address of the leaderboard's page, that of
// a player's own with ?player=.
func (s *Server) boardQR(w http.ResponseWriter, r *http.Request) {
	hideOwn(w, r)
	spec, err := s.shownTo(r, pathParam(r, "board"))
	if err != nil {
		fail(w, r, err)
		return
	}
	query := kept(r.URL.Query())
	if player := r.URL.Query().Get("player"); player != "" {
		query = url.Values{"player": {player}}
	}
	address := s.publicURL(r) + "/b/" + spec.Name
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	code, err := qrcode.New(address, qrcode.Medium)
	if err != nil {
		fail(w, r, metrics.Errorf(metrics.TooLarge, "The address is too long for a QR code."))
		return
	}
	s.draw(w, r, views.QR(code.Bitmap()))
}

// shownTo returns the leaderboard if the request may know of it and its query makes sense.
func (s *Server) shownTo(r *http.Request, name string) (*metrics.Leaderboard, error) {
	if _, err := press.ParseRankingView(name, r.URL.Query()); err != nil {
		return nil, err
	}
	board, _ := s.Press.Board()
	spec, err := board.Leaderboard(name)
	if err == nil && spec.Visibility == metrics.StaffOnly {
		err = metrics.Errorf(metrics.NotFound, "There is no leaderboard named %q.", name)
	}
	return spec, err
}

// draw answers with an SVG document. A picture that runs a script would be a page: the policy forbids it.
func (s *Server) draw(w http.ResponseWriter, r *http.Request, picture templ.Component) {
	var b bytes.Buffer
	if err := picture.Render(r.Context(), &b); err != nil {
		fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "no-store")
	writeWhole(w, r, http.StatusOK, b.Bytes())
}
