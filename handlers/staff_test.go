package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"liveboard/metrics"
)

// desk is the staff's page of "arcade" as one browser sees it.
type desk struct {
	*world
	headers []string
}

// see loads the page.
func (d desk) see(query string) *html.Node {
	d.t.Helper()
	return parsed(d.t, get200(d.t, d.URL+"/b/arcade/staff"+query, d.headers...).body)
}

// press sends the form that has a button of that value, filled in with fields given as name, value,
// name, value. It must lead back to the page.
func (d desk) press(query, button string, fields ...string) {
	d.t.Helper()
	form := formWith(d.see(query), button, fields...)
	if form == nil {
		d.t.Fatalf("the page has no form for %q", button)
	}
	a := d.form(attr(form, "action"), filled(form, button, fields...), d.headers...)
	if a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), "/b/arcade/staff") {
		d.t.Fatalf("%s: %d, Location %q: %s", button, a.StatusCode, a.Header.Get("Location"), problemOn(d.t, a))
	}
}

// formWith returns the first form that has a button of that value, and hidden fields as given; nil for none.
func formWith(page *html.Node, button string, fields ...string) *html.Node {
	for n := range page.Descendants() {
		if n.Data != "form" {
			continue
		}
		has, fits := false, true
		for c := range n.Descendants() {
			has = has || c.Data == "button" && attr(c, "value") == button
			if at := slices.Index(fields, attr(c, "name")); at >= 0 && at%2 == 0 && attr(c, "type") == "hidden" {
				fits = fits && attr(c, "value") == fields[at+1]
			}
		}
		if has && fits {
			return n
		}
	}
	return nil
}

// filled is what a browser sends of a form.
func filled(form *html.Node, button string, fields ...string) url.Values {
	values := url.Values{"do": {button}}
	for n := range form.Descendants() {
		if n.Data == "input" {
			values.Set(attr(n, "name"), attr(n, "value"))
		}
	}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return values
}

// buttons are what can be done on the page.
func buttons(page *html.Node) []string {
	var all []string
	for n := range page.Descendants() {
		if value := attr(n, "value"); n.Data == "button" && !slices.Contains(all, value) {
			all = append(all, value)
		}
	}
	return all
}

// problemOn is what the page says that did not work.
func problemOn(t testing.TB, a answer) string {
	t.Helper()
	for n := range parsed(t, a.body).Descendants() {
		if attr(n, "role") == "alert" {
			return text(n)
		}
	}
	return ""
}

// newDesk signs a judge in from elsewhere.
func newDesk(t *testing.T) desk {
	t.Helper()
	w := newLeague(t, nil, leaderboard("arcade", nil))
	return desk{w, w.signIn(w.token("judge", "staff:arcade"))}
}

func TestStaffSignInOnTheirPageAndStayThere(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil), leaderboard("chess", nil))
	w.score("ada", 30)
	a := do(t, "GET", w.URL+"/b/arcade/staff", "", elsewhere...)
	page := parsed(t, a.body)
	if a.StatusCode != http.StatusUnauthorized || strings.Contains(a.body, "ada") || len(buttons(page)) != 1 {
		t.Errorf("a stranger gets %d and the buttons %q", a.StatusCode, buttons(page))
	}
	form := find(page, "form")
	for token, want := range map[string]struct {
		status int
		says   string
	}{
		w.token("judge", "staff:arcade"): {http.StatusOK, ""},
		w.token("other", "staff:chess"):  {http.StatusForbidden, "has no scope staff:arcade"},
	} {
		in := w.form(attr(form, "action"), url.Values{"token": {token}}, elsewhere...)
		if in.StatusCode != http.StatusSeeOther || in.Header.Get("Location") != "/b/arcade/staff" {
			t.Fatalf("the sign-in leads to %q: %d", in.Header.Get("Location"), in.StatusCode)
		}
		cookie := in.Cookies()[0]
		a := do(t, "GET", w.URL+in.Header.Get("Location"), "", append([]string{"Cookie", cookie.Name + "=" + cookie.Value}, elsewhere...)...)
		if got := problemOn(t, a); a.StatusCode != want.status || !strings.Contains(got, want.says) || strings.Contains(a.body, "ada") != (want.status == 200) {
			t.Errorf("then the page is %d and says %q, want %d and %q", a.StatusCode, got, want.status, want.says)
		}
	}
}

func TestEveryButtonDoesWhatItSays(t *testing.T) {
	d := newDesk(t)
	d.score("ada", 10)
	best := d.score("ada", 30)
	d.score("bob", 20)
	d.press("?player=ada", "remove", "entry", fmt.Sprint(best))
	wantPlaces(t, d.places("/arcade"), "1 bob 20, 2 ada 10")
	d.press("?player=bob", "hide", "reason", "a bot")
	wantPlaces(t, d.places("/arcade"), "1 ada 10")
	if said := text(d.see("")); !strings.Contains(said, "bob was hidden by judge: a bot") || !strings.Contains(said, "was removed by judge") {
		t.Errorf("the page does not tell what was done: %q", said)
	}
	d.press("", "undo")
	wantPlaces(t, d.places("/arcade"), "1 bob 20, 2 ada 10")
	d.press("?player=bob", "rename", "name", "Robert")
	if page := decode[readPage](t, get200(t, d.api("/arcade"))); page.Rows[0].Name != "Robert" {
		t.Errorf("bob is called %q", page.Rows[0].Name)
	}
	d.press("?player=ada", "ban", "reason", strings.Repeat("😀", 100))
	wantPlaces(t, d.places("/arcade"), "1 bob 20")
	d.score("bob", 25)

	if got := buttons(d.see("")); !slices.Contains(got, "freeze") || slices.Contains(got, "reveal") || slices.Contains(got, "thaw") {
		t.Errorf("on an open leaderboard the buttons are %q", got)
	}
	d.press("", "freeze")
	d.score("cyd", 99)
	frozen := d.see("")
	if said := text(frozen); !strings.Contains(said, "Frozen since") || !strings.Contains(said, "What the public sees") || strings.Count(said, "cyd") != 1 {
		t.Errorf("the page of a frozen leaderboard says %q, want cyd on one of two sides", said)
	}
	if got := buttons(frozen); slices.Contains(got, "freeze") || !slices.Contains(got, "reveal") || !slices.Contains(got, "thaw") {
		t.Errorf("on a frozen leaderboard the buttons are %q", got)
	}
	d.press("", "reveal")
	wantPlaces(t, d.places("/arcade"), "1, 2")
	d.press("", "reveal")
	wantPlaces(t, d.places("/arcade"), "1, 2 bob 25")
	d.press("", "thaw")
	wantPlaces(t, d.places("/arcade"), "1 cyd 99, 2 bob 25")
}

func TestStaffFormsAreRefusedInASentence(t *testing.T) {
	d := newDesk(t)
	entry := d.score("ada", 10)
	mark := d.markOf(d.headers)
	for _, c := range []struct {
		name    string
		fields  url.Values
		headers []string
		status  int
		says    string
	}{
		{"no mark", url.Values{"do": {"freeze"}}, d.headers, 403, "Load the page again"},
		{"another session's mark", url.Values{"do": {"freeze"}, "mark": {d.markOf(nil)}}, d.headers, 403, "Load the page again"},
		{"another site", url.Values{"do": {"freeze"}, "mark": {mark}}, append(slices.Clone(d.headers), "Sec-Fetch-Site", "cross-site"), 403, "another site"},
		{"a stranger", url.Values{"do": {"freeze"}, "mark": {d.markOf(nil)}}, elsewhere, 401, "needs a token"},
		{"no such button", url.Values{"do": {"delete"}, "mark": {mark}}, d.headers, 400, "not one of ours"},
		{"no button", url.Values{"mark": {mark}}, d.headers, 400, "not one of ours"},
		{"no such player", url.Values{"do": {"hide"}, "player": {"zoe"}, "mark": {mark}}, d.headers, 404, "zoe"},
		{"no number", url.Values{"do": {"undo"}, "entry": {"first"}, "mark": {mark}}, d.headers, 400, "entries have numbers"},
		{"no such entry", url.Values{"do": {"remove"}, "entry": {"999"}, "mark": {mark}}, d.headers, 404, "999"},
		{"what cannot be undone", url.Values{"do": {"undo"}, "entry": {fmt.Sprint(entry)}, "mark": {mark}}, d.headers, 400, "cannot be undone"},
		{"nothing to thaw", url.Values{"do": {"thaw"}, "mark": {mark}}, d.headers, 409, "frozen"},
		{"a name that cannot be", url.Values{"do": {"rename"}, "player": {"ada"}, "name": {"\u202e"}, "mark": {mark}}, d.headers, 400, "name"},
		{"a long reason", url.Values{"do": {"freeze"}, "reason": {strings.Repeat("x", 501)}, "mark": {mark}}, d.headers, 400, "reason"},
	} {
		a := d.form("/b/arcade/staff", c.fields, c.headers...)
		if got := problemOn(t, a); a.StatusCode != c.status || !strings.Contains(got, c.says) {
			t.Errorf("%s: %d and %q, want %d and %q", c.name, a.StatusCode, got, c.status, c.says)
		}
	}
	wantPlaces(t, d.places("/arcade"), "1 ada 10")
	if said := text(d.see("")); !strings.Contains(said, "Open") {
		t.Errorf("something was done: %q", said)
	}
	if a := d.form("/b/chess/staff", url.Values{"do": {"freeze"}, "mark": {mark}}, d.headers...); a.StatusCode != http.StatusNotFound {
		t.Errorf("a leaderboard that there is not: %d, want 404", a.StatusCode)
	}
	if a := do(t, "GET", d.URL+"/b/arcade/staff?player=zoe", "", d.headers...); a.StatusCode != 200 || !strings.Contains(problemOn(t, a), "zoe") {
		t.Errorf("the scores of nobody: %d and %q", a.StatusCode, problemOn(t, a))
	}
}

func TestStaffPageLeadsThroughWhatWasDone(t *testing.T) {
	d := newDesk(t)
	d.score("ada", 10)
	for range staffDeeds { // each of which ends with an entry of another kind than it begins with
		hidden := d.does("POST", "/arcade/players/ada/hide", "")
		d.does("POST", fmt.Sprintf("/arcade/audit/%d/undo", hidden.Entry), "")
	}
	first := d.see("")
	rows := func(page *html.Node) (n int) {
		for e := range page.Descendants() {
			if e.Data == "ol" && attr(e, "class") == "deeds" {
				for c := range e.ChildNodes() {
					if c.Data == "li" {
						n++
					}
				}
			}
		}
		return n
	}
	older := ""
	for n := range first.Descendants() {
		if n.Data == "a" && text(n) == "Older" {
			older = attr(n, "href")
		}
	}
	if rows(first) != staffDeeds || !strings.HasPrefix(older, "/b/arcade/staff?before=") {
		t.Fatalf("the page has %d deeds and leads to %q", rows(first), older)
	}
	second := d.see(strings.TrimPrefix(older, "/b/arcade/staff"))
	if rows(second) != staffDeeds || slices.Contains(buttons(second), "undo") {
		t.Errorf("the second page has %d deeds and the buttons %q: all that was undone needs none", rows(second), buttons(second))
	}
}

func TestStaffPageOfAQueryHasNothingToDo(t *testing.T) {
	w := newLeague(t, nil, leaderboard("fed", func(b *metrics.Leaderboard) {
		b.Periods, b.Query = b.Periods[:1], &metrics.Query{Expr: "orders", Legend: "{{shop}}"}
	}))
	w.record("orders", 4321, metrics.Label{Name: "shop", Value: "north"})
	page := parsed(t, get200(t, w.URL+"/b/fed/staff?player=x").body)
	if said := text(page); !strings.Contains(said, "north") || !strings.Contains(said, "Fed by its query") {
		t.Errorf("the page says %q", said)
	}
	for _, button := range []string{"freeze", "reveal", "thaw", "hide", "ban", "rename", "remove", "undo"} {
		if slices.Contains(buttons(page), button) {
			t.Errorf("the page has a button %q", button)
		}
		a := w.form("/b/fed/staff", url.Values{"do": {button}, "player": {"x"}, "name": {"y"}, "entry": {"1"}, "mark": {w.markOf(nil)}})
		if a.StatusCode != http.StatusConflict || !strings.Contains(problemOn(t, a), "fed by its query") {
			t.Errorf("%s: %d and %q, want 409 and why", button, a.StatusCode, problemOn(t, a))
		}
	}
}
