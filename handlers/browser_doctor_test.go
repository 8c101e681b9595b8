package handlers

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"liveboard/handlers/doctor"
)

// examined is how long the page takes for all of its checks, and then some.
const examined = 2 * doctor.SilentFor

// found holds once a check has that verdict, or one of those, and says that.
func found(check, verdict, says string) string {
	row := `document.getElementById('check-` + check + `')`
	return js(verdict) + `.split(' ').includes(` + row + `.dataset.verdict) && ` + row + `.innerText.includes(` + js(says) + `)`
}

// undelayed is the verdict on events that come when they are sent; a busy machine delays one now and then.
const undelayed = "good warn"

func doctorTab(t *testing.T, url string) *tab {
	t.Helper()
	p := newTab(t)
	p.do(chromedp.Navigate(url + "/doctor"))
	return p
}

func TestDoctorPageExaminesTheWay(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	p := doctorTab(t, s.URL)
	for _, c := range []struct{ check, verdict, says string }{
		{"answer", "good", "no proxy shows itself"},
		{"version", "warn", "The client speaks HTTP/1.1"},
		{"clock", "good", "The clocks agree"},
		{"live", "good", "says hello"},
		{"steady", undelayed, ""},
		{"late", undelayed, ""},
		{"gzip", undelayed, ""},
		{"parallel", "warn", "6 of 7 streams"},
		{"limit", "good", "of at most 64 streams"},
		{"files", "good", "LimitNOFILE"},
		{"idle", "running", "still running"},
		{"idle", "good", "s of silence"},
	} {
		if c.check == "files" {
			p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#check-files summary').click()`))
		}
		p.wait(examined, found(c.check, c.verdict, c.says))
	}
	p.hold(`/^Done: \d could be better, \d good$/.test(document.getElementById('state').innerText)`)
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll('details').forEach(cure => { cure.open = true })`))
	for _, theme := range []string{"dark", "light"} {
		p.do(chromedp.Evaluate[chromedp.Void](`document.documentElement.dataset.theme = ` + js(theme)))
		fits(t, p, 390, 1440, 3840)
		for _, flaw := range flaws(p, axeScript(t)) {
			t.Errorf("%s: %s", theme, flaw)
		}
	}
}

func TestDoctorPageFindsAProxyThatStores(t *testing.T) {
	t.Parallel()
	var storing atomic.Bool
	storing.Store(true)
	p := doctorTab(t, storeAndForward(t, newSite(t, ""), &storing).URL)
	p.wait(examined, found("steady", "bad", "Events are held back"))
	p.wait(soon, found("live", "bad", "pages poll"))
	for _, program := range []string{"nginx", "HAProxy", "Caddy", "Apache", "Varnish"} { // it does not say which it is
		p.hold(`[...document.querySelectorAll('#check-steady summary')].some(({innerText}) => innerText.startsWith(` + js(program) + `))`)
	}
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#check-steady summary').click()`))
	p.hold(`document.querySelector('#check-steady pre').innerText === 'proxy_buffering off;'`)
}

// portal returns a proxy before the site that gives a page of its own in place of the doctor's answers.
func portal(t *testing.T, s *site, status int) *httptest.Server {
	t.Helper()
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/doctor/") {
			w.Header().Set("Location", "/login")
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	return server
}

func TestDoctorPageIsNotTakenInByAPortal(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	for status, says := range map[int]string{http.StatusOK: "Something else answers in the server's place", http.StatusFound: "Requests are sent elsewhere"} {
		p := doctorTab(t, portal(t, s, status).URL)
		p.wait(soon, found("answer", "bad", says))
		p.wait(soon, `document.getElementById('state').innerText === 'Done: 1 bad, 10 unknown'`)
	}
}

func TestDoctorPageSaysWhenTheServerHasGone(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	p := doctorTab(t, s.URL)
	p.expect(unreachable...)
	p.wait(soon, found("live", "good", "hello"))
	s.kill()
	p.wait(examined, found("idle", "unknown", "The server cannot be reached."))
}

func TestDoctorPageHasCuresThatOneClickSelects(t *testing.T) {
	t.Parallel()
	p := doctorTab(t, newSite(t, "").URL)
	p.wait(soon, found("version", "warn", "nginx"))
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#check-version details').open = true`), chromedp.Click("#check-version pre"))
	p.wait(soon, `getSelection().toString() === 'listen 443 ssl http2;'`)
}

func TestDoctorPageNamesTheCommandWithoutScript(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	p := newTab(t)
	p.do(noScript, chromedp.Navigate(s.URL+"/doctor"))
	p.hold(`document.body.innerText.includes('Only a script can measure this') && document.body.innerText.includes('liveboard doctor ` + s.URL + `')`)
}
