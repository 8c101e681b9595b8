package handlers

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"liveboard/metrics"
)

// hostile is a text that wants to be more than one.
const hostile = `</title></h2><script>alert(1)</script><img src=x onerror="alert(2)">"'&amp;`

func hostileDashboard() metrics.Dashboard {
	d := dashboard("d", "orders")
	d.Title, d.Text = hostile, hostile
	d.Panels[0].Title, d.Panels[0].Queries[0].Legend = hostile, hostile+" {{shop}}"
	return d
}

// pages are one of each kind.
var pages = []string{
	"/", "/d/d", "/d/d/orders", "/d/d?range=6h", "/d/d?from=1763777000000&to=1763777777000", "/kiosk/d", "/kiosk/d,e?turn=60",
	"/embed/d", "/embed/d/orders", "/nothing", "/d/nothing", "/d/" + `%3Cscript%3Ealert(1)%3C%2Fscript%3E`, "/d/d?range=%3Cscript%3E", "/d/d?theme=%22%3E%3Cscript%3E",
}

func TestPagesHaveNothingInline(t *testing.T) {
	w := newWorld(t, nil, hostileDashboard(), dashboard("e", "orders"))
	w.record("orders", 1, metrics.Label{Name: "shop", Value: hostile})
	for _, path := range pages {
		a := do(t, "GET", w.URL+path, "")
		if got := a.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("%s is %s", path, got)
		}
		if got := a.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s has Cache-Control %q", path, got)
		}
		for n := range parsed(t, a.body).Descendants() {
			if n.Type == html.ElementNode {
				checkElement(t, path, n)
			}
		}
	}
}

// checkElement holds an element to what a strict policy allows, and to addresses of this server.
func checkElement(t *testing.T, path string, n *html.Node) {
	t.Helper()
	switch n.Data {
	case "style", "base", "object", "iframe", "form", "img":
		t.Errorf("%s has a <%s>", path, n.Data)
	case "script":
		if !strings.HasPrefix(attr(n, "src"), "/assets/") || n.FirstChild != nil {
			t.Errorf("%s has an inline script", path)
		}
	}
	for _, a := range n.Attr {
		switch {
		case a.Key == "style", strings.HasPrefix(a.Key, "on"), strings.HasPrefix(a.Key, "data-on"):
			t.Errorf("%s has <%s %s=%q>", path, n.Data, a.Key, a.Val)
		case a.Key == "href" || a.Key == "src":
			if u, err := url.Parse(a.Val); err != nil || u.Host != "" || u.Scheme != "" {
				t.Errorf("%s refers to %q", path, a.Val)
			}
		}
	}
}

func TestPagesShowHostileTextAsText(t *testing.T) {
	w := newWorld(t, nil, hostileDashboard())
	w.record("orders", 1, metrics.Label{Name: "shop", Value: hostile})
	for path, element := range map[string]string{"/d/d": "h1", "/d/d/orders": "h1", "/kiosk/d": "h2", "/embed/d": "h2", "/": "main"} {
		page := parsed(t, get200(t, w.URL+path).body)
		if got := text(find(page, element)); !strings.Contains(got, hostile) {
			t.Errorf("%s: the first %s says %q, want %q", path, element, got, hostile)
		}
	}
	article := find(parsed(t, get200(t, w.URL+"/d/d").body), "article")
	if got := text(article); !strings.Contains(got, hostile+" "+hostile) {
		t.Errorf("the panel says %q, want the legend", got)
	}
}

func TestPagesAreWholeAndKnowHowToGoOn(t *testing.T) {
	w := newWorld(t, nil, dashboard("d", "orders"), dashboard("e", "orders"))
	w.record("orders", 4321)
	for path, want := range map[string]struct{ surface, stream, shows string }{
		"/":                  {"index", "/live/?surface=index", "D"},
		"/d/d":               {"desk", "/live/d?range=5m", "4321"},
		"/d/d?range=1h":      {"desk", "/live/d?range=1h", "4321"},
		"/d/d/orders":        {"panel", "/live/d?panel=orders&range=5m", "4321"},
		"/kiosk/d":           {"kiosk", "/live/d?range=5m&surface=kiosk", "4321"},
		"/kiosk/d,e?turn=60": {"kiosk", "/live/d,e?surface=kiosk&turn=60", "4321"},
		"/embed/d":           {"embed", "/live/d?range=5m&surface=embed", "4321"},
		"/embed/d/orders":    {"embed-panel", "/live/d?panel=orders&range=5m&surface=embed", "4321"},
		"/d/d?from=1763777000000&to=1763777777000": {"desk", "/live/d?from=1763777000000&to=1763777777000", "Back to live"},
	} {
		page := parsed(t, get200(t, w.URL+path).body)
		if got := attr(find(page, "html"), "data-surface"); got != want.surface {
			t.Errorf("%s is the surface %q, want %q", path, got, want.surface)
		}
		if got := strings.ReplaceAll(text(find(page, "body")), ",", ""); !strings.Contains(got, want.shows) {
			t.Errorf("%s shows %q, want %q in it", path, got, want.shows)
		}
		feed := withAttr(page, "data-live-url")
		if got := attr(feed, "data-live-url"); got != want.stream {
			t.Errorf("%s streams from %q, want %q", path, got, want.stream)
		}
		if got, want := attr(feed, "data-poll-url"), strings.Replace(want.stream, "live", "poll", 1); got != want {
			t.Errorf("%s polls %q, want %q", path, got, want)
		}
		if got := attr(feed, "data-build"); got != "build" {
			t.Errorf("%s is of the build %q", path, got)
		}
	}
}

func TestStreamTakesOverWhereThePageEnds(t *testing.T) {
	w := newWorld(t, nil)
	w.record("orders", 1)
	for _, path := range []string{"/d/d", "/d/d/orders", "/kiosk/d", "/embed/d"} {
		feed := withAttr(parsed(t, get200(t, w.URL+path).body), "data-live-url")
		s := open(t, w.URL+attr(feed, "data-live-url")+"&cursor="+attr(feed, "data-cursor"))
		s.until("hello")
		w.record("orders", 2)
		if got := s.until(""); strings.Contains(got[0].data, "<article") {
			t.Errorf("%s: the stream repeats what the page has: %+v", path, got)
		}
		s.cancel()
	}
}

func TestMissingPagesShowTheWayOut(t *testing.T) {
	w := newWorld(t, nil)
	a := do(t, "GET", w.URL+"/d/nothing", "")
	page := parsed(t, a.body)
	if got := text(find(page, "h1")); a.StatusCode != 404 || !strings.Contains(got, `no dashboard named "nothing"`) {
		t.Errorf("got %d %q", a.StatusCode, got)
	}
	var links []string
	for n := range find(page, "main").Descendants() {
		if n.Data == "a" {
			links = append(links, attr(n, "href"))
		}
	}
	if !slices.Equal(links, []string{"/d/d", "/", "/#leaderboards", "/doctor"}) {
		t.Errorf("the ways out are %q, want the dashboards, the leaderboards and the doctor", links)
	}
	wantProblem(t, do(t, "GET", w.URL+"/api/nothing", ""), http.StatusNotFound, "nothing at /api/nothing")
}

func TestThemeComesFromTheAddressThenTheCookie(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct{ path, cookie, want string }{
		{"/d/d", "", "auto"},
		{"/d/d", "light", "light"},
		{"/d/d", `"><script>`, "auto"},
		{"/d/d?theme=dark", "light", "dark"},
		{"/kiosk/d", "", "dark"},
		{"/kiosk/d?theme=light", "", "light"},
		{"/embed/d", "dark", "auto"},
		{"/embed/d?theme=dark", "", "dark"},
	} {
		page := parsed(t, get200(t, w.URL+c.path, "Cookie", "theme="+c.cookie).body)
		if got := attr(find(page, "html"), "data-theme"); got != c.want {
			t.Errorf("%s with the cookie %q has the theme %q, want %q", c.path, c.cookie, got, c.want)
		}
	}
}

func TestPagesAreCompressedForThoseWhoUnderstand(t *testing.T) {
	w := newWorld(t, nil)
	for accept, want := range map[string]string{"gzip": "gzip", "gzip;q=0": "", "identity": ""} {
		for path, status := range map[string]int{"/d/d": 200, "/nothing": 404} {
			a := do(t, "GET", w.URL+path, "", "Accept-Encoding", accept)
			if got := a.Header.Get("Content-Encoding"); got != want || a.StatusCode != status || a.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s, Accept-Encoding %q: status %d, Content-Encoding %q, want %d, %q and Vary", path, accept, a.StatusCode, got, status, want)
			}
		}
	}
}

func parsed(t testing.TB, body string) *html.Node {
	t.Helper()
	page, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// find returns the first element of that name; an empty one where there is none.
func find(n *html.Node, name string) *html.Node {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == name {
			return d
		}
	}
	return &html.Node{}
}

func withAttr(n *html.Node, name string) *html.Node {
	for d := range n.Descendants() {
		if attr(d, name) != "" {
			return d
		}
	}
	return &html.Node{}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}
