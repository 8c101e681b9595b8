package handlers

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestSavedBoardIsOnOpenScreens(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/d/shop")
	p.do(chromedp.Evaluate[chromedp.Void](`window.same = true`))
	changed := strings.NewReplacer("title: The shop", "title: All shops", "title: Orders, kind: stat", "title: Sales, name: orders, kind: stat",
		"      - {title: Missing, kind: stat, query: nothing_ever, size: 3x1}\n", "      - {title: New, kind: stat, query: orders + 1, size: 6x1}\n").Replace(shop)
	s.write(t, changed)
	p.wait(soon, shows("new", "51")+` && document.querySelector('h1').innerText === 'All shops'`)
	p.hold(`document.querySelector('#p-shop-orders h2').innerText === 'Sales'`)
	p.hold(`document.getElementById('p-shop-missing') === null && document.querySelectorAll('article').length === 10`)
	p.hold(`window.same`)
	s.push(t, "orders 74")
	p.wait(soon, shows("new", "75"))
	p.wait(soon, isLive)
}

func TestBrokenBoardIsReportedUntilItIsMended(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	desk := openTab(t, s.URL+"/d/shop")
	index := openTab(t, s.URL+"/")
	kiosk := openTab(t, s.URL+"/kiosk/shop")
	s.write(t, strings.Replace(shop, "kind: gauge", "kind: gouge", 1))
	const notice = `document.getElementById('notice').innerText`
	for _, p := range []*tab{desk, index} {
		p.wait(soon, notice+`.includes('board.yaml:11:30:') && `+notice+`.includes('gouge')`)
		p.hold(`document.querySelector('#notice pre').innerText.includes('>   11 | ')`)
	}
	kiosk.hold(`!document.body.innerText.includes('gouge')`)
	s.push(t, "orders 75")
	desk.wait(soon, shows("orders", "75"))
	kiosk.wait(soon, shows("orders", "75"))

	s.write(t, shop)
	for _, p := range []*tab{desk, index} {
		p.wait(soon, `document.getElementById('notice').childElementCount === 0`)
	}
}

func TestPageOfARemovedDashboardNamesTheOthersAndComesBack(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/d/stock")
	p.expect("status of 404")
	before, _, _ := strings.Cut(shop, "  - name: stock")
	s.write(t, before)
	p.wait(soon, `document.documentElement.dataset.surface === 'problem'`)
	p.hold(`document.querySelector('main').innerText.includes('There is no dashboard named "stock".')`)
	p.hold(`document.querySelector('main a[href="/d/shop"]').innerText === 'The shop'`)
	s.write(t, shop)
	p.wait(2*backWithin, isLive+` && document.querySelector('h1').innerText === 'The stock'`)
}
