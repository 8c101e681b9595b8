package handlers

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"
)

// proxyKinds are all, as they come.
var proxyKinds = []proxyKind{nginxKind, nginxTLS, haproxyKind, haproxyTLS, caddyKind, caddyTLS, varnishKind}

// trusting has the tab take any certificate.
var trusting = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
	_, err := cdp.Call(ctx, t, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
	return err
})

func TestPagesAreLiveThroughProxies(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for i, kind := range proxyKinds {
		t.Run(kind.name, func(t *testing.T) {
			proxy := proxyBefore(t, kind, s.URL)
			p := newTab(t)
			p.do(trusting, chromedp.Navigate(proxy+"/d/shop"))
			p.wait(soon, isLive)
			value := fmt.Sprint(61 + i)
			s.push(t, "orders "+value)
			p.wait(soon, shows("orders", value))
			p.hold(isLive)
		})
	}
}

func TestPagePollsThroughAProxyThatStores(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	proxy := proxyBefore(t, nginxStoring, s.URL)
	p := newTab(t)
	p.do(chromedp.Navigate(proxy + "/d/shop"))
	p.wait(soon, isPolling)
	p.hold(`document.querySelector('[data-live]').innerText.includes('polling')`)
	s.push(t, "orders 67")
	p.wait(soon, shows("orders", "67"))
}

// Each push waits for the one before it to arrive: an event that waits for the next one never comes.
func TestCompressedStreamsComeThroughProxiesEventByEvent(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for i, kind := range proxyKinds {
		t.Run(kind.name, func(t *testing.T) {
			page := openThrough(t, proxyBefore(t, kind, s.URL)+"/live/shop")
			if got := page.Header.Get("Content-Encoding"); got != "gzip" {
				t.Errorf("Content-Encoding = %q, want gzip", got)
			}
			page.until("")
			for n := range 10 {
				value := fmt.Sprint(7001 + 100*i + n)
				s.push(t, "orders "+value)
				for !strings.Contains(texts(page.until("")), value) {
				}
			}
		})
	}
}

// openThrough is open with gzip, over whatever HTTP the proxy speaks, and with any certificate.
func openThrough(t *testing.T, url string) *stream {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return openBy(t, transport, url, "Accept-Encoding", "gzip")
}

func TestDoctorPageSeesHTTP2(t *testing.T) {
	t.Parallel()
	proxy := proxyBefore(t, nginxTLS, newSite(t, "").URL)
	p := newTab(t)
	p.do(trusting, chromedp.Navigate(proxy+"/doctor"))
	p.wait(examined, found("version", "good", "HTTP/2"))
	p.wait(examined, found("parallel", "good", "7 streams"))
}
