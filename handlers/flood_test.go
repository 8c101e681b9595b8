package handlers

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// gauge returns a number that /metrics tells.
func (s *site) gauge(t *testing.T, name string) float64 {
	t.Helper()
	for line := range strings.Lines(do(t, "GET", s.URL+"/metrics", "").body) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	t.Fatalf("/metrics has no %s", name)
	return 0
}

// A sender that makes a series of every order fills its own limit, and nobody else's.
func TestAMillionSeriesOfOneTokenAreCapped(t *testing.T) {
	t.Parallel()
	const limit, batch, all = 2000, 10_000, 1_000_000
	s := newSite(t, "collectors: []\n")
	flood := append(bear(s.token(t, "ingest")), "Content-Type", textPlain)
	s.kill()
	s.args = append(s.args, fmt.Sprint("--max-series-per-token=", limit))
	s.restart(t)
	push := func(from, to int) answer {
		var lines strings.Builder
		for id := from; id < to; id++ {
			fmt.Fprintf(&lines, "orders{id=\"%d\"} 1\n", id)
		}
		return do(t, "POST", s.URL+"/api/push", lines.String(), flood...)
	}
	known := push(0, limit)
	if known.StatusCode != http.StatusNoContent {
		t.Fatalf("the first %d series: got %d %s", limit, known.StatusCode, known.body)
	}
	before := s.gauge(t, "liveboard_series")
	for from := limit; from < all; from += batch {
		a := push(from, from+batch)
		wantProblem(t, a, http.StatusTooManyRequests, "limit of 2000 series of one token (--max-series-per-token)")
		if a.Header.Get("Retry-After") == "" {
			t.Fatal("there is no Retry-After")
		}
	}
	if got := s.gauge(t, "liveboard_series"); got != before {
		t.Errorf("%v series became %v", before, got)
	}
	if a := push(0, limit); a.StatusCode != http.StatusNoContent {
		t.Errorf("known series: got %d %s, want 204", a.StatusCode, a.body)
	}
	s.push(t, `orders{id="of this machine"} 1`)
	s.kill()
	s.restart(t)
	wantProblem(t, push(limit, limit+1), http.StatusTooManyRequests, "of one token")
	if a := push(0, limit); a.StatusCode != http.StatusNoContent {
		t.Errorf("known series after a restart: got %d %s, want 204", a.StatusCode, a.body)
	}
}
