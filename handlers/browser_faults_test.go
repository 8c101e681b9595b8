package handlers

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// boxes are the words of what Chromium logs about a proxy with a fault.
var boxes = append([]string{"status of 401", "status of 410", "status of 429", "status of 502"}, unreachable...)

// said holds once the live mark has said that.
func said(text string) string { return "marks.some(mark => mark.startsWith(" + js(text) + "))" }

func TestPageComesThroughFaults(t *testing.T) {
	t.Parallel()
	const patch = "event: datastar-patch-elements"
	for _, f := range []struct {
		name  string
		fault fault
		says  string // what the mark says meanwhile
		moves bool   // whether news come all the same
	}{
		{"late", late(200 * time.Millisecond), "live", true},
		{"one byte at a time", sliced(1), "live", true},
		{"small pieces", sliced(7), "live", true},
		{"cut within a tick", cut(patch, 20, true), "reconnecting", false},
		{"ended within a tick", cut(patch, 20, false), "reconnecting", false},
		{"ended before the cursor", cut("\n\nid: ", 0, false), "reconnecting", false},
		{"ended after hello", cut("\n\n", 0, false), "reconnecting", false},
		{"reset", reset, "reconnecting", false},
		{"swallowed", swallowed, "lost since", false},
		{"captive portal", says(http.StatusOK), "reconnecting", false},
		{"no content", says(http.StatusNoContent), "reconnecting", false},
		{"another's 401", says(http.StatusUnauthorized), "reconnecting", false},
		{"another's 410", says(http.StatusGone), "reconnecting", false},
		{"too many requests", says(http.StatusTooManyRequests, "Retry-After: 1"), "reconnecting", false},
		{"bad gateway", says(http.StatusBadGateway), "reconnecting", false},
		{"unavailable", says(http.StatusServiceUnavailable, "Retry-After: 1"), "reconnecting", false},
		{"streams too many", toStreams(says(http.StatusTooManyRequests)), "polling (too many streams)", true},
		{"streams held", toStreams(swallowed), "polling (the stream is held back)", true},
		{"streams refused", toStreams(says(http.StatusBadGateway)), "polling (the stream breaks off)", true},
		{"streams cut", toStreams(cut(patch, 20, true)), "polling (the stream breaks off)", true},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			proxy := newFaulty(t, s)
			p := openTab(t, proxy.URL+"/d/shop")
			p.expect(boxes...)
			p.do(chromedp.Evaluate[chromedp.Void](noted + `; window.same = true`))
			tried := len(proxy.asked("/")) + 2
			proxy.begin(f.fault)
			s.push(t, "orders 71")
			p.wait(lostWithin, said(f.says))
			if f.moves {
				p.wait(backWithin, shows("orders", "71"))
			} else {
				eventually(t, "the page tries again and again", func() bool { return len(proxy.asked("/")) >= tried })
				p.hold(`!(` + shows("orders", "71") + `)`)
			}
			s.push(t, "orders 72", `visits{country="se"} 31`)
			proxy.set(passes)
			p.wait(lostWithin, isLive+" && "+shows("orders", "72"))
			p.wait(soon, sameAsServed)
			p.hold(`window.same`) // nobody else's word makes the page load again
		})
	}
}

func TestPageLoadsAgainWhenItsServerRefusesTheStream(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusNotFound, http.StatusGone} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			proxy := newFaulty(t, newShop(t))
			p := openTab(t, proxy.URL+"/d/shop")
			p.do(chromedp.Evaluate[chromedp.Void](`window.same = true`))
			proxy.begin(toStreams(refuses(status)))
			p.wait(soon, `!window.same`)
			proxy.set(passes)
			p.wait(backWithin, isLive)
		})
	}
}

func TestSlowLinkHasMoreTimeForItsFirstByte(t *testing.T) {
	t.Parallel()
	proxy := newFaulty(t, newShop(t))
	proxy.set(toStreams(late(3500 * time.Millisecond)))
	p := newTab(t)
	p.do(before(`Object.defineProperty(navigator, 'connection', {value: {effectiveType: '3g'}})`), chromedp.Navigate(proxy.URL+"/d/shop"))
	p.wait(backWithin, isLive)
	if polls := proxy.asked("/poll"); len(polls) > 0 {
		t.Errorf("the page polled %d times", len(polls))
	}
}

func TestPageWaitsAsLongAsItIsAsked(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	proxy := newFaulty(t, s)
	p := openTab(t, proxy.URL+"/d/shop")
	p.expect(boxes...)
	proxy.begin(says(http.StatusServiceUnavailable, "Retry-After: 60"))
	refused := len(proxy.asked("/live")) + 1
	eventually(t, "the page comes back", func() bool { return len(proxy.asked("/live")) >= refused })
	p.wait(backWithin, `new Promise(done => setTimeout(done, 4000, true))`) // unasked it would try again within one
	if got := len(proxy.asked("/live")); got != refused {
		t.Errorf("the page tried %d times more, though it was asked to wait", got-refused)
	}
	proxy.set(passes)
	p.do(chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event('online'))`)) // a changed network is worth another try
	p.wait(soon, isLive)
}

func TestRequestsTellWhyTheLastOneFailed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	proxy := newFaulty(t, s)
	proxy.set(toStreams(swallowed))
	p := newTab(t)
	p.do(chromedp.Navigate(proxy.URL + "/d/shop"))
	p.wait(backWithin, isPolling)
	proxy.set(passes)
	p.wait(lostWithin, isLive)
	poll, streams := proxy.asked("/poll")[0], proxy.asked("/live")
	first, last := streams[0], streams[len(streams)-1]
	for _, c := range []struct {
		name string
		r    *http.Request
		want string
	}{{"first stream", first, ""}, {"poll", poll, "held"}, {"stream after it", last, "held"}} {
		if got := c.r.Header.Get("Liveboard-Reason"); got != c.want {
			t.Errorf("%s: Liveboard-Reason = %q, want %q", c.name, got, c.want)
		}
		if got := c.r.Header.Get("Liveboard-Client"); !regexp.MustCompile(`^[\w-]{16,}$`).MatchString(got) || got != first.Header.Get("Liveboard-Client") {
			t.Errorf("%s: Liveboard-Client = %q, want the same random word in all", c.name, got)
		}
	}
	other := openTab(t, s.URL+"/d/shop")
	name := `localStorage.getItem('client')`
	if names := []string{first.Header.Get("Liveboard-Client"), eval[string](other, name)}; slices.Contains(names, "") || names[0] == names[1] {
		t.Errorf("two browsers are called %q, want names of their own", names)
	}
}

// What happens to several pages of a browser, by chance, ends with what the server shows.
func TestPagesEndAsTheServerHasThemWhateverHappens(t *testing.T) {
	t.Parallel()
	for _, way := range []struct {
		name string
		seed uint64
		end  fault
		live string
	}{
		{"stream 1", 1, passes, isLive},
		{"stream 2", 2, passes, isLive},
		{"poll 3", 3, toStreams(swallowed), isPolling},
		{"poll 4", 4, toStreams(swallowed), isPolling},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			chance := rand.New(rand.NewPCG(way.seed, 0))
			s := newShop(t)
			proxy := newFaulty(t, s)
			proxy.set(way.end)
			tabs := []*tab{newTab(t)}
			for _, path := range []string{"/d/shop", "/d/stock", "/d/shop?range=15m"} {
				p := tabs[0]
				if path != "/d/shop" {
					p = p.beside()
					tabs = append(tabs, p)
				}
				p.expect(boxes...)
				p.do(chromedp.Navigate(proxy.URL + path))
				p.wait(lostWithin, way.live)
				p.do(chromedp.Evaluate[chromedp.Void](letGoAtOnce + `; window.same = true`))
			}
			befall(t, chance, s, proxy, tabs)
			proxy.begin(way.end)
			for _, p := range tabs {
				hides(p, false)
				p.wait(lostWithin+backWithin, way.live)
				p.wait(soon, sameAsServed)
				p.hold(`window.same`)
			}
		})
	}
}

// befall has values change and the network and the people do as they like, a while.
func befall(t *testing.T, chance *rand.Rand, s *site, proxy *faulty, tabs []*tab) {
	faults := []fault{
		passes, passes, late(30 * time.Millisecond), sliced(1 + chance.IntN(50)), swallowed, reset, toStreams(swallowed),
		cut("event: datastar", chance.IntN(60), false), cut("event: datastar", 20, true), cut("\n\n", chance.IntN(3), false), cut("id: ", chance.IntN(8), true),
		says(http.StatusOK), says(http.StatusBadGateway), toStreams(says(http.StatusTooManyRequests)), says(http.StatusServiceUnavailable),
	}
	series := []string{"orders", `visits{country="se"}`, `visits{country="no"}`, `visits{country="dk"}`, `till_up{till="one"}`, `till_up{till="two"}`}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range 50 {
		s.push(t, fmt.Sprintf("%s %d", series[chance.IntN(len(series))], chance.IntN(100)))
		switch f := faults[chance.IntN(len(faults))]; chance.IntN(8) {
		case 0:
			proxy.begin(f)
		case 1:
			proxy.set(f)
		case 2:
			hides(tabs[chance.IntN(len(tabs))], chance.IntN(2) == 0)
		}
		<-tick.C
	}
}
