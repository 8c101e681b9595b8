package panels

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"liveboard/metrics"
)

// Suggestion is a panel that suits a metric of which little more than the name is known.
type Suggestion struct {
	Panel metrics.Panel // checked
	YAML  string        // of the same, as it stands below "panels:" in a board file
	Unit  metrics.Unit  // of a value of the metric
}

// Bounds of what is shown line by line.
const (
	fewSeries   = 12  // as many lines as a chart draws
	someSeries  = 300 // as many tiles as a status panel shows
	legendNames = 3   // labels in a legend
)

// measures are the units that names end in.
var measures = []struct {
	words []string
	unit  metrics.Unit
	rate  metrics.Unit // of what grows by it
}{
	{[]string{"timestamp_seconds", "time_seconds", "timestamp"}, metrics.Date, metrics.Rate},
	{[]string{"milliseconds", "millis", "ms"}, metrics.Millis, metrics.Rate},
	{[]string{"microseconds", "micros", "us"}, metrics.Micros, metrics.Rate},
	{[]string{"seconds"}, metrics.Seconds, metrics.Ratio}, // seconds a second are a share
	{[]string{"bytes"}, metrics.Bytes, metrics.ByteRate},
	{[]string{"bits"}, metrics.Short, metrics.BitRate},
	{[]string{"ratio"}, metrics.Ratio, metrics.Rate},
	{[]string{"percent", "pct"}, metrics.Percent, metrics.Rate},
	{[]string{"celsius"}, metrics.Celsius, metrics.Rate},
	{[]string{"hertz"}, metrics.Hertz, metrics.Rate},
	{[]string{"watts"}, metrics.Watts, metrics.Rate},
}

// measure returns the unit that the name ends in, and what of the name is left.
func measure(name string) (base string, unit, rate metrics.Unit) {
	for _, m := range measures {
		for _, word := range m.words {
			if base, ok := cutWord(name, word); ok {
				return base, m.unit, m.rate
			}
		}
	}
	return name, metrics.None, metrics.Rate
}

// cutWord cuts one of the words off the end of a name.
func cutWord(name string, words ...string) (base string, ok bool) {
	for _, word := range words {
		if base, ok := strings.CutSuffix("_"+name, "_"+word); ok {
			return strings.TrimPrefix(base, "_"), true
		}
	}
	return name, false
}

// Suggest returns a panel for a metric. newest is one of its values, NaN where none is known.
//
// What is taken from the name are the conventions of Prometheus, which agents keep to or are translated into:
// https://prometheus.io/docs/practices/naming/
func Suggest(m metrics.ArrivedMetric, newest float64) Suggestion {
	d := draft{metric: m, name: selector(m.Name), Panel: metrics.Panel{Name: m.Name, Decimals: -1, Legend: true}}
	d.fill(newest)
	if err := Check(&d.Panel); err != nil {
		panic(err) // every rule makes a panel that its kind takes
	}
	return Suggestion{d.Panel, d.yaml(), d.unit}
}

// draft is a panel in the making.
type draft struct {
	metrics.Panel
	metric metrics.ArrivedMetric
	name   string       // in expressions
	unit   metrics.Unit // of a value
	size   string
}

// fill goes through the rules; the first that holds makes the panel.
func (d *draft) fill(newest float64) {
	name := d.metric.Name
	if base, ok := cutWord(name, "bucket"); ok && d.metric.Newest.Labels().Get("le") != "" {
		d.quantile(base)
		return
	}
	if _, ok := cutWord(name, "up", "healthy", "ready", "alive", "online", "connected"); ok && (newest == 0 || newest == 1 || math.IsNaN(newest)) {
		d.state()
		return
	}
	if base, ok := cutWord(name, "info"); ok {
		d.make("table", base, "4x2", d.top(d.name))
		return
	}
	if base, ok := cutWord(name, "total"); ok {
		title, unit, rate := measure(base)
		d.growth(title, unit, rate)
		return
	}
	if d.summary(name) {
		return
	}
	d.gauge()
}

// quantile is for a histogram: what all but a twentieth stay below.
func (d *draft) quantile(base string) {
	base, unit, _ := measure(base)
	d.unit, d.Unit = metrics.Count, unit
	d.make("timeseries", base+" p95", "6x2", "histogram_quantile(0.95, sum by (le) (rate("+d.name+"[5m])))")
}

// state is for what is up or down.
func (d *draft) state() {
	if d.metric.Series > someSeries {
		d.Unit = metrics.Ratio
		d.make("gauge", d.metric.Name, "3x1", "avg("+d.name+")")
		return
	}
	d.Thresholds = []metrics.Threshold{{From: 0, State: metrics.Crit, Text: "down"}, {From: 1, State: metrics.OK, Text: "up"}}
	d.make("status", d.metric.Name, "4x1", d.name)
}

// summary is for the sum and the count of what was measured, as histograms and summaries have them. A gauge may be
// called so too, but hardly with the unit before it.
func (d *draft) summary(name string) bool {
	for _, word := range []string{"sum", "count"} {
		base, ok := cutWord(name, word)
		title, unit, rate := measure(base)
		if !ok || unit == metrics.None {
			continue
		}
		if word == "count" {
			unit, rate = metrics.Count, metrics.Rate
		}
		d.growth(title+" "+word, unit, rate)
		return true
	}
	return false
}

// growth is for what only grows, by a unit: how fast it does.
func (d *draft) growth(title string, unit, rate metrics.Unit) {
	d.unit, d.Unit = unit, rate
	if unit == metrics.None {
		d.unit = metrics.Count
	}
	expr := "rate(" + d.name + "[5m])"
	switch by := d.varying(); {
	case d.metric.Series == 1 || len(by) == 0:
		d.make("timeseries", title, "6x2", "sum("+expr+")")
	case d.metric.Series <= fewSeries:
		d.make("timeseries", title, "6x2", "sum by ("+strings.Join(by, ", ")+") ("+expr+")")
	default:
		d.make("bars", title, "4x2", d.top("sum by ("+strings.Join(by, ", ")+") ("+expr+")"))
	}
}

// gauge is for everything else.
func (d *draft) gauge() {
	title, unit, _ := measure(d.metric.Name)
	d.unit, d.Unit = unit, unit
	few := d.metric.Series <= fewSeries
	switch {
	case few && (unit == metrics.Ratio || unit == metrics.Percent):
		d.make("gauge", title, "4x1", d.name)
	case d.metric.Series == 1:
		d.make("stat", title, "3x1", d.name)
	case unit == metrics.Date:
		d.make("table", title, "4x2", d.top(d.name))
	case few:
		d.make("timeseries", title, "6x2", d.name)
	default:
		d.make("bars", title, "4x2", d.top(d.name))
	}
}

// top keeps the largest of many.
func (d *draft) top(expr string) string {
	if d.metric.Series <= fewSeries {
		return expr
	}
	return "topk(10, " + expr + ")"
}

func (d *draft) make(kind, base, size, expr string) {
	d.Kind, d.Title, d.size = kind, titleOf(base, d.metric.Name), size
	q := metrics.Query{Expr: expr}
	if d.metric.Series > 1 && kind != "table" && !strings.HasPrefix(expr, "histogram_quantile(") {
		for _, label := range d.varying() {
			q.Legend += " {{" + label + "}}"
		}
		q.Legend = strings.TrimPrefix(q.Legend, " ")
	}
	d.Queries = []metrics.Query{q}
	width, height, _ := strings.Cut(size, "x")
	d.Width, _ = strconv.Atoi(width)
	d.Height, _ = strconv.Atoi(height)
}

// varying are the labels that tell the series apart, as many as people read.
func (d *draft) varying() []string {
	v := d.metric.Varying
	return v[:min(len(v), legendNames)]
}

// titleOf makes words of a name.
func titleOf(base, name string) string {
	words := strings.FieldsFunc(base, func(c rune) bool { return c == '_' || c == ':' })
	if len(words) == 0 {
		return name
	}
	words[0] = strings.ToUpper(words[0][:1]) + words[0][1:]
	return strings.Join(words, " ")
}

// keywords of PromQL, which cannot stand for a metric in every place, and its numbers:
// https://github.com/prometheus/prometheus/blob/v3.12.0/promql/parser/lex.go
var keywords = []string{
	"and", "or", "unless", "atan2", "sum", "avg", "count", "min", "max", "group", "stddev", "stdvar", "topk", "bottomk", "count_values",
	"quantile", "limitk", "limit_ratio", "offset", "smoothed", "anchored", "by", "without", "on", "ignoring", "group_left", "group_right",
	"fill", "fill_left", "fill_right", "bool", "start", "end", "step", "range", "inf", "nan",
}

// selector writes what selects the metric of that name.
func selector(name string) string {
	if slices.Contains(keywords, strings.ToLower(name)) {
		return `{__name__="` + name + `"}`
	}
	return name
}

// yaml writes the panel as it stands in a list of panels.
func (d *draft) yaml() string {
	var b strings.Builder
	line := func(indent, key, text string) { b.WriteString(indent + key + ": " + text + "\n") }
	const in = "        "
	line("      - ", "title", quoted(d.Title))
	line(in, "kind", d.Kind)
	if q := d.Queries[0]; q.Legend == "" {
		line(in, "query", quoted(q.Expr))
	} else {
		b.WriteString(in + "queries:\n")
		line(in+"  - ", "expr", quoted(q.Expr))
		line(in+"    ", "legend", quoted(q.Legend))
	}
	if d.Unit != metrics.None {
		line(in, "unit", string(d.Unit))
	}
	if len(d.Thresholds) > 0 {
		b.WriteString(in + "thresholds:\n")
	}
	for _, t := range d.Thresholds {
		b.WriteString(in + "  - {from: " + strconv.FormatFloat(t.From, 'g', -1, 64) + ", state: " + string(t.State) + ", text: " + t.Text + "}\n")
	}
	line(in, "size", d.size)
	return b.String()
}

// plain is text that YAML reads as itself; wordless are words that it may read as something else.
var (
	plain    = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]*[a-zA-Z0-9_ ,.()\[\]]*$`)
	wordless = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|y|n|null|nan|inf)$`)
)

// quoted writes text, of which names and expressions consist of ASCII alone, so that YAML reads it as a text.
func quoted(text string) string {
	if plain.MatchString(text) && !wordless.MatchString(text) {
		return text
	}
	return strconv.Quote(text)
}
