package handlers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// click clicks the button with that text and waits for the page that it leads to.
func (p *tab) click(button string) {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](`window.left = true;
		[...document.querySelectorAll('button')].find(({innerText}) => innerText === ` + js(button) + `).click()`))
	p.wait(soon, `window.left === undefined && document.readyState === 'complete'`)
}

// type writes into the field of that name.
func (p *tab) write(field, text string) {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector('input[name=%s]').value = %s`, field, js(text))))
}

// staffState is what the staff's page says of the freeze.
const staffState = `document.querySelector('.title > p').innerText`

func TestFreezeKeepsScoresFromEveryoneUntilTheReveal(t *testing.T) {
	t.Parallel()
	s := newArcade(t, "ada 30", "bob 20", "cyd 10", "dan 5", "eve 4")
	staff, desk, kiosk := newTab(t), openTab(t, s.URL+"/b/arcade"), openTab(t, s.URL+"/b/arcade/kiosk")
	screens := []*tab{desk, kiosk}
	heard := open(t, s.URL+eval[string](desk, `document.querySelector('[data-live-url]').dataset.liveUrl`))
	staff.do(chromedp.Navigate(s.URL + "/b/arcade/staff"))
	staff.hold(staffState + `.startsWith('Open')`)

	staff.click("Freeze")
	staff.hold(staffState + `.startsWith('Frozen since')`)
	for _, p := range screens {
		p.wait(soon, `document.querySelector('.banner').innerText.startsWith('Frozen since')`)
	}
	s.submit(t, `[{"player":"m0le7","name":"Talpa","score":31337},{"player":"cyd","score":41414},{"player":"ada","score":27182}]`)
	s.moderate(t, "/players/bob/rename", `{"name":"Bobby"}`) // is to be seen all the same: with it whatever came before
	const frozen = "1 ada 30, 2 Bobby 20, 3 cyd 10, 4 dan 5, 5 eve 4"
	for _, p := range screens {
		p.wait(soon, stands(frozen))
		wantNoSecret(t, "the page", eval[string](p, `document.documentElement.outerHTML`))
	}
	for told := ""; !strings.Contains(told, "Bobby"); {
		e, ok := heard.next()
		if !ok {
			t.Fatal("the stream ended before it told of Bobby")
		}
		wantNoSecret(t, "the stream", e.data)
		told += e.data
	}
	wantNothingLeaks(t, s)
	staff.do(chromedp.Reload())
	staff.hold(`document.getElementById('public-ranking').innerText.includes('Bobby') && !document.getElementById('public-ranking').innerText.includes('Talpa')`)
	staff.hold(`document.getElementById('ranking').innerText.includes('Talpa')`)

	for _, step := range []struct{ button, state, places, banner string }{
		{"Begin the reveal", "Reveal: 3 ranks are covered", "1, 2, 3, 4 Bobby 20, 5 dan 5, 6 eve 4", "3 ranks are still covered"},
		{"Reveal rank 3", "Reveal: 2 ranks are covered", "1, 2, 3 ada 27,182, 4 Bobby 20, 5 dan 5, 6 eve 4", "2 ranks are still covered"},
		{"Reveal rank 2", "Reveal: one rank is covered", "1, 2 Talpa 31,337, 3 ada 27,182, 4 Bobby 20, 5 dan 5, 6 eve 4", "one rank is still covered"},
		{"Reveal rank 1", "Open", "1 cyd 41,414, 2 Talpa 31,337, 3 ada 27,182, 4 Bobby 20, 5 dan 5, 6 eve 4", ""},
	} {
		staff.click(step.button)
		staff.hold(staffState + `.startsWith(` + js(step.state) + `)`)
		for _, p := range screens {
			p.wait(soon, stands(step.places)+` && (document.querySelector('.banner')?.innerText ?? '').endsWith(`+js(step.banner)+`)`)
			if step.banner != "" {
				p.hold(`!document.documentElement.outerHTML.includes('41,414')`)
			}
		}
	}
	for _, p := range screens {
		p.hold(`document.querySelector('.banner') === null && document.querySelector('[data-covered]') === null`)
	}
	s.submit(t, `{"player":"eve","score":50000}`)
	desk.wait(soon, `document.querySelector('.rows bdi').innerText === 'eve'`)
}

// secrets are of scores that came after the freeze, in each of the forms in which they may be told.
var secrets = []string{"Talpa", "m0le7", "31337", "31,337", "41414", "41,414", "27182", "27,182", "6 players", `"total":6`}

func wantNoSecret(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%s tells %q while the standings are frozen: %s", where, secret, text)
		}
	}
}

// wantNothingLeaks asks for all that is public.
func wantNothingLeaks(t *testing.T, s *site) {
	t.Helper()
	const api = "/api/leaderboards/arcade"
	for _, path := range []string{
		"/", "/d/hall", "/poll/hall", "/b/arcade", "/b/arcade?window=day", "/b/arcade?group=team:red", "/b/arcade?player=cyd", "/b/arcade?q=al",
		"/b/arcade.json", "/b/arcade.txt", "/b/arcade.svg", "/b/arcade/kiosk", "/b/arcade/embed", "/b/arcade/p/cyd", "/poll/b/arcade?surface=desk&limit=50",
		"/poll/b/arcade?surface=player&player=cyd&limit=50", api, api + "?window=day", api + ".csv", api + ".csv?window=day", api + "/windows",
		api + "/players/cyd", api + "/players/cyd?window=day", api + "/players?q=al", api + "/around/cyd", "/api/leaderboards", "/metrics",
	} {
		a := get200(t, s.URL+path)
		if strings.Contains(path, "group=") || path == "/metrics" || path == "/api/leaderboards" || strings.HasSuffix(path, "/windows") || strings.HasSuffix(path, "q=al") {
			wantNoSecret(t, path, a.body)
			continue
		}
		if wantNoSecret(t, path, a.body); !strings.Contains(a.body, "cyd") && path != "/" {
			t.Errorf("%s does not show what it should: %s", path, a.body)
		}
	}
	for _, path := range []string{"/b/arcade/p/%s", "/b/arcade?player=%s", api + "/players/%s", api + "/around/%s"} {
		unknown, hidden := do(t, "GET", s.URL+fmt.Sprintf(path, "nob0dy"), ""), do(t, "GET", s.URL+fmt.Sprintf(path, "m0le7"), "")
		if hidden.StatusCode != http.StatusNotFound || unknown.StatusCode != http.StatusNotFound {
			t.Errorf("%s: who came after the freeze gets %d, and who never came %d, want 404", path, hidden.StatusCode, unknown.StatusCode)
		}
		wantNoSecret(t, path, strings.ReplaceAll(hidden.body, "m0le7", ""))
	}
}

// fromElsewhere returns a proxy before the site that says whom it asks for, as one on the way to another machine does.
func fromElsewhere(t *testing.T, s *site) string {
	t.Helper()
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
		r.Out.Header.Set("X-Forwarded-For", "192.0.2.1")
	}})
	t.Cleanup(proxy.Close)
	t.Cleanup(proxy.CloseClientConnections)
	return proxy.URL
}

// token makes a token and returns its secret.
func (s *site) token(t *testing.T, scope string) string {
	t.Helper()
	code, secret, stderr := run(t, "token", "create", "--name=judge", "--scope="+scope, "--data="+filepath.Join(filepath.Dir(s.board), "liveboard.db"))
	if code != 0 {
		t.Fatalf("token create ends with %d: %s", code, stderr)
	}
	return strings.TrimSpace(secret)
}

func TestStaffFromElsewhereSignIn(t *testing.T) {
	t.Parallel()
	s := newArcade(t, "ada 30", "bob 20")
	page := fromElsewhere(t, s) + "/b/arcade/staff"
	p := newTab(t)
	p.expect("status of 401", "status of 403")
	p.do(chromedp.Navigate(page))
	p.hold(`document.querySelector('input[name=token]').type === 'password' && !document.body.innerText.includes('ada')`)
	for token, why := range map[string]string{"lb_wrong": "token", s.token(t, "score:arcade"): "none of staff"} {
		p.write("token", token)
		p.click("Sign in")
		p.hold(`document.body.innerText.includes(` + js(why) + `) && !document.body.innerText.includes('ada')`)
		p.do(chromedp.Navigate(page))
	}
	p.write("token", s.token(t, "staff:arcade"))
	p.click("Sign in")
	p.hold(`location.href === ` + js(page) + ` && ` + staffState + `.startsWith('Open') && document.getElementById('ranking').innerText.includes('ada')`)
	p.hold(`!document.cookie.includes('staff')`)
	p.click("Freeze")
	p.hold(`document.querySelector('.deeds').innerText.includes('frozen by judge')`)
	p.click("End the freeze")
	p.click("Sign out")
	p.hold(`document.querySelector('input[name=token]') !== null && !document.body.innerText.includes('ada')`)
	p.do(chromedp.Reload())
	p.hold(`document.querySelector('input[name=token]') !== null`)
}

func TestStaffModerateByForms(t *testing.T) {
	t.Parallel()
	s := newArcade(t, "ada 30", "bob 20", "bob 25", "cyd 10")
	public, staff := openTab(t, s.URL+"/b/arcade"), newTab(t)
	staff.do(chromedp.Navigate(s.URL + "/b/arcade/staff"))
	staff.write("player", "bob")
	staff.click("Show scores")
	staff.click("Remove") // the newest
	public.wait(soon, stands("1 ada 30, 2 bob 20, 3 cyd 10"))
	staff.write("name", "Robert")
	staff.click("Rename")
	public.wait(soon, stands("1 ada 30, 2 Robert 20, 3 cyd 10"))
	staff.write("reason", "<b>a bot</b>")
	staff.click("Ban")
	public.wait(soon, stands("1 ada 30, 2 cyd 10"))
	staff.hold(`document.getElementById('audit').parentElement.innerText.includes('bob was banned by local: <b>a bot</b>')`)
	staff.click("Undo") // the newest
	public.wait(soon, stands("1 ada 30, 2 Robert 20, 3 cyd 10"))
}
