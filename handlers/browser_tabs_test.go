package handlers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// beside returns an empty tab in a window of its own that shares cookies, storage and workers with p.
func (p *tab) beside() *tab {
	p.t.Helper()
	return attach(p.t, chromedp.WithExistingBrowserContext(chromedp.FromContext(p.ctx).BrowserContextID))
}

// streamsOpen reports whether the site has so many streams open.
func (s *site) streamsOpen(t *testing.T, want int) func() bool {
	return func() bool {
		return strings.Contains(get200(t, s.URL+"/metrics").body, fmt.Sprintf("\nliveboard_streams %d\n", want))
	}
}

// eight are the pages of a browser with many tabs, some of them the same.
var eight = []string{"/d/shop", "/d/shop", "/d/stock", "/d/shop?range=15m", "/d/stock?range=1h", "/d/shop/orders", "/kiosk/shop", "/d/shop"}

// ordersMove holds the tabs to show what is pushed, each in its way.
func ordersMove(t *testing.T, s *site, tabs []*tab, values ...int) {
	t.Helper()
	for _, value := range values {
		s.push(t, fmt.Sprintf("orders %d", value))
		for _, p := range tabs {
			p.wait(soon, fmt.Sprintf(`document.querySelector('article').innerText.includes(location.pathname === '/d/stock' ? %d : %d)`, 2*value, value))
		}
	}
}

// noted has the page note what its live mark says from now on.
const noted = `
	window.marks = []
	window.note = () => {
		const text = document.getElementById('live').textContent.replace('refreshes every 10 s', '').trim()
		if (marks.at(-1) !== text) marks.push(text)
	}
	new MutationObserver(note).observe(document.getElementById('live'), {subtree: true, childList: true, attributes: true, characterData: true})`

func TestEightTabsShareAStream(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	tabs := []*tab{openTab(t, s.URL+eight[0])}
	tabs[0].do(chromedp.Evaluate[chromedp.Void](noted))
	for _, path := range eight[1:] {
		p := tabs[0].beside()
		p.do(chromedp.Navigate(s.URL + path))
		tabs = append(tabs, p)
	}
	for _, p := range tabs {
		p.wait(soon, isLive)
	}
	eventually(t, "eight tabs have one stream", s.streamsOpen(t, 1))
	ordersMove(t, s, tabs, 71, 72)
	for _, p := range tabs {
		p.wait(soon, sameAsServed)
	}
	tabs[0].hold(`marks.every(mark => mark === 'live')`) // whoever came, whatever opened anew
}

// A browser has six connections over HTTP/1.1: pages that each had a stream would leave the seventh none to load by.
func TestEightTabsMoveWithoutASharedWorker(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	tabs := []*tab{newTab(t)}
	for range eight[1:] {
		tabs = append(tabs, tabs[0].beside())
	}
	for i, p := range tabs {
		p.expect("status of 429")
		p.do(before(`delete globalThis.SharedWorker`), chromedp.Navigate(s.URL+eight[i]))
		p.wait(soon, isLive+" || "+isPolling)
	}
	eventually(t, "five tabs have a stream each", s.streamsOpen(t, 5))
	tabs[5].hold(`document.getElementById('live').innerText === 'polling (too many streams)'`)
	ordersMove(t, s, tabs, 71, 72)
	for _, p := range tabs {
		p.wait(soon, sameAsServed)
	}
}

// hides makes the page believe that nobody can look, or that somebody can again.
func hides(p *tab, hidden bool) { p.do(chromedp.Evaluate[chromedp.Void](hiding(hidden))) }

func hiding(hidden bool) string {
	return fmt.Sprintf(`
		Object.defineProperty(document, 'hidden', {configurable: true, get: () => %t})
		document.dispatchEvent(new Event('visibilitychange'))`, hidden)
}

// letGoAtOnce has a hidden page not wait before it lets go.
const letGoAtOnce = `document.querySelector('[data-live-url]').dataset.letGo = 0`

func TestHiddenTabLetsGoAndIsCurrentWhenSeenAgain(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/d/shop")
	eventually(t, "the tab has a stream", s.streamsOpen(t, 1))
	p.do(chromedp.Evaluate[chromedp.Void](letGoAtOnce))
	for value, way := range map[string]struct{ hide, show string }{
		"81": {hiding(true), hiding(false)},
		"82": {`dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))`, `dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))`}, // Back and Forward
	} {
		p.do(chromedp.Evaluate[chromedp.Void](way.hide))
		p.wait(soon, `document.getElementById('live').innerText === 'paused'`)
		eventually(t, "no stream is left", s.streamsOpen(t, 0))
		s.push(t, "orders "+value)
		p.do(chromedp.Evaluate[chromedp.Void](way.show))
		p.wait(seenAgainWithin, isLive+" && "+shows("orders", value))
		p.wait(soon, sameAsServed)
	}
}

func TestHiddenTabLeavesTheStreamToOthers(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	same := openTab(t, s.URL+"/d/shop")
	hidden, other := same.beside(), same.beside()
	hidden.do(chromedp.Navigate(s.URL + "/d/shop"))
	other.do(chromedp.Navigate(s.URL + "/d/stock"))
	for _, p := range []*tab{hidden, other} {
		p.wait(soon, isLive)
	}
	hidden.do(chromedp.Evaluate[chromedp.Void](letGoAtOnce))
	hides(hidden, true)
	hidden.wait(soon, `document.getElementById('live').innerText === 'paused'`)
	s.push(t, "orders 81")
	same.wait(soon, shows("orders", "81"))
	other.wait(soon, `document.querySelector('article').innerText.includes('162')`)
	hidden.hold("!(" + shows("orders", "81") + ")")
	hides(hidden, false)
	hidden.wait(seenAgainWithin, isLive+" && "+shows("orders", "81"))
	for _, p := range []*tab{same, hidden, other} {
		p.wait(soon, sameAsServed)
	}
	eventually(t, "they have one stream", s.streamsOpen(t, 1))
}

func TestKioskNeverLetsGo(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/kiosk/shop")
	p.do(chromedp.Evaluate[chromedp.Void](letGoAtOnce))
	hides(p, true)
	s.push(t, "orders 83")
	p.wait(soon, shows("orders", "83"))
	p.hold(isLive)
}

// A tab that crashes says no goodbye. Here a port stands for it that says once that it is there.
func TestTabThatDiesSilentlyIsLetGo(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/d/shop")
	p.do(chromedp.Evaluate[chromedp.Void](`
		const feed = document.querySelector('[data-live-url]').dataset
		const script = performance.getEntriesByType('resource').find(({name}) => name.endsWith('/live.js')).name
		window.heard = []
		const {port} = new SharedWorker(new URL('worker.js', script), {type: 'module', name: feed.build})
		port.onmessage = ({data}) => heard.push(data)
		const view = {name: 'stock', live: '/live/stock', poll: '/poll/stock'}
		window.here = () => port.postMessage({view, cursor: '', client: 'c'.repeat(16), slow: false, polling: '', sweeps: 0})
		here()`))
	p.wait(soon, `heard.some(({type}) => type === 'tick')`)
	s.push(t, "orders 84")
	p.wait(soon, `heard.some(({events}) => JSON.stringify(events)?.includes('168'))`)
	eventually(t, "the stream has opened again without the dead tab's view", func() bool {
		return strings.Count(s.logged(), `"path":"/live/shop","address"`) == 2
	})
	s.push(t, "orders 85")
	p.wait(soon, shows("orders", "85"))
	p.hold(`!heard.some(({events}) => JSON.stringify(events)?.includes('170'))`)
	p.do(chromedp.Evaluate[chromedp.Void](`here()`))
	p.wait(soon, `heard.some(({events}) => JSON.stringify(events)?.includes('170'))`)
}

func TestTabWhoseDashboardIsGoneSaysSoAndOthersStay(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	stays := openTab(t, s.URL+"/d/shop")
	goes := stays.beside()
	goes.expect("status of 404")
	goes.do(chromedp.Navigate(s.URL + "/d/stock"))
	goes.wait(soon, isLive)
	stays.do(chromedp.Evaluate[chromedp.Void](noted + `; window.same = true`))
	without, _, _ := strings.Cut(shop, "  - name: stock")
	s.write(t, without)
	goes.wait(soon, `document.documentElement.dataset.surface === 'problem'`)
	s.push(t, "orders 86")
	stays.wait(soon, shows("orders", "86"))
	stays.hold(`window.same && marks.every(mark => mark === 'live')`)
}

func TestPageIsLiveWhereNoSharedWorkerIs(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, browser := range []struct{ name, script string }{
		{"missing", `delete globalThis.SharedWorker`},
		{"forbidden", `globalThis.SharedWorker = class { constructor() { throw new DOMException('denied', 'SecurityError') } }`},
		{"failing", `const Real = SharedWorker; globalThis.SharedWorker = class { constructor() { return new Real('/nowhere.js') } }`},
		{"silent", `globalThis.SharedWorker = class { port = new MessageChannel().port1 }`},
	} {
		t.Run(browser.name, func(t *testing.T) {
			t.Parallel()
			p := newTab(t)
			p.expect("nowhere.js", "Failed to fetch a worker script")
			p.do(before(browser.script), chromedp.Navigate(s.URL+"/d/shop"))
			p.wait(backWithin, isLive)
			p.wait(soon, sameAsServed)
		})
	}
}

func TestPageOutlivesItsWorker(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/d/shop")
	attach(t, chromedp.WithTargetID(p.worker().TargetID)).do(chromedp.Evaluate[chromedp.Void](`close()`))
	s.push(t, "orders 87")
	p.wait(lostWithin, `document.querySelector('[data-live]').dataset.live === 'lost'`)
	p.wait(2*backWithin, isLive+" && "+shows("orders", "87"))
	p.wait(soon, sameAsServed)
}
