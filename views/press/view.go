package press

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"liveboard/metrics"
)

// Surface says in which shell a page's panels stand.
type Surface string

// The surfaces.
const (
	Desk  Surface = "desk"
	Kiosk Surface = "kiosk"
	Embed Surface = "embed"
	Index Surface = "index" // the list of dashboards

	Arrivals Surface = "arrivals" // the list of what came in

	Player Surface = "player" // one player of a leaderboard
)

// View is what a viewer looks at. Equal views share one Page.
type View struct {
	Surface    Surface
	Dashboards string        // a dashboard's name; on a kiosk a list of them, joined by commas
	Panel      string        // one panel's name, or "" for all
	Range      metrics.Range // zero for each dashboard's own
	Turn       time.Duration // how long a kiosk shows each dashboard, or each page of ranks; zero for one that stands
	Ranking    RankingView   // a leaderboard instead of dashboards
	Arrivals   ArrivalsView  // of the surface Arrivals
}

// Ranges are the spans that viewers choose from, as they stand in URLs.
var Ranges = []string{"5m", "15m", "1h", "6h", "24h", "7d"}

// Bounds of a view.
const (
	minSpan     = 10 * time.Second
	maxSpan     = 31 * 24 * time.Hour
	minTurn     = 5 * time.Second
	maxTurn     = time.Hour
	defaultTurn = 30 * time.Second
	maxScreens  = 16
)

// ParseView reads what a URL's query says of the view: range, from and to, panel, surface and
// turn; and of the surface Arrivals q, from, own and limit. Errors are of kind Invalid and name the parameter.
func ParseView(dashboards string, query url.Values) (View, error) {
	v := View{Surface: Desk, Dashboards: dashboards, Panel: query.Get("panel")}
	if s := query.Get("surface"); s != "" {
		v.Surface = Surface(s)
	}
	if !slices.Contains([]Surface{Desk, Kiosk, Embed, Index, Arrivals}, v.Surface) {
		return View{}, metrics.Errorf(metrics.Invalid, "surface must be desk, kiosk, embed, index or arrivals, not %q", query.Get("surface"))
	}
	if v.Surface == Arrivals {
		return parseArrivals(query)
	}
	var err error
	if v.Range, err = parseRange(query); err != nil {
		return View{}, err
	}
	if strings.Contains(dashboards, ",") {
		v.Turn, err = parseTurn(query.Get("turn"))
	}
	return v, err
}

// Query is the part of a URL from which ParseView, or ParseRankingView, reads v again, without the "?".
func (v View) Query() string {
	q := url.Values{}
	if v.Ranking.Board != "" {
		v.Ranking.addTo(q)
	}
	if v.Surface == Arrivals {
		v.Arrivals.addTo(q)
	}
	if v.Surface != Desk {
		q.Set("surface", string(v.Surface))
	}
	if v.Panel != "" {
		q.Set("panel", v.Panel)
	}
	switch {
	case v.Range.Span != 0:
		q.Set("range", SpanText(v.Range.Span))
	case v.Range.Fixed() && v.Range != metrics.Range{}:
		q.Set("from", strconv.FormatInt(v.Range.From, 10))
		q.Set("to", strconv.FormatInt(v.Range.To, 10))
	}
	if v.Turn != 0 {
		q.Set("turn", strconv.Itoa(int(v.Turn.Seconds())))
	}
	return q.Encode()
}

// SpanText spells a span as URLs do: "15m", "24h", "7d".
func SpanText(span time.Duration) string {
	const day = 24 * time.Hour
	if span > day && span%day == 0 {
		return strconv.Itoa(int(span/day)) + "d"
	}
	text := span.String()
	text = strings.TrimSuffix(text, "0s")
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func parseRange(query url.Values) (metrics.Range, error) {
	if query.Has("from") || query.Has("to") {
		return parseFixed(query.Get("from"), query.Get("to"))
	}
	text := query.Get("range")
	if text == "" {
		return metrics.Range{}, nil
	}
	span, err := parseSpan(text)
	if err != nil || span < minSpan || span > maxSpan {
		return metrics.Range{}, metrics.Errorf(metrics.Invalid, "range must be a time such as %s, from %v to 31d, not %q",
			strings.Join(Ranges, ", "), minSpan, text)
	}
	return metrics.Range{Span: span}, nil
}

func parseSpan(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}

// parseFixed rounds to whole seconds, so that windows that look the same are the same.
func parseFixed(from, to string) (metrics.Range, error) {
	var r metrics.Range
	for _, end := range []struct {
		name, text string
		at         *int64
	}{{"from", from, &r.From}, {"to", to, &r.To}} {
		n, err := strconv.ParseInt(end.text, 10, 64)
		if err != nil || n < 1000 || n > 1<<42 {
			return metrics.Range{}, metrics.Errorf(metrics.Invalid, "%s must be a time in Unix milliseconds, not %q", end.name, end.text)
		}
		*end.at = n / 1000 * 1000
	}
	span := time.Duration(r.To-r.From) * time.Millisecond
	if span < minSpan || span > maxSpan {
		return metrics.Range{}, metrics.Errorf(metrics.Invalid, "to must be %v to 31d after from", minSpan)
	}
	return r, nil
}

func parseTurn(text string) (time.Duration, error) {
	if text == "" {
		return defaultTurn, nil
	}
	n, err := strconv.Atoi(text)
	turn := time.Duration(n) * time.Second
	if err != nil || turn < minTurn || turn > maxTurn {
		return 0, metrics.Errorf(metrics.Invalid, "turn must be %v to %v seconds, not %q", minTurn.Seconds(), maxTurn.Seconds(), text)
	}
	return turn, nil
}
