package ingest

import (
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"liveboard/metrics"
)

// told is a value as an exposition tells it.
type told struct {
	value  float64
	family string // the name that TYPE gives it where that is a histogram or a summary, else its own
}

// exposition is what a body in one of Prometheus's formats tells.
type exposition struct {
	values map[metrics.Series]told
	kinds  map[string]model.MetricType // of the families
	said   map[string]metrics.About    // of the families
	dated  bool                        // some sample bears a time of its own
}

// readExposition reads OpenMetrics, delimited protobuf, or else the text format 0.0.4. The common labels are those of
// every series, over labels of such a name that it has itself.
func readExposition(body []byte, contentType string, common []metrics.Label) (*exposition, error) {
	parser, err := expositionParser(body, contentType)
	if err != nil {
		return nil, err
	}
	e := &exposition{values: make(map[metrics.Series]told), kinds: make(map[string]model.MetricType), said: make(map[string]metrics.About)}
	err = shielded(func() error { return e.read(parser, common) })
	if err != nil && metrics.KindOf(err) == metrics.Internal { // the parser's
		err = metrics.Errorf(metrics.Invalid, "%s", strings.ToValidUTF8(strings.Join(strings.Fields(err.Error()), " "), "?"))
	}
	return e, err
}

func expositionParser(body []byte, contentType string) (textparse.Parser, error) {
	switch media, _, _ := mime.ParseMediaType(contentType); media {
	case "application/openmetrics-text":
		return textparse.NewOpenMetricsParser(body, nil, textparse.WithOMParserSTSeriesSkipped()), nil
	case "application/vnd.google.protobuf":
		return textparse.NewProtobufParser(body, true, false, false, false, labels.NewSymbolTable()), nil
	}
	if len(body) > 0 && body[len(body)-1] != '\n' {
		return nil, metrics.Errorf(metrics.Invalid, "text format parsing error: the last line has no end; the text was cut short")
	}
	return textparse.NewPromParser(body, nil, false), nil
}

// shielded makes an error of a panic: the parsers read what strangers write.
func shielded(work func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = metrics.Errorf(metrics.Invalid, "the body cannot be read: %v", fault)
		}
	}()
	return work()
}

func (e *exposition) read(parser textparse.Parser, common []metrics.Label) error {
	family, kind := "", model.MetricTypeUnknown
	for {
		entry, err := parser.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("text format parsing error: %w", err)
		case entry == textparse.EntryType:
			name, k := parser.Type()
			family, kind = string(name), k
			e.say(name, func(a *metrics.About) { a.Type = string(k) })
		case entry == textparse.EntryHelp:
			name, help := parser.Help()
			e.say(name, func(a *metrics.About) { a.Help = string(help) })
		case entry == textparse.EntryUnit:
			name, unit := parser.Unit()
			e.say(name, func(a *metrics.About) { a.Unit = string(unit) })
		case entry == textparse.EntrySeries:
			if err := e.sample(parser, family, kind, common); err != nil {
				return err
			}
		}
	}
}

func (e *exposition) say(name []byte, part func(*metrics.About)) {
	about, known := e.said[string(name)]
	if !known && len(e.said) == metrics.MaxBatchSamples {
		return
	}
	part(&about)
	e.said[string(name)] = about
}

// sample takes in the sample at which the parser stands. family and kind are what the last TYPE said.
func (e *exposition) sample(parser textparse.Parser, family string, kind model.MetricType, common []metrics.Label) error {
	_, at, value := parser.Series()
	if at != nil && *at != 0 { // protobuf has no other word for none
		e.dated = true
	}
	if metrics.IsStale(value) {
		value = math.NaN() // whose end is told by leaving it out
	}
	var all labels.Labels
	parser.Labels(&all)
	name := strings.Clone(all.Get(metrics.NameLabel)) // kept longer than the body
	if name == pushTime || name == pushFailureTime {  // ours to tell
		return nil
	}
	own := make([]metrics.Label, 0, all.Len()+len(common))
	all.Range(func(l labels.Label) {
		isOurs := slices.ContainsFunc(common, func(c metrics.Label) bool { return c.Name == l.Name })
		if l.Name != metrics.NameLabel && !isOurs {
			own = append(own, metrics.Label{Name: l.Name, Value: l.Value})
		}
	})
	own = append(own, common...)
	series, err := metrics.NewSeries(name, own...)
	if err != nil {
		return err
	}
	if _, twice := e.values[series]; twice {
		return metrics.Errorf(metrics.Invalid, "the metric %s is there twice", series)
	}
	if len(e.values) == metrics.MaxBatchSamples {
		return errLargeGroup
	}
	family, kind = familyOf(name, family, kind)
	e.values[series], e.kinds[family] = told{value, family}, kind
	return nil
}

// familyOf returns to which family, of what kind, the metric called name belongs after a TYPE line about family.
func familyOf(name, family string, kind model.MetricType) (string, model.MetricType) {
	suffix, ok := strings.CutPrefix(name, family)
	switch {
	case !ok:
		return name, model.MetricTypeUnknown
	case kind == model.MetricTypeHistogram && (suffix == "_bucket" || suffix == "_sum" || suffix == "_count"),
		kind == model.MetricTypeSummary && (suffix == "" || suffix == "_sum" || suffix == "_count"):
		return family, kind
	case suffix == "" || kind == model.MetricTypeCounter && suffix == "_total":
		return name, kind
	}
	return name, model.MetricTypeUnknown
}
