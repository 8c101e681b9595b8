package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// fullLeague has each sort of leaderboard, with as much in it as its pages must bear.
const fullLeague = `
leaderboards:
  arcade:
    title: 'The arcade of the ground floor <img src=x onerror="owned=1">'
    text: 'The cabinet by the door, and unbrokenunbrokenunbrokenunbrokenunbrokenunbrokenunbrokenunbrokenunbroken'
    unit: bytes
    windows: [all, day, week, month]
    groups: [team]
    limits: {per-minute: 100000}
  cup: {title: The cup, text: Two words, unit: seconds, order: asc, freeze: {reveal: 2}}
  empty: {title: Empty}
  fed: {title: Visits, query: visits, legend: "{{country}}"}
dashboards:
  - name: hall
    title: The hall
    panels:
      - {title: Small, kind: leaderboard, leaderboard: arcade, size: 2x1}
      - {title: Tall, kind: leaderboard, leaderboard: arcade, size: 4x3}
      - {title: Wide, kind: leaderboard, leaderboard: arcade, size: 6x2}
      - {title: Reveal, kind: leaderboard, leaderboard: cup, size: 3x2}
      - {title: Nothing, kind: leaderboard, leaderboard: empty, size: 3x2}
      - {title: Fed, kind: leaderboard, leaderboard: fed, size: 12x2}
`

// newFullLeague starts a server with the board fullLeague: 60 players, some with hostile names, and a reveal half done.
func newFullLeague(t *testing.T) *site {
	t.Helper()
	s := newSite(t, fullLeague)
	s.push(t, `visits{country="se"} 30`, `visits{country="`+strings.Repeat("unbroken", 30)+`"} 1e15`)
	s.submit(t, manyScores())
	for _, request := range []struct{ path, body string }{
		{"/arcade/players/p7/ban", `{"reason":"` + strings.Repeat("unbroken", 20) + `"}`},
		{"/arcade/audit/%d/undo", ""},
		{"/cup/scores", `[{"player":"ada","score":61.5},{"player":"bob","score":62},{"player":"cyd","score":63}]`},
		{"/cup/freeze", ""},
		{"/cup/reveal", ""},
	} {
		path := request.path
		if strings.Contains(path, "%d") {
			path = fmt.Sprintf(path, lastDeed(t, s))
		}
		a := do(t, "POST", s.URL+"/api/leaderboards"+path, request.body, "Content-Type", jsonType)
		if a.StatusCode != http.StatusOK && a.StatusCode != http.StatusCreated {
			t.Fatalf("%s is answered with %d: %s", path, a.StatusCode, a.body)
		}
	}
	return s
}

func lastDeed(t *testing.T, s *site) uint64 {
	t.Helper()
	audit := decode[struct{ Entries []struct{ Entry uint64 } }](t, get200(t, s.URL+"/api/leaderboards/arcade/audit"))
	return audit.Entries[0].Entry
}

// manyScores are five of each of 60 players, over the last two days.
func manyScores() string {
	var list []string
	for i := range 300 {
		n := i % 60
		name := fmt.Sprint("Player ", n)
		if n < len(hostileNames) {
			name = string([]rune(hostileNames[n])[:min(60, len([]rune(hostileNames[n])))])
		}
		at := time.Now().Add(-time.Duration(i*577) * time.Second).UnixMilli()
		list = append(list, fmt.Sprintf(`{"player":"p%d","name":%s,"score":%d,"at":%d,"sub":{"deaths":%d},"attributes":{"team":%q}}`,
			n, js(strings.TrimSpace(name)), 1_000_000_000_000/(n+1)+i%7, at, i, []string{"red", "blue", strings.Repeat("green", 8)}[n%3]))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func TestHostilePlayersDoNothing(t *testing.T) {
	t.Parallel()
	s := newFullLeague(t)
	p := newTab(t)
	p.do(bypassPolicy) // it would hide what escaping has missed
	for _, path := range []string{
		"/", "/d/hall", "/b/arcade", "/b/arcade?player=p0", "/b/arcade?q=%3Cimg+src%3Dx+onerror%3Downed%3D1%3E", "/b/arcade/p/p1",
		"/b/arcade/kiosk?turn=5", "/b/arcade/embed", "/b/arcade/staff?player=p0",
	} {
		p.do(chromedp.Navigate(s.URL + path))
		p.wait(soon, `!document.querySelector('[data-live]') || `+isLive)
		s.submit(t, manyScores()) // and as they arrive live
		p.hold(`typeof owned === 'undefined'`)
		p.hold(`document.querySelector('body :is(script, iframe, object, style, link, [onerror], [onload], [onmouseover], a[href^="javascript:"], img:not([src$=".svg"], [src*=".svg?"]))') === null`)
		p.hold(`document.querySelectorAll('main').length === 1`)
	}
}
