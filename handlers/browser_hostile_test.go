package handlers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	browserpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// hostileNames are label values that run code where they are not escaped, or break a layout that trusts them.
var hostileNames = []string{
	`<img src=x onerror="owned=1">`,
	`"><script>owned=1</script>`,
	`' onmouseover='owned=1' x='`,
	`{{constructor.constructor("owned=1")()}}`,
	`</live-chart></article><svg onload=owned=1>`,
	`javascript:owned=1`,
	`@3 <b>;1,2:3`, // what the steps of charts are made of
	`&lt;img src=x onerror=owned=1&gt;`,
	strings.Repeat("unbroken", 125),
	strings.Repeat("many words ", 90),
	`مرحبا بالعالم שלום עולם`,
	`🏆🎉 café ʷᵒʳᵈ ﷽`,
}

func TestHostileNamesDoNothing(t *testing.T) {
	t.Parallel()
	board, err := os.ReadFile(filepath.Join("testdata", "browser", "hostile.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, string(board))
	pushHostile(t, s, 1)
	p := newTab(t)
	p.do(bypassPolicy) // it would hide what escaping has missed
	for _, path := range []string{"/", "/d/hostile", "/kiosk/hostile", "/embed/hostile", "/d/hostile/lines", "/arrivals", "/arrivals?q=hostile&from=text"} {
		p.do(chromedp.Navigate(s.URL + path))
		p.wait(soon, isLive)
		harmless(p)
		fits(t, p, 390, 1440)
	}
}

func TestHostileNamesDoNothingWhenTheyArriveLive(t *testing.T) {
	t.Parallel()
	board, err := os.ReadFile(filepath.Join("testdata", "browser", "hostile.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, string(board))
	p := newTab(t)
	p.do(bypassPolicy, chromedp.Navigate(s.URL+"/d/hostile"))
	p.wait(soon, isLive)
	for value := range 3 { // new lines, then steps and leaves of known ones
		pushHostile(t, s, value)
		p.wait(soon, fmt.Sprintf(`[...document.querySelectorAll('#p-hostile-table tbody td:last-child')].some(cell => cell.innerText === '%d')`, value))
	}
	harmless(p)
	fits(t, p, 390, 1440)
}

var bypassPolicy = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
	_, err := cdp.Call(ctx, t, browserpage.SetBypassCSP, browserpage.SetBypassCSPParams{Enabled: true})
	return err
})

func pushHostile(t *testing.T, s *site, value int) {
	t.Helper()
	lines := make([]string, len(hostileNames))
	for i, name := range hostileNames {
		lines[i] = fmt.Sprintf(`hostile{name="%s"} %d`, strings.ReplaceAll(name, `"`, `\"`), value)
	}
	s.push(t, lines...)
}

// harmless fails the test when a name has become more than text.
func harmless(p *tab) {
	p.t.Helper()
	p.hold(`typeof owned === 'undefined'`)
	p.hold(`document.querySelector('body :is(img, script, b > b, iframe, object, style, link, [onerror], [onload], [onmouseover], a[href^="javascript:"])') === null`)
	p.hold(`document.querySelectorAll('main').length === 1`)
}
