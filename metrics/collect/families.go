package collect

import (
	"math"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/labels"

	"liveboard/metrics"
)

// families puts in the samples that a Prometheus server would read from the text form of
// the families: a histogram as _bucket, _sum and _count, a summary with quantile labels.
// Our own registry comes through here, and reads as what is scraped does.
func (h *harvest) families(families []*dto.MetricFamily, now time.Time) {
	for _, family := range families {
		h.say(family.GetName(), func(a *metrics.About) {
			*a = metrics.About{Type: typeOf(family), Unit: family.GetUnit(), Help: family.GetHelp()}
		})
		for _, m := range family.GetMetric() {
			h.metric(family.GetName(), m, now)
		}
	}
}

func typeOf(f *dto.MetricFamily) string {
	if f.GetType() == dto.MetricType_UNTYPED {
		return "unknown" // as Prometheus has called it since OpenMetrics
	}
	return strings.ToLower(f.GetType().String())
}

func (h *harvest) metric(name string, m *dto.Metric, now time.Time) {
	at := h.at
	if m.TimestampMs != nil {
		at = m.GetTimestampMs()
	}
	if at < now.Add(-metrics.MaxPast).UnixMilli() || at > now.Add(metrics.MaxFuture).UnixMilli() {
		h.outside++
		return
	}
	labels := make([]metrics.Label, 0, len(m.GetLabel()))
	for _, l := range m.GetLabel() {
		labels = append(labels, metrics.Label{Name: l.GetName(), Value: l.GetValue()})
	}
	switch {
	case m.Counter != nil:
		h.addAt(at, name, m.Counter.GetValue(), labels...)
	case m.Gauge != nil:
		h.addAt(at, name, m.Gauge.GetValue(), labels...)
	case m.Untyped != nil:
		h.addAt(at, name, m.Untyped.GetValue(), labels...)
	case m.Summary != nil:
		h.summary(at, name, m.Summary, labels)
	case m.Histogram != nil:
		h.histogram(at, name, m.Histogram, labels)
	}
}

func (h *harvest) summary(at int64, name string, s *dto.Summary, labels []metrics.Label) {
	for _, q := range s.GetQuantile() {
		h.addAt(at, name, q.GetValue(), bounded(labels, "quantile", q.GetQuantile())...)
	}
	if s.SampleSum != nil {
		h.addAt(at, name+"_sum", s.GetSampleSum(), labels...)
	}
	if s.SampleCount != nil {
		h.addAt(at, name+"_count", float64(s.GetSampleCount()), labels...)
	}
}

func (h *harvest) histogram(at int64, name string, g *dto.Histogram, labels []metrics.Label) {
	counted := g.SampleCount != nil || g.SampleCountFloat != nil
	count := max(float64(g.GetSampleCount()), g.GetSampleCountFloat())
	for _, b := range g.GetBucket() {
		if counted && math.IsInf(b.GetUpperBound(), +1) {
			continue // it equals the count, and a registry leaves it out
		}
		total := max(float64(b.GetCumulativeCount()), b.GetCumulativeCountFloat())
		h.addAt(at, name+"_bucket", total, bounded(labels, "le", b.GetUpperBound())...)
	}
	if counted {
		h.addAt(at, name+"_bucket", count, bounded(labels, "le", math.Inf(+1))...)
		h.addAt(at, name+"_count", count, labels...)
	}
	if g.SampleSum != nil {
		h.addAt(at, name+"_sum", g.GetSampleSum(), labels...)
	}
}

// bounded returns own and one more label whose value is a number, written as Prometheus writes it
// whatever format it was scraped in.
func bounded(own []metrics.Label, name string, value float64) []metrics.Label {
	return append(slices.Clone(own), metrics.Label{Name: name, Value: labels.FormatOpenMetricsFloat(value)})
}
