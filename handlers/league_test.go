package handlers

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

// newLeague serves leaderboards and nothing else. change may be nil.
func newLeague(t testing.TB, change func(*Config), specs ...metrics.Leaderboard) *world {
	t.Helper()
	return worldOf(t, change, &metrics.Board{Leaderboards: specs}, filepath.Join(t.TempDir(), "x.db"))
}

// leaderboard returns one that keeps the highest scores, of all time and of each day. change may be nil.
func leaderboard(name string, change func(*metrics.Leaderboard)) metrics.Leaderboard {
	spec := metrics.Leaderboard{
		Name: name, Title: strings.ToUpper(name), Decimals: -1, Order: metrics.Desc, Keep: metrics.KeepBest, Ties: metrics.Competition,
		Periods: []metrics.Period{
			{Kind: metrics.AllTime, Name: "all", Title: "All time"},
			{Kind: metrics.Day, Name: "day", Title: "Today"},
		},
		Zone: time.UTC, Visibility: metrics.Public, Moves: metrics.Hour, Freeze: metrics.Freeze{Reveal: 2},
	}
	if change != nil {
		change(&spec)
	}
	return spec
}

// api is the address of something about a leaderboard.
func (w *world) api(path string) string { return w.URL + "/api/leaderboards" + path }

// post sends JSON, or nothing for "".
func (w *world) post(path, body string, headers ...string) answer {
	w.t.Helper()
	if body != "" {
		headers = append([]string{"Content-Type", jsonType}, headers...)
	}
	return do(w.t, "POST", w.api(path), body, headers...)
}

// score submits a score of a player to the leaderboard "arcade", and must succeed. It returns the entry.
func (w *world) score(player string, value float64) uint64 {
	w.t.Helper()
	a := w.post("/arcade/scores", fmt.Sprintf(`{"player":%q,"score":%v}`, player, value))
	if a.StatusCode != 201 {
		w.t.Fatalf("%s scores %v: %d %s", player, value, a.StatusCode, a.body)
	}
	return decode[struct{ Entry uint64 }](w.t, a).Entry
}

// token makes a token and returns its secret.
func (w *world) token(name string, scopes ...string) string {
	w.t.Helper()
	secret, _, err := w.store.Tokens().Create(w.t.Context(), name, scopes, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return secret
}

// bear is the header of a token.
func bear(secret string) []string { return []string{"Authorization", "Bearer " + secret} }

// elsewhere makes a request one that comes through a proxy.
var elsewhere = []string{"X-Forwarded-For", "192.0.2.1"}

func decode[T any](t testing.TB, a answer) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("the answer %d %q is no JSON of a %T: %v", a.StatusCode, a.body, v, err)
	}
	return v
}

// readPage is an answer with rows, as a client reads it.
type readPage struct {
	Leaderboard, Window, Title, Group string
	FrozenAt                          int64 `json:"frozen_at"`
	Total                             int
	Next                              *string
	Rows                              []readRow
}

type readRow struct {
	Rank         int
	Covered      bool
	Player, Name string
	Score        float64
	At           int64
	Move         *int
	Sub          map[string]float64
	Attributes   map[string]string
}

// places are the rows at a path under /api/leaderboards as "rank player score", those covered as their rank.
func (w *world) places(path string, headers ...string) string {
	w.t.Helper()
	page := decode[readPage](w.t, get200(w.t, w.api(path), headers...))
	var places []string
	for _, row := range page.Rows {
		if row.Covered {
			places = append(places, fmt.Sprint(row.Rank))
			continue
		}
		places = append(places, fmt.Sprintf("%d %s %v", row.Rank, row.Player, row.Score))
	}
	return strings.Join(places, ", ")
}

func wantPlaces(t testing.TB, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("the standings are %q, want %q", got, want)
	}
}
