package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// form sends a form as a page of ours does.
func (w *world) form(path string, fields url.Values, headers ...string) answer {
	w.t.Helper()
	headers = append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, headers...)
	return do(w.t, "POST", w.URL+path, fields.Encode(), headers...)
}

// signIn opens a session and returns the cookie as a browser sends it, through a proxy.
func (w *world) signIn(token string) (headers []string) {
	w.t.Helper()
	a := w.form("/staff/session?board=arcade", url.Values{"token": {" " + token + "\n"}}, elsewhere...)
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/b/arcade/staff" {
		w.t.Fatalf("sign in: %d %s", a.StatusCode, a.body)
	}
	cookie := a.Cookies()[0]
	return append([]string{"Cookie", cookie.Name + "=" + cookie.Value}, elsewhere...)
}

// markOf is what a page made for such a request has in its forms.
func (w *world) markOf(headers []string) string {
	r := &http.Request{Header: http.Header{}}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return w.server.sessions.mark(r)
}

func TestSessionLastsUntilSomebodySignsOut(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	session := w.signIn(w.token("judge", "staff:arcade"))
	get200(t, w.api("/arcade?view=staff"), session...)
	if e := w.does("POST", "/arcade/freeze", "", session...); e.By != "judge" {
		t.Errorf("it is by %q, want judge", e.By)
	}
	wantProblem(t, w.post("/arcade/thaw", "", append(session, "Sec-Fetch-Site", "cross-site")...), 403, "another site")

	for _, mark := range []string{"", "x", w.markOf(nil)} {
		if a := w.form("/staff/logout", url.Values{"mark": {mark}}, session...); a.StatusCode != http.StatusForbidden {
			t.Errorf("a form with the mark %q: %d, want 403", mark, a.StatusCode)
		}
	}
	get200(t, w.api("/arcade?view=staff"), session...)
	a := w.form("/staff/logout", url.Values{"mark": {w.markOf(session)}}, session...)
	if a.StatusCode != http.StatusSeeOther || len(a.Cookies()) != 1 || a.Cookies()[0].MaxAge >= 0 {
		t.Errorf("sign out: %d %v", a.StatusCode, a.Header)
	}
	wantProblem(t, do(t, "GET", w.api("/arcade?view=staff"), "", session...), 401, "needs a token")
}

func TestSessionCookieIsOutOfReach(t *testing.T) {
	w := newLeague(t, nil)
	token := w.token("judge", "staff:*")
	for origin, secure := range map[string]bool{"http://board.example": false, "https://board.example": true} {
		host := strings.TrimPrefix(strings.TrimPrefix(origin, "https://"), "http://")
		a := w.form("/staff/session", url.Values{"token": {token}}, "Origin", origin, "Host", host)
		if len(a.Cookies()) != 1 {
			t.Fatalf("%s: %d %s", origin, a.StatusCode, a.body)
		}
		c := a.Cookies()[0]
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure != secure || c.Path != "/" || c.MaxAge != 12*60*60 || strings.Contains(token, c.Value) {
			t.Errorf("%s: the cookie is %v", origin, c)
		}
	}
}

func TestSessionEndsWithItsToken(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	secret, token, err := w.store.Tokens().Create(t.Context(), "judge", []string{"staff:arcade"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	session := w.signIn(secret)
	if err := w.store.Tokens().Revoke(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, do(t, "GET", w.api("/arcade?view=staff"), "", session...), 401, "")
	get200(t, w.api("/arcade"), session...)
	get200(t, w.api(""), session...)
}

func TestOnlyStaffSignIn(t *testing.T) {
	w := newLeague(t, nil)
	for _, c := range []struct {
		name, token string
		headers     []string
		status      int
		sentence    string
	}{
		{"no token", "", nil, 401, "unknown, expired or revoked"},
		{"a wrong token", "lb_0_0", nil, 401, "unknown, expired or revoked"},
		{"a token for scores", w.token("game", "score:*"), nil, 403, "is none of staff"},
		{"another site's page", w.token("judge", "staff:*"), []string{"Sec-Fetch-Site", "cross-site"}, 403, "another site"},
	} {
		a := w.form("/staff/session", url.Values{"token": {c.token}}, c.headers...)
		if a.StatusCode != c.status || !strings.Contains(a.body, c.sentence) || len(a.Cookies()) != 0 {
			t.Errorf("%s: %d, cookies %v, want %d and a page that says %q", c.name, a.StatusCode, a.Cookies(), c.status, c.sentence)
		}
	}
	a := w.form("/staff/session", url.Values{"token": {strings.Repeat("x", maxFormBytes)}})
	if a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge form: %d, want 413", a.StatusCode)
	}
}

func TestSessionsEndByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		request := func(id string) *http.Request {
			return &http.Request{Header: http.Header{"Cookie": {sessionCookie + "=" + id}}}
		}
		first := s.open("lb_first")
		time.Sleep(time.Second)
		for i := range maxSessions {
			s.open(fmt.Sprint("lb_", i))
		}
		if _, found := s.token(request(first)); found || len(s.byID) != maxSessions {
			t.Errorf("%d sessions are open, the first among them: %v", len(s.byID), found)
		}
		last := s.open("lb_last")
		if token, found := s.token(request(last)); !found || token != "lb_last" {
			t.Errorf("the token is %q, %v", token, found)
		}
		time.Sleep(sessionFor + time.Second)
		if _, found := s.token(request(last)); found {
			t.Error("the session is open after 12 hours")
		}
		if _, found := s.token(request("")); found {
			t.Error("a cookie without an id has a session")
		}
	})
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	w := newLeague(t, nil)
	fields := url.Values{"token": {w.token("judge", "staff:*")}}
	for query, want := range map[string]string{
		"": "/", "?board=": "/", "?board=..%2F..%2Fevil": "/b/..%2F..%2Fevil/staff", "?board=%2F%2Fevil.example": "/b/%2F%2Fevil.example/staff",
	} {
		if got := w.form("/staff/session"+query, fields).Header.Get("Location"); got != want {
			t.Errorf("%q leads to %q, want %q", query, got, want)
		}
	}
}

func TestMarkBelongsToItsSession(t *testing.T) {
	w := newLeague(t, nil)
	a, b := w.signIn(w.token("a", "staff:*")), w.signIn(w.token("b", "staff:*"))
	marks := map[string]bool{w.markOf(nil): true, w.markOf(a): true, w.markOf(b): true, newSessions().mark(&http.Request{}): true}
	if len(marks) != 4 {
		t.Errorf("there are %d different marks, want 4: of nobody, two sessions, and another process", len(marks))
	}
	if w.markOf([]string{"Cookie", "staff=forged"}) != w.markOf(nil) {
		t.Error("a session that there is not has a mark of its own")
	}
	if again := w.markOf(a); !marks[again] {
		t.Error("a mark changes")
	}
}
