package client

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// ask has a server answer one request of a Client, and returns what the server was asked, and the error.
func ask(t *testing.T, status int, contentType, body string) (asked *http.Request, err error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer server.Close()
	var out struct{ Leaderboard string }
	c := Client{URL: server.URL + "/", Token: "lb_x", Out: &strings.Builder{}}
	err = c.call(context.Background(), http.MethodGet, leaderboard("a b", "x/y"), nil, nil, &out)
	return asked, err
}

func TestRequestBearsTokenAndEscapedNames(t *testing.T) {
	asked, err := ask(t, 200, "application/json", `{"leaderboard":"arcade"}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := asked.Header.Get("Authorization"); got != "Bearer lb_x" {
		t.Errorf("Authorization = %q", got)
	}
	if got := asked.URL.EscapedPath(); got != "/api/leaderboards/a%20b/x%2Fy" {
		t.Errorf("the path is %s", got)
	}
}

func TestRefusalsAreSentences(t *testing.T) {
	for _, c := range []struct {
		name        string
		status      int
		contentType string
		body        string
		want        string
	}{
		{"a problem", 404, "application/problem+json", `{"title":"Not Found","status":404,"detail":"There is no leaderboard named \"x\"."}`, `There is no leaderboard named "x".`},
		{"a proxy's page", 502, "text/html", "<h1>Bad Gateway</h1>", "answers 502 Bad Gateway, and does not say why"},
		{"nothing", 500, "", "", "answers 500 Internal Server Error, and does not say why"},
		{"a page in place of the server", 200, "text/html", "<h1>Welcome to the hotel</h1>", "is cut off or no JSON"},
		{"an answer that is cut off", 200, "application/json", `{"leaderboard":`, "is cut off or no JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ask(t, c.status, c.contentType, c.body)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got the error %v, want %q", err, c.want)
			}
			if p := (*Problem)(nil); errors.As(err, &p) && p.Status != c.status {
				t.Errorf("the problem has the status %d, want %d", p.Status, c.status)
			}
		})
	}
}

func TestNoServerIsSaidPlainly(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	for url, want := range map[string]string{server.URL: server.URL + " cannot be reached", "http://[": "--url: ", "127.0.0.1:8080": "--url: "} {
		c := Client{URL: url}
		if err := c.call(context.Background(), http.MethodGet, "/", nil, nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got the error %v, want it to say %q", url, err, want)
		}
	}
}

func TestTextOfStrangersDoesNotMoveTheCursor(t *testing.T) {
	var out strings.Builder
	c := Client{Out: &out}
	score := 1.5
	err := c.printEntries([]entry{{Entry: 7, Kind: "flagged", By: "a\x1b[2J", Player: "p\tq", Name: "n\u202en", Reason: "r\nr", Target: 3, Score: &score}})
	if err != nil || strings.ContainsAny(out.String(), "\x1b\t\u202e") || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("error %v, prints %q", err, out.String())
	}
	if want := "entry 3, 1.5, n\ufffdn, r\ufffdr"; !strings.Contains(out.String(), want) {
		t.Errorf("prints %q, want it to tell %q", out.String(), want)
	}
}

func TestColumnsStandUnderEachOther(t *testing.T) {
	var out strings.Builder
	c := Client{Out: &out}
	err := c.printEntries([]entry{{Entry: 7, Kind: "hidden", By: "x", Player: "ada"}, {Entry: 12345, Kind: "froze", By: "somebody", Reason: "r"}})
	lines := strings.Split(out.String(), "\n")
	if err != nil || len(lines) != 4 {
		t.Fatalf("error %v, prints %q", err, out.String())
	}
	for heading, cells := range map[string][2]string{"BY": {"x ", "somebody"}, "WHAT": {"hidden", "froze"}, "DETAILS": {"", "r"}} {
		at := strings.Index(lines[0], heading)
		for i, cell := range cells {
			if !strings.HasPrefix(lines[i+1][at:], cell) {
				t.Errorf("%s of row %d does not stand at %d:\n%s", heading, i, at, out.String())
			}
		}
	}
}

func TestMovesHaveASign(t *testing.T) {
	up, down, same := 2, -3, 0
	for want, places := range map[string]*int{"new": nil, "+2": &up, "-3": &down, "=": &same} {
		if got := move(places); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
