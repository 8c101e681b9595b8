package handlers

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
)

// sameStandings holds when the tab shows the standings that the server's page now has, but for what the clock tells
// and what was said.
const sameStandings = `(async () => {
	const look = page => [...page.querySelectorAll('.ranking, #pager, #place')].map(part => {
		const copy = part.cloneNode(true)
		for (const told of copy.querySelectorAll('.when, .said, [data-until]')) told.textContent = ''
		for (const row of copy.querySelectorAll('[data-climbs]')) row.removeAttribute('data-climbs')
		return copy.outerHTML.replaceAll(/>\s+</g, '><')
	}).join('\n')
	const served = new DOMParser().parseFromString(await (await fetch(location)).text(), 'text/html')
	return look(document) === look(served)
})()`

// rankingPages are pages whose rows come, go and change places.
var rankingPages = []string{"/b/arcade", "/b/arcade?limit=10&offset=5", "/b/arcade?player=p7&limit=8", "/b/arcade?window=day&group=team:red", "/b/arcade/embed"}

func TestStandingsEndAsTheServerHasThem(t *testing.T) {
	t.Parallel()
	for _, way := range []struct {
		name    string
		storing bool
		live    string
	}{{"stream", false, isLive}, {"poll", true, isPolling}} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			s := newArcade(t, "p7 50")
			var storing atomic.Bool
			storing.Store(way.storing)
			proxy := storeAndForward(t, s, &storing)
			s.submit(t, `{"player":"p0","score":1,"attributes":{"team":"red"}}`)
			var pages []*tab
			for _, path := range rankingPages {
				p := newTab(t)
				p.do(chromedp.Navigate(proxy.URL + path))
				p.do(chromedp.Evaluate[chromedp.Void](`window.same = true`))
				pages = append(pages, p)
			}
			for _, p := range pages {
				p.wait(backWithin, way.live)
			}
			s.play(t, 200)
			for _, p := range pages {
				p.wait(backWithin, sameStandings)
				p.hold(`window.same`)
			}
		})
	}
}

// play submits scores of 30 players, and now and then hides one or takes that back.
func (s *site) play(t *testing.T, submissions int) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 14))
	for i := range submissions {
		id := fmt.Sprint("p", random.IntN(30))
		s.submit(t, fmt.Sprintf(`{"player":%q,"name":"Player %[1]s","score":%d,"attributes":{"team":%q}}`, id, random.IntN(300), []string{"red", "blue"}[i%2]))
		if i%20 == 19 {
			entry := s.moderate(t, "/players/p7/hide")
			s.moderate(t, fmt.Sprintf("/audit/%d/undo", entry))
		}
	}
}

// moderate does as staff what the path says, and returns the number of its entry.
func (s *site) moderate(t *testing.T, path string, body ...string) uint64 {
	t.Helper()
	a := do(t, "POST", s.URL+"/api/leaderboards/arcade"+path, strings.Join(body, ""), "Content-Type", jsonType)
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%s is answered with %d: %s", path, a.StatusCode, a.body)
	}
	return decode[struct{ Entry uint64 }](t, a).Entry
}
