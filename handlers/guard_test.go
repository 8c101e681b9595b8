package handlers

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"liveboard/assets"
	"liveboard/metrics"
)

// wantPolicy is written out here, so that a change of it is seen twice.
const wantPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors "

// everyAnswer asks for one of each sort: method, path, and what the status must be.
var everyAnswer = []struct {
	method, path string
	status       int
}{
	{"GET", "/", 200},
	{"GET", "/d/d", 200},
	{"GET", "/d/d?range=1h&theme=dark", 200},
	{"GET", "/d/d?from=1763777000000&to=1763777777000", 200},
	{"GET", "/d/d/orders", 200},
	{"GET", "/kiosk/d", 200},
	{"GET", "/kiosk/d,e?turn=30", 200},
	{"GET", "/d/nothing", 404},
	{"GET", "/d/d/nothing", 404},
	{"GET", "/d/d?range=soon", 400},
	{"GET", "/kiosk/nothing", 404},
	{"GET", "/nothing", 404},
	{"GET", "/api/nothing", 404},
	{"GET", "/assets/nothing", 404},
	{"PUT", "/", 405},
	{"GET", "/api/push", 405},
	{"GET", "/doctor", 200},
	{"GET", "/doctor/echo", 200},
	{"GET", "/doctor/finding/version?seen={}", 200},
	{"GET", "/doctor/finding/version", 400},
	{"GET", "/b/arcade", 200},
	{"GET", "/b/arcade?player=ada", 200},
	{"GET", "/b/arcade?q=a&theme=dark", 200},
	{"GET", "/b/arcade.json", 200},
	{"GET", "/b/arcade.txt", 200},
	{"GET", "/b/arcade/kiosk?turn=30", 200},
	{"GET", "/b/arcade/qr.svg", 200},
	{"GET", "/b/arcade/p/ada", 200},
	{"GET", "/b/arcade/staff", 200},
	{"GET", "/b/arcade/p/nobody", 404},
	{"GET", "/b/arcade?window=nothing", 404},
	{"GET", "/b/nothing", 404},
	{"GET", "/b/nothing/staff", 404},
	{"POST", "/b/arcade/staff", 403},
	{"POST", "/staff/logout", 403},
	{"GET", "/api/leaderboards", 200},
	{"GET", "/api/leaderboards/arcade", 200},
	{"GET", "/api/leaderboards/arcade.csv", 200},
	{"GET", "/api/leaderboards/arcade/players/nobody", 404},
	{"GET", "/api/leaderboards/nothing", 404},
	{"POST", "/api/leaderboards/arcade/scores", 415},
	{"GET", "/live/nothing", 404},
	{"GET", "/live/b/nothing", 404},
	{"GET", "/poll/b/arcade", 200},
	{"GET", "/poll/d", 200},
	{"GET", "/healthz", 200},
	{"GET", "/readyz", 200},
	{"GET", "/metrics", 200},
	{"GET", "/api/v1/query?query=1", 200},
	{"POST", "/api/v1/query_range", 400},
	{"GET", "/api/v1/status/config", 404},
	{"PUT", "/api/v1/query", 405},
	{"GET", "/-/healthy", 200},
	{"GET", "/-/ready", 200},
	{"HEAD", "/", 200},
	{"HEAD", "/d/d", 200},
	{"HEAD", "/healthz", 200},
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	w := worldOf(t, nil, &metrics.Board{
		Dashboards:   []metrics.Dashboard{dashboard("d", "orders"), dashboard("e", "orders")},
		Leaderboards: []metrics.Leaderboard{leaderboard("arcade", nil)},
		Embed:        metrics.Embed{Origins: []string{"https://intranet.example"}},
	}, filepath.Join(t.TempDir(), "x.db"))
	w.score("ada", 30)
	for _, c := range everyAnswer {
		a := do(t, c.method, w.URL+c.path, "", "Cookie", "theme=dark")
		if a.StatusCode != c.status {
			t.Errorf("%s %s: status %d, want %d", c.method, c.path, a.StatusCode, c.status)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy":      wantPolicy + "'none'",
			"X-Frame-Options":              "DENY",
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Permissions-Policy":           permissions,
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Set-Cookie":                   "",
			"Access-Control-Allow-Origin":  "",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s %s: %s = %q, want %q", c.method, c.path, name, got, want)
			}
		}
		if c.method == "HEAD" && a.body != "" {
			t.Errorf("HEAD %s has a body", c.path)
		}
	}
}

func TestEmbedsMayBeFramedByTheBoardsOrigins(t *testing.T) {
	w := newWorld(t, nil)
	for path, status := range map[string]int{"/embed/d": 200, "/embed/d/orders?theme=light": 200, "/embed/nothing": 404} {
		a := do(t, "GET", w.URL+path, "")
		if got, want := a.Header.Get("Content-Security-Policy"), wantPolicy+"https://intranet.example"; a.StatusCode != status || got != want {
			t.Errorf("%s: status %d, policy %q, want %d, %q", path, a.StatusCode, got, status, want)
		}
		if got := a.Header.Get("X-Frame-Options") + a.Header.Get("Set-Cookie"); got != "" {
			t.Errorf("%s: X-Frame-Options or Set-Cookie is %q, want neither", path, got)
		}
	}
	board, _ := w.press.Board()
	closed := *board
	closed.Embed.Origins = nil
	w.press.SetBoard(&closed)
	a := do(t, "GET", w.URL+"/embed/d", "")
	if got := a.Header.Get("Content-Security-Policy"); got != wantPolicy+"'none'" || a.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("without origins the policy is %q, want 'none'", got)
	}
}

func TestAssetsAreForEverAndForEmbeds(t *testing.T) {
	w := newWorld(t, nil)
	a := get200(t, w.URL+assets.URL("js/main.js"), "Accept-Encoding", "identity")
	for name, want := range map[string]string{
		"Cache-Control":                "public, max-age=31536000, immutable",
		"Content-Type":                 "text/javascript; charset=utf-8",
		"Vary":                         "Accept-Encoding",
		"Cross-Origin-Resource-Policy": "cross-origin",
		"Content-Encoding":             "",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if zipped := get200(t, w.URL+assets.URL("js/main.js"), "Accept-Encoding", "gzip"); unzip(t, zipped.body) != a.body {
		t.Error("the compressed asset is another than the plain one")
	}
	old := do(t, "GET", w.URL+"/assets/0123456789abcdef/js/main.js", "")
	wantProblem(t, old, http.StatusNotFound, "Load the page again")
	if got := old.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("a missing asset has Cache-Control %q, want no-store", got)
	}
}

func TestPanicIsOneAnswerAndALogLine(t *testing.T) {
	logged := logs(t)
	w := newWorld(t, func(c *Config) { c.Recorder = nil })
	if a := w.push(textPlain, "orders 1"); a.StatusCode != http.StatusInternalServerError || a.body != "" {
		t.Errorf("got %d %q, want 500 and nothing of the panic", a.StatusCode, a.body)
	}
	get200(t, w.URL+"/d/d")
	if !strings.Contains(logged(), "request panicked") {
		t.Errorf("the log does not have it: %s", logged())
	}
}
