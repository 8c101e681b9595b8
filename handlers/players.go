package handlers

import (
	"net/http"

	"liveboard/metrics/rank"
)

// profileJSON is what there is to know about one player in one window.
type profileJSON struct {
	Leaderboard string `json:"leaderboard"`
	Window      string `json:"window"`
	Title       string `json:"title"` // of the window
	Total       int    `json:"total"`
	rowJSON
	Percentile float64         `json:"percentile"`
	Next       *gapJSON        `json:"next"` // null for the first
	Standings  []rank.Standing `json:"standings"`
	History    []pastJSON      `json:"history"`
}

// gapJSON is the way to the next better rank.
type gapJSON struct {
	Rank   int     `json:"rank"`
	Player string  `json:"player"`
	Name   string  `json:"name"`
	Points float64 `json:"points"`
}

type pastJSON struct {
	Entry   uint64             `json:"entry"`
	At      int64              `json:"at"`
	Score   float64            `json:"score"`
	Sub     map[string]float64 `json:"sub,omitempty"`
	Removed bool               `json:"removed,omitempty"`
}

// player answers GET /api/leaderboards/{board}/players/{player}.
func (s *Server) player(w http.ResponseWriter, r *http.Request) {
	board, ask, err := s.ask(r)
	var p rank.Profile
	if err == nil {
		p, err = board.Player(r.Context(), ask, pathParam(r, "player"))
	}
	if err != nil {
		fail(w, r, err)
		return
	}
	profile := profileJSON{
		Leaderboard: board.Spec().Name, Window: p.Window.Key, Title: p.Window.Title, Total: p.Total, rowJSON: rowOf(p.Row),
		Percentile: p.Percentile, Standings: p.Standings, History: make([]pastJSON, len(p.History)),
	}
	if p.Next != nil {
		profile.Next = &gapJSON{p.Next.Rank, p.Next.Player, p.Next.Name, p.Next.Points}
	}
	for i, past := range p.History {
		profile.History[i] = pastJSON{past.Entry, past.At, past.Value, subsOf(past.Subs), past.Removed}
	}
	tell(w, r, http.StatusOK, profile)
}

// find answers GET /api/leaderboards/{board}/players with those whose name or id holds ?q=.
func (s *Server) find(w http.ResponseWriter, r *http.Request) {
	board, ask, err := s.ask(r)
	var rows []rank.Row
	if err == nil {
		rows, err = board.Find(r.Context(), ask, r.URL.Query().Get("q"))
	}
	if err != nil {
		fail(w, r, err)
		return
	}
	list := make([]rowJSON, len(rows))
	for i, row := range rows {
		list[i] = rowOf(row)
	}
	tell(w, r, http.StatusOK, map[string]any{"leaderboard": board.Spec().Name, "rows": list})
}
