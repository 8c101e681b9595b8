package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// entryRead is an entry as a client reads it.
type entryRead struct {
	Entry, Target          uint64
	At                     int64
	Kind, By, Reason, Name string
	Player                 string
	Score                  *float64
}

// does sends what staff do, and must succeed.
func (w *world) does(method, path, body string, headers ...string) entryRead {
	w.t.Helper()
	if body != "" {
		headers = append([]string{"Content-Type", jsonType}, headers...)
	}
	a := do(w.t, method, w.api(path), body, headers...)
	if a.StatusCode != http.StatusOK || a.Header.Get("Cache-Control") != "no-store" {
		w.t.Fatalf("%s %s: %d %s", method, path, a.StatusCode, a.body)
	}
	return decode[entryRead](w.t, a)
}

func TestModerationClosesRanksAtOnce(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	w.score("ada", 10)
	best := w.score("ada", 30)
	w.score("bob", 20)
	staff := bear(w.token("judge", "staff:arcade"))

	removed := w.does("DELETE", fmt.Sprintf("/arcade/scores/%d", best), `{"reason":"a slip"}`, staff...)
	if removed.Kind != "removed" || removed.Target != best || removed.By != "judge" || removed.Reason != "a slip" || removed.Entry <= best || removed.At == 0 {
		t.Errorf("the entry is %+v", removed)
	}
	wantPlaces(t, w.places("/arcade"), "1 bob 20, 2 ada 10")
	hidden := w.does("POST", "/arcade/players/bob/hide", "")
	if hidden.Kind != "hidden" || hidden.Player != "bob" || hidden.By != "local" {
		t.Errorf("the entry is %+v", hidden)
	}
	wantPlaces(t, w.places("/arcade"), "1 ada 10")
	undone := w.does("POST", fmt.Sprintf("/arcade/audit/%d/undo", removed.Entry), "{}")
	if undone.Kind != "undone" || undone.Target != removed.Entry {
		t.Errorf("the entry is %+v", undone)
	}
	wantPlaces(t, w.places("/arcade"), "1 ada 30")
	w.does("POST", fmt.Sprintf("/arcade/audit/%d/undo", hidden.Entry), "")
	wantPlaces(t, w.places("/arcade"), "1 ada 30, 2 bob 20")

	w.does("POST", "/arcade/players/bob/rename", `{"name":"Robert","reason":"as asked"}`)
	w.post("/arcade/scores", `{"player":"bob","score":21,"name":"Bobby"}`)
	if page := decode[readPage](t, get200(t, w.api("/arcade"))); page.Rows[1].Name != "Robert" {
		t.Errorf("the name is %q, want that which staff gave", page.Rows[1].Name)
	}
	w.does("POST", "/arcade/players/bob/ban", "")
	wantPlaces(t, w.places("/arcade"), "1 ada 30")
	wantProblem(t, w.post("/arcade/scores", `{"player":"bob","score":22}`), http.StatusUnprocessableEntity, "")
}

func TestAuditTellsEverythingTheNewestFirst(t *testing.T) {
	most := 100.0
	spec := leaderboard("arcade", nil)
	spec.Limits.Max = &most
	w := newLeague(t, nil, spec)
	w.score("ada", 1)
	wantProblem(t, w.post("/arcade/scores", `{"player":"ada","score":101}`), http.StatusUnprocessableEntity, "")
	w.does("POST", "/arcade/players/ada/hide", `{"reason":"see above"}`)
	w.does("POST", "/arcade/freeze", "")
	read := func(query string) []entryRead {
		return decode[struct{ Entries []entryRead }](t, get200(t, w.api("/arcade/audit"+query))).Entries
	}
	var kinds []string
	all := read("")
	for _, e := range all {
		kinds = append(kinds, e.Kind)
	}
	if got := strings.Join(kinds, " "); got != "froze hidden flagged" {
		t.Fatalf("the audit is %q, want froze hidden flagged", got)
	}
	if flag := all[2]; flag.Player != "ada" || flag.Score == nil || *flag.Score != 101 || flag.Reason == "" || flag.By != "local" {
		t.Errorf("the flag is %+v", flag)
	}
	if hidden := all[1]; hidden.Player != "ada" || hidden.Reason != "see above" || hidden.Score != nil {
		t.Errorf("the hiding is %+v", hidden)
	}
	if part := read(fmt.Sprintf("?limit=1&before=%d", all[0].Entry)); len(part) != 1 || part[0].Entry != all[1].Entry {
		t.Errorf("the second alone is %+v", part)
	}
	if part := read("?before=18446744073709551615"); len(part) != len(all) {
		t.Errorf("before the last number there is: got %+v, want all", part)
	}
	for _, query := range []string{"?limit=0", "?limit=1001", "?before=x"} {
		wantProblem(t, do(t, "GET", w.api("/arcade/audit"+query), ""), http.StatusBadRequest, "")
	}
}

func TestFreezeHidesAndRevealGoesStepByStep(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil)) // of which two ranks are revealed one by one
	w.score("ada", 10)
	w.score("bob", 20)
	w.score("cyd", 5)
	w.does("POST", "/arcade/freeze", "")
	w.score("ada", 40)
	w.score("dan", 30)
	frozen := "1 bob 20, 2 ada 10, 3 cyd 5"
	wantPlaces(t, w.places("/arcade"), frozen)
	wantPlaces(t, w.places("/arcade?window=day"), frozen)
	wantPlaces(t, w.places("/arcade?view=staff"), "1 ada 40, 2 dan 30, 3 bob 20, 4 cyd 5")
	if page := decode[readPage](t, get200(t, w.api("/arcade"))); page.FrozenAt == 0 || page.Total != 3 {
		t.Errorf("the page is not labelled frozen: %+v", page)
	}
	for _, path := range []string{"/arcade", "/arcade.csv", "/arcade/players/bob", "/arcade/players/ada", "/arcade/around/bob", "/arcade/players?q=a", "/arcade/windows"} {
		if a := get200(t, w.api(path)); strings.Contains(a.body, "dan") || strings.Contains(a.body, "40") && !strings.Contains(path, "windows") && strings.Contains(a.body, `"score":40`) {
			t.Errorf("%s leaks: %s", path, a.body)
		}
	}
	wantProblem(t, do(t, "GET", w.api("/arcade/players/dan"), ""), http.StatusNotFound, "")

	w.does("POST", "/arcade/reveal", "")
	wantPlaces(t, w.places("/arcade"), "1, 2, 3 bob 20, 4 cyd 5")
	if text := get200(t, w.api("/arcade.csv")).body; !strings.HasPrefix(text, "rank,player,name,score,at\r\n1,,,,\r\n2,,,,\r\n3,bob,") {
		t.Errorf("the covered rows of the file are %q", text)
	}
	w.does("POST", "/arcade/reveal", "")
	wantPlaces(t, w.places("/arcade"), "1, 2 dan 30, 3 bob 20, 4 cyd 5")
	w.does("POST", "/arcade/reveal", "")
	wantPlaces(t, w.places("/arcade"), "1 ada 40, 2 dan 30, 3 bob 20, 4 cyd 5")
	wantProblem(t, w.post("/arcade/reveal", ""), http.StatusConflict, "")
	w.does("POST", "/arcade/freeze", "")
	w.does("POST", "/arcade/thaw", "")
	wantProblem(t, w.post("/arcade/thaw", ""), http.StatusConflict, "")
}

func TestWrongModerationIsRefused(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	entry := w.score("ada", 1)
	for _, c := range []struct {
		method, path, body string
		status             int
		detail             string
	}{
		{"POST", "/chess/freeze", "", 404, `"chess"`},
		{"POST", "/arcade/players/bob/hide", "", 404, ""},
		{"POST", "/arcade/players/ada/rename", "", 400, ""},
		{"POST", "/arcade/players/ada/rename", `{"name":"\u0007"}`, 400, ""},
		{"POST", "/arcade/players/ada/hide", `{"name":"Ada"}`, 400, "a name is given to rename"},
		{"POST", "/arcade/players/ada/hide", `{"why":"x"}`, 400, `unknown field "why"`},
		{"POST", "/arcade/players/ada/hide", `{"reason":7}`, 400, "reason cannot be number"},
		{"POST", "/arcade/players/ada/hide", "{\n", 400, "line 2"},
		{"POST", "/arcade/players/ada/hide", "{} {}", 400, "line 1"},
		{"DELETE", "/arcade/scores/999", "", 404, ""},
		{"DELETE", "/arcade/scores/first", "", 404, "entries have numbers"},
		{"DELETE", fmt.Sprintf("/arcade/scores/%d", entry-1), "", 400, "is no score"},
		{"POST", fmt.Sprintf("/arcade/audit/%d/undo", entry), "", 400, "cannot be undone"},
		{"POST", "/arcade/reveal", "", 409, ""},
		{"POST", "/arcade/thaw", "", 409, ""},
	} {
		t.Run(c.method+c.path, func(t *testing.T) {
			var headers []string
			if c.body != "" {
				headers = []string{"Content-Type", jsonType}
			}
			wantProblem(t, do(t, c.method, w.api(c.path), c.body, headers...), c.status, c.detail)
		})
	}
	wantProblem(t, do(t, "POST", w.api("/arcade/freeze"), "reason=x", "Content-Type", "application/x-www-form-urlencoded"), 415, "application/json")
	wantPlaces(t, w.places("/arcade"), "1 ada 1")
}
