package handlers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/prometheus/prometheus/model/labels"

	"liveboard/metrics"
)

// A sender that has not heard the answer sends the same again.
func TestRepeatedBatchDoesNothingTwice(t *testing.T) {
	at := time.Now().Add(-time.Minute).UnixMilli()
	points := []metrics.Point{{At: at, Value: 1}, {At: at + 1000, Value: 2}}
	words := strings.NewReplacer("AT", fmt.Sprint(at), "LATER", fmt.Sprint(at+1000))
	otlp := func(data string) string {
		return words.Replace(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a",` + data + `}]}]}]}`)
	}
	snappy := func(message []byte) string { return string(s2.EncodeSnappy(nil, message)) }
	for name, c := range map[string]struct {
		path, body string
		headers    []string
	}{
		"text":             {"/api/push", words.Replace("a 1 AT\na 2 LATER\n"), []string{"Content-Type", textPlain}},
		"JSON":             {"/api/push", words.Replace(`{"samples":[{"name":"a","value":1,"at":AT},{"name":"a","value":2,"at":LATER}]}`), []string{"Content-Type", jsonType}},
		"InfluxDB 1":       {"/write?precision=ms", words.Replace("a value=1 AT\na value=2 LATER\n"), nil},
		"InfluxDB 2":       {"/api/v2/write?precision=ms", words.Replace("a value=1 AT\na value=2 LATER\n"), nil},
		"remote write 1.0": {"/api/v1/write", snappy(requestV1(sent{labels: labelled("a"), points: points})), []string{"Content-Type", writeV1, "Content-Encoding", "snappy"}},
		"remote write 2.0": {"/api/v1/write", snappy(requestV2(sent{labels: labelled("a"), points: points})), []string{"Content-Type", writeV2, "Content-Encoding", "snappy"}},
		"OTLP, gauge": {"/v1/metrics", otlp(`"gauge":{"dataPoints":[{"asDouble":1,"timeUnixNano":"AT000000"},{"asDouble":2,"timeUnixNano":"LATER000000"}]}`),
			[]string{"Content-Type", otlpJSON}},
		"OTLP, cumulative": {"/v1/metrics", otlp(`"sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"asInt":"1","timeUnixNano":"AT000000"},{"asInt":"2","timeUnixNano":"LATER000000"}]}`),
			[]string{"Content-Type", otlpJSON}},
		"OTLP, delta": {"/v1/metrics", otlp(`"sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{"asInt":"1","startTimeUnixNano":"1","timeUnixNano":"AT000000"},{"asInt":"1","startTimeUnixNano":"AT000000","timeUnixNano":"LATER000000"}]}`),
			[]string{"Content-Type", otlpJSON}},
		"collectd": {"/collectd", fmt.Sprintf(`[{"values":[1],"dstypes":["gauge"],"dsnames":["value"],"plugin":"p","type":"t","time":%d.%03d},{"values":[2],"dstypes":["gauge"],"dsnames":["value"],"plugin":"p","type":"t","time":%d.%03d}]`,
			at/1000, at%1000, at/1000+1, at%1000), []string{"Content-Type", jsonType}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			all := labels.MustNewMatcher(labels.MatchNotEqual, metrics.NameLabel, "")
			var first map[string]string
			for range 2 {
				if a := do(t, "POST", w.URL+c.path, c.body, c.headers...); a.StatusCode/100 != 2 || strings.Contains(a.body, "rejected") {
					t.Fatalf("got %d %s, want that it is taken", a.StatusCode, a.body)
				}
				got := w.matching(all)
				if first == nil {
					first = got
				}
				if !maps.Equal(got, first) {
					t.Errorf("the second time makes of %v %v", first, got)
				}
			}
			want := fmt.Sprintf("%d:1 %d:2", at, at+1000)
			if got := slices.Collect(maps.Values(first)); len(got) != 1 || got[0] != want {
				t.Errorf("%v is stored, want %s", first, want)
			}
		})
	}
}
