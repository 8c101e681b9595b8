package handlers

import (
	"bufio"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skip2/go-qrcode"
	"golang.org/x/net/html"

	"liveboard/metrics"
	"liveboard/views"
)

// openArcade serves the leaderboard "arcade" with two players, and lets a site frame it. change may be nil.
func openArcade(t testing.TB, change func(*Config), specs ...metrics.Leaderboard) *world {
	t.Helper()
	if len(specs) == 0 {
		specs = []metrics.Leaderboard{leaderboard("arcade", nil)}
	}
	board := &metrics.Board{Leaderboards: specs, Embed: metrics.Embed{Origins: []string{"https://intranet.example"}}}
	w := worldOf(t, change, board, filepath.Join(t.TempDir(), "x.db"))
	w.score("ada", 30)
	w.score("bob", 4321)
	return w
}

func TestAPageOfABoardLinksToItsGroups(t *testing.T) {
	w := openArcade(t, nil, leaderboard("arcade", func(b *metrics.Leaderboard) { b.Groups = []string{"team"} }))
	w.post("/arcade/scores", `{"player":"ada","score":1,"attributes":{"team":"red"}}`)
	if page := get200(t, w.URL+"/b/arcade"); !strings.Contains(page.body, `href="?group=team%3Ared"`) {
		t.Errorf("there is no link to the team red:\n%s", page.body)
	}
}

func TestPagesOfABoardHaveTheirHeaders(t *testing.T) {
	w := openArcade(t, nil)
	const page, text, svg, json = "text/html; charset=utf-8", "text/plain; charset=utf-8", "image/svg+xml", "application/json"
	for _, c := range []struct {
		path, contentType string
		framed, own       bool
	}{
		{"/b/arcade", page, false, false},
		{"/b/arcade?player=ada", page, false, true},
		{"/b/arcade?q=ada", page, false, false},
		{"/b/arcade/kiosk", page, false, false},
		{"/b/arcade/kiosk?player=ada", page, false, true},
		{"/b/arcade/embed", page, true, false},
		{"/b/arcade/embed?player=ada", page, true, true},
		{"/b/arcade/p/ada", page, false, false},
		{"/b/arcade/staff", page, false, false},
		{"/b/arcade.txt", text, false, false},
		{"/b/arcade.txt?player=ada", text, false, true},
		{"/b/arcade.svg", svg, false, false},
		{"/b/arcade.svg?player=ada", svg, false, true},
		{"/b/arcade.json", json, false, false},
		{"/b/arcade/qr.svg", svg, false, false},
		{"/b/arcade/qr.svg?player=ada", svg, false, true},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			a := do(t, method, w.URL+c.path, "")
			if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != c.contentType || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: %d %s, Cache-Control %q", method, c.path, a.StatusCode, a.Header.Get("Content-Type"), a.Header.Get("Cache-Control"))
			}
			ancestors := "frame-ancestors 'none'"
			if c.framed {
				ancestors = "frame-ancestors https://intranet.example"
			}
			if got := a.Header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'") || !strings.HasSuffix(got, ancestors) {
				t.Errorf("%s has the policy %q", c.path, got)
			}
			if got := a.Header.Get("X-Robots-Tag") == "noindex"; got != c.own {
				t.Errorf("%s is kept out of search engines: %v, want %v", c.path, got, c.own)
			}
		}
	}
	if got := get200(t, w.URL+"/b/arcade.svg").Header.Get("Cross-Origin-Resource-Policy"); got != "cross-origin" {
		t.Errorf("the picture has Cross-Origin-Resource-Policy %q: no other site can show it", got)
	}
}

func TestPagesOfABoardShowItsRows(t *testing.T) {
	w := openArcade(t, nil)
	for path, want := range map[string]struct{ stream, shows string }{
		"/b/arcade":            {"/live/b/arcade?limit=50", "bob"},
		"/b/arcade?offset=1":   {"/live/b/arcade?limit=50&offset=1", "ada"},
		"/b/arcade?window=day": {"/live/b/arcade?limit=50&window=day", "bob"},
		"/b/arcade?player=ada": {"/live/b/arcade?limit=20&player=ada", "ada"},
		"/b/arcade?q=AD":       {"/live/b/arcade?limit=50&q=AD", "ada"},
		"/b/arcade/kiosk":      {"/live/b/arcade?limit=10&surface=kiosk&turn=15", "bob"},
		"/b/arcade/embed":      {"/live/b/arcade?limit=10&surface=embed", "bob"},
		"/b/arcade/p/ada":      {"/live/b/arcade?limit=20&player=ada&surface=player", "ada"},
	} {
		body := parsed(t, get200(t, w.URL+path).body)
		feed := withAttr(body, "data-live-url")
		if got := attr(feed, "data-live-url"); got != want.stream {
			t.Errorf("%s streams from %q, want %q", path, got, want.stream)
		}
		if got := text(find(body, "main")) + text(find(body, "section")); !strings.Contains(got, want.shows) {
			t.Errorf("%s shows %q, want %q in it", path, got, want.shows)
		}
		get200(t, w.URL+attr(feed, "data-poll-url"))
	}
}

func TestWrongAddressesOfABoardAreRefusedInASentence(t *testing.T) {
	w := openArcade(t, nil)
	long := strings.Repeat("x", 257)
	for _, c := range []struct {
		path   string
		status int
		says   string
	}{
		{"/b/chess", 404, `no leaderboard named "chess"`},
		{"/b/arcade?window=2001-01-01", 404, "2001-01-01"},
		{"/b/arcade?window=%3Cscript%3E", 404, "<script>"},
		{"/b/arcade?group=team:red", 404, "team:red"},
		{"/b/arcade?player=cyd", 404, "cyd"},
		{"/b/arcade/p/cyd", 404, "cyd"},
		{"/b/arcade?limit=0", 400, "limit"},
		{"/b/arcade?limit=many", 400, "limit"},
		{"/b/arcade?offset=-1", 400, "offset"},
		{"/b/arcade?offset=99999999999", 400, "offset"},
		{"/b/arcade?window=" + long, 400, "window"},
		{"/b/arcade?group=" + long, 400, "group"},
		{"/b/arcade?player=" + long, 400, "player"},
		{"/b/arcade?q=" + long, 400, "q must"},
		{"/b/arcade?q=%ff%fe", 400, "q must"},
		{"/b/arcade?player=%c3%28", 400, "player"},
		{"/b/arcade/p/%ff", 400, "player"},
		{"/b/arcade/p/" + long, 400, "player"},
		{"/b/arcade/kiosk?turn=1", 400, "turn"},
		{"/b/arcade/embed?limit=0", 400, "limit"},
		{"/b/chess/staff", 404, "chess"},
	} {
		a := do(t, "GET", w.URL+c.path, "")
		title := text(find(parsed(t, a.body), "h1"))
		if a.StatusCode != c.status || a.Header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(title, c.says) {
			t.Errorf("%.60s: %d %q, want %d and a sentence about %q", c.path, a.StatusCode, title, c.status, c.says)
		}
	}
	for _, c := range []struct {
		path   string
		status int
		says   string
	}{
		{"/b/chess.txt", 404, "chess"}, {"/b/chess.svg", 404, "chess"}, {"/b/chess.json", 404, "chess"}, {"/b/chess/qr.svg", 404, "chess"},
		{"/b/arcade.txt?window=never", 404, "never"}, {"/b/arcade.svg?group=red", 404, "red"}, {"/b/arcade.txt?player=cyd", 404, "cyd"},
		{"/b/arcade.txt?limit=1001", 400, "limit"}, {"/b/arcade.svg?offset=-1", 400, "offset"}, {"/b/arcade.txt?width=wide", 400, "width"},
		{"/b/arcade/qr.svg?player=" + long, 400, "player"}, {"/b/arcade/qr.svg?window=%ff", 400, "window"},
		{"/live/b/chess", 404, "chess"}, {"/live/b/arcade?limit=0", 400, "limit"}, {"/poll/b/arcade?player=cyd", 404, "cyd"}, {"/poll/b/arcade?q=%ff", 400, "q must"},
	} {
		wantProblem(t, do(t, "GET", w.URL+c.path, ""), c.status, c.says)
	}
	a := get200(t, w.URL+"/b/arcade?offset=100000000")
	if got := text(find(parsed(t, a.body), "section")); !strings.Contains(got, "end before this place") {
		t.Errorf("a place far behind the last shows %q", got)
	}
}

func TestTextTwinFitsTheTerminal(t *testing.T) {
	w := openArcade(t, nil)
	plain := get200(t, w.URL+"/b/arcade.txt").body
	if strings.Contains(plain, "\x1b") || !strings.Contains(plain, "ARCADE\n") || !strings.Contains(plain, "bob") {
		t.Errorf("the text is %q", plain)
	}
	if colored := get200(t, w.URL+"/b/arcade.txt?color").body; !strings.Contains(colored, "\x1b[1;93m") {
		t.Errorf("the text in colour is %q", colored)
	}
	for width, want := range map[string]int{"60": 60, "1": 40, "100000": 120, "": 80} {
		lines := strings.Split(get200(t, w.URL+"/b/arcade.txt?width="+width).body, "\n")
		if got := len([]rune(lines[3])); got != want {
			t.Errorf("at a width of %q a row has %d cells, want %d: %q", width, got, want, lines[3])
		}
	}
	if got := get200(t, w.URL+"/b/arcade.txt?limit=1").body; strings.Contains(got, "ada") {
		t.Errorf("one row is %q", got)
	}
}

// wellFormed holds an answer to XML, and returns its text.
func wellFormed(t *testing.T, path, body string) string {
	t.Helper()
	var said strings.Builder
	for d := xml.NewDecoder(strings.NewReader(body)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return said.String()
		}
		if err != nil {
			t.Fatalf("%s is not well-formed: %v: %q", path, err, body)
		}
		switch x := token.(type) {
		case xml.CharData:
			said.Write(x)
		case xml.StartElement:
			if x.Name.Local == "script" || x.Name.Local == "img" {
				t.Errorf("%s has a <%s>", path, x.Name.Local)
			}
		}
	}
}

func TestTwinsShowHostileTextAsText(t *testing.T) {
	w := openArcade(t, nil, leaderboard("arcade", func(b *metrics.Leaderboard) { b.Title = hostile }),
		leaderboard("fed", func(b *metrics.Leaderboard) {
			b.Periods, b.Query = b.Periods[:1], &metrics.Query{Expr: "orders", Legend: "{{shop}}"}
		}))
	w.post("/arcade/scores", fmt.Sprintf(`{"player":"evil","score":9999,"name":%q}`, `<b>&"'</text><script>`))
	w.record("orders", 7, metrics.Label{Name: "shop", Value: "a\uffff\ufffe]]><script>"})
	if got := wellFormed(t, "the picture", get200(t, w.URL+"/b/arcade.svg").body); !strings.Contains(got, "<script>") || !strings.Contains(got, "</title>") {
		t.Errorf("the picture says %q, want the title and the name", got)
	}
	if got := wellFormed(t, "the picture of a query", get200(t, w.URL+"/b/fed.svg").body); !strings.Contains(got, "]]><script>") {
		t.Errorf("the picture of a query says %q, want the label", got)
	}
	for _, path := range []string{"/b/arcade", "/b/arcade/kiosk", "/b/arcade/embed", "/b/arcade/p/evil", "/b/arcade?player=evil", "/b/fed", "/b/arcade?q=%3Cscript%3E", "/b/arcade?window=%22%3E%3Cscript%3E"} {
		page := parsed(t, do(t, "GET", w.URL+path, "").body)
		for n := range page.Descendants() {
			if n.Type == html.ElementNode && n.Data == "script" && n.FirstChild != nil {
				t.Errorf("%s has a script of a stranger", path)
			}
		}
	}
}

// wantQR holds a picture to the code of an address.
func wantQR(t *testing.T, a answer, address string) {
	t.Helper()
	code, err := qrcode.New(address, qrcode.Medium)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	if err := views.QR(code.Bitmap()).Render(t.Context(), &want); err != nil {
		t.Fatal(err)
	}
	if a.body != want.String() {
		t.Errorf("%s is not the code of %s", a.Request.URL, address)
	}
}

func TestCodesLeadToWherePeopleReachTheBoard(t *testing.T) {
	w := openArcade(t, nil)
	public := openArcade(t, nil)
	public.server.PublicURL = "https://play.example/live"
	host := strings.TrimPrefix(w.URL, "http://")
	for _, c := range []struct {
		w       *world
		query   string
		headers []string
		address string
	}{
		{w, "", nil, "http://" + host + "/b/arcade"},
		{w, "", []string{"Host", "board.example"}, "http://board.example/b/arcade"},
		{w, "", []string{"Host", "board.example", "X-Forwarded-Proto", "https"}, "https://board.example/b/arcade"},
		{w, "?window=day&group=&theme=dark", nil, "http://" + host + "/b/arcade?window=day"},
		{w, "?player=ada&window=day", nil, "http://" + host + "/b/arcade?player=ada"},
		{w, "?player=" + url.QueryEscape("ä &?#/"), nil, "http://" + host + "/b/arcade?player=%C3%A4+%26%3F%23%2F"},
		{public, "", []string{"Host", "board.example"}, "https://play.example/live/b/arcade"},
		{public, "?player=ada", nil, "https://play.example/live/b/arcade?player=ada"},
	} {
		wantQR(t, get200(t, c.w.URL+"/b/arcade/qr.svg"+c.query, c.headers...), c.address)
	}
	page := get200(t, public.URL+"/b/arcade?player=ada").body
	if !strings.Contains(page, "https://play.example/live/b/arcade?player=ada") {
		t.Error("the page does not tell the player's own link as people reach it")
	}
	invitation := text(find(parsed(t, get200(t, public.URL+"/b/arcade/kiosk").body), "aside"))
	if !strings.Contains(invitation, "play.example/live/b/arcade") || strings.Contains(invitation, "https") {
		t.Errorf("the kiosk says %q, want where people reach it, short enough to be typed", invitation)
	}
}

// ofBoard are all addresses at which the public reads a leaderboard.
func ofBoard(board string) []string {
	paths := []string{"/live/b/" + board, "/poll/b/" + board, "/poll/b/" + board + "?surface=kiosk", "/poll/b/" + board + "?surface=player&player=ada"}
	for _, path := range []string{"", ".txt", ".svg", ".json", "/kiosk", "/embed", "/qr.svg", "/qr.svg?player=ada", "/p/ada", "?player=ada", "?q=a", "?window=day"} {
		paths = append(paths, "/b/"+board+path)
	}
	for _, path := range []string{"", ".csv", "/windows", "/players?q=a", "/players/ada", "/around/ada"} {
		paths = append(paths, "/api/leaderboards/"+board+path)
	}
	return paths
}

func TestBoardForStaffIsNobodyElses(t *testing.T) {
	staffOnly := func(b *metrics.Leaderboard) { b.Visibility, b.Title = metrics.StaffOnly, "Secret Championship" }
	w := openArcade(t, nil, leaderboard("arcade", staffOnly), leaderboard("fed", func(b *metrics.Leaderboard) {
		staffOnly(b)
		b.Periods, b.Query = b.Periods[:1], &metrics.Query{Expr: "orders"}
	}))
	w.record("orders", 4321)
	for _, path := range append(ofBoard("arcade"), ofBoard("fed")...) {
		for _, headers := range [][]string{nil, elsewhere} {
			a := do(t, "GET", w.URL+path, "", headers...)
			if a.StatusCode != http.StatusNotFound || strings.Contains(a.body, "Secret") || strings.Contains(a.body, "4321") {
				t.Errorf("%s: %d %.200s, want 404", path, a.StatusCode, a.body)
			}
		}
	}
	for _, path := range []string{"/", "/api/leaderboards"} {
		if a := get200(t, w.URL+path); strings.Contains(a.body, "Secret") || strings.Contains(a.body, "arcade") {
			t.Errorf("%s lists it: %s", path, a.body)
		}
	}
	for _, board := range []string{"arcade", "fed"} {
		if a := do(t, "GET", w.URL+"/b/"+board+"/staff", "", elsewhere...); a.StatusCode != http.StatusUnauthorized || strings.Contains(a.body, "Secret") {
			t.Errorf("the sign-in of %s: %d, and tells the title: %v", board, a.StatusCode, strings.Contains(a.body, "Secret"))
		}
		if a := get200(t, w.URL+"/b/"+board+"/staff"); !strings.Contains(a.body, "Secret") || !strings.Contains(a.body, `value="4321"`) {
			t.Errorf("the staff's page of %s does not show its rows", board)
		}
	}
}

func TestUnlistedBoardIsForThoseWhoKnowIt(t *testing.T) {
	w := openArcade(t, nil, leaderboard("arcade", func(b *metrics.Leaderboard) { b.Visibility = metrics.Unlisted }))
	for _, path := range ofBoard("arcade")[1:] { // a stream does not end
		get200(t, w.URL+path)
	}
	for _, path := range []string{"/", "/api/leaderboards", "/b/nothing"} {
		if a := do(t, "GET", w.URL+path, ""); strings.Contains(strings.ToLower(a.body), "arcade") {
			t.Errorf("%s tells of it: %s", path, a.body)
		}
	}
}

// What is not to be seen must not be guessed from what stands beside it.
func TestFrozenBoardLeaksNowhere(t *testing.T) {
	logged := logs(t)
	w := openArcade(t, nil)
	w.does("POST", "/arcade/freeze", "")
	feed := withAttr(parsed(t, get200(t, w.URL+"/b/arcade").body), "data-live-url")
	stream := open(t, w.URL+attr(feed, "data-live-url")+"&cursor="+attr(feed, "data-cursor"))
	stream.until("hello")
	index := get200(t, w.URL+"/").body
	w.post("/arcade/scores", `{"player":"zoe","score":987654,"name":"Zoë Zebra"}`)
	w.score("ada", 76543)
	for _, path := range append(ofBoard("arcade")[4:], "/", "/metrics", "/readyz", "/api/leaderboards") { // polls wait for news
		a := get200(t, w.URL+path)
		for _, leak := range []string{"zoe", "Zebra", "987654", "76543", "3 players"} {
			if strings.Contains(a.body, leak) {
				t.Errorf("%s tells %q", path, leak)
			}
		}
	}
	if got := get200(t, w.URL+"/").body; boardsOf(t, got) != boardsOf(t, index) {
		t.Error("the list of leaderboards has changed")
	}
	now := withAttr(parsed(t, get200(t, w.URL+"/b/arcade").body), "data-live-url")
	if got, want := attr(now, "data-cursor"), attr(feed, "data-cursor"); got != want {
		t.Errorf("the cursor went from %s to %s: something has come", want, got)
	}
	w.does("POST", "/arcade/thaw", "")
	if got := stream.until(""); !strings.Contains(fmt.Sprint(got), "987654") {
		t.Errorf("after the freeze came %v", got)
	}
	for _, leak := range []string{"Zebra", "987654", "76543"} {
		if strings.Contains(logged(), leak) {
			t.Errorf("the log tells %q", leak)
		}
	}
}

// boardsOf is what the index tells of leaderboards.
func boardsOf(t *testing.T, index string) string {
	t.Helper()
	for n := range parsed(t, index).Descendants() {
		if attr(n, "id") == "boards" {
			return text(n)
		}
	}
	t.Fatal("the index lists no leaderboards")
	return ""
}

func TestTextIsFollowed(t *testing.T) {
	w := openArcade(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", w.URL+"/b/arcade.txt?follow", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	until := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Fatalf("the answer ended without %q: %v", want, lines.Err())
	}
	until("bob")
	w.score("dora", 1_000_000)
	until("\x1b[H\x1b[2JARCADE")
	until("dora")
}
