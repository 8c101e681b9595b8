package views

import (
	"maps"
	"net/url"
)

// Link is one of several places to go, or one of several choices.
type Link struct {
	Text    string
	Href    string
	Current bool // the page shows this one
}

// Theme is a choice of colours. Its text stands in the cookie and in the query parameter "theme".
type Theme string

// The themes. Auto follows the person's system.
const (
	Auto  Theme = "auto"
	Light Theme = "light"
	Dark  Theme = "dark"
)

// ThemeOf returns the first of choices that names a theme, or Auto. A page gives it the query
// parameter before the cookie, so that a link shows a theme without changing anyone's choice.
func ThemeOf(choices ...string) Theme {
	for _, c := range choices {
		if t := Theme(c); t == Auto || t == Light || t == Dark {
			return t
		}
	}
	return Auto
}

// ThemeLinks returns a link to the page with this query in each theme.
func ThemeLinks(query url.Values, current Theme) []Link {
	return choices(query, "theme", string(current), string(Light), string(Dark), string(Auto))
}

// RangeLinks returns a link to the page with this query for each range, such as "15m". They
// leave a fixed window, which has no current range: current is then "".
func RangeLinks(query url.Values, current string, ranges ...string) []Link {
	following := maps.Clone(query)
	following.Del("from")
	following.Del("to")
	return choices(following, "range", current, ranges...)
}

// choices returns a link for each value of the parameter key; all else of the query stays.
func choices(query url.Values, key, current string, values ...string) []Link {
	target := url.Values{}
	maps.Copy(target, query)
	links := make([]Link, 0, len(values))
	for _, v := range values {
		target.Set(key, v)
		links = append(links, Link{Text: v, Href: "?" + target.Encode(), Current: v == current})
	}
	return links
}
