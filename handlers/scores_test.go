package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

func TestScoreIsAnsweredWithItsRanks(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	w.score("bob", 100)
	w.score("ada", 50)
	a := w.post("/arcade/scores", `{"player":"ada","score":4200,"name":"Ada L.","sub":{"deaths":3},"attributes":{"team":"red"}}`)
	if a.StatusCode != http.StatusCreated || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Content-Type") != jsonType {
		t.Fatalf("got %d %v %s, want 201 and JSON that nobody keeps", a.StatusCode, a.Header, a.body)
	}
	today := time.Now().UTC().Format("2006-01-02")
	want := map[string]any{
		"leaderboard": "arcade", "entry": 5.0 + 1, "player": "ada", "score": 4200.0, "before": 2.0, "rank": 1.0,
		"standings": []any{
			map[string]any{"window": "all", "rank": 1.0, "total": 2.0, "score": 4200.0},
			map[string]any{"window": today, "rank": 1.0, "total": 2.0, "score": 4200.0},
		},
	}
	if diff := cmp.Diff(want, decode[map[string]any](t, a)); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func TestListOfScoresIsAnsweredWhole(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	a := w.post("/arcade/scores", `[{"player":"ada","score":1},{"player":"bob","score":2}]`)
	got := decode[rank.Answer](t, a)
	if a.StatusCode != http.StatusCreated || got.Leaderboard != "arcade" || len(got.Results) != 2 || got.Results[1].Player != "bob" {
		t.Errorf("got %d %s, want the results of both", a.StatusCode, a.body)
	}
	wantPlaces(t, w.places("/arcade"), "1 bob 2, 2 ada 1")
}

func TestRepeatedRequestCountsOnce(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", func(b *metrics.Leaderboard) { b.Keep = metrics.KeepSum }))
	key := []string{"Idempotency-Key", "round-7"}
	first := w.post("/arcade/scores", `{"player":"ada","score":5}`, key...)
	w.score("bob", 9)
	again := w.post("/arcade/scores", `{"player":"ada","score":5}`, key...)
	if first.StatusCode != 201 || again.StatusCode != 201 || first.body != again.body {
		t.Errorf("got %d %s, then %d %s, want the same twice", first.StatusCode, first.body, again.StatusCode, again.body)
	}
	if got := first.Header.Get("Idempotent-Replayed") + again.Header.Get("Idempotent-Replayed"); got != "true" {
		t.Errorf("Idempotent-Replayed is %q, want it of the second alone", got)
	}
	wantProblem(t, w.post("/arcade/scores", `{"player":"ada","score":6}`, key...), http.StatusConflict, "")
	wantProblem(t, w.post("/arcade/scores", `{"player":"ada","score":6}`, "Idempotency-Key", "round 7"), http.StatusBadRequest, "1 to 255 visible")
	wantProblem(t, w.post("/arcade/scores", `{"player":"ada","score":6}`, "Idempotency-Key", strings.Repeat("k", 256)), http.StatusBadRequest, "1 to 255 visible")
	wantPlaces(t, w.places("/arcade"), "1 bob 9, 2 ada 5")
}

// What the ledger refuses stands in its own tests; here is how each sort of refusal arrives.
func TestScoresAreRefusedWhole(t *testing.T) {
	least, most := 0.0, 1e6
	w := newLeague(t, nil, leaderboard("arcade", func(b *metrics.Leaderboard) {
		b.Limits = metrics.ScoreLimits{Min: &least, Max: &most, PerMinute: 2}
	}), leaderboard("processes", func(b *metrics.Leaderboard) { b.Query = &metrics.Query{Expr: "topk(5, cpu)"} }))
	w.score("busy", 1)
	w.score("busy", 2)
	old, ahead := time.Now().Add(-8*24*time.Hour).UnixMilli(), time.Now().Add(time.Hour).UnixMilli()
	for _, c := range []struct {
		name, path, body string
		status           int
		detail           string
	}{
		{"unknown leaderboard", "/chess/scores", `{"player":"ada","score":1}`, 404, `no leaderboard named "chess"`},
		{"fed by a query", "/processes/scores", `{"player":"ada","score":1}`, 422, "it takes no scores"},
		{"no player's id", "/arcade/scores", `{"player":"","score":1}`, 400, ""},
		{"bidi in a name", "/arcade/scores", `{"player":"ada","score":1,"name":"\u202ead"}`, 400, ""},
		{"no UTF-8", "/arcade/scores", "{\"player\":\"ada\",\"score\":1,\"name\":\"\xff\"}", 400, ""},
		{"too long a name", "/arcade/scores", `{"player":"ada","score":1,"name":"` + strings.Repeat("a", 65) + `"}`, 400, ""},
		{"too old", "/arcade/scores", fmt.Sprintf(`{"player":"ada","score":1,"at":%d}`, old), 400, ""},
		{"ahead", "/arcade/scores", fmt.Sprintf(`{"player":"ada","score":1,"at":%d}`, ahead), 400, ""},
		{"below the limit", "/arcade/scores", `{"player":"ada","score":-1}`, 422, ""},
		{"second of a list", "/arcade/scores", `[{"player":"ada","score":1},{"player":"bob","score":1e7}]`, 422, "score 2"},
		{"too many of a player", "/arcade/scores", `{"player":"busy","score":3}`, 429, ""},
		{"no JSON", "/arcade/scores", "[{\"player\":\"ada\",\"score\":1},\n{]", 400, "line 2"},
		{"too many", "/arcade/scores", listOf(1001), 413, "at most 1000 scores"},
		{"too large", "/arcade/scores", `{"player":"` + strings.Repeat("a", maxScoreBytes) + `","score":1}`, 413, "1 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := w.post(c.path, c.body)
			wantProblem(t, a, c.status, c.detail)
			if retry := a.Header.Get("Retry-After"); (retry != "") != (c.status == 429) {
				t.Errorf("status %d has Retry-After %q", c.status, retry)
			}
		})
	}
	for _, headers := range [][]string{{}, {"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Type", textPlain}, {"Content-Type", ";"}} {
		wantProblem(t, do(t, "POST", w.api("/arcade/scores"), `{"player":"ada","score":1}`, headers...), 415, "--json")
	}
	wantProblem(t, w.post("/arcade/scores", "\x1f\x8b", "Content-Encoding", "gzip"), 415, "gzip")
	wantPlaces(t, w.places("/arcade"), "1 busy 2")
}

func TestScoresOutliveARestart(t *testing.T) {
	spec := leaderboard("arcade", nil)
	w := newLeague(t, nil, spec)
	w.score("ada", 1)
	w.post("/arcade/scores", `{"player":"bob","score":2}`, "Idempotency-Key", "k")
	w.close()
	again := worldOf(t, nil, &metrics.Board{Leaderboards: []metrics.Leaderboard{spec}}, w.path)
	wantPlaces(t, again.places("/arcade"), "1 bob 2, 2 ada 1")
	if a := again.post("/arcade/scores", `{"player":"bob","score":2}`, "Idempotency-Key", "k"); a.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("after a restart the key is forgotten: %d %s", a.StatusCode, a.body)
	}
}

func TestScoresIntoAStoreThatCannotWriteAreRefused(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	w.breakStore()
	a := w.post("/arcade/scores", `{"player":"ada","score":1}`)
	wantProblem(t, a, http.StatusServiceUnavailable, "")
	if a.Header.Get("Retry-After") == "" {
		t.Error("there is no Retry-After")
	}
}

func TestFrozenLeaderboardTellsNoRanks(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	w.score("ada", 10)
	w.post("/arcade/freeze", "")
	a := w.post("/arcade/scores", `{"player":"bob","score":20}`)
	got := decode[struct {
		Frozen       bool
		Before, Rank int
		Standings    []rank.Standing
	}](t, a)
	if a.StatusCode != 201 || !got.Frozen || got.Rank != 0 || got.Before != 0 || len(got.Standings) != 0 {
		t.Errorf("got %d %s, want it frozen and no ranks", a.StatusCode, a.body)
	}
	staff := decode[struct{ Rank int }](t, w.post("/arcade/scores?view=staff", `{"player":"cyd","score":30}`))
	if staff.Rank != 1 {
		t.Errorf("staff are told the rank %d, want 1", staff.Rank)
	}
}
