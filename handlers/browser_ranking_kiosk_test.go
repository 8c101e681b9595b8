package handlers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// players is a list of scores, as JSON, of players "p1" and so on; the first has the most.
func players(n int) string {
	var list []string
	for i := 1; i <= n; i++ {
		list = append(list, fmt.Sprintf(`{"player":"p%d","score":%d}`, i, 10*(n-i+1)))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func TestKioskPagesThroughTheRanks(t *testing.T) {
	t.Parallel()
	s := newArcade(t)
	s.submit(t, players(8))
	p := openTab(t, s.URL+"/b/arcade/kiosk?turn=5&limit=4")
	p.do(chromedp.Evaluate[chromedp.Void](`window.code = document.querySelector('.join img')`))
	p.wait(soon, `code.complete && code.naturalWidth > 0`)
	const top, rest = "1 p1 80, 2 p2 70, 3 p3 60, 4 p4 50", "5 p5 40, 6 p6 30, 7 p7 20, 8 p8 10"
	for range 2 {
		p.wait(backWithin, stands(top)+` && document.querySelector('.position').innerText === '1–4 of 8'`)
		p.wait(backWithin, stands(rest)+` && document.querySelector('.position').innerText === '5–8 of 8'`)
	}
	p.hold(`document.querySelector('.join img') === code && code.isConnected`)
	p.hold(`document.querySelector('.join b').innerText === ` + js(strings.TrimPrefix(s.URL, "http://")+"/b/arcade"))
	p.hold(isLive + ` && document.querySelectorAll('main').length === 1`)
	p.hold(`document.querySelector('#turn i').getAnimations().length === 1`)

	s.submit(t, `{"player":"p8","score":100}`)
	p.wait(2*backWithin, stands("1 p8 100, 2 p1 80, 3 p2 70, 4 p3 60"))
	s.submit(t, `{"player":"p1","score":110}`) // whichever is on
	p.wait(2*backWithin, stands("1 p1 110, 2 p8 100, 3 p2 70, 4 p3 60"))
}

func TestKioskOfFewPlayersStandsStillAndFitsTheScreen(t *testing.T) {
	t.Parallel()
	s := newArcade(t)
	s.submit(t, players(8))
	p := openTab(t, s.URL+"/b/arcade/kiosk?turn=5")
	p.hold(`getComputedStyle(document.getElementById('turn')).display === 'none' && document.querySelector('.position') === null`)
	for _, screen := range [][2]int64{{1920, 1080}, {1080, 1920}, {1024, 768}} {
		p.do(chromedp.EmulateViewport(screen[0], screen[1]))
		p.hold(`document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth`)
		p.hold(`[...document.querySelectorAll('.rows > li, .join')].every(part => {
			const {left, right, top, bottom, height} = part.getBoundingClientRect()
			return height > 20 && left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight
		})`)
	}
}
