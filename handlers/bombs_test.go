package handlers

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
	"google.golang.org/protobuf/encoding/protowire"
)

// A bomb is a body that would be large once unpacked or taken apart, and small or cheap to send.
type bomb struct {
	name, path  string
	contentType string
	coding      string
	body        string
}

func bombs(t *testing.T) (list []bomb) {
	t.Helper()
	const most = 8 << 20 // bytes of a body, as sent and as decoded
	const push, write, otlp, lists = "/api/push", "/api/v1/write", "/v1/metrics", "/collectd"
	const listed = 512 << 10 // bytes of collectd's
	snap := func(plain []byte) string { return string(s2.EncodeSnappy(nil, plain)) }
	zeros := strings.Repeat("0", 32<<20)
	list = append(list,
		bomb{"gzip", push, textPlain, "gzip", gzipped(t, zeros)},
		bomb{"zstd", push, textPlain, "zstd", zstandard(t, zeros)},
		bomb{"zstd of 8 MiB and a byte", otlp, otlpProto, "zstd", zstandard(t, zeros[:most+1])},
		bomb{"snappy that lies", write, writeV1, "snappy", string(protowire.AppendVarint(nil, 1<<32-1)) + "\x00a"},
		bomb{"snappy that says 8 MiB", write, writeV1, "snappy", string(protowire.AppendVarint(nil, most)) + "\x00a"},
		bomb{"snappy", write, writeV1, "snappy", snap([]byte(zeros[:most+1]))},
		bomb{"deep JSON", push, jsonType, "gzip", gzipped(t, strings.Repeat("[", most))},
		bomb{"deep JSON of OTLP", otlp, otlpJSON, "gzip", gzipped(t, `{"resourceMetrics":`+strings.Repeat("[", most-100))},
		bomb{"deep members", otlp, otlpJSON, "gzip", gzipped(t, strings.Repeat(`{"a":`, most/5))},
		bomb{"a list of nothing", otlp, otlpJSON, "gzip", gzipped(t, `{"resourceMetrics":[`+strings.Repeat("{},", most/3-10)+"{}]}")},
		bomb{"deep protobuf", otlp, otlpProto, "gzip", gzipped(t, string(deep(most)))},
	)
	again := func(before, part, after string) string {
		return gzipped(t, before+strings.Repeat(part, (most-len(before)-len(after))/len(part))+after)
	}
	var helped, named strings.Builder
	for i := 0; helped.Len() < most-100; i++ {
		fmt.Fprintf(&helped, "# HELP a%d b\n", i)
		fmt.Fprintf(&named, "a%d 1\n", i)
	}
	helped.WriteString("broken\n")
	for _, b := range []bomb{
		{"lines", push, textPlain, "", again("", "a 1\n", "")},
		{"JSON samples", push, jsonType, "", again(`{"samples":[`, `{"name":"a","value":1},`, `{}]}`)},
		{"JSON of nothing", push, jsonType, "", again(`{"samples":[`, `{},`, `{}]}`)},
		{"JSON labels", push, jsonType, "", again(`{"samples":[{"name":"a","value":1,"labels":{`, `"a":"",`, `"b":""}}]}`)},
		{"InfluxDB lines", "/write", textPlain, "", again("", "a a=1\n", "")},
		{"InfluxDB fields", "/api/v2/write", textPlain, "", again("a ", "a=1,", "b=1\n")},
		{"metrics of a job", "/metrics/job/a", textPlain, "", gzipped(t, named.String())},
		{"words about metrics", "/metrics/job/a", textPlain, "", gzipped(t, helped.String())},
		{"items", "/widgets/a", jsonType, "", again(`{"items":[`, `{},`, `{}]}`)},
		{"points", "/widgets/a", jsonType, "", again(`{"points":[`, `{"x":1,"y":1},`, `{}]}`)},
		{"a list of lists", "/hooks/a", jsonType, "", again(`[`, `[],`, `[]]`)},
		{"an object of objects", "/hooks/a", jsonType, "", again(`[`, `{"a":{}},`, `[]]`)},
	} {
		b.coding = "gzip"
		list = append(list, b)
	}
	for _, number := range []protowire.Number{1, 2, 3, 4, 5, 7} {
		empty := bytes.Repeat(message(nil, number, nil), most/2)
		list = append(list, bomb{fmt.Sprintf("empty messages in field %d", number), write, writeV1, "snappy", snap(empty)},
			bomb{fmt.Sprintf("empty messages in field %d of 2.0", number), write, writeV2, "snappy", snap(empty)},
			bomb{fmt.Sprintf("a message of empty messages in field %d", number), write, writeV1, "snappy", snap(message(nil, 1, empty[:most-16]))},
			bomb{fmt.Sprintf("a message of empty messages in field %d of 2.0", number), write, writeV2, "snappy", snap(message(nil, 5, empty[:most-16]))},
			bomb{fmt.Sprintf("empty messages in field %d of OTLP", number), otlp, otlpProto, "snappy", snap(empty)},
			bomb{fmt.Sprintf("a metric of empty messages in field %d", number), otlp, otlpProto, "snappy", snap(message(nil, 1, message(nil, 2, message(nil, 2, message(nil, number, empty[:most-64])))))},
			bomb{fmt.Sprintf("a point of empty messages in field %d", number), otlp, otlpProto, "snappy", snap(message(nil, 1, message(nil, 2, message(nil, 2, message(nil, 5, message(nil, 1, empty[:most-64]))))))},
		)
	}
	return append(list,
		bomb{"deep JSON of collectd", lists, jsonType, "gzip", gzipped(t, strings.Repeat("[", listed))},
		bomb{"a list of nothing of collectd", lists, jsonType, "gzip", gzipped(t, "["+strings.Repeat("{},", listed/3-1)+"{}]")},
		bomb{"a long name of collectd", lists, jsonType, "gzip", gzipped(t, `[{"plugin":"`+zeros[:listed-100]+`"}]`)},
		bomb{"long names of collectd", lists, jsonType, "gzip", gzipped(t, `[{"plugin":"`+zeros[:listed/2]+`","type":"`+zeros[:listed/2-100]+`","values":[1],"dstypes":[""],"dsnames":[""]}]`)},
		bomb{"many values of collectd", lists, jsonType, "gzip", gzipped(t, `[{"plugin":"p","values":[1`+strings.Repeat(",1", listed/9-1000)+`],"dsnames":[`+strings.Repeat(`"",`, listed/9-1000)+`"`+zeros[:5000]+`"],"dstypes":[""`+strings.Repeat(`,""`, listed/9-1000)+`]}]`)},
	)
}

// deep is as many messages in each other as fit.
func deep(most int) (m []byte) {
	for len(m) < 64<<10 {
		m = message(nil, 1, m)
	}
	return bytes.Repeat(m, most/len(m))
}

// heapPeak returns by how many bytes the server's heap is larger at most while do runs.
func (s *site) heapPeak(t *testing.T, do func()) int {
	t.Helper()
	inUse := func() int { return int(s.gauge(t, "go_memstats_heap_inuse_bytes")) }
	before := inUse()
	peak, done := before, make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	for {
		select {
		case <-done:
			return max(peak, inUse()) - before
		default:
			peak = max(peak, inUse())
		}
	}
}

// The collector runs early here: what is measured is what must be there, not what lies about until it comes.
func TestBombsTakeNoMemory(t *testing.T) {
	const most = 16 << 20
	s := newSite(t, "collectors: []\nwebhooks: {a: {metrics: [{name: a, value: /a}]}}\n", "GOGC=10")
	before := s.gauge(t, "liveboard_series")
	for _, b := range bombs(t) {
		var a answer
		grown := s.heapPeak(t, func() {
			a = do(t, "POST", s.URL+b.path, b.body, "Content-Type", b.contentType, "Content-Encoding", b.coding)
		})
		if grown > most {
			t.Errorf("%s: the heap grew by %d KiB, want at most %d", b.name, grown>>10, most>>10)
		}
		if a.StatusCode >= 500 {
			t.Errorf("%s: got %d %s", b.name, a.StatusCode, a.body)
		}
	}
	if after := s.gauge(t, "liveboard_series"); after != before {
		t.Errorf("%v series became %v, want nothing stored", before, after)
	}
}
