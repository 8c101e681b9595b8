package ingest

import (
	"strconv"

	"github.com/prometheus/otlptranslator"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"liveboard/metrics"
)

// otlp is a request being read. It takes one data point apart at a time, and each is stored whole or refused.
type otlp struct {
	*delivery
	sums     *sums
	samples  []metrics.Sample
	resource resourcepb.Resource
	who      []metrics.Label // of the resource
	newest   int64           // of the resource's samples, Unix ms
}

// each calls do with the messages in the fields of that number.
func each(message []byte, number protowire.Number, do func(inner []byte) error) error {
	fields := scanner{rest: message}
	for f, ok := fields.next(); ok; f, ok = fields.next() {
		if f.is(number, protowire.BytesType) {
			if err := do(f.bytes); err != nil {
				return err
			}
		}
	}
	return fields.err
}

// resourceMetrics reads a ResourceMetrics.
func (o *otlp) resourceMetrics(message []byte) error {
	proto.Reset(&o.resource)
	if err := each(message, 1, func(inner []byte) error { return unmarshal(inner, &o.resource) }); err != nil {
		return err
	}
	who, rest := identity(o.resource.GetAttributes())
	o.who, o.newest = who, 0
	err := each(message, 2, func(scope []byte) error { return each(scope, 2, o.metric) })
	if err != nil {
		return err
	}
	if o.newest > 0 && len(who) > 0 && len(rest) > 0 && o.from.mayBring(targetInfo) == nil {
		o.describe(rest)
	}
	return nil
}

// targetInfo is the metric that tells what is known of a resource.
const targetInfo = "target_info"

// describe tells what else is known of a resource, as a series to join with. Attributes that cannot be labels are left
// out: they must not cost the others.
func (o *otlp) describe(rest []*commonpb.KeyValue) {
	var kept []metrics.Label
	for _, a := range rest {
		one, err := attributes([]*commonpb.KeyValue{a})
		if err != nil || len(kept)+len(o.who) == metrics.MaxLabels {
			continue
		}
		if _, err := metrics.NewSeries(targetInfo, one...); err == nil {
			kept = with(kept, one...)
		}
	}
	series, err := metrics.NewSeries(targetInfo, with(kept, o.who...)...)
	if err == nil && len(o.samples) < maxSentSamples {
		o.samples = append(o.samples, metrics.Sample{Series: series, At: o.newest, Value: 1})
	}
}

// The kinds of data of a Metric, by the number of their field.
const (
	gaugeData       = 5
	sumData         = 7
	histogramData   = 9
	exponentialData = 10
	summaryData     = 11
)

// described is what a metric's points have in common.
type described struct {
	name  string // as Prometheus has it
	delta bool   // points tell what was added since the one before
}

// metric reads a Metric.
func (o *otlp) metric(message []byte) error {
	m := otlptranslator.Metric{}
	var data field
	fields := scanner{rest: message}
	for f, ok := fields.next(); ok; f, ok = fields.next() {
		switch {
		case f.is(1, protowire.BytesType):
			m.Name = string(f.bytes[:min(len(f.bytes), metrics.MaxNameBytes+1)])
		case f.is(3, protowire.BytesType):
			m.Unit = string(f.bytes[:min(len(f.bytes), metrics.MaxNameBytes+1)])
		case f.number >= gaugeData && f.number <= summaryData && f.kind == protowire.BytesType:
			data = f
		}
	}
	if fields.err != nil {
		return fields.err
	}
	delta, monotonic, err := temporality(data.bytes)
	if err != nil {
		return err
	}
	m.Type = typeOf(data, monotonic)
	name, wrong := nameOf(m)
	read := o.pointReader(described{name, delta}, data.number)
	return each(data.bytes, 1, func(point []byte) error {
		err := wrong
		if err == nil {
			err = read(point)
		}
		if err == errBroken {
			return err
		}
		if err != nil {
			o.leave(func() error { return metrics.Errorf(metrics.Invalid, "%s: %w", m.Name, err) })
		}
		return nil
	})
}

// nameOf returns the name that Prometheus has for a metric.
func nameOf(m otlptranslator.Metric) (string, error) {
	if len(m.Name) > metrics.MaxNameBytes || len(m.Unit) > metrics.MaxNameBytes {
		return "", metrics.Errorf(metrics.Invalid, "the name or the unit is longer than %d bytes", metrics.MaxNameBytes)
	}
	namer := otlptranslator.MetricNamer{WithMetricSuffixes: true}
	return namer.Build(m)
}

// temporality reads what stands beside the points of sums and histograms.
func temporality(data []byte) (delta, monotonic bool, err error) {
	fields := scanner{rest: data}
	for f, ok := fields.next(); ok; f, ok = fields.next() {
		switch {
		case f.is(2, protowire.VarintType):
			delta = f.bits == uint64(metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA)
		case f.is(3, protowire.VarintType):
			monotonic = f.bits != 0
		}
	}
	return delta, monotonic, fields.err
}

func typeOf(data field, monotonic bool) otlptranslator.MetricType {
	switch {
	case data.number == gaugeData:
		return otlptranslator.MetricTypeGauge
	case data.number == sumData && monotonic:
		return otlptranslator.MetricTypeMonotonicCounter
	case data.number == sumData:
		return otlptranslator.MetricTypeNonMonotonicCounter
	case data.number == histogramData:
		return otlptranslator.MetricTypeHistogram
	case data.number == exponentialData:
		return otlptranslator.MetricTypeExponentialHistogram
	case data.number == summaryData:
		return otlptranslator.MetricTypeSummary
	}
	return otlptranslator.MetricTypeUnknown
}

// pointReader returns what reads the points of a kind of data.
func (o *otlp) pointReader(m described, data protowire.Number) func(message []byte) error {
	switch data {
	case gaugeData, sumData:
		return func(message []byte) error { return o.number(m, message) }
	case histogramData:
		return func(message []byte) error { return o.histogram(m, message) }
	case exponentialData:
		return func(message []byte) error { return o.exponential(m, message) }
	case summaryData:
		return func(message []byte) error { return o.summary(m, message) }
	}
	return func([]byte) error { return nil } // a kind that is not known yet
}

// number reads a NumberDataPoint.
func (o *otlp) number(m described, message []byte) error {
	var p metricspb.NumberDataPoint
	if err := unmarshal(message, &p); err != nil {
		return err
	}
	value := p.GetAsDouble()
	if integer, ok := p.GetValue().(*metricspb.NumberDataPoint_AsInt); ok {
		value = float64(integer.AsInt)
	}
	b, err := o.begin(m, &p)
	if err != nil {
		return err
	}
	b.add("", value)
	return o.end(b)
}

// summary reads a SummaryDataPoint. Its count and sum are cumulative always.
func (o *otlp) summary(m described, message []byte) error {
	var p metricspb.SummaryDataPoint
	if err := unmarshal(message, &p); err != nil {
		return err
	}
	b, err := o.begin(described{name: m.name}, &p)
	if err != nil {
		return err
	}
	for _, q := range p.GetQuantileValues() {
		b.add("", q.GetValue(), metrics.Label{Name: "quantile", Value: strconv.FormatFloat(q.GetQuantile(), 'g', -1, 64)})
	}
	b.add("_sum", p.GetSum())
	b.add("_count", float64(p.GetCount()))
	return o.end(b)
}

// dataPoint is what data points of every kind have.
type dataPoint interface {
	proto.Message
	GetAttributes() []*commonpb.KeyValue
	GetTimeUnixNano() uint64
	GetFlags() uint32
}

// pointSamples are the samples of a data point.
type pointSamples struct {
	described
	labels  []metrics.Label
	at      uint64 // Unix ns
	gone    bool   // there is no value: the series end
	samples []metrics.Sample
	err     error // the first
}

func (o *otlp) begin(m described, p dataPoint) (*pointSamples, error) {
	labels, err := attributes(p.GetAttributes())
	if err != nil {
		return nil, err
	}
	gone := p.GetFlags()&uint32(metricspb.DataPointFlags_DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK) != 0
	return &pointSamples{described: m, labels: with(labels, o.who...), at: p.GetTimeUnixNano(), gone: gone}, nil
}

// add adds a sample of the series with that suffix and those labels more.
func (b *pointSamples) add(suffix string, value float64, more ...metrics.Label) {
	if b.err != nil {
		return
	}
	var series metrics.Series
	series, b.err = metrics.NewSeries(b.name+suffix, with(b.labels, more...)...)
	if b.gone {
		value = metrics.StaleMarker()
	}
	b.samples = append(b.samples, metrics.Sample{Series: series, At: int64(b.at / 1e6), Value: value})
}

// end takes the samples of a data point, which are right as a whole or refused.
func (o *otlp) end(b *pointSamples) error {
	if b.err == nil && len(o.samples)+len(b.samples) > maxSentSamples {
		b.err = errTooManySamples
	}
	for _, s := range b.samples {
		if b.err == nil {
			b.err = s.Check(o.now)
		}
		if b.err == nil && b.delta { // or it would count towards what others bring
			b.err = o.from.mayBring(s.Series.Name())
		}
	}
	if b.err == nil && b.delta {
		b.err = o.sums.add(b.samples, b.at, b.gone, o.now)
	}
	if b.err != nil {
		return b.err
	}
	o.samples = append(o.samples, b.samples...)
	o.newest = max(o.newest, int64(b.at/1e6))
	return nil
}
