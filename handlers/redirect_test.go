package handlers

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// redirects returns where a process redirects from, without a slash at its end.
func (p *process) redirects() string {
	p.t.Helper()
	for line := range strings.Lines(p.logged()) {
		var told struct{ Msg, URL string }
		if json.Unmarshal([]byte(line), &told) == nil && told.Msg == "redirecting" {
			return told.URL
		}
	}
	p.t.Fatalf("it does not say where it redirects from: %s", p.logged())
	return ""
}

func TestRedirectKeepsHostPathAndQuery(t *testing.T) {
	t.Parallel()
	p := startTLS(t, newIdentity(t, "board"), "--redirect-listen=127.0.0.1:0")
	from := p.redirects()
	for _, method := range []string{"GET", "HEAD"} {
		a := do(t, method, from+"/d/host%2Fx?range=5m&q=a%20b", "")
		if got, want := a.Header.Get("Location"), p.URL+"/d/host%2Fx?range=5m&q=a%20b"; a.StatusCode != http.StatusPermanentRedirect || got != want {
			t.Errorf("%s leads with %d to %q, want 308 to %q", method, a.StatusCode, got, want)
		}
	}
	for _, method := range []string{"POST", "PUT", "OPTIONS"} {
		a := do(t, method, from+"/api/push", "orders 1")
		wantProblem(t, a, http.StatusMethodNotAllowed, "send it to "+p.URL)
		if a.Header.Get("Location") != "" || a.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s is answered with %v, want no Location and the allowed methods", method, a.Header)
		}
	}
	if a := do(t, "GET", from+"/.well-known/acme-challenge/x", ""); a.StatusCode != http.StatusPermanentRedirect {
		t.Errorf("a challenge is answered with %d without ACME, want a redirect", a.StatusCode)
	}
}

func TestRedirectNamesThePublicPort(t *testing.T) {
	t.Parallel()
	p := startTLS(t, newIdentity(t, "board"), "--redirect-listen=127.0.0.1:0", "--public-url=https://board.example")
	for host, want := range map[string]string{
		"board.example": "https://board.example/", "board.example:8080": "https://board.example/", "board": "https://board/",
		"192.0.2.1:80": "https://192.0.2.1/", "[2001:db8::1]": "https://[2001:db8::1]/", "[2001:db8::1]:80": "https://[2001:db8::1]/",
	} {
		if got := do(t, "GET", p.redirects(), "", "Host", host).Header.Get("Location"); got != want {
			t.Errorf("Host %s leads to %q, want %q", host, got, want)
		}
	}
}

// Whoever sends the requests below has a client of his own; what must not be is that his words lead a cache's other
// clients elsewhere, or that a path becomes a host.
func TestRedirectCannotBeTalkedIntoAnotherHost(t *testing.T) {
	t.Parallel()
	p := startTLS(t, newIdentity(t, "board"), "--redirect-listen=127.0.0.1:0")
	address := strings.TrimPrefix(p.redirects(), "http://")
	for _, head := range []string{
		"GET / HTTP/1.1\r\nHost: board@evil.example",
		"GET / HTTP/1.1\r\nHost: board:80@evil.example",
		"GET / HTTP/1.1\r\nHost: evil.example/board",
		"GET / HTTP/1.1\r\nHost: evil.example#board",
		"GET / HTTP/1.1\r\nHost: evil.example\\board",
		"GET / HTTP/1.1\r\nHost: board:80, evil.example",
		"GET / HTTP/1.1\r\nHost: [fe80::1%25evil.example]",
		"GET / HTTP/1.1\r\nHost: ",
		"GET / HTTP/1.0",
		"GET //evil.example/x HTTP/1.1\r\nHost: board",
		"GET /\\evil.example HTTP/1.1\r\nHost: board",
		"GET http:evil.example HTTP/1.1\r\nHost: board",
		"GET /%0d%0aLocation:%20https://evil.example HTTP/1.1\r\nHost: board",
	} {
		a := rawRequest(t, address, head)
		switch location, err := url.Parse(a.Header.Get("Location")); {
		case a.StatusCode == http.StatusBadRequest && a.Header.Get("Location") == "":
		case a.StatusCode != http.StatusPermanentRedirect, err != nil, location.Hostname() != "board", location.Scheme != "https":
			t.Errorf("%q leads with %d to %q, want the host board or a refusal", head, a.StatusCode, a.Header.Get("Location"))
		}
		if a.StatusCode == http.StatusPermanentRedirect && a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: a cache may keep the answer", head)
		}
	}
}

// rawRequest sends a request's head as it is.
func rawRequest(t *testing.T, address, head string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, head+"\r\nConnection: close\r\n\r\n")
	a, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", head, err)
	}
	a.Body.Close()
	return a
}

func TestStopClosesTheRedirect(t *testing.T) {
	t.Parallel()
	p := startTLS(t, newIdentity(t, "board"), "--redirect-listen=127.0.0.1:0")
	address := strings.TrimPrefix(p.redirects(), "http://")
	idle, err := net.Dial("tcp", address) // asks for nothing, as browsers do ahead of need
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	rawRequest(t, address, "GET / HTTP/1.1\r\nHost: board")
	began := time.Now()
	if code, took := p.stop(), time.Since(began); code != 0 || took > stopsWithin || strings.Contains(p.logged(), "cut off") {
		t.Errorf("it ended with %d after %v, want 0 within %v: %s", code, took, stopsWithin, p.logged())
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("the redirect still listens")
	}
}
