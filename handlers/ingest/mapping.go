package ingest

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"liveboard/metrics"
)

// mapping makes samples of a JSON body.
type mapping struct {
	body    any
	now     time.Time
	samples []metrics.Sample
}

// element is one of those that a metric is read of.
type element struct {
	value any
	key   string // its name or index
	where string // the pointer that leads to it, for errors
}

func (m *mapping) metric(metric metrics.WebhookMetric) error {
	elements, err := m.elements(metric.Each)
	if err != nil {
		return err
	}
	if len(m.samples)+len(elements) > metrics.MaxBatchSamples {
		return errManySamples
	}
	for _, e := range elements {
		s, err := m.sample(metric, e)
		if err != nil {
			return err
		}
		m.samples = append(m.samples, s)
	}
	return nil
}

// elements returns those of the list or object at a place, or the body as the only one.
func (m *mapping) elements(each *metrics.BodyPlace) (elements []element, err error) {
	whole := element{value: m.body}
	if each == nil {
		return []element{whole}, nil
	}
	found, where, err := m.find(*each, whole)
	if err != nil {
		return nil, err
	}
	switch all := found.(type) {
	case []any:
		for i, v := range all {
			key := strconv.Itoa(i)
			elements = append(elements, element{v, key, where + "/" + key})
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(all)) {
			elements = append(elements, element{all[key], key, where + "/" + escapePointer(key)})
		}
	default:
		return nil, misfit(where, found, "a list or an object")
	}
	return elements, nil
}

func (m *mapping) sample(metric metrics.WebhookMetric, e element) (metrics.Sample, error) {
	value, where, err := m.number(metric, e)
	if err != nil {
		return metrics.Sample{}, err
	}
	at, err := m.time(metric.Time, e)
	if err != nil {
		return metrics.Sample{}, err
	}
	labels, err := m.labels(metric.Labels, e)
	if err != nil {
		return metrics.Sample{}, err
	}
	series, err := metrics.NewSeries(metric.Name, labels...)
	s := metrics.Sample{Series: series, At: at, Value: value}
	if err == nil {
		err = s.Check(m.now)
	}
	if err != nil {
		return metrics.Sample{}, metrics.Errorf(metrics.Invalid, "%s: %w", pointerName(where), err)
	}
	return s, nil
}

// number returns the value of a sample, and where it stands.
func (m *mapping) number(metric metrics.WebhookMetric, e element) (v float64, where string, err error) {
	found, where, err := m.find(metric.Value, e)
	if err != nil {
		return 0, where, err
	}
	text, scalar := scalarText(found)
	if metric.Map != nil {
		v, known := metric.Map[text]
		if !known || !scalar {
			return 0, where, misfit(where, found, "one of the words "+strings.Join(slices.Sorted(maps.Keys(metric.Map)), ", "))
		}
		return v, where, nil
	}
	switch found := found.(type) {
	case bool:
		if found {
			v = 1
		}
		return v, where, nil
	case json.Number:
		if v, err = found.Float64(); err == nil {
			return v, where, nil
		}
	case string:
		if v, ok := numberIn(found); ok {
			return v, where, nil
		}
	}
	return 0, where, misfit(where, found, "a number")
}

// latestSeconds is the number up to which a time is of seconds; as milliseconds it is of 1973.
const latestSeconds = 1e11

// time returns the time of a sample, Unix milliseconds.
func (m *mapping) time(place *metrics.BodyPlace, e element) (int64, error) {
	if place == nil {
		return m.now.UnixMilli(), nil
	}
	found, where, err := m.find(*place, e)
	if err != nil {
		return 0, err
	}
	text, _ := scalarText(found)
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UnixMilli(), nil
	}
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || !(math.Abs(v) < 1e15):
		return 0, misfit(where, found, "a time (RFC 3339, Unix seconds or Unix milliseconds)")
	case math.Abs(v) < latestSeconds:
		v *= 1000
	}
	return int64(math.Round(v)), nil
}

func (m *mapping) labels(wanted []metrics.WebhookLabel, e element) ([]metrics.Label, error) {
	labels := make([]metrics.Label, 0, len(wanted))
	for _, l := range wanted {
		found, where, err := m.find(l.Value, e)
		if err != nil {
			return nil, err
		}
		text, scalar := scalarText(found)
		if !scalar && found != nil { // null is no label
			return nil, misfit(where, found, "a text")
		}
		labels = append(labels, metrics.Label{Name: l.Name, Value: text})
	}
	return labels, nil
}

// find returns what stands at a place, and the pointer from the body that leads there.
func (m *mapping) find(place metrics.BodyPlace, e element) (found any, where string, err error) {
	switch place.Origin {
	case metrics.FromNowhere:
		return place.Text, e.where, nil
	case metrics.FromKey:
		return e.key, e.where, nil
	case metrics.FromElement:
		found, where = e.value, e.where
	case metrics.FromBody:
		found = m.body
	}
	for _, token := range place.Path {
		next, ok := child(found, token)
		if !ok {
			return nil, where, metrics.Errorf(metrics.Refused, "There is no %s/%s in the body: %s is %s.", where, escapePointer(token), pointerName(where), sketch(found))
		}
		found, where = next, where+"/"+escapePointer(token)
	}
	return found, where, nil
}

// child returns the field or the element of that name or index.
func child(of any, token string) (any, bool) {
	switch of := of.(type) {
	case map[string]any:
		v, ok := of[token]
		return v, ok
	case []any:
		i, err := strconv.Atoi(token)
		if err != nil || i < 0 || i >= len(of) || strconv.Itoa(i) != token {
			return nil, false
		}
		return of[i], true
	}
	return nil, false
}

// scalarText returns what is no list and no object as text.
func scalarText(v any) (text string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

func misfit(where string, found any, want string) error {
	return metrics.Errorf(metrics.Refused, "%s is %s, where %s is needed.", pointerName(where), sketch(found), want)
}

// pointerName names a place in a sentence.
func pointerName(where string) string {
	if where == "" {
		return "The body"
	}
	return where
}

// escapePointer writes a name as a pointer has it, fit for an error.
func escapePointer(token string) string {
	return excerpt(strings.NewReplacer("~", "~0", "/", "~1").Replace(token))
}

// sketch describes what stands in a body.
func sketch(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case []any:
		return "a list of " + strconv.Itoa(len(v))
	case map[string]any:
		return "an object with " + strconv.Itoa(len(v)) + " fields"
	case string:
		return `"` + excerpt(v) + `"`
	}
	text, _ := scalarText(v)
	return excerpt(text)
}
