package handlers

import (
	"context"
	"math/rand/v2"
	"net/http"

	"liveboard/views"
)

const (
	textWidth = 80 // of a terminal that did not say how wide it is
	textRows  = 25
)

// boardText answers GET /b/{board}.txt, in colour with ?color. With ?follow the answer goes on: whenever
// the board changes, the terminal is cleared and shows it anew.
func (s *Server) boardText(w http.ResponseWriter, r *http.Request) {
	text, err := s.readText(w, r)
	if err != nil {
		fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if r.URL.Query().Has("follow") && r.Method == http.MethodGet {
		s.followText(w, r)
		return
	}
	writeWhole(w, r, http.StatusOK, []byte(text))
}

func (s *Server) readText(w http.ResponseWriter, r *http.Request) (string, error) {
	page, err := s.twin(w, r, textRows)
	if err != nil {
		return "", err
	}
	query := r.URL.Query()
	width, err := numberParam(r, "width", textWidth)
	if err != nil {
		return "", err
	}
	return views.BoardText(page, query.Has("color"), width), nil
}

// clearScreen moves a terminal's cursor home and empties the screen (ECMA-48).
const clearScreen = "\x1b[H\x1b[2J"

// followText sends the text again and again, until the client leaves or a stream's time is up. What
// it waits for is the page's ticks: it looks at the board no oftener than a browser does.
func (s *Server) followText(w http.ResponseWriter, r *http.Request) {
	q, release, err := s.request(r, s.streams)
	if err != nil {
		fail(w, r, err)
		return
	}
	defer release()
	ctx, cancel := context.WithTimeout(r.Context(), streamFor+rand.N(streamJitter))
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	w.Header().Set("X-Accel-Buffering", "no")
	viewer := q.Shows[0].Page.Join("")
	defer viewer.Leave()
	for shown := ""; ; {
		if _, err := viewer.Next(ctx); err != nil {
			return // the client, the server or the board is gone
		}
		text, err := s.readText(w, r)
		if err != nil {
			return
		}
		if text == shown {
			continue
		}
		if shown = text; writeNow(w, []byte(clearScreen+text)) != nil {
			return
		}
	}
}
