package collect

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/model/textparse"

	"liveboard/metrics"
)

// acceptExposition asks for OpenMetrics first, as Prometheus does: it tells where it ends. Names
// beyond the alphabet of metrics.NewSeries are to be escaped.
const acceptExposition = "application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.6," +
	"application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1"

const openMetrics = "application/openmetrics-text"

// exposition is what one target tells, taken in by the rules of its collector.
type exposition struct {
	harvest
	now              time.Time
	ignoreTimestamps bool
	rules            []*relabel.Config
	limit            int // samples that are left after the rules

	told    int // samples
	builder *labels.Builder
}

// read takes in a text of that content type, or returns why it is refused. OpenMetrics is read
// as such, anything else as the text format: whether it is one shows.
func (e *exposition) read(text []byte, contentType string) error {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	if mediaType != openMetrics && len(text) > 0 && text[len(text)-1] != '\n' {
		return errors.New("parse the exposition: the last line has no end; the text was cut short")
	}
	e.builder = labels.NewBuilder(labels.EmptyLabels())
	return shield(func() error { // the parser reads what strangers write
		parser := textparse.NewPromParser(text, nil, false)
		if mediaType == openMetrics {
			parser = textparse.NewOpenMetricsParser(text, nil, textparse.WithOMParserSTSeriesSkipped())
		}
		return e.entries(parser)
	})
}

func (e *exposition) entries(parser textparse.Parser) error {
	for {
		entry, err := parser.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("parse the exposition: %w", err)
		}
		e.entry(entry, parser)
		switch {
		case e.err != nil:
			return e.err
		case len(e.samples) > e.limit:
			return fmt.Errorf("there are more than %d samples, the sample-limit", e.limit)
		}
	}
}

// entry takes in what the parser stands at.
func (e *exposition) entry(entry textparse.Entry, parser textparse.Parser) {
	switch entry {
	case textparse.EntrySeries:
		e.sample(parser)
	case textparse.EntryType:
		name, kind := parser.Type()
		e.say(string(name), func(a *metrics.About) { a.Type = string(kind) })
	case textparse.EntryHelp:
		name, help := parser.Help()
		e.say(string(name), func(a *metrics.About) { a.Help = string(help) })
	case textparse.EntryUnit:
		name, unit := parser.Unit()
		e.say(string(name), func(a *metrics.About) { a.Unit = string(unit) })
	}
}

// sample takes in the sample that the parser stands at.
func (e *exposition) sample(parser textparse.Parser) {
	e.told++
	_, dated, value := parser.Series()
	at := e.at
	if dated != nil && !e.ignoreTimestamps {
		at = *dated
	}
	if at < e.now.Add(-metrics.MaxPast).UnixMilli() || at > e.now.Add(metrics.MaxFuture).UnixMilli() {
		e.outside++
		return
	}
	var all labels.Labels
	parser.Labels(&all)
	name, own := split(all)
	e.put(at, name, value, own)
}

// put adds a sample with the target's labels, as the rules want it.
func (e *exposition) put(at int64, name string, value float64, own []metrics.Label) {
	if len(e.rules) == 0 {
		e.addAt(at, name, value, own...)
		return
	}
	// What is refused must be refused before the rules: they cannot tell a label that stands there twice.
	if _, err := metrics.NewSeries(name, own...); err != nil {
		e.err = err
		return
	}
	if name, kept, ok := relabeled(e.builder, e.rules, name, e.label(own)); ok {
		e.addLabeled(at, name, value, kept)
	}
}

// split returns the metric name and the other labels.
func split(all labels.Labels) (name string, own []metrics.Label) {
	own = make([]metrics.Label, 0, all.Len())
	all.Range(func(l labels.Label) {
		if l.Name == metrics.NameLabel && name == "" {
			name = l.Value
			return
		}
		own = append(own, metrics.Label{Name: l.Name, Value: l.Value})
	})
	return name, own
}
