package handlers

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestScoresAreForThoseWhoMay(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	tokens := map[string]string{
		"its": w.token("its", "score:arcade"), "every": w.token("every", "score:*"), "other": w.token("other", "score:chess"),
		"staff": w.token("staff", "staff:arcade"), "wrong": "lb_0123456789_" + strings.Repeat("0", 64), "none": "",
	}
	for _, c := range []struct {
		name, token string
		headers     []string
		want        int // of a score
		staff       int // of a moderation
	}{
		{"this machine", "none", nil, 201, 200},
		{"a browser here", "none", []string{"Sec-Fetch-Site", "same-origin"}, 201, 200},
		{"rebound name", "none", []string{"Host", "evil.example"}, 401, 401},
		{"elsewhere", "none", elsewhere, 401, 401},
		{"another site's page", "none", []string{"Sec-Fetch-Site", "cross-site"}, 403, 403},
		{"another site's old browser", "none", []string{"Origin", "https://evil.example"}, 403, 403},
		{"another site's page with token", "staff", []string{"Sec-Fetch-Site", "cross-site"}, 403, 403},
		{"its token", "its", elsewhere, 201, 403},
		{"its token here", "its", nil, 201, 403},
		{"a token for all", "every", elsewhere, 201, 403},
		{"another leaderboard's", "other", elsewhere, 403, 403},
		{"another leaderboard's here", "other", nil, 403, 403},
		{"staff", "staff", elsewhere, 201, 200},
		{"a wrong token", "wrong", elsewhere, 401, 401},
		{"a wrong token here", "wrong", nil, 401, 401},
		{"a password here", "none", []string{"Authorization", "Basic c2VjcmV0"}, 401, 401},
		{"an empty token here", "none", []string{"Authorization", "Bearer "}, 401, 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			headers := slices.Clone(c.headers)
			if tokens[c.token] != "" {
				headers = append(headers, bear(tokens[c.token])...)
			}
			player := strings.ReplaceAll(c.name, " ", "-")
			a := w.post("/arcade/scores", fmt.Sprintf(`{"player":%q,"score":1}`, player), headers...)
			if a.StatusCode != c.want {
				t.Errorf("a score: status %d, want %d: %s", a.StatusCode, c.want, a.body)
			}
			if challenge := a.Header.Get("WWW-Authenticate"); (challenge == "Bearer") != (c.want == 401) {
				t.Errorf("WWW-Authenticate = %q with status %d", challenge, a.StatusCode)
			}
			if got := strings.Contains(w.places("/arcade?limit=1000"), " "+player+" "); got != (c.want == 201) {
				t.Errorf("the score counts: %v, with status %d", got, a.StatusCode)
			}
			w.post("/arcade/scores", `{"player":"`+player+`-2","score":1}`)
			if a := w.post("/arcade/players/"+player+"-2/hide", "", headers...); a.StatusCode != c.staff {
				t.Errorf("a moderation: status %d, want %d: %s", a.StatusCode, c.staff, a.body)
			}
			if a := do(t, "GET", w.api("/arcade/audit"), "", headers...); !strings.Contains(c.name, "another site") && a.StatusCode != c.staff {
				t.Errorf("the audit: status %d, want %d", a.StatusCode, c.staff)
			}
		})
	}
}

func TestReadingNeedsNoToken(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	w.score("ada", 1)
	for _, path := range []string{"", "/arcade", "/arcade.csv", "/arcade/players/ada", "/arcade/around/ada", "/arcade/players?q=a", "/arcade/windows"} {
		get200(t, w.api(path), elsewhere...)
	}
	wantProblem(t, do(t, "GET", w.api("/arcade?view=staff"), "", elsewhere...), 401, "liveboard token create --scope staff:arcade")
	wantProblem(t, do(t, "GET", w.api("/arcade?view=staff"), "", bear(w.token("x", "score:arcade"))...), 403, `"x" may not do this: it has no scope staff:arcade`)
}

func TestRevokedTokenIsGoodForNothing(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	secret, token, err := w.store.Tokens().Create(t.Context(), "x", []string{"score:arcade"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if a := w.post("/arcade/scores", `{"player":"ada","score":1}`, bear(secret)...); a.StatusCode != 201 {
		t.Fatalf("got %d %s", a.StatusCode, a.body)
	}
	if err := w.store.Tokens().Revoke(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, w.post("/arcade/scores", `{"player":"ada","score":1}`, bear(secret)...), 401, "revoked")
}

func TestServerBehindAProxyTrustsNobodyForComingOverLoopback(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	w.score("ada", 1)
	w.server.PublicURL = "https://play.example"
	const one = `{"player":"ada","score":2}`
	wantProblem(t, w.post("/arcade/scores", one), http.StatusUnauthorized, "score:arcade")
	wantProblem(t, w.post("/arcade/players/ada/ban", ""), http.StatusUnauthorized, "staff:arcade")
	push := do(t, "POST", w.URL+"/api/push", "orders 1", "Content-Type", "text/plain")
	wantProblem(t, push, http.StatusUnauthorized, "--scope ingest")
	if a := do(t, "GET", w.URL+"/b/arcade/staff", ""); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("the staff's page answers %d, want a sign-in", a.StatusCode)
	}
	if a := w.post("/arcade/scores", one, bear(w.token("cabinet", "score:arcade"))...); a.StatusCode != http.StatusCreated {
		t.Errorf("with a token: %d %s", a.StatusCode, a.body)
	}
}
