package views

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

var (
	day    = metrics.Period{Kind: metrics.Day, Name: "day", Title: "Today"}
	week   = metrics.Period{Kind: metrics.Week, Name: "week", Title: "Week"}
	arcade = &metrics.Leaderboard{Name: "arcade", Title: "Arcade", Unit: metrics.Count, Decimals: -1, Periods: []metrics.Period{day, week}}
)

// pageOf is a page of that many rows from offset on.
func pageOf(rows, offset, total int) rank.Page {
	return rank.Page{Spec: arcade, Window: rank.Window{Period: week, Title: "Week 11"}, Total: total, Offset: offset, Rows: make([]rank.Row, rows)}
}

func TestWindowsKeepTheQueryButNotThePlace(t *testing.T) {
	query := url.Values{"offset": {"50"}, "q": {"ada"}, "theme": {"dark"}, "window": {"week"}}
	got := WindowLinks(query, arcade, rank.Window{Period: week})
	want := []Link{{"Today", "?theme=dark&window=day", false}, {"Week", "?theme=dark&window=week", true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := WindowLinks(nil, arcade, rank.Window{Period: week, Closed: true}); got[1].Current {
		t.Error("a closed week counts as this week")
	}
}

func TestEarlierLeadsToClosedWindowsAlone(t *testing.T) {
	windows := []rank.Window{{Key: "2026-W11"}, {Key: "2026-W10", Title: "Week 10", Closed: true}, {Key: "a b", Title: "Spring", Closed: true}}
	got := EarlierLinks(nil, windows, windows[2])
	want := []Link{{"Week 10", "?window=2026-W10", false}, {"Spring", "?window=a+b", true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestGroupsBeginWithEverybody(t *testing.T) {
	page := pageOf(1, 0, 1)
	if got := GroupLinks(nil, page); got != nil {
		t.Errorf("got %v, want none without groups", got)
	}
	page.Groups, page.Group = []rank.Group{{Key: "team:red"}, {Key: "team:a&b"}}, "team:red"
	got := GroupLinks(url.Values{"window": {"day"}, "group": {"team:red"}, "offset": {"9"}}, page)
	want := []Link{{"Everybody", "?window=day", false}, {"red", "?group=team%3Ared&window=day", true}, {"a&b", "?group=team%3Aa%26b&window=day", false}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTheLargestOfManyGroupsAreLinked(t *testing.T) {
	page := pageOf(1, 0, 1)
	page.Group = "team:49"
	for i := range 2 * maxGroupLinks {
		page.Groups = append(page.Groups, rank.Group{Key: fmt.Sprintf("team:%02d", i), Players: i})
	}
	got := GroupLinks(nil, page)
	if len(got) != 1+maxGroupLinks+1 || got[1].Text != "49" || !got[1].Current || got[2].Text != "50" || got[51].Text != "99" {
		t.Errorf("got %d links, from %v to %v; want everybody, 49, which is shown, and 50 to 99", len(got), got[1], got[len(got)-1])
	}
	if page.Groups[0].Key != "team:00" {
		t.Error("the page's groups were changed")
	}
}

func TestPager(t *testing.T) {
	for _, test := range []struct {
		name string
		page rank.Page
		want PagerModel
	}{
		{"all on one page", pageOf(50, 0, 50), PagerModel{}},
		{"the first", pageOf(50, 0, 18402), PagerModel{Position: "1–50 of 18,402", Next: "?offset=50", Last: "?offset=18400"}},
		{"in the middle", pageOf(50, 100, 18402), PagerModel{"101–150 of 18,402", "?", "?offset=50", "?offset=150", "?offset=18400"}},
		{"not on a boundary", pageOf(50, 7, 100), PagerModel{"8–57 of 100", "?", "?", "?offset=57", "?offset=50"}},
		{"the last", pageOf(2, 100, 102), PagerModel{Position: "101–102 of 102", First: "?", Previous: "?offset=50"}},
		{"whole pages", pageOf(50, 0, 100), PagerModel{Position: "1–50 of 100", Next: "?offset=50", Last: "?offset=50"}},
		{"beyond the end", pageOf(0, 500, 102), PagerModel{Position: "none of 102", First: "?", Previous: "?offset=450"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Pager(url.Values{"player": {"x"}, "q": {"y"}}, test.page, 50)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestASearchKeepsTheWindow(t *testing.T) {
	got := Kept(url.Values{"window": {"day"}, "group": {"team:red"}, "offset": {"50"}, "q": {"ada"}}, "group")
	if diff := cmp.Diff([]Parameter{{"window", "day"}}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
