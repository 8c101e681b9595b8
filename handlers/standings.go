package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

// Boards finds leaderboards with the standings of now, those fed by a query too; *query.Boards does.
type Boards interface {
	Board(ctx context.Context, name string) (*rank.Board, error)
}

// boardJSON describes a leaderboard.
type boardJSON struct {
	Leaderboard string             `json:"leaderboard"`
	Title       string             `json:"title"`
	Text        string             `json:"text,omitempty"`
	Unit        metrics.Unit       `json:"unit,omitempty"`
	Order       metrics.Order      `json:"order"`
	Keep        metrics.Keep       `json:"keep"`
	Ties        metrics.Ties       `json:"ties"`
	Windows     []string           `json:"windows"` // names of its periods: each is the window of now
	Groups      []string           `json:"groups,omitempty"`
	Signed      bool               `json:"signed,omitempty"`
	Visibility  metrics.Visibility `json:"visibility"`
}

// leaderboards answers GET /api/leaderboards with those that are public; staff are shown all of
// theirs with ?view=staff.
func (s *Server) leaderboards(w http.ResponseWriter, r *http.Request) {
	who, err := s.callerOf(r)
	if err != nil {
		fail(w, r, err)
		return
	}
	all := r.URL.Query().Get("view") == "staff"
	list := []boardJSON{}
	board, _ := s.Press.Board()
	for i := range board.Leaderboards {
		spec := &board.Leaderboards[i]
		if spec.Visibility == metrics.Public || all && who.need(metrics.VerbStaff, spec.Name) == nil {
			list = append(list, describe(spec))
		}
	}
	tell(w, r, http.StatusOK, map[string]any{"leaderboards": list})
}

func describe(spec *metrics.Leaderboard) boardJSON {
	b := boardJSON{
		Leaderboard: spec.Name, Title: spec.Title, Text: spec.Text, Unit: spec.Unit, Order: spec.Order, Keep: spec.Keep,
		Ties: spec.Ties, Groups: spec.Groups, Signed: spec.Signed, Visibility: spec.Visibility,
	}
	for _, p := range spec.Periods {
		b.Windows = append(b.Windows, p.Name)
	}
	return b
}

// pageJSON is a part of the standings of one window.
type pageJSON struct {
	Leaderboard string    `json:"leaderboard"`
	Window      string    `json:"window"` // its key, good for ever
	Title       string    `json:"title"`  // of the window
	Group       string    `json:"group,omitempty"`
	FrozenAt    int64     `json:"frozen_at,omitempty"` // since when the public sees no change, Unix milliseconds
	Total       int       `json:"total"`
	Rows        []rowJSON `json:"rows"`
	Next        *string   `json:"next"` // the address of the rows that follow
}

// rowJSON is one player's place. During a reveal the covered ones bear their rank alone.
type rowJSON struct {
	Rank    int  `json:"rank"`
	Covered bool `json:"covered,omitempty"`
	*shownJSON
}

type shownJSON struct {
	Player     string             `json:"player"`
	Name       string             `json:"name"`
	Score      float64            `json:"score"`
	At         int64              `json:"at"`
	Move       *int               `json:"move"` // places won since the last whole hour or day; null for who is new
	Sub        map[string]float64 `json:"sub,omitempty"`
	Attributes map[string]string  `json:"attributes,omitempty"`
}

// standings answers GET /api/leaderboards/{board}.
func (s *Server) standings(w http.ResponseWriter, r *http.Request) {
	s.tellPage(w, r, func(b *rank.Board, ask rank.Ask) (rank.Page, error) { return b.Page(r.Context(), ask) })
}

// maxAround bounds the rows on either side of a player.
const maxAround = 100

// around answers GET /api/leaderboards/{board}/around/{player}.
func (s *Server) around(w http.ResponseWriter, r *http.Request) {
	s.tellPage(w, r, func(b *rank.Board, ask rank.Ask) (rank.Page, error) {
		n, err := numberParam(r, "n", 5)
		if err == nil && n > maxAround {
			err = metrics.Errorf(metrics.Invalid, "n is at most %d.", maxAround)
		}
		if err != nil {
			return rank.Page{}, err
		}
		return b.Around(r.Context(), ask, pathParam(r, "player"), n)
	})
}

func (s *Server) tellPage(w http.ResponseWriter, r *http.Request, read func(*rank.Board, rank.Ask) (rank.Page, error)) {
	board, ask, err := s.ask(r)
	var page rank.Page
	if err == nil {
		page, err = read(board, ask)
	}
	if err != nil {
		fail(w, r, err)
		return
	}
	tell(w, r, http.StatusOK, pageOf(page, r))
}

// ask returns the leaderboard of the request, and which part of its standings is wanted.
func (s *Server) ask(r *http.Request) (*rank.Board, rank.Ask, error) {
	name, query := pathParam(r, "board"), r.URL.Query()
	ask := rank.Ask{Window: query.Get("window"), Group: query.Get("group")}
	var err error
	if ask.Staff, err = s.asStaff(r, name); err != nil {
		return nil, ask, err
	}
	if ask.Offset, err = numberParam(r, "offset", 0); err != nil {
		return nil, ask, err
	}
	if ask.Limit, err = numberParam(r, "limit", 0); err != nil {
		return nil, ask, err
	}
	board, err := s.Boards.Board(r.Context(), name)
	return board, ask, err
}

// numberParam reads a number of the query that is not negative, or returns other where there is none.
func numberParam(r *http.Request, name string, other int) (int, error) {
	n, err := wholeParam(r, name, uint64(other), 31)
	return int(n), err
}

// wholeParam reads a number of the query that has so many bits at most, or returns other where there is none.
func wholeParam(r *http.Request, name string, other uint64, bits int) (uint64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return other, nil
	}
	n, err := strconv.ParseUint(text, 10, bits)
	if err != nil {
		return 0, metrics.Errorf(metrics.Invalid, "%s must be a number from 0 up, not %q.", name, text)
	}
	return n, nil
}

func pageOf(p rank.Page, r *http.Request) pageJSON {
	page := pageJSON{
		Leaderboard: p.Spec.Name, Window: p.Window.Key, Title: p.Window.Title, Group: p.Group,
		FrozenAt: millis(p.FrozenAt), Total: p.Total, Rows: make([]rowJSON, len(p.Rows)),
	}
	for i, row := range p.Rows {
		page.Rows[i] = rowOf(row)
	}
	if end := p.Offset + len(p.Rows); end < p.Total && len(p.Rows) > 0 {
		next := nextURL(r, p, end)
		page.Next = &next
	}
	return page
}

// nextURL stays in the window even if that should end meanwhile.
func nextURL(r *http.Request, p rank.Page, offset int) string {
	query := url.Values{"window": {p.Window.Key}, "offset": {strconv.Itoa(offset)}}
	for _, name := range []string{"group", "limit", "view"} {
		if value := r.URL.Query().Get(name); value != "" {
			query.Set(name, value)
		}
	}
	return leaderboardsPath + "/" + p.Spec.Name + "?" + query.Encode()
}

func rowOf(row rank.Row) rowJSON {
	if row.Player == "" {
		return rowJSON{Rank: row.Rank, Covered: true}
	}
	shown := &shownJSON{Player: row.Player, Name: row.Name, Score: row.Score, At: row.At, Sub: subsOf(row.Subs)}
	if !row.Move.New {
		shown.Move = &row.Move.Up
	}
	for _, l := range row.Attributes {
		if shown.Attributes == nil {
			shown.Attributes = make(map[string]string, len(row.Attributes))
		}
		shown.Attributes[l.Name] = l.Value
	}
	return rowJSON{Rank: row.Rank, shownJSON: shown}
}

func subsOf(subs []metrics.Sub) map[string]float64 {
	if len(subs) == 0 {
		return nil
	}
	named := make(map[string]float64, len(subs))
	for _, sub := range subs {
		named[sub.Name] = sub.Value
	}
	return named
}

// millis is the time in Unix milliseconds, 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// windowJSON is one stretch of time of a leaderboard.
type windowJSON struct {
	Window string             `json:"window"`
	Period string             `json:"period"`
	Kind   metrics.PeriodKind `json:"kind"`
	Title  string             `json:"title"`
	From   int64              `json:"from,omitempty"`
	To     int64              `json:"to,omitempty"`
	Closed bool               `json:"closed"`
}

// windows answers GET /api/leaderboards/{board}/windows.
func (s *Server) windows(w http.ResponseWriter, r *http.Request) {
	board, ask, err := s.ask(r)
	var windows []rank.Window
	if err == nil {
		windows, err = board.Windows(r.Context(), ask.Staff)
	}
	if err != nil {
		fail(w, r, err)
		return
	}
	list := make([]windowJSON, len(windows))
	for i, v := range windows {
		list[i] = windowJSON{v.Key, v.Period.Name, v.Period.Kind, v.Title, millis(v.From), millis(v.To), v.Closed}
	}
	tell(w, r, http.StatusOK, map[string]any{"leaderboard": board.Spec().Name, "windows": list})
}
