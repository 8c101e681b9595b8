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
)

// textWidth is the width of a leaderboard in a terminal that did not say how wide it is.
const textWidth = 80

// boardText answers GET /b/{board}.txt, in colour with ?color.
func (s *Server) boardText(w http.ResponseWriter, r *http.Request) {
	page, err := s.twin(r, 25)
	if err != nil {
		fail(w, r, err)
		return
	}
	query := r.URL.Query()
	width, err := numberParam(r, "width", textWidth)
	if err != nil {
		fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	writeWhole(w, r, http.StatusOK, []byte(views.BoardText(page, query.Has("color"), width)))
}

// boardSVG answers GET /b/{board}.svg: a picture that other sites may show.
func (s *Server) boardSVG(w http.ResponseWriter, r *http.Request) {
	page, err := s.twin(r, 10)
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
func (s *Server) twin(r *http.Request, limit int) (rank.Page, error) {
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
	board, _ := s.Press.Board()
	spec, err := board.Leaderboard(pathParam(r, "board"))
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
