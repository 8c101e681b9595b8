package views

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

// WindowLinks returns a link to the page with this query for each of the leaderboard's periods,
// in the window of now. They leave the place in the list, which another window has not.
func WindowLinks(query url.Values, spec *metrics.Leaderboard, current rank.Window) []Link {
	base := without(query, "offset", "q")
	links := make([]Link, 0, len(spec.Periods))
	for _, p := range spec.Periods {
		base.Set("window", p.Name)
		links = append(links, Link{Text: p.Title, Href: "?" + base.Encode(), Current: p.Name == current.Period.Name && !current.Closed})
	}
	return links
}

// EarlierLinks returns a link to the page with this query for each closed window.
func EarlierLinks(query url.Values, windows []rank.Window, current rank.Window) []Link {
	base := without(query, "offset", "q")
	var links []Link
	for _, w := range windows {
		if !w.Closed || w.Period.Kind == metrics.Season { // a season has its place among the windows
			continue
		}
		base.Set("window", w.Key)
		links = append(links, Link{Text: w.Title, Href: "?" + base.Encode(), Current: w.Key == current.Key})
	}
	return links
}

// maxGroupLinks is how many groups a page links to.
const maxGroupLinks = 50

// GroupLinks returns a link to the page with this query for everybody and for each of the page's
// groups, where there are many for the largest of them; none where there are no groups.
func GroupLinks(query url.Values, page rank.Page) []Link {
	if len(page.Groups) == 0 {
		return nil
	}
	base := without(query, "offset", "q", "group")
	links := []Link{{Text: "Everybody", Href: "?" + base.Encode(), Current: page.Group == ""}}
	for _, g := range linked(page) {
		_, name, _ := strings.Cut(g.Key, ":")
		base.Set("group", g.Key)
		links = append(links, Link{Text: name, Href: "?" + base.Encode(), Current: g.Key == page.Group})
	}
	return links
}

// linked returns the groups to link to, in their order: the largest ones, and that which the page shows.
func linked(page rank.Page) []rank.Group {
	if len(page.Groups) <= maxGroupLinks {
		return page.Groups
	}
	groups := slices.Clone(page.Groups)
	slices.SortStableFunc(groups, func(a, b rank.Group) int { return cmp.Compare(b.Players, a.Players) })
	rest := groups[maxGroupLinks:]
	groups = groups[:maxGroupLinks:maxGroupLinks]
	if i := slices.IndexFunc(rest, func(g rank.Group) bool { return g.Key == page.Group }); i >= 0 {
		groups = append(groups, rest[i])
	}
	slices.SortFunc(groups, func(a, b rank.Group) int { return strings.Compare(a.Key, b.Key) })
	return groups
}

// PagerModel leads through a long list. A link without Href leads nowhere: that end is reached.
type PagerModel struct {
	Position                    string // "101–150 of 18,402"; "" where all rows are on one page
	First, Previous, Next, Last string // URLs
}

// Pager returns the way through the standings from a page of limit rows with this query.
func Pager(query url.Values, page rank.Page, limit int) PagerModel {
	if limit <= 0 || page.Total <= limit && page.Offset == 0 {
		return PagerModel{}
	}
	base := without(query, "q", "player")
	at := func(offset int) string {
		base.Del("offset")
		if offset > 0 {
			base.Set("offset", strconv.Itoa(offset))
		}
		return "?" + base.Encode()
	}
	m := PagerModel{Position: Position(page)}
	if page.Offset > 0 {
		m.First, m.Previous = at(0), at(max(page.Offset-limit, 0))
	}
	if end := page.Offset + len(page.Rows); end < page.Total {
		m.Next, m.Last = at(page.Offset+limit), at((page.Total-1)/limit*limit)
	}
	return m
}

// Position tells which rows of how many a page holds.
func Position(page rank.Page) string {
	if len(page.Rows) == 0 {
		return "none of " + count(page.Total)
	}
	return fmt.Sprintf("%s–%s of %s", count(page.Offset+1), count(page.Offset+len(page.Rows)), count(page.Total))
}

// Kept returns the parameters of a query that a form which sets those named passes on.
func Kept(query url.Values, set ...string) []Parameter {
	var kept []Parameter
	for _, name := range []string{"window", "group", "limit"} {
		if v := without(query, set...).Get(name); v != "" {
			kept = append(kept, Parameter{name, v})
		}
	}
	return kept
}

// Parameter is one name and value of a URL's query.
type Parameter struct{ Name, Value string }

// without returns a copy of the query without those parameters.
func without(query url.Values, names ...string) url.Values {
	rest := url.Values{}
	maps.Copy(rest, query)
	for _, name := range names {
		rest.Del(name)
	}
	return rest
}

func count(n int) string { return metrics.Count.Text(float64(n), -1) }
