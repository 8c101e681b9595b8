package handlers

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"liveboard/assets"
)

// maxPlainBytes is what the script for old browsers may weigh in gzip.
const maxPlainBytes = 3000

// aged makes a browser an old one: it takes away what the script must live without. What the tests themselves use, such
// as promises, stays.
const aged = `
	for (const name of ['AbortController', 'EventTarget', 'IntersectionObserver', 'Map', 'MathMLElement', 'MutationObserver', 'ReadableStream',
		'Set', 'TextDecoder', 'TextDecoderStream', 'URL', 'URLSearchParams', 'WeakMap', 'customElements']) delete window[name]
	delete Object.hasOwn, delete Object.assign, delete Object.entries, delete Array.from
	for (const name of ['append', 'closest', 'matches', 'prepend', 'remove', 'replaceChildren', 'replaceWith', 'toggleAttribute']) delete Element.prototype[name]
	for (const name of ['at', 'find', 'findIndex', 'includes', 'flatMap']) delete Array.prototype[name]
	for (const name of ['endsWith', 'matchAll', 'padStart', 'startsWith', 'replaceAll']) delete String.prototype[name]
	delete NodeList.prototype.forEach`

// noStreams takes away what streams are read with.
const noStreams = `delete window.EventSource`

func TestScriptsForOldBrowsersAreES5AndLight(t *testing.T) {
	t.Parallel()
	path := os.Getenv("LIVEBOARD_ACORN")
	if path == "" {
		t.Fatal("LIVEBOARD_ACORN does not name acorn's script: .ci/test fetches it, then runs the tests")
	}
	acorn, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: .ci/test fetches it, then runs the tests", err)
	}
	p := newTab(t)
	p.do(chromedp.Evaluate[chromedp.Void](string(acorn)))
	for _, name := range []string{"js/start.js", "js/plain.js"} {
		script, ok := assets.Get(assets.URL(name))
		if !ok {
			t.Fatalf("%s is not served", name)
		}
		const parsed = `(() => { try { return acorn.parse(%s, {ecmaVersion: 5}).type } catch (error) { return String(error) } })()`
		if got := eval[string](p, fmt.Sprintf(parsed, js(string(script.Plain)))); got != "Program" {
			t.Errorf("%s: %s", name, got)
		}
		t.Logf("%s weighs %d bytes", name, len(script.Gzip))
		if len(script.Gzip) == 0 || len(script.Gzip) > maxPlainBytes {
			t.Errorf("%s weighs %d bytes, want at most %d", name, len(script.Gzip), maxPlainBytes)
		}
	}
	if got := eval[string](p, `(() => { try { return acorn.parse('let a', {ecmaVersion: 5}).type } catch (error) { return 'refused' } })()`); got != "refused" {
		t.Errorf("a script of today is %q", got)
	}
}

// runs holds when the page runs that script, and not the other.
func runs(script, not string) string {
	return fmt.Sprintf(`document.querySelector('script[src$="/js/%s"]') !== null && document.querySelector('script[src$="/js/%s"]') === null`, script, not)
}

func TestBrowserGetsTheScriptThatItCanRun(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, b := range []struct{ name, before, query, script, not, live string }{
		{"of today", ``, "", "main.js", "plain.js", isLive},
		{"told to be plain", ``, "?plain", "plain.js", "main.js", isLive},
		{"without Object.hasOwn", `delete Object.hasOwn`, "", "plain.js", "main.js", isLive},
		{"without MathML", `delete window.MathMLElement`, "", "plain.js", "main.js", isLive},
		{"without streams of text", `delete window.TextDecoderStream`, "", "plain.js", "main.js", isLive},
		{"without modules", `delete HTMLScriptElement.prototype.noModule`, "", "plain.js", "main.js", isLive},
		{"of long ago", aged, "", "plain.js", "main.js", isLive},
		{"without streams", aged + ";" + noStreams, "", "plain.js", "main.js", isPolling},
	} {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			p := newTab(t)
			p.do(before(b.before), chromedp.Navigate(s.URL+"/d/shop"+b.query))
			p.wait(soon, b.live)
			p.hold(runs(b.script, b.not))
			if b.query != "" {
				p.hold(`document.querySelector('link[rel=modulepreload]') === null`)
				p.hold(`document.querySelector('.ranges a').href.includes('plain')`)
			}
			p.do(chromedp.Evaluate[chromedp.Void](`window.same = true`))
			s.push(t, "orders 61")
			p.wait(soon, shows("orders", "61"))
			p.hold(`window.same`)
		})
	}
}

// plainWays are the two ways by which a plain page stays current.
var plainWays = []struct {
	name, before, live string
}{{"stream", ``, isLive}, {"poll", noStreams, isPolling}}

func TestPlainPageEndsAsTheServerHasIt(t *testing.T) {
	t.Parallel()
	for _, way := range plainWays {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			p := newTab(t)
			p.do(before(way.before), chromedp.Navigate(s.URL+"/d/shop?plain"))
			p.wait(soon, way.live)
			p.do(chromedp.Evaluate[chromedp.Void](`window.article = document.getElementById('p-shop-orders-by-time')`))
			for i := range 4 {
				s.push(t, fmt.Sprintf("orders %d", 61+i), fmt.Sprintf(`visits{country="c%d"} 77`, i), fmt.Sprintf(`till_up{till="two"} %d`, i%2))
				p.wait(soon, shows("orders", fmt.Sprint(61+i)))
			}
			p.wait(soon, shows("visits", "c3"))
			p.wait(backWithin, sameAsServed)
			p.hold(`article === document.getElementById('p-shop-orders-by-time')`)
			p.hold(`new Set([...document.querySelectorAll('[id]')].map(({id}) => id)).size === document.querySelectorAll('[id]').length`)
		})
	}
}

func TestPlainStandingsEndAsTheServerHasThem(t *testing.T) {
	t.Parallel()
	for _, way := range plainWays {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			s := newArcade(t, "p7 50")
			s.submit(t, `{"player":"p0","score":1,"attributes":{"team":"red"}}`)
			var pages []*tab
			for _, path := range rankingPages {
				p := newTab(t)
				p.do(before(way.before), chromedp.Navigate(s.URL+path+map[bool]string{true: "&plain", false: "?plain"}[strings.Contains(path, "?")]))
				p.do(chromedp.Evaluate[chromedp.Void](`window.same = true`))
				pages = append(pages, p)
			}
			for _, p := range pages {
				p.wait(soon, way.live)
			}
			s.play(t, 200)
			for _, p := range pages {
				p.wait(backWithin, sameStandings)
				p.hold(`window.same`)
			}
		})
	}
}

func TestPlainPageTellsTheTimeByItself(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := newTab(t)
	p.do(before(aged), chromedp.Navigate(s.URL+"/d/shop"))
	p.wait(soon, isLive)
	const clock = `document.querySelector('#p-shop-time live-clock time').innerText`
	first := eval[string](p, clock)
	p.wait(soon, clock+` !== `+js(first)+` && /^\d\d:\d\d:\d\d$/.test(`+clock+`)`)
	p.wait(backWithin, `document.getElementById('p-shop-orders').dataset.state === 'stale'`)
	p.hold(`/^stale \d+ s$/.test(document.querySelector('#p-shop-orders .age').innerText)`)
	s.push(t, "orders 62")
	p.wait(soon, `document.getElementById('p-shop-orders').dataset.state === 'fresh'`)
}

func TestPlainKioskTurnsByItself(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := newTab(t)
	p.do(chromedp.Navigate(s.URL + "/kiosk/shop,stock?turn=5&plain"))
	p.wait(soon, isLive)
	p.do(chromedp.Evaluate[chromedp.Void](`window.same = true`))
	for range 2 {
		first := eval[string](p, `document.querySelector('section.grid').id`)
		p.wait(backWithin, `document.querySelector('section.grid').id !== `+js(first))
		p.hold(`document.querySelectorAll('section.grid').length === 1 && document.querySelectorAll('main').length === 1`)
		p.hold(`document.querySelector('h1').innerText === {'grid-shop': 'The shop', 'grid-stock': 'The stock'}[document.querySelector('section.grid').id]`)
		p.hold(isLive + ` && document.getElementById('live').innerText === 'live'`)
	}
	p.hold(`window.same`)
}

func TestPlainPagePollsBehindAProxyThatStores(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.filled(t)
	var storing atomic.Bool
	storing.Store(true)
	proxy := storeAndForward(t, s, &storing) // before the tab, which it outlives
	p := newTab(t)
	p.do(chromedp.Navigate(proxy.URL + "/d/host?plain"))
	p.wait(2*soon, isPolling)
	p.hold(`document.getElementById('live').innerText === 'polling (the stream is held back)'`)
	p.wait(2*soon, moves(p)) // it may be trying whether a stream comes through
	storing.Store(false)
	p.wait(2*lostWithin, isLive)
	p.wait(soon, moves(p))
}

// outdated makes every page one of an older build, before its scripts run.
const outdated = `document.addEventListener('readystatechange', () => {
	const feed = document.querySelector('[data-build]')
	if (document.readyState === 'interactive' && feed) feed.dataset.build = 'older'
})`

// The page's build never becomes the stream's here, so it would leave again and again.
func TestPlainPageLeavesForANewerBuild(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	p := newTab(t)
	p.do(before(outdated), chromedp.Navigate(w.URL+"/d/d?plain"))
	p.wait(soon, isLive)
	p.do(chromedp.Evaluate[chromedp.Void](`window.same = true`))
	p.wait(2*lostWithin, `!window.same && `+isLive)
}

func TestPlainPageFindsBackFromAProblem(t *testing.T) {
	t.Parallel()
	s := newSite(t, shop)
	p := newTab(t)
	p.expect("status of 404")
	p.do(chromedp.Navigate(s.URL + "/d/annex?plain"))
	p.wait(soon, `document.querySelector('[data-surface=problem]') !== null`)
	s.write(t, "dashboards: [{name: annex, title: Annex, panels: [{title: Orders, kind: stat, query: orders}]}]\n")
	p.wait(2*lostWithin, `document.querySelector('[data-surface=desk]') !== null && `+isLive)
	s.write(t, shop) // and it goes again
	p.wait(soon, `document.querySelector('[data-surface=problem]') !== null`)
}

func TestPlainPagePollsAgainAfterTheServerEnded(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := newTab(t)
	p.do(before(noStreams), chromedp.Navigate(s.URL+"/d/shop?plain"))
	p.expect(unreachable...)
	p.wait(soon, isPolling)
	s.kill()
	p.wait(soon, `document.querySelector('[data-live]').dataset.live === 'reconnecting'`)
	for range 3 {
		p.hears(t, "ERR_CONNECTION_REFUSED")
	}
	s.restart(t)
	s.push(t, "orders 64")
	p.wait(backWithin, isPolling+" && "+shows("orders", "64"))
	p.wait(backWithin, sameAsServed)
}
