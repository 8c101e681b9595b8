package data

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liveboard/metrics"
)

// plainLeaderboard is what a leaderboard is where the file says nothing but its name.
func plainLeaderboard(name string) metrics.Leaderboard {
	return metrics.Leaderboard{
		Name: name, Title: name, Decimals: -1, Order: metrics.Desc, Keep: metrics.KeepBest, Ties: metrics.Competition,
		TieBreaks: []metrics.TieBreak{{Order: metrics.Asc}},
		Periods:   []metrics.Period{{Kind: metrics.AllTime, Name: "all", Title: "All time"}},
		Zone:      time.Local, Limits: metrics.ScoreLimits{PerMinute: 600}, Visibility: metrics.Public,
		Freeze: metrics.Freeze{Reveal: 10}, Moves: metrics.Hour,
	}
}

// everyLeaderboard is what testdata/board/full.yaml says about leaderboards.
func everyLeaderboard(t *testing.T) []metrics.Leaderboard {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	loud := plainLeaderboard("loud")
	loud.Query, loud.Periods[0].Title = &metrics.Query{Expr: "topk(3, noise)", Legend: "{{room}}"}, "Now"
	return []metrics.Leaderboard{{
		Name: "arcade", Title: "Arcade", Text: "Who is quickest", Unit: metrics.Seconds, Decimals: 3,
		Order: metrics.Asc, Keep: metrics.KeepAverage, Ties: metrics.Dense,
		TieBreaks: []metrics.TieBreak{{Sub: "deaths", Order: metrics.Asc}, {Sub: "coins.gold", Order: metrics.Desc}, {Order: metrics.Desc}},
		Periods: []metrics.Period{
			{Kind: metrics.Week, Name: "week", Title: "Week"},
			{Kind: metrics.Season, Name: "autumn", Title: "Autumn 2026", From: time.Date(2026, 9, 1, 0, 0, 0, 0, zone), To: time.Date(2026, 11, 1, 18, 0, 0, 0, zone)},
			{Kind: metrics.Season, Name: "2027", Title: "2027", From: time.Date(2027, 1, 1, 5, 0, 0, 0, time.UTC), To: time.Date(2027, 10, 31, 2, 30, 15, 0, zone)},
			{Kind: metrics.AllTime, Name: "all", Title: "All time"},
		},
		Zone: zone, Groups: []string{"team", "country"},
		Limits:      metrics.ScoreLimits{Min: ptr(0.5), Max: ptr(600), MaxStep: ptr(60), PerMinute: 30},
		UniqueNames: true, Signed: true, Visibility: metrics.Unlisted,
		Freeze: metrics.Freeze{At: time.Date(2026, 10, 30, 18, 0, 0, 0, zone), Reveal: 3}, Moves: metrics.Day,
	}, plainLeaderboard("404"), loud}
}

// of returns a board with one leaderboard of this line.
func of(leaderboard string) string { return "leaderboards:\n  a:\n    " + leaderboard + "\n" }

func TestBoardLeaderboardMistakes(t *testing.T) {
	season := func(text string) string {
		return of("windows: [{season: s, from: 2026-11-01, to: 2026-12-01}, " + text + "]")
	}
	panel := func(keys string) string { return of("windows: [day]") + in(keys) }
	tests := []struct{ name, src, want string }{
		{"a list", "leaderboards: [{name: a}]", "1:15: leaderboards are written by name, such as arcade: {title: Arcade}"},
		{"without value", "leaderboards:\n", "1:14: leaderboards are written by name"},
		{"one without value", "leaderboards:\n  a:\n", "2:5: a leaderboard is written as keys and values"},
		{"bad name", "leaderboards:\n  A b: {}\n", `2:3: "A b" cannot be a name`},
		{"of one name", "leaderboards:\n  a: {}\n  a: {}\n", `3:3: the key "a" stands here twice`},
		{"merge key", "leaderboards:\n  <<: {}\n", "2:3: merge keys (<<) are not understood"},
		{"too many", "leaderboards: {" + many(101) + "}", "at most 100 leaderboards are allowed"},
		{"unknown key", of("tiebreaks: []"), `3:5: a leaderboard has no key "tiebreaks"; did you mean "tie-breaks"?`},
		{"order", of("order: down"), `3:12: "down" is not understood here; it is one of desc, asc`},
		{"keep", of("keep: newest"), `3:11: "newest" is not understood here; it is one of best, last, sum, count, min, max, average`},
		{"ties", of("ties: fair"), `3:11: "fair" is not understood here; it is one of competition, dense, ordinal`},
		{"visibility", of("visibility: hidden"), `3:17: "hidden" is not understood here; it is one of public, unlisted, staff`},
		{"moves", of("moves: week"), `3:12: "week" is not understood here; it is one of hour, day`},
		{"zone", of("zone: Mars/Olympus"), `3:11: there is no time zone "Mars/Olympus"`},
		{"tie-breaker word", of("tie-breaks: [oldest]"), `3:18: "oldest" is not understood here; it is one of earliest, latest`},
		{"tie-breaker without sub", of("tie-breaks: [{order: asc}]"), "3:18: this tie-breaker has no sub"},
		{"tie-breaker twice", of("tie-breaks: [{sub: a}, {sub: a, order: desc}]"), "3:28: ties are broken by this already"},
		{"times both ways", of("tie-breaks: [earliest, latest]"), "3:28: ties are broken by this already"},
		{"sub with a space", of("tie-breaks: [{sub: a b}]"), `3:24: "a b" cannot be the name of an attribute or a sub-score`},
		{"group with a colon", of(`groups: ["team:red"]`), `3:14: "team:red" cannot be the name of an attribute`},
		{"group twice", of("groups: [team, team]"), "3:20: the group team stands here twice"},
		{"no windows", of("windows: []"), "3:14: a leaderboard has at least one window"},
		{"window word", of("windows: [year]"), `3:15: "year" is not understood here; it is one of all, hour, day, week, month`},
		{"window twice", of("windows: [day, day]"), `3:20: two windows are named "day"`},
		{"seasons of one name", season("{season: s, from: 2026-12-01, to: 2027-01-01}"), `two windows are named "s"`},
		{"season without end", season("{season: t, from: 2026-12-01}"), "a season needs a name, a beginning and an end"},
		{"season without name", season("{from: 2026-12-01, to: 2027-01-01}"), "a season needs a name, a beginning and an end"},
		{"season that ends first", season("{season: t, from: 2026-12-01, to: 2026-12-01}"), "3:96: a season ends after it begins"},
		{"season named like a period", season("{season: week, from: 2026-12-01, to: 2027-01-01}"), `a season cannot be named "week"`},
		{"season named like a month", season("{season: 2026-11, from: 2026-12-01, to: 2027-01-01}"), `a season cannot be named "2026-11"`},
		{"season on no day", season("{season: t, from: 2026-11-31, to: 2027-01-01}"), `"2026-11-31" is no day or time; write 2026-11-01,`},
		{"max below min", of("limits: {min: 2, max: 2}"), "3:27: max must be above min"},
		{"step of nothing", of("limits: {max-step: 0}"), "3:24: max-step is a distance, which must be above 0"},
		{"step is text", of("limits: {max-step: far}"), "3:24: a number is needed here"},
		{"fewer than none a minute", of("limits: {per-minute: -1}"), "3:26: a whole number from 0 to 1000000"},
		{"reveal", of("freeze: {reveal: 101}"), "3:22: a whole number from 1 to 100"},
		{"reveal of nothing", of("freeze: {reveal: 0}"), "3:22: a whole number from 1 to 100"},
		{"freeze outside of all seasons", of("windows: [{season: s, from: 2026-11-01, to: 2026-12-01}]\n    freeze: {at: 2027-01-01}"), "4:18: no season runs at this time"},
		{"expression", of("query: sum(å)"), "3:16: PromQL: 1:5: parse error"},
		{"legend of nothing", of("legend: a"), "3:13: a legend names what a query finds"},
		{"keep of a query", of("query: up\n    keep: sum"), "4:11: this leaderboard is fed by its query, so keep: means nothing"},
		{"no windows of a query", of("query: up\n    windows: []"), "4:14: a leaderboard has at least one window"},
		{"windows of a query", of("query: up\n    windows: [day]"), "4:14: this leaderboard is fed by its query, so windows: means nothing"},
		{"panel of no leaderboard", panel("leaderboard: b"), `8:18: this board has no leaderboard "b"`},
		{"panel of no window", panel("leaderboard: a\n    window: week"), `9:13: the leaderboard "a" has no window "week"; it is one of day`},
		{"window of no leaderboard", panel("window: day"), "8:13: the window is that of a leaderboard"},
		{"panel of no built-in leaderboard", in("leaderboard: a"), `5:18: this board has no leaderboard "a"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := ParseBoard("b.yaml", []byte(tt.src), promQL)
			if b != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v and error %v\nwant %q", b, err, tt.want)
			}
		})
	}
}

// many returns n leaderboards.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "l%d: {},", i)
	}
	return b.String()
}

func TestBoardTellsOneMistakeOfALeaderboardOnce(t *testing.T) {
	for _, src := range []string{of("limits: {min: x, max: -1}"), of("windows: [{season: s, from: soon, to: 2026-12-01}]\n    freeze: {at: 2027-01-01}")} {
		_, err := ParseBoard("b.yaml", []byte(src), BoardCheck{})
		if mistakes, ok := err.(BoardErrors); !ok || len(mistakes) != 1 {
			t.Errorf("%s\ngot %v, want one mistake", src, err)
		}
	}
}

func TestBoardPanelMayShowABuiltInLeaderboard(t *testing.T) {
	b, err := ParseBoard("b.yaml", []byte(in("leaderboard: processes\n    window: all")+"\ncollectors: []"), BoardCheck{})
	if err != nil || b.Dashboards[0].Panels[0].Leaderboard != "processes" {
		t.Errorf("got %+v and error %v, want the built-in leaderboard beside collectors of one's own", b, err)
	}
}

func TestBoardTieBreaksMayBeNone(t *testing.T) {
	b, err := ParseBoard("b.yaml", []byte(of("tie-breaks: []")), BoardCheck{})
	if err != nil || len(b.Leaderboards[0].TieBreaks) != 0 {
		t.Errorf("got %+v and error %v, want no tie-breakers", b, err)
	}
}

func TestDefaultBoardRanksProcessesAndTakesScores(t *testing.T) {
	b, err := ParseBoard("default.yaml", DefaultBoard(), promQL)
	if err != nil {
		t.Fatal(err)
	}
	want := plainLeaderboard("processes")
	want.Periods[0].Title = "Now"
	want.Title, want.Text, want.Unit = "Busiest programs", "By their use of this machine's processors", metrics.Ratio
	want.Query = &metrics.Query{Expr: "topk(50, top_process_cpu_ratio)", Legend: "{{name}}"}
	if diff := cmp.Diff(want, b.Leaderboards[0], sameZone); diff != "" {
		t.Errorf("the first leaderboard (-want +got):\n%s", diff)
	}
	if arcade, err := b.Leaderboard("arcade"); err != nil || arcade.Query != nil {
		t.Errorf("arcade: %+v, %v, want one that takes scores", arcade, err)
	}
}

// checkLeaderboards holds leaderboards to what their readers rely on.
func checkLeaderboards(t *testing.T, leaderboards []metrics.Leaderboard) {
	names := map[string]bool{}
	for _, l := range leaderboards {
		if names[l.Name] || !namePattern.MatchString(l.Name) || l.Title == "" || metrics.CheckText(l.Title+l.Text) != nil || l.Zone == nil {
			t.Errorf("leaderboard %+v", l)
		}
		names[l.Name] = true
		if m := l.Limits; m.Min != nil && m.Max != nil && *m.Min >= *m.Max || m.MaxStep != nil && *m.MaxStep <= 0 || m.PerMinute < 0 {
			t.Errorf("limits of %s: %+v", l.Name, m)
		}
		checkPeriods(t, l.Periods)
	}
}

func checkPeriods(t *testing.T, periods []metrics.Period) {
	if len(periods) == 0 {
		t.Error("a leaderboard without windows")
	}
	names := map[string]bool{}
	for _, p := range periods {
		season := p.Kind == metrics.Season
		if names[p.Name] || p.Title == "" || season != p.From.Before(p.To) || !season && p.Name != string(p.Kind) {
			t.Errorf("period %+v", p)
		}
		names[p.Name] = true
	}
}
