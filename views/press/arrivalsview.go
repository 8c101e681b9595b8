package press

import (
	"net/url"
	"strconv"
	"unicode/utf8"

	"liveboard/metrics"
)

// ArrivalsView says which part of what came in a View of the surface Arrivals shows.
type ArrivalsView struct {
	Find  string // part of the metric's name
	From  string // a format, or a part of who brought it
	Own   bool   // what Liveboard's own collectors bring, too
	Limit int    // rows
}

// Bounds of the list of arrivals.
const (
	defaultArrivals = 25
	maxArrivals     = 100
)

// parseArrivals reads what a URL's query says of the list: q, from, own and limit.
func parseArrivals(query url.Values) (View, error) {
	a := ArrivalsView{Find: query.Get("q"), From: query.Get("from"), Own: query.Get("own") != ""}
	for _, name := range []string{"q", "from"} {
		if text := query.Get(name); len(text) > maxParamBytes || !utf8.ValidString(text) {
			return View{}, metrics.Errorf(metrics.Invalid, "%s must be at most %d bytes of UTF-8", name, maxParamBytes)
		}
	}
	var err error
	a.Limit, err = parseCount(query, "limit", defaultArrivals, 1, maxArrivals)
	return View{Surface: Arrivals, Arrivals: a}, err
}

// addTo puts into q what parseArrivals reads, but what it takes for granted.
func (a ArrivalsView) addTo(q url.Values) {
	if a.Find != "" {
		q.Set("q", a.Find)
	}
	if a.From != "" {
		q.Set("from", a.From)
	}
	if a.Own {
		q.Set("own", "1")
	}
	if a.Limit != defaultArrivals {
		q.Set("limit", strconv.Itoa(a.Limit))
	}
}

// Href is the address of the page that shows a to a person.
func (a ArrivalsView) Href() string {
	q := url.Values{}
	a.addTo(q)
	if len(q) == 0 {
		return "/arrivals"
	}
	return "/arrivals?" + q.Encode()
}
