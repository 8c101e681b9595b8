package ingest

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"liveboard/metrics"
)

// widget gathers what an event says of one.
type widget struct {
	id      string
	now     time.Time
	samples []metrics.Sample
	items   map[metrics.Series]bool
	listed  bool  // there is a list of items, which may be empty
	err     error // why the first that does not fit is refused
}

// statuses are the words that Smashing's styles know, and their like.
var statuses = map[string]float64{
	"ok": 0, "normal": 0, "good": 0, "success": 0,
	"warning": 1, "warn": 1,
	"danger": 2, "critical": 2, "error": 2, "failure": 2,
}

func (w *widget) read(event widgetEvent) {
	if given(event.Current) {
		w.number(widgetValue, "current", event.Current)
	} else {
		w.number(widgetValue, "value", event.Value)
	}
	w.number(widgetLast, "last", event.Last)
	w.status(event.Status)
	for i, item := range event.Items {
		w.item("items/"+strconv.Itoa(i), item.Label, item.Value)
	}
	for i, point := range event.Points {
		w.point("points/"+strconv.Itoa(i), point.X, point.Y, i == len(event.Points)-1)
	}
}

// number adds the number that stands under key, if there is something.
func (w *widget) number(name, key string, raw json.RawMessage) {
	if !given(raw) {
		return
	}
	v, ok := numberOf(raw)
	if !ok {
		w.refuse("%s is %s, which is no number", key, shown(raw))
		return
	}
	w.add(name, v, w.now.UnixMilli())
}

// status adds what a known word, or a number, says. Other words are names of styles.
func (w *widget) status(raw json.RawMessage) {
	var word string
	if json.Unmarshal(raw, &word) == nil {
		if v, known := statuses[strings.ToLower(word)]; known {
			w.add(widgetStatus, v, w.now.UnixMilli())
		}
		return
	}
	w.number(widgetStatus, "status", raw)
}

// item adds a line of a list. One whose value is text is passed over.
func (w *widget) item(path string, label, value json.RawMessage) {
	v, ok := numberOf(value)
	if !ok {
		return
	}
	text, ok := textOf(label)
	if !ok || text == "" {
		w.refuse("%s/label is %s, which is no text", path, shown(label))
		return
	}
	w.items[w.add(widgetItem, v, w.now.UnixMilli(), metrics.Label{Name: "label", Value: text})] = true
}

// countsBelow is the x from which on it is a time, of 1973 or later.
const countsBelow = 1e8

// point adds a point of a graph, whose x is Unix seconds. Where x only counts, the newest point is of now. What is too old
// is passed over: jobs send all that their graph shows.
func (w *widget) point(path string, x, y json.RawMessage, newest bool) {
	if string(y) == "null" {
		return // a gap
	}
	seconds, okX := numberOf(x)
	v, okY := numberOf(y)
	if !okX || !okY {
		w.refuse("%s is %s, %s, which are no numbers", path, shown(x), shown(y))
		return
	}
	at := int64(math.Round(seconds * 1000))
	switch {
	case seconds < countsBelow && newest:
		w.add(widgetPoint, v, w.now.UnixMilli())
	case seconds >= countsBelow && at >= w.now.Add(-metrics.MaxPast).UnixMilli():
		w.add(widgetPoint, v, at)
	}
}

// add adds a sample. One that does not fit is what the event is refused for.
func (w *widget) add(name string, value float64, at int64, labels ...metrics.Label) metrics.Series {
	series, err := metrics.NewSeries(name, append(labels, metrics.Label{Name: "widget", Value: w.id})...)
	s := metrics.Sample{Series: series, At: at, Value: value}
	if err == nil {
		err = s.Check(w.now)
	}
	if err != nil && w.err == nil {
		w.err = err
	}
	w.samples = append(w.samples, s)
	return series
}

// end adds stale markers for the items of before that are none now.
func (w *widget) end(before map[metrics.Series]bool) {
	for series := range before {
		if !w.items[series] {
			w.samples = append(w.samples, metrics.Sample{Series: series, At: w.now.UnixMilli(), Value: metrics.StaleMarker()})
		}
	}
}

func (w *widget) refuse(format string, args ...any) {
	if w.err == nil {
		w.err = metrics.Errorf(metrics.Refused, format, args...)
	}
}

// given reports whether a field is there.
func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// numberOf returns the number that JSON holds: as such, or as text such as "1,234", "87%" or "$3.50".
func numberOf(raw json.RawMessage) (v float64, ok bool) {
	if json.Unmarshal(raw, &v) == nil && given(raw) {
		return v, true
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return 0, false
	}
	return numberIn(text)
}

// thousands is a number with commas in it. One such as 3,50 could be either of two.
var thousands = regexp.MustCompile(`^[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$`)

var decimal = regexp.MustCompile(`^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$`)

// numberIn reads a number as people write it: with a sign of a currency, a percent sign, and commas between thousands.
func numberIn(text string) (v float64, ok bool) {
	text = strings.TrimSpace(text)
	sign := ""
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		sign, text = "-", rest
	}
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimFunc(text, isCurrency), "%"))
	if thousands.MatchString(text) {
		text = strings.ReplaceAll(text, ",", "")
	}
	if !decimal.MatchString(text) {
		return 0, false
	}
	v, err := strconv.ParseFloat(sign+text, 64)
	return v, err == nil
}

func isCurrency(r rune) bool { return unicode.Is(unicode.Sc, r) || unicode.IsSpace(r) }

// textOf returns the text that JSON holds, or a number as it is written.
func textOf(raw json.RawMessage) (text string, ok bool) {
	if json.Unmarshal(raw, &text) == nil && given(raw) {
		return text, true
	}
	var number json.Number
	err := json.Unmarshal(raw, &number)
	return number.String(), err == nil && given(raw)
}

// maxShown bounds what an error shows of a body.
const maxShown = 60

// shown returns JSON for an error.
func shown(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "nothing"
	}
	return excerpt(strings.Join(strings.Fields(string(raw)), " "))
}

// excerpt returns the beginning of a stranger's text for an error, on one line.
func excerpt(text string) string {
	harmless := strings.Map(func(r rune) rune {
		if metrics.CheckText(string(r)) != nil {
			return '?'
		}
		return r
	}, text[:min(len(text), maxShown)])
	if len(text) > maxShown {
		harmless += "…"
	}
	return harmless
}
