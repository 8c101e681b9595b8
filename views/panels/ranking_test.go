package panels

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

var arcade = &metrics.Leaderboard{Name: "arcade", Title: "Arcade", Unit: metrics.Count, Decimals: -1}

// standing is a page of the week's standings, whose players have these names, the best first.
func standing(names ...string) rank.Page {
	p := rank.Page{Spec: arcade, Total: 18402, NewestAt: noon.UnixMilli() - 4000, Window: rank.Window{
		Period: metrics.Period{Kind: metrics.Week, Name: "week", Title: "Week"}, Key: "2026-W11", Title: "Week 11",
		From: noon.Add(-100 * time.Hour), To: noon.Add(52*time.Hour + 11*time.Minute),
	}}
	for i, name := range names {
		p.Rows = append(p.Rows, rank.Row{
			Rank: i + 1, Player: fmt.Sprintf("id-%d", i), Key: uint32(i), Name: name, Score: float64(98120 - 1000*i),
			At: noon.Add(-time.Duration(i) * time.Hour).UnixMilli(), Move: rank.Move{Up: i - 1}, Spark: []float64{1, 3, float64(2 + i)},
		})
	}
	return p
}

// ranked is standing as the input of a print.
func ranked(names ...string) RankingInput {
	return RankingInput{Page: standing(names...), Base: "/b/arcade", Links: true, Sparks: true, Now: noon}
}

func rendered(t testing.TB, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func section(t testing.TB, in RankingInput) string {
	return rendered(t, RankingSection(MakeRanking(in)))
}

func TestRankingsLookAsReviewed(t *testing.T) {
	for name, in := range map[string]func() RankingInput{
		"normal": func() RankingInput {
			in := ranked("nova_kestrel", "Ada", "Zoë K.", "new")
			in.You = "id-1"
			in.Page.Rows[2].Rank, in.Page.Rows[2].Score = 2, in.Page.Rows[1].Score
			in.Page.Rows[3].Rank, in.Page.Rows[3].Move = 4, rank.Move{New: true}
			return in
		},
		"bare": func() RankingInput {
			in := ranked("Ada")
			in.ID, in.Links, in.Sparks, in.Plain = "found", false, false, true
			return in
		},
		"frozen": func() RankingInput {
			in := ranked("Ada")
			in.Page.FrozenAt = noon.Add(-time.Hour)
			return in
		},
		"reveal": func() RankingInput {
			in := ranked("", "", "Ada")
			in.Page.FrozenAt, in.Page.Stepping, in.Page.Covered = noon.Add(-time.Hour), true, 2
			in.Page.Rows[0], in.Page.Rows[1] = rank.Row{Rank: 1}, rank.Row{Rank: 2}
			return in
		},
		"empty": func() RankingInput {
			in := ranked()
			in.Page.Total, in.Page.Window = 0, rank.Window{}
			return in
		},
		"failed": func() RankingInput { return RankingInput{Failure: "There is no window 2026-W99.", Now: noon} },
	} {
		t.Run(name, func(t *testing.T) {
			compareGolden(t, filepath.Join("testdata", "ranking-"+name+".html"), section(t, in()))
		})
	}
}

func TestAnEmptyRankingSaysWhy(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(in *RankingInput)
		want   string
	}{
		{"nothing yet", func(*RankingInput) {}, "curl --json"},
		{"a search", func(in *RankingInput) { in.Plain = true }, "Nobody by that name"},
		{"beyond the end", func(in *RankingInput) { in.Page.Total = 9 }, "end before this place"},
		{"a closed window", func(in *RankingInput) { in.Page.Window.Closed = true }, "Nobody scored in this time"},
		{"fed by a query", func(in *RankingInput) {
			fed := *arcade
			fed.Query = &metrics.Query{Expr: "up"}
			in.Page.Spec = &fed
		}, "query that feeds"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := ranked()
			in.Page.Total = 0
			test.change(&in)
			if got := section(t, in); !strings.Contains(got, test.want) || strings.Contains(got, "<ol") {
				t.Errorf("got %s, want %q and no list", got, test.want)
			}
		})
	}
}

func TestTheSummaryTellsWhatBecomesOfTheWindow(t *testing.T) {
	season := metrics.Period{Kind: metrics.Season}
	for _, test := range []struct {
		name              string
		window            rank.Window
		ends, until, left string
	}{
		{"all time", rank.Window{}, "", "", ""},
		{"running", rank.Window{To: noon.Add(time.Hour)}, "resets in", "1773493200000", "01:00:00"},
		{"over, and nobody has said so yet", rank.Window{To: noon}, "ended 14 Mar 2026, 12:00", "", ""},
		{"closed", rank.Window{To: noon.Add(-time.Hour), Closed: true}, "ended 14 Mar 2026, 11:00", "", ""},
		{"season", rank.Window{Period: season, To: noon.Add(25 * time.Hour)}, "ends in", "1773579600000", "1 d 01:00"},
		{"season to come", rank.Window{Period: season, From: noon.Add(time.Minute), To: noon.Add(time.Hour)}, "begins in", "1773489660000", "00:01:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ends, until, left := ending(test.window, noon)
			if ends != test.ends || until != test.until || left != test.left {
				t.Errorf("got %q %q %q, want %q %q %q", ends, until, left, test.ends, test.until, test.left)
			}
		})
	}
}

func TestAFreezeOfAnotherDayHasItsDate(t *testing.T) {
	in := ranked("Ada")
	for at, want := range map[time.Time]string{
		noon.Add(-time.Hour):      "Frozen since 11:00:",
		noon.Add(-24 * time.Hour): "Frozen since 13 Mar, 12:00:",
	} {
		in.Page.FrozenAt = at
		if _, got := newBanner(in); !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// What a covered row tells must be its rank alone, whatever the page still knows of it.
func TestACoveredRowTellsItsRankAlone(t *testing.T) {
	in := ranked("", "Ada")
	in.Page.Covered, in.Page.Stepping = 1, true
	in.Page.Rows[0] = rank.Row{Rank: 1, Name: "secret", Score: 4711, Key: 99}
	if got := section(t, in); strings.Contains(got, "secret") || strings.Contains(got, "4711") || strings.Contains(got, "99") {
		t.Errorf("the covered row leaks: %s", got)
	}
}

func TestRowsOfSeveralRankingsHaveIDsOfTheirOwn(t *testing.T) {
	a, b := ranked("Ada"), ranked("Ada")
	b.ID = "p-d-x-ranking"
	id := regexp.MustCompile(`id="([^"]*)"`)
	for _, found := range id.FindAllStringSubmatch(section(t, a), -1) {
		if strings.Contains(section(t, b), found[0]) {
			t.Errorf("both rankings have %s", found[0])
		}
	}
}

// hostileNames hold what the door lets in: no control and no bidi characters, but anything else.
var hostileNames = []string{
	`<script>alert(1)</script>`, `" onmouseover="alert(1)`, `' onfocus='alert(1)`, `</title><img src=x onerror=alert(1)>`, `&lt;b&gt;`,
	`]]><svg onload=alert(1)>`, "שלום", strings.Repeat("👨‍👩‍👧‍👦", 64), `javascript:alert(1)`, "../../staff?x=1#y", "'", "_-_", "字",
}

func TestHostileNamesAreText(t *testing.T) {
	in := ranked(hostileNames...)
	for i := range in.Page.Rows {
		in.Page.Rows[i].Player = hostileNames[i]
	}
	profile := profiled()
	profile.Profile.Row.Name, profile.Profile.Next.Name = hostileNames[0], hostileNames[1]
	next, _ := MakeRanking(in).Next(MakeRanking(ranked("Ada")))
	for _, got := range []string{section(t, in), string(next), rendered(t, ProfileSection(MakeProfile(profile)))} {
		if len(got) == 0 {
			t.Fatal("nothing was printed")
		}
		for _, bad := range []string{"<script", "<img", "<svg onload", `" onmouse`, " style=", `href="javascript`, `href="..`} {
			if strings.Contains(got, bad) {
				t.Errorf("the page has %s: %s", bad, got)
			}
		}
		if strings.Count(got, "<") != strings.Count(got, ">") {
			t.Errorf("unbalanced tags: %s", got)
		}
	}
}

func TestAPlayersAddressSurvivesAnyID(t *testing.T) {
	for id, want := range map[string]string{
		"ada": "/b/x/p/ada", "a/b": "/b/x/p/a%2Fb", "a?b#c": "/b/x/p/a%3Fb%23c", "å": "/b/x/p/%C3%A5",
	} {
		if got := playerURL("/b/x", id); got != want {
			t.Errorf("%s: got %s, want %s", id, got, want)
		}
	}
}
