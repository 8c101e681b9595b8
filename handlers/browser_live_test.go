package handlers

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// shows holds once the panel of the shop has that text in it.
func shows(panel, text string) string {
	return fmt.Sprintf(`document.getElementById('p-shop-%s').innerText.includes(%s)`, panel, js(text))
}

// sameAsServed holds when the tab shows the panels that the server's page now has, but for what the clock tells. How
// numbers, spaces and the order of attributes are written is each side's own affair; the place of a label follows from its data-x.
const sameAsServed = `(async () => {
	const look = page => [...page.querySelectorAll('article')].map(article => {
		const copy = article.cloneNode(true)
		for (const told of copy.querySelectorAll('.age, live-clock *')) told.textContent = ''
		for (const path of copy.querySelectorAll('.view path')) {
			path.dataset.d = path.getAttribute('d').match(/[MVZ]|-?\d+/g).join(' ')
			path.removeAttribute('d')
		}
		for (const label of copy.querySelectorAll('.axis-x [data-x]')) label.removeAttribute('x')
		for (const element of copy.querySelectorAll('*')) {
			const attributes = [...element.attributes].sort((a, b) => a.name < b.name ? -1 : 1)
			for (const { name } of attributes) element.removeAttribute(name)
			for (const { name, value } of attributes) element.setAttribute(name, value)
		}
		return copy.outerHTML.replaceAll(/>\s+</g, '><')
	}).join('\n')
	const served = new DOMParser().parseFromString(await (await fetch(location)).text(), 'text/html')
	return look(document) === look(served)
})()`

func TestPushedValueMovesThePage(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/d/shop")
	p.wait(soon, shows("orders", "50"))
	s.push(t, "orders 61")
	p.wait(soon, shows("orders", "61"))
	p.wait(soon, shows("orders-by-time", "61"))
	s.push(t, `visits{country="se"} 77`)
	p.wait(soon, shows("by-country", "77"))
	p.wait(soon, shows("visits", "77"))
}

func TestChartGrowsInPlace(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/d/shop")
	// A new article would lose the script's mark on the old one.
	p.do(chromedp.Evaluate[chromedp.Void](`
		window.article = document.getElementById('p-shop-orders-by-time')
		window.line = article.querySelector('.line')
		window.points = () => line.getAttribute('d').split(/[Ml]/).length
		window.before = points()
		article.querySelector('.plot').setAttribute('data-mine', '')`))
	for i := range 3 {
		value := fmt.Sprint(51 + i)
		s.push(t, "orders "+value)
		p.wait(soon, shows("orders-by-time", value))
		p.wait(soon, fmt.Sprintf(`Date.now() > %d`, time.Now().Add(1100*time.Millisecond).UnixMilli())) // the chart's grid has an instant each second
	}
	p.wait(soon, `points() > before + 1`)
	p.hold(`article === document.getElementById('p-shop-orders-by-time') && article.contains(line)`)
	p.hold(`article.querySelector('.plot').hasAttribute('data-mine')`)
	p.do(chromedp.Evaluate[chromedp.Void](`article.querySelector('.plot').removeAttribute('data-mine')`))
	p.wait(soon, sameAsServed)
}

func TestPageTurnsStaleByItself(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/d/shop")
	s.push(t, "orders 51") // the page may have taken longer to come than a value is fresh
	p.wait(soon, `document.getElementById('p-shop-orders').dataset.state === 'fresh'`)
	p.wait(backWithin, `document.getElementById('p-shop-orders').dataset.state === 'stale'`)
	p.hold(`/^stale \d+ s$/.test(document.querySelector('#p-shop-orders .age').innerText)`)
	s.push(t, "orders 62")
	p.wait(soon, `document.getElementById('p-shop-orders').dataset.state === 'fresh'`)
}

// Who forbids cookies forbids storage as well, and in a frame of another site it may be so by default.
func TestPageIsLiveWithoutStorage(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := newTab(t)
	p.do(before(`for (const name of ['sessionStorage', 'localStorage']) Object.defineProperty(window, name, {get() { throw new DOMException('denied', 'SecurityError') }})`),
		chromedp.Navigate(s.URL+"/d/shop"))
	p.wait(soon, isLive)
	s.push(t, "orders 63")
	p.wait(soon, shows("orders", "63"))
}

func TestIndexMoves(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/")
	p.wait(soon, `document.querySelector('#card-shop .counts').innerText.includes('1 critical')`)
	s.push(t, `till_up{till="two"} 1`)
	p.wait(soon, `!document.querySelector('#card-shop .counts').innerText.includes('critical')`)
}
