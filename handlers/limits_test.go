package handlers

import (
	"net/http"
	"net/netip"
	"net/url"
	"testing"
)

func TestTokensAndAddressesHaveALimit(t *testing.T) {
	w := newLeague(t, func(c *Config) { c.TokenPerMinute, c.AddressPerMinute = 3, 5 }, leaderboard("arcade", nil))
	const body = `{"player":"ada","score":1}`
	greedy := append(bear(w.token("greedy", "score:arcade")), elsewhere...)
	modest := append(bear(w.token("greedy", "score:arcade")), elsewhere...) // of the same name
	for range 3 {
		if a := w.post("/arcade/scores", body, greedy...); a.StatusCode != http.StatusCreated {
			t.Fatalf("got %d %s", a.StatusCode, a.body)
		}
	}
	a := w.post("/arcade/scores", body, greedy...)
	wantProblem(t, a, http.StatusTooManyRequests, "more than 3 requests in a minute (the limit of a token)")
	if a.Header.Get("Retry-After") == "" {
		t.Error("there is no Retry-After")
	}
	if a := w.post("/arcade/scores", body, modest...); a.StatusCode != http.StatusCreated {
		t.Errorf("another token: %d %s", a.StatusCode, a.body)
	}

	guess := append(bear("lb_0_0"), elsewhere...)
	for range 3 {
		wantProblem(t, w.post("/arcade/scores", body, guess...), http.StatusUnauthorized, "")
	}
	wantProblem(t, w.post("/arcade/freeze", "", elsewhere...), http.StatusUnauthorized, "")
	if a := w.form("/staff/session", url.Values{"token": {"lb_0_0"}}, elsewhere...); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("a guess at the door: %d, want 401", a.StatusCode)
	}
	wantProblem(t, w.post("/arcade/scores", body, guess...), http.StatusTooManyRequests, "more than 5 requests without a good token in a minute (the limit of an address)")
	if a := w.post("/arcade/scores", body, modest...); a.StatusCode != http.StatusCreated {
		t.Errorf("a good token from that address: %d %s", a.StatusCode, a.body)
	}
}

func TestThisMachineHasNoLimit(t *testing.T) {
	w := newLeague(t, func(c *Config) { c.TokenPerMinute, c.AddressPerMinute = 1, 1 }, leaderboard("arcade", nil))
	for _, headers := range [][]string{nil, bear(w.token("game", "score:arcade"))} {
		for range 3 {
			if a := w.post("/arcade/scores", `{"player":"ada","score":1}`, headers...); a.StatusCode != http.StatusCreated {
				t.Errorf("got %d %s", a.StatusCode, a.body)
			}
		}
	}
}

func TestNeighbourhoodIsWhatCostsToChange(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "::1": "::/64",
	} {
		if got := neighbourhood(netip.MustParseAddr(addr)); got != want {
			t.Errorf("neighbourhood(%s) = %s, want %s", addr, got, want)
		}
	}
}
