//go:build unix

package handlers

import (
	"syscall"
	"testing"
)

func TestPageIsLiveAgainAfterTheServerEnded(t *testing.T) {
	t.Parallel()
	for _, end := range []struct {
		name, query string
		by          func(*site)
		tries       int // in vain, before the server is back
	}{
		{"killed", "", func(s *site) { s.kill() }, 3},
		{"stopped", "", func(s *site) { s.stop() }, 1}, // it has told its pages to wait
		{"plain, killed", "?plain", func(s *site) { s.kill() }, 3},
		{"plain, stopped", "?plain", func(s *site) { s.stop() }, 1},
	} {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			p := openTab(t, s.URL+"/d/shop"+end.query)
			p.expect(unreachable...)
			p.wait(soon, shows("orders", "50"))
			end.by(s)
			p.wait(soon, `document.querySelector('[data-live]').dataset.live === 'reconnecting'`)
			p.hold(`document.getElementById('live').innerText === 'reconnecting'`)
			for range end.tries {
				p.hears(t, "ERR_CONNECTION_REFUSED")
			}
			s.restart(t)
			s.push(t, "orders 64")
			limit := backWithin
			if end.query != "" {
				limit *= 2 // its pause is half of an absence that a busy machine makes long
			}
			// A busy machine may keep the stream from coming at once: the page then polls, which is as good.
			p.wait(limit, "("+isLive+" || "+isPolling+") && "+shows("orders", "64"))
			p.hold(`document.querySelectorAll('article').length === 10`)
			p.hold(`new Set([...document.querySelectorAll('[id]')].map(({id}) => id)).size === document.querySelectorAll('[id]').length`)
			p.wait(soon, sameAsServed)
		})
	}
}

func TestPageSaysThatItsServerIsSilent(t *testing.T) {
	t.Parallel()
	for _, page := range []struct{ name, query string }{{"of today", ""}, {"plain", "?plain"}} {
		t.Run(page.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			p := openTab(t, s.URL+"/d/shop"+page.query)
			p.wait(soon, shows("orders", "50"))
			s.push(t, "orders 65")
			p.wait(soon, shows("orders", "65")+` && document.getElementById('p-shop-orders').dataset.state === 'fresh'`)
			s.signal(t, syscall.SIGSTOP)
			p.wait(lostWithin, `document.querySelector('[data-live]').dataset.live === 'lost'`)
			p.hold(`/^lost since \d\d:\d\d/.test(document.getElementById('live').innerText)`)
			p.hold(`document.getElementById('p-shop-orders').dataset.state === 'stale'`)
			s.signal(t, syscall.SIGCONT)
			s.push(t, "orders 66")
			p.wait(backWithin, isLive+" && "+shows("orders", "66")+` && document.getElementById('p-shop-orders').dataset.state === 'fresh'`)
			p.wait(soon, sameAsServed)
		})
	}
}

func (s *site) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}
