package handlers

import (
	"context"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

func TestKioskTurnsByItself(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/kiosk/shop,stock?turn=5")
	first := eval[string](p, `document.querySelector('section.grid').id`)
	began := eval[string](p, `document.getElementById('turn').dataset.turnAt`)
	p.hold(`document.querySelector('#turn i').getAnimations()[0].playState === 'running'`)
	p.do(chromedp.Evaluate[chromedp.Void](`window.same = true`))

	p.wait(backWithin, `document.querySelector('section.grid').id !== `+js(first))
	p.hold(`window.same`)
	p.hold(`document.querySelectorAll('section.grid').length === 1 && document.querySelectorAll('main').length === 1`)
	p.hold(`document.querySelector('h1').innerText === {'grid-shop': 'The shop', 'grid-stock': 'The stock'}[document.querySelector('section.grid').id]`)
	p.hold(isLive + ` && document.getElementById('live').innerText === 'live'`)
	p.hold(`document.getElementById('turn').dataset.turnAt - ` + began + ` === 5000`)
	p.wait(soon, `document.querySelector('#turn i').getAnimations()[0].playState === 'running'`)
	p.wait(backWithin, `document.querySelector('section.grid').id === `+js(first))

	value := 70
	for range 2 { // whichever is on
		value++
		s.push(t, fmt.Sprintf("orders %d", value))
		p.wait(soon, fmt.Sprintf(`document.querySelector('article').innerText.includes({'grid-shop': %d, 'grid-stock': %d}[document.querySelector('section.grid').id])`, value, 2*value))
	}
}

func TestKioskThatShowsOneDashboardStandsStill(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := openTab(t, s.URL+"/kiosk/shop")
	p.hold(`getComputedStyle(document.getElementById('turn')).display === 'none'`)
	p.hold(`document.querySelector('#turn i').getAnimations().length === 0`)
	p.hold(`getComputedStyle(document.documentElement).cursor === 'none'`)
	p.hold(`document.documentElement.scrollHeight <= innerHeight`)
}

// framing returns a server whose every page holds what the query's parameter url names in a frame, and its port.
func framing(t *testing.T) (port string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>framing</title><iframe width=800 height=600 src="%s"></iframe>`, html.EscapeString(r.FormValue("url")))
	}))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// frameOf returns the frame in p's page as a tab of its own.
func frameOf(t *testing.T, p *tab, address string) *tab {
	t.Helper()
	for ctx, cancel := context.WithTimeout(p.ctx, soon); ; {
		targets, err := chromedp.Targets(ctx)
		if err != nil {
			cancel()
			t.Fatalf("no frame shows %s: %v", address, err)
		}
		for _, target := range targets {
			if target.Type == "iframe" && strings.HasPrefix(target.URL, address) {
				cancel()
				return attach(t, chromedp.WithTargetID(target.TargetID))
			}
		}
	}
}

func TestEmbedStandsInFramesOfItsOrigins(t *testing.T) {
	t.Parallel()
	port := framing(t)
	s := newSite(t, shop+"embed: {origins: ['http://localhost:"+port+"']}\n")
	s.push(t, "orders 50")
	target := s.URL + "/embed/shop?theme=light"

	p := newTab(t)
	p.do(chromedp.Navigate("http://localhost:" + port + "/?url=" + url.QueryEscape(target)))
	frame := frameOf(t, p, target)
	frame.wait(soon, isLive+" && "+shows("orders", "50"))
	frame.hold(`document.documentElement.dataset.theme === 'light' && getComputedStyle(document.body).backgroundColor === 'rgba(0, 0, 0, 0)'`)
	frame.hold(`getComputedStyle(document.getElementById('live')).display === 'none'`)
	frame.hold(`document.cookie === ''`)
	s.push(t, "orders 73")
	frame.wait(soon, shows("orders", "73"))
	cookies, err := chromedp.Call(p.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{s.URL, target}})
	if err != nil || len(cookies.Cookies) > 0 {
		t.Errorf("the embed's cookies are %v (%v), want none", cookies.Cookies, err)
	}
}

func TestEmbedIsRefusedInFramesOfOthers(t *testing.T) {
	t.Parallel()
	port := framing(t)
	s := newSite(t, shop+"embed: {origins: ['http://localhost:"+port+"']}\n")
	for _, refused := range []struct{ name, host, path, why string }{
		{"another origin", "127.0.0.1", "/embed/shop", "frame-ancestors"},
		{"a page that is no embed", "localhost", "/d/shop", "frame-ancestors"},
	} {
		t.Run(refused.name, func(t *testing.T) {
			p := newTab(t)
			p.expect(refused.why)
			p.do(chromedp.Navigate("http://" + refused.host + ":" + port + "/?url=" + url.QueryEscape(s.URL+refused.path)))
			p.hears(t, refused.why)
		})
	}
}
