package handlers

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// noScript keeps the tab from running any.
var noScript = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
	_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	return err
})

func TestPageIsWholeWithoutScript(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := newTab(t)
	p.do(noScript, chromedp.Navigate(s.URL+"/d/shop"))
	for panel, want := range map[string]string{
		"orders": "50", "orders-by-time": "50", "by-country": "30", "share": "75", "tills": "down", "visits": "30",
		"read-me": "Call Ada when", "time": ":", "missing": "No data in this range", "wrong": "many-to-many",
	} {
		p.hold(fmt.Sprintf(`document.getElementById('p-shop-%s').innerText.includes(%s)`, panel, js(want)))
	}
	p.hold(`[...document.querySelectorAll('article[data-state=fresh][data-at]:not([data-at=""]) .age')].length === 6`)
	p.hold(`[...document.querySelectorAll('article[data-state=fresh][data-at]:not([data-at=""]) .age')].every(age => /^(now|\d+ s)$/.test(age.innerText))`)
	p.hold(`document.querySelector('head noscript meta[http-equiv=refresh]').content === '10'`)
	p.hold(`document.getElementById('live').innerText === 'refreshes every 10 s'`)
}

func TestPagesAreFlawless(t *testing.T) {
	t.Parallel()
	axe := axeScript(t)
	shop, old, host := newShop(t), shopAsOf(t, time.Now().Add(-2*time.Minute)), newSite(t, "")
	host.filled(t)
	league := newFullLeague(t)
	vast := newSite(t, "storage: {budget: 900000TiB}\ndashboards: [{name: d, panels: [{kind: text, text: x}]}]\n") // of which the disk has not enough
	for _, page := range []struct {
		name string
		site *site
		path string
	}{
		{"index", shop, "/?"},
		{"desk", shop, "/d/shop?"},
		{"stale desk", old, "/d/shop?"},
		{"window", shop, "/d/shop?from=1700000000000&to=1700000600000&"},
		{"panel", shop, "/d/shop/orders-by-time?"},
		{"kiosk", shop, "/kiosk/shop,stock?turn=3600&"},
		{"embed", shop, "/embed/shop?"},
		{"embedded panel", shop, "/embed/shop/orders?"},
		{"not found", shop, "/d/nowhere?"},
		{"doctor", shop, "/doctor?"},
		{"built-in desk", host, "/d/host?"},
		{"built-in kiosk", host, "/kiosk/host?"},
		{"leaderboard", league, "/b/arcade?"},
		{"page of a leaderboard", league, "/b/arcade?window=day&group=team:red&limit=20&offset=20&"},
		{"place of a player", league, "/b/arcade?player=p7&"},
		{"player", league, "/b/arcade/p/p7?"},
		{"found", league, "/b/arcade?q=o&"},
		{"nobody found", league, "/b/arcade?q=%3Cnobody%3E&"},
		{"leaderboard kiosk", league, "/b/arcade/kiosk?turn=3600&"},
		{"embedded leaderboard", league, "/b/arcade/embed?"},
		{"staff", league, "/b/arcade/staff?player=p7&"},
		{"reveal", league, "/b/cup?"},
		{"reveal on a kiosk", league, "/b/cup/kiosk?"},
		{"staff at a reveal", league, "/b/cup/staff?"},
		{"empty leaderboard", league, "/b/empty?"},
		{"empty leaderboard kiosk", league, "/b/empty/kiosk?"},
		{"leaderboard fed by a query", league, "/b/fed?"},
		{"leaderboards on a desk", league, "/d/hall?"},
		{"leaderboards on a kiosk", league, "/kiosk/hall?"},
		{"list of leaderboards", league, "/?"},
		{"arrivals", shop, "/arrivals?"},
		{"arrivals that are stale", old, "/arrivals?limit=100&"},
		{"arrivals of our own", host, "/arrivals?own=1&limit=100&"},
		{"storage", host, "/storage?"},
		{"storage with warnings", vast, "/storage?"},
		{"no arrivals", host, "/arrivals?"},
		{"found arrivals", shop, "/arrivals?q=orders&from=text&"},
		{"no found arrivals", shop, "/arrivals?q=%3Cnothing%3E&"},
	} {
		t.Run(page.name, func(t *testing.T) {
			t.Parallel()
			p := newTab(t)
			p.expect("status of 404 (Not Found) " + shop.URL + "/d/nowhere")
			for _, theme := range []string{"dark", "light"} {
				p.do(chromedp.Navigate(page.site.URL + page.path + "theme=" + theme))
				p.wait(soon, `!document.querySelector('[data-live]') || `+isLive)
				fits(t, p, 390, 1440, 3840)
				for _, flaw := range flaws(p, axe) {
					t.Errorf("%s: %s", theme, flaw)
				}
			}
		})
	}
}

// axeScript returns axe-core, which finds what keeps people from using a page.
func axeScript(t *testing.T) string {
	t.Helper()
	path := os.Getenv("LIVEBOARD_AXE")
	if path == "" {
		t.Fatal("LIVEBOARD_AXE does not name axe-core's script: .ci/test fetches it, then runs the tests")
	}
	script, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: .ci/test fetches it, then runs the tests", err)
	}
	return string(script)
}

// flaws returns what axe-core finds on the page that is serious or worse.
func flaws(p *tab, axe string) []string {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](axe))
	// What a transparent page stands on is white to axe-core, not what the browser paints.
	return eval[[]string](p, `(document.documentElement.style.background = 'Canvas', axe.run({resultTypes: ['violations']})).then(({violations}) => violations
		.filter(({impact}) => impact === 'serious' || impact === 'critical')
		.flatMap(({id, help, nodes}) => nodes.map(({html, failureSummary}) => [id, help, html, failureSummary].join(': '))))`)
}

// fits fails the test when the page is wider than a screen of one of the widths, or a part of it narrower than what is in it.
func fits(t *testing.T, p *tab, widths ...int64) {
	t.Helper()
	for _, width := range widths {
		p.do(chromedp.EmulateViewport(width, width*9/16))
		for _, wide := range eval[[]string](p, `[document.documentElement, ...document.querySelectorAll('article, .card, .sheet, .you, .join, .controls, .ranges, .check, .facts')]
			.map(element => ({name: element.id || element.tagName, holds: element.scrollWidth, ...element.getBoundingClientRect().toJSON()}))
			.filter(({left, right, holds}) => left < 0 || right > innerWidth || holds > Math.ceil(right - left))
			.map(({name, left, right, holds}) => name + ' reaches from ' + left + ' to ' + right + ', and holds ' + holds)`) {
			t.Errorf("%s on a screen of %d: %s", eval[string](p, `location.pathname`), width, wide)
		}
	}
}
