package ingest

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"liveboard/metrics"
)

// arrived returns a delivery of that body.
func arrived(contentType string, body []byte) *delivery {
	r := &http.Request{Header: http.Header{"Content-Type": {contentType}}}
	return &delivery{Request: r, body: body, now: time.UnixMilli(1_800_000_000_000)}
}

// fieldOf is a field that holds a message, or text.
func fieldOf(number protowire.Number, inner ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), bytes.Join(inner, nil))
}

func pointOf(at int64, value uint64) []byte {
	m := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), value)
	return protowire.AppendVarint(protowire.AppendTag(m, 2, protowire.VarintType), uint64(at))
}

// holdToRules holds what was read of any body to the rules of samples.
func holdToRules(t *testing.T, d *delivery, read func(*delivery) (metrics.Batch, error)) metrics.Batch {
	t.Helper()
	batch, err := read(d)
	if err != nil {
		if kind := metrics.KindOf(err); kind != metrics.Invalid && kind != metrics.TooLarge {
			t.Fatalf("%q: got the error %v of kind %v", d.body, err, kind)
		}
		return metrics.Batch{}
	}
	if err := batch.Check(d.now); err != nil || !batch.Partial {
		t.Fatalf("%q: read %v, which is partial: %v, %v", d.body, batch.Samples, batch.Partial, err)
	}
	for _, s := range batch.Samples {
		if again, err := metrics.ParseKey(s.Series.Key()); err != nil || again != s.Series {
			t.Fatalf("%q: the series %q is none: %v", d.body, s.Series.Key(), err)
		}
	}
	if (d.refused.n == 0) != (d.refused.first == nil) || d.refused.first != nil && metrics.KindOf(d.refused.first) != metrics.Invalid {
		t.Fatalf("%q: %d are refused, the first because: %v", d.body, d.refused.n, d.refused.first)
	}
	return batch
}

func FuzzRemoteWrite(f *testing.F) {
	const at = 1_800_000_000_000
	label := func(name, value string) []byte { return appendLabel(nil, []byte(name), []byte(value)) }
	for _, body := range [][]byte{
		nil, {0x0a}, {0x0a, 0x80}, {0x0b}, bytes.Repeat([]byte{0xff}, 12),
		fieldOf(1, label("__name__", "a"), label("b", "c"), fieldOf(2, pointOf(at, 0x7ff0000000000002)), fieldOf(2, pointOf(at+1, 1))),
		fieldOf(1, fieldOf(2, pointOf(at, 1)), label("__name__", "a"), fieldOf(3), label("b", "c")),
		fieldOf(1, label("__name__", "a"), label("__name__", "b"), fieldOf(2), fieldOf(4)),
		bytes.Join([][]byte{fieldOf(4), fieldOf(4, []byte("__name__")), fieldOf(4, []byte("a")), fieldOf(5, fieldOf(1, []byte{1, 2}), fieldOf(2, pointOf(at, 1)), fieldOf(3))}, nil),
		bytes.Join([][]byte{fieldOf(5, fieldOf(1, []byte{1}), fieldOf(2, pointOf(at, 1))), fieldOf(4), fieldOf(4)}, nil),
	} {
		f.Add(body, false)
		f.Add(body, true)
	}
	f.Fuzz(func(t *testing.T, body []byte, second bool) {
		contentType := "application/x-protobuf"
		if second {
			contentType += ";proto=" + protoV2
		}
		d := arrived(contentType, body)
		cache := newSeriesCache()
		read := func(d *delivery) (metrics.Batch, error) { return readWrite(d, cache) }
		batch := holdToRules(t, d, read)
		again := arrived(contentType, body)
		if known := holdToRules(t, again, read); len(known.Samples) != len(batch.Samples) || again.refused.n != d.refused.n {
			t.Fatalf("%q: with known series got %v, want %v", body, known.Samples, batch.Samples)
		}
	})
}

func FuzzOTLP(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}},{"key":"b","value":{"arrayValue":{"values":[{"doubleValue":"NaN"}]}}}]},"scopeMetrics":[{"metrics":[
			{"name":"a.b","unit":"By/s","gauge":{"dataPoints":[{"timeUnixNano":"1800000000000000000","asDouble":1,"attributes":[{"key":"x.y","value":{"intValue":"1"}}]}]}},
			{"name":"c","sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{"timeUnixNano":"1800000000000000000","asInt":"1"},{"timeUnixNano":"1800000000000000000","asInt":"2"}]}},
			{"name":"d","histogram":{"aggregationTemporality":1,"dataPoints":[{"timeUnixNano":"1800000000000000000","count":"3","sum":1,"bucketCounts":["1","2"],"explicitBounds":[1]}]}},
			{"name":"e","exponentialHistogram":{"dataPoints":[{"timeUnixNano":"1800000000000000000","count":"3","scale":-12,"zeroThreshold":0.1,"positive":{"offset":-2147483648,"bucketCounts":["1","2"]},"negative":{"offset":2147483647,"bucketCounts":["1"]}}]}},
			{"name":"f","summary":{"dataPoints":[{"timeUnixNano":"1800000000000000000","flags":1,"quantileValues":[{"quantile":0.5,"value":1}]}]}}]}]}]}`,
	} {
		f.Add([]byte(text), true)
		var message metricspb.MetricsData
		if err := protojson.Unmarshal([]byte(text), &message); err != nil {
			f.Fatal(err)
		}
		body, err := proto.Marshal(&message)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, false)
		f.Add(body[:len(body)/2], false)
	}
	f.Fuzz(func(t *testing.T, body []byte, inJSON bool) {
		holdToRules(t, arrived(map[bool]string{true: otlpJSON, false: otlpProto}[inJSON], body), func(d *delivery) (metrics.Batch, error) { return readOTLP(d, newSums()) })
	})
}
