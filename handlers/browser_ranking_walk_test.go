package handlers

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

func TestPageOfAPlayerFollowsThem(t *testing.T) {
	t.Parallel()
	s := newArcade(t)
	s.submit(t, players(60))
	p := openTab(t, s.URL+"/b/arcade?player=p40&limit=4")
	p.hold(stands("38 p38 230, 39 p39 220, 40 p40 210, 41 p41 200, 42 p42 190"))
	p.hold(player("p40") + `.matches('[data-you]') && document.querySelectorAll('[data-you]').length === 1`)
	p.hold(`document.getElementById('place').innerText === '40th of 60 · 10 to 39th'`)
	p.hold(`document.querySelector('.you code').innerText === ` + js(s.URL+"/b/arcade?player=p40"))
	p.wait(soon, `document.querySelector('.you img').naturalWidth > 0`)

	s.submit(t, `{"player":"p41","score":1000}`)
	p.wait(soon, stands("39 p38 230, 40 p39 220, 41 p40 210, 42 p42 190, 43 p43 180"))
	p.wait(soon, `document.getElementById('place').innerText === '41st of 60 · 10 to 40th'`)
	s.submit(t, `{"player":"p40","score":1001}`)
	p.wait(soon, stands("1 p40 1,001, 2 p41 1,000, 3 p1 600"))
	p.wait(soon, `document.getElementById('place').innerText === '1st of 60'`)

	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.you a').click()`))
	p.wait(soon, isLive+` && location.pathname === '/b/arcade/p/p40'`)
	p.hold(`document.querySelector('h1').innerText === 'p40' && document.querySelector('.history').innerText.includes('1,001')`)
	s.submit(t, `{"player":"p40","score":2002}`)
	p.wait(soon, `document.querySelector('.history').innerText.includes('2,002')`)
}

func TestPageOfAnUnknownPlayerHelps(t *testing.T) {
	t.Parallel()
	s := newArcade(t, "ada 30")
	p := newTab(t)
	p.expect("status of 404")
	for path, why := range map[string]string{
		"/b/arcade?player=nobody": `There is no player "nobody" here.`,
		"/b/arcade/p/nobody":      `There is no player "nobody" here.`,
		"/b/nowhere":              `There is no leaderboard named "nowhere".`,
	} {
		p.do(chromedp.Navigate(s.URL + path))
		p.hold(`document.querySelector('h1').innerText === ` + js(why))
		p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('main a[href="/#leaderboards"]').click()`))
		p.wait(soon, isLive+` && document.getElementById('board-arcade').innerText.includes('ada')`)
	}
}

func TestSearchFindsPlayersAndShowsThemLive(t *testing.T) {
	t.Parallel()
	s := newArcade(t)
	s.submit(t, players(60))
	s.submit(t, `[{"player":"x1","name":"Zoë","score":115},{"player":"x2","name":"zoe two","score":5}]`)
	p := openTab(t, s.URL+"/b/arcade?window=all")
	p.write("q", "ZO")
	p.click("Find")
	p.wait(soon, isLive)
	p.hold(stands("50 Zoë 115, 62 zoe two 5"))
	p.hold(`document.querySelector('input[name=q]').value === 'ZO' && new URLSearchParams(location.search).get('window') === 'all'`)
	s.submit(t, `{"player":"x2","score":601}`)
	p.wait(soon, stands("1 zoe two 601, 51 Zoë 115"))

	p.write("q", `<b>nobody"`)
	p.click("Find")
	p.hold(`document.querySelector('.nothing').innerText.includes('Nobody by that name') && document.querySelector('.found').innerText.includes('<b>nobody"')`)
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.found a').click()`))
	p.wait(soon, isLive+` && document.querySelectorAll('.rows > li').length === 50`)
}

// press presses a key as a person does.
func (p *tab) press(key string, code int64) {
	p.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
		_, err := chromedp.Call(p.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: key, Code: key, WindowsVirtualKeyCode: code})
		if err != nil {
			p.t.Fatal(err)
		}
	}
}

func TestKeysAndLinksLeadThroughALongList(t *testing.T) {
	t.Parallel()
	s := newArcade(t)
	s.submit(t, players(60))
	p := openTab(t, s.URL+"/b/arcade?limit=20")
	at := func(first int) string {
		return isLive + fmt.Sprintf(` && document.querySelector('#pager > span:not([class])').innerText === '%d–%d of 60' && document.querySelector('.rows bdi').innerText === 'p%[1]d'`, first, first+19)
	}
	p.wait(soon, at(1))
	p.press("PageDown", 34) // there is more to scroll
	p.wait(soon, at(1)+` && scrollY > 0`)
	p.press("ArrowDown", 40)
	p.press("ArrowDown", 40)
	p.hold(player("p2") + `.contains(document.activeElement)`)
	p.press("End", 35)
	p.wait(soon, player("p20")+`.contains(document.activeElement)`)
	p.do(chromedp.Evaluate[chromedp.Void](`scrollTo(0, document.documentElement.scrollHeight)`))
	p.wait(soon, `scrollY + innerHeight > document.documentElement.scrollHeight - 2`)
	p.press("PageDown", 34)
	p.wait(soon, at(21))
	p.press("PageUp", 33)
	p.wait(soon, at(1))

	for _, link := range []struct {
		rel   string
		first int
	}{{"last", 41}, {"prev", 21}, {"first", 1}, {"next", 21}} {
		p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#pager a[rel=` + link.rel + `]').click()`))
		p.wait(soon, at(link.first))
	}
	p.press("Home", 36)
	p.press("Home", 36)
	p.wait(soon, at(1))
	p.hold(`document.querySelector('#pager a[rel=first]') === null`)
}
