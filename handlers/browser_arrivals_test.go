package handlers

import (
	"testing"

	"github.com/chromedp/chromedp"
)

func TestArrivalIsOnTheOpenPageAtOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/arrivals")
	p.hold(`document.querySelector('.arrived > li') && !document.getElementById('arrivals-r-parcels_total') && (window.same = true)`)
	s.push(t, `parcels_total{shop="se"} 41`)
	p.wait(soon, `document.querySelector('.arrived').firstElementChild.id === 'arrivals-r-parcels_total'`)
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#arrivals-r-parcels_total details').open = true`))
	s.push(t, `parcels_total{shop="se"} 42`)
	p.wait(soon, `document.getElementById('arrivals-v-parcels_total').innerText.trim() === '42'`)
	s.push(t, `parcels_total{shop="no"} 7`)
	p.wait(soon, `document.getElementById('arrivals-r-parcels_total').innerText.includes('2 series')`)
	p.wait(soon, `document.querySelector('#arrivals-r-parcels_total pre').innerText.includes('sum by (shop)')`)
	p.hold(`document.querySelector('#arrivals-r-parcels_total details').open && window.same`)
	p.hold(`document.querySelectorAll('.arrived > li').length === new Set([...document.querySelectorAll('.arrived > li')].map(row => row.id)).size`)
}

func TestFirstArrivalTakesThePlaceOfTheHint(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"", "?plain"} {
		s := newSite(t, "")
		p := openTab(t, s.URL+"/arrivals"+query)
		p.hold(`document.querySelector('#arrivals pre').innerText.includes('/api/push')`)
		s.push(t, `parcels 41`)
		p.wait(soon, `document.getElementById('arrivals-r-parcels')?.innerText.includes('41')`)
		p.hold(`!document.querySelector('#arrivals .hint')`)
	}
}

func TestSuggestedPanelIsCopiedAndWorksOnABoard(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/arrivals?q=till_up")
	p.do(chromedp.Evaluate[chromedp.Void](`Object.defineProperty(navigator, 'clipboard', {value: {writeText: async text => { window.copied = text }}})`))
	const button = `document.querySelector('#arrivals-r-till_up [data-copy]')`
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('details').open = true, ` + button + `.click()`))
	p.wait(soon, button+`.innerText === 'Copied' && Boolean(window.copied)`)
	s.write(t, shop+eval[string](p, `window.copied`))
	board := openTab(t, s.URL+"/d/stock")
	board.wait(soon, `document.getElementById('p-stock-till-up')?.innerText.includes('two')`)
	board.hold(`document.getElementById('notice').childElementCount === 0`)

	p.do(chromedp.Evaluate[chromedp.Void](`navigator.clipboard.writeText = async () => { throw new Error('refused') }`))
	p.do(chromedp.Evaluate[chromedp.Void](button + `.click()`))
	p.wait(soon, button+`.innerText === 'Selected' && String(getSelection()).includes('kind: status')`)
}
