package handlers

import (
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// box is where an element is in the window.
type box struct{ X, Y, Width, Height float64 }

// at returns the point at that share of the box's width, in the middle of its height.
func (b box) at(share float64) (x, y float64) { return b.X + share*b.Width, b.Y + b.Height/2 }

// plot is where the chart of orders draws.
func plot(p *tab) box {
	p.t.Helper()
	return eval[box](p, `document.querySelector('#p-shop-orders-by-time .plot').getBoundingClientRect().toJSON()`)
}

// pointer moves the mouse to x and y, with the left button down or not.
func pointer(p *tab, act input.DispatchMouseEventType, x, y float64) {
	p.t.Helper()
	button := chromedp.ButtonLeft
	if act == input.DispatchMouseEventTypeMouseMoved {
		button = func(e *input.DispatchMouseEventParams) {}
	}
	p.do(chromedp.MouseEvent(act, x, y, button, chromedp.ClickCount(1)))
}

// readout is what the chart's crosshair says, null while it says nothing.
const readout = `(box => box.hidden ? null : box.innerText)(document.querySelector('#p-shop-orders-by-time live-chart').shadowRoot.querySelector('[part=box]'))`

func TestPointerOnAChartReadsItsValues(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/d/shop")
	p.hold(readout + ` === null`)
	x, y := plot(p).at(.95)
	pointer(p, input.DispatchMouseEventTypeMouseMoved, x, y)
	p.wait(soon, `/^\d\d:\d\d:\d\d\s+orders\s+\d+$/.test(`+readout+`)`)
	pointer(p, input.DispatchMouseEventTypeMouseMoved, x, 5)
	p.wait(soon, readout+` === null`)
}

func TestKeysOnAChartReadItsValues(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/d/shop")
	p.do(chromedp.Focus(chromedp.CSS("#p-shop-orders-by-time live-chart")), chromedp.KeyEvent(kb.End))
	p.wait(soon, `/orders\s+50$/.test(`+readout+`)`)
	last := eval[string](p, readout)
	p.do(chromedp.KeyEvent(kb.ArrowLeft), chromedp.KeyEvent(kb.ArrowLeft)) // once may stay in the same second
	p.wait(soon, readout+` !== `+js(last))
	p.hold(`document.querySelector('#p-shop-orders-by-time live-chart').shadowRoot.querySelector('[part=box]').ariaLive === 'polite'`)
	p.do(chromedp.KeyEvent(kb.Escape))
	p.wait(soon, readout+` === null`)
}

func TestDragOnAChartZoomsAndBackUndoesIt(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/d/shop")
	area := plot(p)
	x, y := area.at(.7)
	pointer(p, input.DispatchMouseEventTypeMouseMoved, x, y)
	pointer(p, input.DispatchMouseEventTypeMousePressed, x, y)
	for _, share := range []float64{.75, .8, .85, .9} {
		x, y = area.at(share)
		pointer(p, input.DispatchMouseEventTypeMouseMoved, x, y)
	}
	pointer(p, input.DispatchMouseEventTypeMouseReleased, x, y)

	p.wait(soon, `new URL(location).searchParams.has('from') && `+isLive)
	seconds := eval[float64](p, `(({searchParams: q}) => (q.get('to') - q.get('from')) / 1000)(new URL(location))`)
	if seconds < 55 || seconds > 65 {
		t.Errorf("a fifth of five minutes became %v s, want about 60", seconds)
	}
	p.hold(`document.querySelector('.window a').innerText === 'Back to live'`)
	p.hold(`[...document.querySelectorAll('.age')].every(age => age.innerText === '')`)
	p.hold(`document.querySelector('#p-shop-orders-by-time .line').getAttribute('d').length > 100`)

	p.do(chromedp.Evaluate[chromedp.Void](`history.back()`)) // to the page as it was left, or to a new one: the browser's choice
	p.wait(soon, `location.search === '' && `+isLive)
	s.push(t, "orders 70")
	p.wait(soon, shows("orders", "70"))
}

func TestClickOnAChartDoesNotZoom(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/d/shop")
	x, y := plot(p).at(.9)
	p.do(chromedp.MouseClickXY(x, y))
	p.wait(soon, readout+` === null`)
	p.hold(`location.search === ''`)
}

func TestThemeIsKept(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/d/shop")
	ground := `getComputedStyle(document.body).backgroundColor`
	seen := map[string]bool{}
	for _, theme := range []string{"dark", "light"} {
		p.do(chromedp.Click(chromedp.CSS("[data-theme-choice=" + theme + "]")))
		p.wait(soon, `document.documentElement.dataset.theme === `+js(theme))
		p.hold(`document.querySelector('[data-theme-choice][aria-current]').dataset.themeChoice === ` + js(theme))
		seen[eval[string](p, ground)] = true
		for _, path := range []string{"/d/shop", "/", "/d/nowhere"} {
			p.expect("status of 404 (Not Found) " + s.URL + "/d/nowhere")
			p.do(chromedp.Navigate(s.URL + path))
			p.hold(`document.documentElement.dataset.theme === ` + js(theme))
		}
		p.do(chromedp.Navigate(s.URL + "/d/shop"))
	}
	if len(seen) != 2 {
		t.Errorf("the grounds are %v, want one for each theme", seen)
	}
}
