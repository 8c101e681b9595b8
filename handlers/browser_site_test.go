package handlers

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// site is a server whose board file and database outlive its process.
type site struct {
	*process
	board string // the path of its board file
	args  []string
}

// database returns the path of its database.
func (s *site) database() string { return filepath.Join(filepath.Dir(s.board), "liveboard.db") }

// newSite starts a server with that board, "" for the built-in one. args come behind the others.
func newSite(t *testing.T, board string, args ...string) *site {
	t.Helper()
	folder := t.TempDir()
	s := &site{board: filepath.Join(folder, "board.yaml")}
	s.args = []string{"--data=" + filepath.Join(folder, "liveboard.db"), "--board=" + s.board}
	s.args = append(s.args, args...)
	if board != "" {
		if err := os.WriteFile(s.board, []byte(board), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.process = start(t, s.args...)
	return s
}

// restart starts the server again, where it was and with what it had.
func (s *site) restart(t *testing.T) {
	t.Helper()
	s.process = start(t, append(s.args, "--listen="+strings.TrimPrefix(s.URL, "http://"))...)
}

// write saves the board file.
func (s *site) write(t *testing.T, board string) {
	t.Helper()
	if err := os.WriteFile(s.board, []byte(board), 0o600); err != nil {
		t.Fatal(err)
	}
}

// push sends samples, a line each.
func (s *site) push(t *testing.T, lines ...string) {
	t.Helper()
	answer, err := http.Post(s.URL+"/api/push", "text/plain", strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		t.Fatalf("push is answered with %s", answer.Status)
	}
}

// history is two minutes of a value that swings between 10 and 90.
func history(series string, until time.Time) []string {
	var lines []string
	for i := range 120 {
		at := until.Add(time.Duration(i-120) * time.Second)
		lines = append(lines, fmt.Sprintf("%s %d %d", series, 10+i*37%81, at.UnixMilli()))
	}
	return lines
}

// shop is a board with one panel of each kind that needs no collector.
const shop = `
dashboards:
  - name: shop
    title: The shop
    text: Orders, and who waits
    range: 5m
    panels:
      - {title: Orders, kind: stat, query: orders, size: 3x1, stale-after: 5s}
      - {title: Orders by time, kind: timeseries, query: orders, size: 9x2, stale-after: 5s, thresholds: [{from: 80, state: warn}]}
      - {title: By country, kind: bars, queries: [{expr: visits, legend: "{{country}}"}], size: 4x2}
      - {title: Share, kind: gauge, query: visits / scalar(sum(visits)), unit: ratio, size: 4x1}
      - {title: Tills, kind: status, queries: [{expr: till_up, legend: "{{till}}"}], size: 4x1, thresholds: [{from: 0, state: crit, text: down}, {from: 1, state: ok, text: up}]}
      - {title: Visits, kind: table, query: visits, size: 4x2}
      - {title: Read me, kind: text, text: "Call **Ada** when a till is down.", size: 4x1}
      - {title: Time, kind: clock, zone: Europe/Stockholm, size: 4x1}
      - {title: Missing, kind: stat, query: nothing_ever, size: 3x1}
      - {title: Wrong, kind: stat, query: visits * on () till_up, size: 6x1}
  - name: stock
    title: The stock
    range: 5m
    panels:
      - {title: Parts, kind: stat, query: orders * 2, size: 12x2}
`

// newShop starts a server with the board shop and values for all of its panels, the newest from now.
func newShop(t *testing.T) *site {
	t.Helper()
	return shopAsOf(t, time.Now())
}

func shopAsOf(t *testing.T, now time.Time) *site {
	t.Helper()
	s := newSite(t, shop)
	lines := history("orders", now)
	for _, value := range []string{`visits{country="se"} 30`, `visits{country="no"} 10`, `till_up{till="one"} 1`, `till_up{till="two"} 0`, `orders 50`} {
		lines = append(lines, fmt.Sprintf("%s %d", value, now.UnixMilli()))
	}
	s.push(t, lines...)
	return s
}

// filled waits until the panels of the built-in board have values.
func (s *site) filled(t *testing.T) {
	t.Helper()
	p := openTab(t, s.URL+"/d/host")
	p.wait(backWithin, `['cpu', 'memory', 'cpu-by-mode', 'network-traffic'].every(name => document.getElementById('p-host-' + name).dataset.state === 'fresh')`)
}
