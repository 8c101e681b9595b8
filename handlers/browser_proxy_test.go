package handlers

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// storeAndForward returns a proxy before the site that passes an answer on only when it has the whole of it, as long
// as storing holds.
func storeAndForward(t *testing.T, s *site, storing *atomic.Bool) *httptest.Server {
	t.Helper()
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(answer *http.Response) error {
			if !storing.Load() {
				return nil
			}
			whole, err := io.ReadAll(answer.Body) // ends with the client where the answer does not
			answer.Body = io.NopCloser(bytes.NewReader(whole))
			return err
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections) // a stream would keep Close waiting
	return server
}

// isPolling holds once an answer has come to a poll.
const isPolling = `document.querySelector('[data-live]').dataset.live === 'poll'`

// moves returns what holds when a value of the built-in board has moved on from what it is now.
func moves(p *tab) string {
	p.t.Helper()
	const at = `document.getElementById('p-host-memory').dataset.at`
	return at + ` > ` + eval[string](p, at)
}

func TestPagePollsBehindAProxyThatStores(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	var storing atomic.Bool
	storing.Store(true)
	s.filled(t)
	proxy := storeAndForward(t, s, &storing) // before the tab, which it outlives
	p := newTab(t)
	p.do(chromedp.Navigate(proxy.URL + "/d/host"))
	p.wait(backWithin, isPolling+" && "+moves(p))
	p.hold(`document.getElementById('live').innerText === 'polling (the stream is held back)'`)
	p.wait(soon, moves(p))
	storing.Store(false)
	p.wait(lostWithin, isLive)
	p.wait(soon, moves(p))
}

func TestPageThatPollsSaysSoBeforeAnythingMoves(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var storing atomic.Bool
	storing.Store(true)
	proxy := storeAndForward(t, s, &storing)
	p := newTab(t)
	p.do(chromedp.Navigate(proxy.URL + "/d/shop"))
	p.wait(backWithin, isPolling)

	// The tab remembers: its next page does not wait for a stream.
	p.do(chromedp.Reload())
	p.wait(2*time.Second, isPolling)
	s.push(t, "orders 67")
	p.wait(2*time.Second, shows("orders", "67"))
}
