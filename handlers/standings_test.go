package handlers

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

func TestStandingsArePagesThatLinkToTheNext(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	at := time.Now().UnixMilli()
	for i := range 5 {
		w.post("/arcade/scores", fmt.Sprintf(`{"player":"p%d","score":%d,"name":"P %d","at":%d}`, i, 10*i, i, at))
	}
	page := decode[readPage](t, get200(t, w.api("/arcade?limit=2")))
	if page.Leaderboard != "arcade" || page.Window != "all" || page.Title != "All time" || page.Total != 5 || page.FrozenAt != 0 {
		t.Errorf("got %+v", page)
	}
	want := readRow{Rank: 1, Player: "p4", Name: "P 4", Score: 40, At: at}
	if diff := cmp.Diff(want, page.Rows[0]); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	var ranks []int
	for next := page.Next; ; next = page.Next {
		for _, row := range page.Rows {
			ranks = append(ranks, row.Rank)
		}
		if next == nil {
			break
		}
		page = decode[readPage](t, get200(t, w.URL+*next))
	}
	if diff := cmp.Diff([]int{1, 2, 3, 4, 5}, ranks); diff != "" {
		t.Errorf("the pages together: want -, got +:\n%s", diff)
	}
	wantPlaces(t, w.places("/arcade?offset=4&limit=9"), "5 p0 0")
	wantPlaces(t, w.places("/arcade?offset=5"), "")
	if empty := get200(t, w.api("/arcade?offset=5")); !strings.Contains(empty.body, `"rows":[]`) || !strings.Contains(empty.body, `"next":null`) {
		t.Errorf("a page behind the last is %s", empty.body)
	}
}

func TestStandingsOfAWindowAndAGroup(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", func(b *metrics.Leaderboard) { b.Groups = []string{"team"} }))
	now := time.Now().UTC()
	yesterday := now.AddDate(0, 0, -1)
	w.post("/arcade/scores", fmt.Sprintf(`[{"player":"ada","score":1,"attributes":{"team":"red"}},{"player":"bob","score":2,"attributes":{"team":"blue"}},
		{"player":"cyd","score":3,"at":%d,"attributes":{"team":"red"}}]`, yesterday.UnixMilli()))
	wantPlaces(t, w.places("/arcade"), "1 cyd 3, 2 bob 2, 3 ada 1")
	wantPlaces(t, w.places("/arcade?window=day"), "1 bob 2, 2 ada 1")
	wantPlaces(t, w.places("/arcade?window="+now.Format(time.DateOnly)), "1 bob 2, 2 ada 1")
	wantPlaces(t, w.places("/arcade?window="+yesterday.Format(time.DateOnly)), "1 cyd 3")
	wantPlaces(t, w.places("/arcade?group=team:red"), "1 cyd 3, 2 ada 1")
	wantPlaces(t, w.places("/arcade?group=red&window=day"), "1 ada 1")

	list := decode[struct {
		Windows []struct {
			Window, Period, Kind, Title string
			From, To                    int64
			Closed                      bool
		}
	}](t, get200(t, w.api("/arcade/windows"))).Windows
	if len(list) != 3 || list[0].Window != "all" || list[0].From != 0 || list[1].Closed || !list[2].Closed || list[2].Window != yesterday.Format(time.DateOnly) {
		t.Fatalf("the windows are %+v, want all, today, and yesterday closed", list)
	}
	if list[1].From != now.Truncate(24*time.Hour).UnixMilli() || list[1].To-list[1].From != 24*time.Hour.Milliseconds() {
		t.Errorf("today is %+v", list[1])
	}
}

func TestPlayersAreFoundAndTold(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	odd := "a/b %41+ü?"
	w.score("ada", 30)
	first := w.score(odd, 10)
	w.score(odd, 20)
	w.score("bob", 10)
	path := "/arcade/players/" + url.PathEscape(odd)
	profile := decode[struct {
		Rank, Total int
		Player      string
		Percentile  float64
		Next        struct {
			Rank   int
			Player string
			Points float64
		}
		History []struct {
			Entry uint64
			Score float64
		}
		Standings []struct{ Window string }
	}](t, get200(t, w.api(path)))
	if profile.Rank != 2 || profile.Total != 3 || profile.Player != odd || profile.Next.Player != "ada" || profile.Next.Points != 10 || len(profile.Standings) != 2 {
		t.Errorf("got %+v", profile)
	}
	if len(profile.History) != 2 || profile.History[1].Entry != first || profile.History[0].Score != 20 {
		t.Errorf("the history is %+v, want the newest first", profile.History)
	}
	if best := get200(t, w.api("/arcade/players/ada")); !strings.Contains(best.body, `"next":null`) {
		t.Errorf("the first has somebody ahead: %s", best.body)
	}
	wantPlaces(t, w.places("/arcade/around/"+url.PathEscape(odd)+"?n=1"), "1 ada 30, 2 "+odd+" 20, 3 bob 10")
	wantPlaces(t, w.places("/arcade/around/bob?n=0"), "3 bob 10")
	wantPlaces(t, w.places("/arcade/players?q=B"), "2 "+odd+" 20, 3 bob 10")
	wantPlaces(t, w.places("/arcade/players?q=nobody"), "")
}

func TestCSVIsWholeAndHarmless(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", func(b *metrics.Leaderboard) {
		b.Groups, b.TieBreaks = []string{"team"}, []metrics.TieBreak{{Sub: "deaths", Order: metrics.Asc}, {Order: metrics.Asc}}
	}))
	at := time.Now().UTC().Truncate(time.Millisecond)
	hostile := []string{"=1+1", "+1", "-1", "@SUM(A1)", `a"b,c`, "＝1"}
	for i, name := range hostile {
		text := fmt.Sprintf(`{"player":"p%d","score":-%d,"name":%q,"at":%d,"sub":{"deaths":2},"attributes":{"team":"=red"}}`, i, i, name, at.UnixMilli())
		if a := w.post("/arcade/scores", text); a.StatusCode != 201 {
			t.Fatalf("%s: %d %s", text, a.StatusCode, a.body)
		}
	}
	a := get200(t, w.api("/arcade.csv"), "Accept-Encoding", "identity")
	if got := a.Header.Get("Content-Type") + a.Header.Get("Content-Disposition"); got != `text/csv; charset=utf-8attachment; filename="arcade-all.csv"` {
		t.Errorf("type and name are %s", got)
	}
	if !strings.HasPrefix(a.body, "rank,player,name,score,at,deaths,team\r\n") {
		t.Errorf("it begins with %.60q", a.body)
	}
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(rows) != len(hostile)+1 {
		t.Fatalf("%d rows, error %v", len(rows), err)
	}
	for i, name := range hostile {
		if name != `a"b,c` {
			name = "'" + name
		}
		want := []string{fmt.Sprint(i + 1), fmt.Sprintf("p%d", i), name, numberCell(float64(-i)), at.Format("2006-01-02T15:04:05.000Z"), "2", "'=red"}
		if diff := cmp.Diff(want, rows[i+1]); diff != "" {
			t.Errorf("row %d: want -, got +:\n%s", i, diff)
		}
	}
}

func TestCSVOfManyRowsIsReadInParts(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	const players = 2*csvRows + 1
	for from := 0; from < players; from += rank.MaxScores {
		var list []string
		for i := from; i < min(from+rank.MaxScores, players); i++ {
			list = append(list, fmt.Sprintf(`{"player":"p%d","score":%d}`, i, i))
		}
		w.post("/arcade/scores", "["+strings.Join(list, ",")+"]")
	}
	lines := strings.Split(get200(t, w.api("/arcade.csv?offset=3&limit=5")).body, "\r\n")
	if len(lines) != players+2 || !strings.HasPrefix(lines[players], fmt.Sprint(players, ",p0,p0,0,")) {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-2])
	}
}

func TestLeaderboardsAreShownToThoseWhoMay(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil),
		leaderboard("quiet", func(b *metrics.Leaderboard) { b.Visibility = metrics.Unlisted }),
		leaderboard("secret", func(b *metrics.Leaderboard) { b.Visibility = metrics.StaffOnly }))
	w.post("/secret/scores", `{"player":"ada","score":1}`)
	names := func(query string, headers ...string) string {
		var names []string
		for _, b := range decode[struct {
			Leaderboards []struct{ Leaderboard string }
		}](t, get200(t, w.api(query), headers...)).Leaderboards {
			names = append(names, b.Leaderboard)
		}
		return strings.Join(names, " ")
	}
	quiet := bear(w.token("q", "staff:quiet"))
	for _, c := range []struct{ got, want string }{
		{names(""), "arcade"},
		{names("?view=staff"), "arcade quiet secret"},
		{names("?view=staff", elsewhere...), "arcade"},
		{names("?view=staff", quiet...), "arcade quiet"},
	} {
		if c.got != c.want {
			t.Errorf("the list is %q, want %q", c.got, c.want)
		}
	}
	get200(t, w.api("/quiet"))
	for _, path := range []string{"/secret", "/secret/windows", "/secret/players/ada", "/secret/around/ada", "/secret/players?q=a", "/secret.csv"} {
		wantProblem(t, do(t, "GET", w.api(path), ""), http.StatusNotFound, `no leaderboard named "secret"`)
		join := map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]
		get200(t, w.api(path+join+"view=staff"))
		wantProblem(t, do(t, "GET", w.api(path+join+"view=staff"), "", quiet...), http.StatusForbidden, "staff:secret")
	}
}

func TestWrongReadsAreRefused(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	w.score("ada", 1)
	for _, c := range []struct {
		method, path string
		status       int
		detail       string
	}{
		{"GET", "/chess", 404, `no leaderboard named "chess"`},
		{"GET", "/chess.csv", 404, `"chess"`},
		{"GET", "/arcade/nothing", 404, "nothing at /api/leaderboards/arcade/nothing"},
		{"GET", "/arcade?window=never", 404, ""},
		{"GET", "/arcade?group=team:red", 404, ""},
		{"GET", "/arcade?offset=-1", 400, "offset must be a number"},
		{"GET", "/arcade?offset=99999999999", 400, "offset must be a number"},
		{"GET", "/arcade?limit=many", 400, "limit must be a number"},
		{"GET", "/arcade?limit=1001", 400, ""},
		{"GET", "/arcade?view=all", 400, "view is public or staff"},
		{"GET", "/arcade/around/bob", 404, ""},
		{"GET", "/arcade/around/ada?n=101", 400, "n is at most 100"},
		{"GET", "/arcade/players/bob", 404, ""},
		{"DELETE", "/arcade", 405, "DELETE is not possible"},
		{"GET", "/arcade/scores", 405, "GET is not possible"},
		{"GET", "/arcade/players/ada/hide", 405, "GET is not possible"},
		{"PUT", "/arcade/scores/1", 405, "PUT is not possible"},
	} {
		wantProblem(t, do(t, c.method, w.api(c.path), ""), c.status, c.detail)
	}
	if allow := do(t, "PUT", w.api("/arcade/scores/1"), "").Header.Values("Allow"); strings.Join(allow, ",") != "DELETE" {
		t.Errorf("Allow is %q, want DELETE", allow)
	}
	for _, path := range []string{"", "/arcade", "/arcade.csv", "/arcade/windows", "/arcade/players/ada", "/arcade/players", "/arcade/around/ada", "/arcade/audit"} {
		a := do(t, "HEAD", w.api(path), "")
		if a.StatusCode != 200 || a.body != "" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("HEAD %s: %d, Cache-Control %q", path, a.StatusCode, a.Header.Get("Cache-Control"))
		}
	}
}
