package press

import (
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"liveboard/metrics"
)

// RankingView says which part of which leaderboard a View shows. The zero RankingView is no leaderboard.
type RankingView struct {
	Board  string
	Window string // see rank.Ask
	Group  string
	Offset int
	Limit  int    // rows; those around You on both sides together
	You    string // a player's id: the rows around that one are shown, wherever they are
	Find   string // the rows of players whose name or id holds this are shown
}

// Bounds of a view of a leaderboard.
const (
	defaultRows      = 50
	defaultAround    = 20 // those around a player
	defaultKioskRows = 10
	defaultEmbedRows = 10
	maxRows          = 500
	maxOffset        = 100_000_000
	maxParamBytes    = 256 // of a window, group, player or search
	defaultRankTurn  = 15 * time.Second
)

// ParseRankingView reads what a URL's query says of a view of a leaderboard: surface, window, group,
// offset, limit, player, q and, for a kiosk, turn. Errors are of kind Invalid and name the parameter.
func ParseRankingView(board string, query url.Values) (View, error) {
	v := View{Surface: Desk, Ranking: RankingView{
		Board:  board,
		Window: query.Get("window"),
		Group:  query.Get("group"),
		You:    query.Get("player"),
		Find:   query.Get("q"),
	}}
	if s := query.Get("surface"); s != "" {
		v.Surface = Surface(s)
	}
	for _, name := range []string{"window", "group", "player", "q"} {
		if text := query.Get(name); len(text) > maxParamBytes || !utf8.ValidString(text) {
			return View{}, metrics.Errorf(metrics.Invalid, "%s must be at most %d bytes of UTF-8", name, maxParamBytes)
		}
	}
	rows, turn := v.Ranking.deskRows(), time.Duration(0)
	switch v.Surface {
	case Desk, Player:
	case Embed:
		rows = defaultEmbedRows
	case Kiosk:
		rows, turn = defaultKioskRows, defaultRankTurn
	default:
		return View{}, metrics.Errorf(metrics.Invalid, "surface must be desk, kiosk, embed or player, not %q", query.Get("surface"))
	}
	var err error
	if v.Ranking.Limit, err = parseCount(query, "limit", rows, 1, maxRows); err != nil {
		return View{}, err
	}
	if v.Ranking.Offset, err = parseCount(query, "offset", 0, 0, maxOffset); err != nil {
		return View{}, err
	}
	if turn != 0 {
		v.Turn = turn
		if query.Has("turn") {
			v.Turn, err = parseTurn(query.Get("turn"))
		}
	}
	return v, err
}

func parseCount(query url.Values, name string, absent, least, most int) (int, error) {
	text := query.Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, metrics.Errorf(metrics.Invalid, "%s must be a number from %d to %d, not %q", name, least, most, text)
	}
	return n, nil
}

// addTo puts into q what ParseRankingView reads.
func (r RankingView) addTo(q url.Values) {
	for name, text := range map[string]string{"window": r.Window, "group": r.Group, "player": r.You, "q": r.Find} {
		if text != "" {
			q.Set(name, text)
		}
	}
	q.Set("limit", strconv.Itoa(r.Limit))
	if r.Offset != 0 {
		q.Set("offset", strconv.Itoa(r.Offset))
	}
}

// deskRows is how many rows a desk shows where its address does not say.
func (r RankingView) deskRows() int {
	if r.You != "" {
		return defaultAround
	}
	return defaultRows
}

// pageQuery is the query of the page that shows r to a person.
func (r RankingView) pageQuery() url.Values {
	q := url.Values{}
	r.addTo(q)
	if r.Limit == r.deskRows() {
		q.Del("limit")
	}
	return q
}

// own reports whether the view is what one person asked for, so that hardly anyone else has the same.
func (v View) own() bool { return v.Ranking.You != "" || v.Ranking.Find != "" }

// ownPace is the time between two prints of such a page: there may be thousands of them.
const ownPace = time.Second

// pace is the least time between two prints of the view's page.
func (v View) pace() time.Duration {
	switch {
	case v.own():
		return ownPace
	case v.Surface == Arrivals:
		return arrivalsPace
	}
	return 0
}

// most is how many pages like the view's there may be.
func (v View) most() int {
	if v.own() {
		return maxOwnPages
	}
	return maxPages
}

func (v View) logBytes() int {
	if v.own() {
		return maxOwnBytes
	}
	return maxLogBytes
}
