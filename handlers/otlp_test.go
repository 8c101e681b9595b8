package handlers

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"liveboard/metrics"
)

// otlp sends metrics of one resource, in JSON as the documentation of OpenTelemetry spells it. T, T1, T2 stand for times one
// second apart, in nanoseconds.
func (w *world) otlp(encoding string, at int64, metricsJSON string, headers ...string) answer {
	w.t.Helper()
	text := `{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"service.namespace","value":{"stringValue":"eu"}},
		{"key":"service.instance.id","value":{"stringValue":"1"}},{"key":"host.name","value":{"stringValue":"web"}},{"key":"k8s.labels","value":{"kvlistValue":{"values":[]}}}]},
		"scopeMetrics":[{"scope":{"name":"test"},"metrics":[` + metricsJSON + `]}],"schemaUrl":"x","aFieldOfTheFuture":{}}]}`
	for i, name := range []string{`"T0"`, `"T1"`, `"T2"`} {
		text = strings.ReplaceAll(text, name, fmt.Sprintf(`"%d"`, (at+int64(i)*1000)*1e6))
	}
	return w.otlpText(encoding, text, headers...)
}

func (w *world) otlpText(encoding, text string, headers ...string) answer {
	w.t.Helper()
	body := text
	if encoding == otlpProto {
		var message metricspb.MetricsData
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(text), &message); err != nil {
			w.t.Fatal(err)
		}
		encoded, err := proto.Marshal(&message)
		if err != nil {
			w.t.Fatal(err)
		}
		body = string(encoded)
	}
	return do(w.t, "POST", w.URL+"/v1/metrics", body, append([]string{"Content-Type", encoding}, headers...)...)
}

const (
	otlpProto = "application/x-protobuf"
	otlpJSON  = jsonType
)

// wantOTLP holds an answer to the encoding, the status and what it tells, as JSON; "" for nothing.
func wantOTLP(t *testing.T, a answer, encoding string, status int, tells string) {
	t.Helper()
	got := a.body
	if encoding == otlpProto && status == http.StatusOK {
		got = partialOf(t, a.body)
	}
	if a.StatusCode != status || a.Header.Get("Content-Type") != encoding || !strings.Contains(got, tells) || tells == "" && got != "" && got != "{}" {
		t.Errorf("got %d %s %q, want %d %s that says %q", a.StatusCode, a.Header.Get("Content-Type"), got, status, encoding, tells)
	}
}

// partialOf returns the partial success of an ExportMetricsServiceResponse as the answer in JSON has it.
func partialOf(t *testing.T, body string) string {
	t.Helper()
	if body == "" {
		return ""
	}
	number, kind, n := protowire.ConsumeTag([]byte(body))
	inner, m := protowire.ConsumeBytes([]byte(body)[n:])
	if number != 1 || kind != protowire.BytesType || n+m != len(body) {
		t.Fatalf("%q has no partial success", body)
	}
	_, _, n = protowire.ConsumeTag(inner)
	rejected, m := protowire.ConsumeVarint(inner[n:])
	_, _, k := protowire.ConsumeTag(inner[n+m:])
	text, _ := protowire.ConsumeString(inner[n+m+k:])
	return fmt.Sprintf(`{"partialSuccess":{"rejectedDataPoints":"%d","errorMessage":"%s"}}`, rejected, text)
}

func TestOTLPBecomesWhatPrometheusWouldCallIt(t *testing.T) {
	at := time.Now().Add(-time.Minute).UnixMilli()
	for _, c := range []struct {
		name, metric string
		want         map[string]string // points by series; the first second is T
	}{
		{"gauge", `{"name":"room.temperature","unit":"Cel","gauge":{"dataPoints":[{"timeUnixNano":"T0","asDouble":21.5,"attributes":[{"key":"room.name","value":{"stringValue":"hall"}},{"key":"floor","value":{"intValue":"2"}}]}]}}`,
			map[string]string{`room_temperature_celsius{floor="2",instance="1",job="eu/shop",room_name="hall"}`: "T0:21.5"}},
		{"ratio", `{"name":"load","unit":"1","gauge":{"dataPoints":[{"timeUnixNano":"T0","asInt":"3"}]}}`,
			map[string]string{`load_ratio{instance="1",job="eu/shop"}`: "T0:3"}},
		{"counter", `{"name":"http.requests","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"startTimeUnixNano":"T0","timeUnixNano":"T1","asInt":"7"},{"timeUnixNano":"T2","asInt":9}]}}`,
			map[string]string{`http_requests_total{instance="1",job="eu/shop"}`: "T1:7 T2:9"}},
		{"up and down", `{"name":"queue","unit":"By","sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_CUMULATIVE","dataPoints":[{"timeUnixNano":"T0","asDouble":-1}]}}`,
			map[string]string{`queue_bytes{instance="1",job="eu/shop"}`: "T0:-1"}},
		{"delta", `{"name":"jobs","sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{"timeUnixNano":"T0","asInt":"2"},{"timeUnixNano":"T1","asInt":"3"},{"timeUnixNano":"T2","asInt":"0"}]}}`,
			map[string]string{`jobs_total{instance="1",job="eu/shop"}`: "T0:2 T1:5 T2:5"}},
		{"histogram", `{"name":"wait","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"T0","count":"6","sum":4.5,"bucketCounts":["1","2","3"],"explicitBounds":[0.1,5]}]}}`,
			map[string]string{`wait_seconds_bucket{instance="1",job="eu/shop",le="0.1"}`: "T0:1", `wait_seconds_bucket{instance="1",job="eu/shop",le="5"}`: "T0:3", `wait_seconds_bucket{instance="1",job="eu/shop",le="+Inf"}`: "T0:6",
				`wait_seconds_sum{instance="1",job="eu/shop"}`: "T0:4.5", `wait_seconds_count{instance="1",job="eu/shop"}`: "T0:6"}},
		{"histogram of deltas", `{"name":"wait","histogram":{"aggregationTemporality":1,"dataPoints":[{"timeUnixNano":"T0","count":"3","sum":1,"bucketCounts":["1","2"],"explicitBounds":[1]},{"timeUnixNano":"T1","count":"1","sum":2,"bucketCounts":["0","1"],"explicitBounds":[1]}]}}`,
			map[string]string{`wait_bucket{instance="1",job="eu/shop",le="1"}`: "T0:1 T1:1", `wait_bucket{instance="1",job="eu/shop",le="+Inf"}`: "T0:3 T1:4",
				`wait_sum{instance="1",job="eu/shop"}`: "T0:1 T1:3", `wait_count{instance="1",job="eu/shop"}`: "T0:3 T1:4"}},
		{"exponential", `{"name":"size","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"T0","count":"10","sum":20,"scale":1,"zeroCount":"1",
			"positive":{"offset":1,"bucketCounts":["2","1","3"]},"negative":{"offset":0,"bucketCounts":["1","2"]}}]}}`,
			map[string]string{`size_bucket{instance="1",job="eu/shop",le="-1"}`: "T0:3", `size_bucket{instance="1",job="eu/shop",le="0"}`: "T0:4", `size_bucket{instance="1",job="eu/shop",le="2"}`: "T0:6",
				`size_bucket{instance="1",job="eu/shop",le="4"}`: "T0:10", `size_bucket{instance="1",job="eu/shop",le="+Inf"}`: "T0:10",
				`size_sum{instance="1",job="eu/shop"}`: "T0:20", `size_count{instance="1",job="eu/shop"}`: "T0:10"}},
		{"summary", `{"name":"took","unit":"ms","summary":{"dataPoints":[{"timeUnixNano":"T0","count":"4","sum":9,"quantileValues":[{"quantile":0.5,"value":2},{"quantile":0.99,"value":5}]}]}}`,
			map[string]string{`took_milliseconds{instance="1",job="eu/shop",quantile="0.5"}`: "T0:2", `took_milliseconds{instance="1",job="eu/shop",quantile="0.99"}`: "T0:5",
				`took_milliseconds_sum{instance="1",job="eu/shop"}`: "T0:9", `took_milliseconds_count{instance="1",job="eu/shop"}`: "T0:4"}},
		{"no value", `{"name":"room","gauge":{"dataPoints":[{"timeUnixNano":"T0","asDouble":1},{"timeUnixNano":"T1","flags":1}]}}`,
			map[string]string{`room{instance="1",job="eu/shop"}`: "T0:1 T1:NaN 7ff0000000000002"}},
		{"one name for two attributes", `{"name":"a","gauge":{"dataPoints":[{"timeUnixNano":"T0","asDouble":1,"attributes":[{"key":"x.y","value":{"stringValue":"2"}},{"key":"x y","value":{"boolValue":true}},{"key":"job","value":{"stringValue":"of the point"}}]}]}}`,
			map[string]string{`a{instance="1",job="eu/shop",x_y="true;2"}`: "T0:1"}},
	} {
		for _, encoding := range []string{otlpProto, otlpJSON} {
			t.Run(c.name+" "+encoding, func(t *testing.T) {
				w := newWorld(t, nil)
				wantOTLP(t, w.otlp(encoding, at, c.metric), encoding, http.StatusOK, "")
				wantOTLP(t, w.otlp(encoding, at, c.metric, "Content-Encoding", "identity"), encoding, http.StatusOK, "")
				if got := w.all(at); !maps.Equal(got, c.want) {
					t.Errorf("got %v\nwant %v", got, c.want)
				}
				if got := stored(w.store, "last_over_time(target_info[5m])"); got[`target_info{host_name="web",instance="1",job="eu/shop",k8s_labels="{}"}`] != 1 || len(got) != 1 {
					t.Errorf("the resource is told as %v", got)
				}
			})
		}
	}
}

// all returns the points of all series but target_info, with times as T0 and so on.
func (w *world) all(at int64) map[string]string {
	w.t.Helper()
	all := map[string]string{}
	for text, points := range w.matching(labels.MustNewMatcher(labels.MatchNotEqual, metrics.NameLabel, "target_info")) {
		for i := range int64(3) {
			points = strings.ReplaceAll(points, fmt.Sprint(at+i*1000), fmt.Sprintf("T%d", i))
		}
		all[text] = points
	}
	return all
}

func TestOTLPTellsWhatItCannotStore(t *testing.T) {
	at := time.Now().Add(-time.Minute).UnixMilli()
	good := `{"name":"good","gauge":{"dataPoints":[{"timeUnixNano":"T0","asDouble":1}]}},`
	for _, c := range []struct{ name, metric, detail string }{
		{"too old", `{"name":"bad","gauge":{"dataPoints":[{"timeUnixNano":"1","asDouble":1}]}}`, "bad: bad"},
		{"no name", `{"gauge":{"dataPoints":[{"timeUnixNano":"T0","asDouble":1}]}}`, "empty name"},
		{"no attribute name", `{"name":"bad","gauge":{"dataPoints":[{"timeUnixNano":"T0","asDouble":1,"attributes":[{"value":{"stringValue":"x"}}]}]}}`, "bad: attribute"},
		{"control character", `{"name":"bad","gauge":{"dataPoints":[{"timeUnixNano":"T0","asDouble":1,"attributes":[{"key":"a","value":{"stringValue":"\u0007"}}]}]}}`, "U+0007"},
		{"many attributes", `{"name":"bad","gauge":{"dataPoints":[{"timeUnixNano":"T0","asDouble":1,"attributes":[` + strings.Repeat(`{"key":"a"},`, 1000) + `{"key":"a"}]}]}}`, "there are 1001 attributes"},
		{"buckets", `{"name":"bad","histogram":{"dataPoints":[{"timeUnixNano":"T0","count":"1","bucketCounts":["1"],"explicitBounds":[1,2]}]}}`, "bad: a histogram has 2 bounds and 1 buckets"},
		{"old delta", `{"name":"bad","sum":{"aggregationTemporality":1,"dataPoints":[{"timeUnixNano":"T2","asInt":"2"},{"timeUnixNano":"T1","asInt":"3"}]}}`, "older than the newest of its series"},
		{"two deltas", `{"name":"bad","sum":{"aggregationTemporality":1,"dataPoints":[{"timeUnixNano":"T2","asInt":"2"},{"timeUnixNano":"T2","asInt":"3"}]}}`, "two deltas of a series have the same time"},
	} {
		for _, encoding := range []string{otlpProto, otlpJSON} {
			t.Run(c.name+" "+encoding, func(t *testing.T) {
				w := newWorld(t, nil)
				a := w.otlp(encoding, at, good+c.metric)
				wantOTLP(t, a, encoding, http.StatusOK, `"rejectedDataPoints":"1"`)
				if !strings.Contains(a.body, c.detail) {
					t.Errorf("the answer %q does not say %q", a.body, c.detail)
				}
				if got := stored(w.store, "last_over_time(good[5m])"); len(got) != 1 {
					t.Errorf("%v is stored, want the good one", got)
				}
			})
		}
	}
}

func TestOTLPRefusesAsItsSpecificationSays(t *testing.T) {
	w := newWorld(t, nil)
	post := func(encoding, body string, headers ...string) answer {
		return do(t, "POST", w.URL+"/v1/metrics", body, append([]string{"Content-Type", encoding}, headers...)...)
	}
	for _, c := range []struct {
		name     string
		answer   answer
		encoding string
		status   int
		tells    string
	}{
		{"broken", post(otlpProto, "\x0a\xff"), otlpProto, http.StatusBadRequest, "no protobuf message"},
		{"broken JSON", post(otlpJSON, "{"), otlpJSON, http.StatusBadRequest, `{"message":"the body is no OTLP in JSON`},
		{"deep JSON", post(otlpJSON, `{"resourceMetrics":[{"resource":{"attributes":[{"key":"a","value":`+strings.Repeat(`{"arrayValue":{"values":[`, 1000)), otlpJSON, http.StatusBadRequest, "no OTLP in JSON"},
		{"much JSON", post(otlpJSON, `{"resourceMetrics":[`+strings.Repeat("{},", 200_000)+`{}]}`), otlpJSON, http.StatusRequestEntityTooLarge, "send it in parts"},
		{"type", post("text/plain", "x"), otlpJSON, http.StatusUnsupportedMediaType, "Content-Type must be"},
		{"stranger", post(otlpProto, "", elsewhere...), otlpProto, http.StatusUnauthorized, "token"},
		{"coding", post(otlpJSON, "{}", "Content-Encoding", "br"), otlpJSON, http.StatusUnsupportedMediaType, "br"},
	} {
		t.Run(c.name, func(t *testing.T) { wantOTLP(t, c.answer, c.encoding, c.status, c.tells) })
	}
	wantOTLP(t, post(otlpJSON, gzipped(t, `{"resourceMetrics":[]}`), "Content-Encoding", "gzip"), otlpJSON, http.StatusOK, "")
}

// What could not be stored comes again, and counts once.
func TestOTLPCountsADeltaOnceThoughItComesTwice(t *testing.T) {
	logs(t)
	at := time.Now().Add(-time.Minute).UnixMilli()
	w := newWorld(t, nil)
	delta := func(time string, n int) string {
		return fmt.Sprintf(`{"name":"jobs","sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{"timeUnixNano":"%s","asInt":"%d"}]}}`, time, n)
	}
	for _, metric := range []string{delta("T0", 2), delta("T0", 2), delta("T1", 3), delta("T1", 3)} {
		wantOTLP(t, w.otlp(otlpProto, at, metric), otlpProto, http.StatusOK, "")
	}
	if got, want := w.all(at), map[string]string{`jobs_total{instance="1",job="eu/shop"}`: "T0:2 T1:5"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	w.breakStore()
	a := w.otlp(otlpProto, at, delta("T2", 1))
	wantOTLP(t, a, otlpProto, http.StatusServiceUnavailable, "could not be stored")
	if a.Header.Get("Retry-After") == "" {
		t.Error("there is no Retry-After")
	}
}

// What a token may not bring must not count towards what others bring of it.
func TestOTLPAddsUpOnlyWhatATokenMayBring(t *testing.T) {
	at := time.Now().Add(-time.Minute).UnixMilli()
	w := newWorld(t, nil)
	shop := bear(w.token("shop", "ingest:shop_"))
	delta := func(name, time, flags string) string {
		return `{"name":"` + name + `","sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{"timeUnixNano":"` + time + `","asInt":"2","flags":` + flags + `}]}}`
	}
	wantOTLP(t, w.otlp(otlpJSON, at, delta("jobs", "T0", "0")), otlpJSON, http.StatusOK, "")
	wantOTLP(t, w.otlp(otlpJSON, at, delta("shop_jobs", "T0", "0"), shop...), otlpJSON, http.StatusOK, "")
	for _, flags := range []string{"0", "1"} { // 1: there is no value any more
		wantOTLP(t, w.otlp(otlpJSON, at, delta("jobs", "T1", flags), shop...), otlpJSON, http.StatusOK, `{"rejectedDataPoints":"1","errorMessage":"1 of 1 samples were refused, the first because: jobs: The token may not bring jobs_total: its scopes are ingest:shop_."}`)
	}
	wantOTLP(t, w.otlp(otlpJSON, at, delta("jobs", "T2", "0")), otlpJSON, http.StatusOK, "")
	want := map[string]string{`jobs_total{instance="1",job="eu/shop"}`: "T0:2 T2:4", `shop_jobs_total{instance="1",job="eu/shop"}`: "T0:2"}
	if got := w.all(at); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
