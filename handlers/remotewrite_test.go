package handlers

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"google.golang.org/protobuf/encoding/protowire"

	"liveboard/metrics"
)

// sent is a series as a sender of remote write has it.
type sent struct {
	labels     []metrics.Label
	points     []metrics.Point
	histograms int
}

// message appends a field that holds a message.
func message(b []byte, number protowire.Number, inner []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), inner)
}

// sample appends the message of a sample, which is the same in 1.0 and 2.0.
func sample(m []byte, p metrics.Point) []byte {
	m = protowire.AppendFixed64(protowire.AppendTag(m, 1, protowire.Fixed64Type), math.Float64bits(p.Value))
	return protowire.AppendVarint(protowire.AppendTag(m, 2, protowire.VarintType), uint64(p.At))
}

// requestV1 is a prometheus.WriteRequest.
func requestV1(list ...sent) (request []byte) {
	for _, s := range list {
		var series []byte
		for _, l := range s.labels {
			series = message(series, 1, message(message(nil, 1, []byte(l.Name)), 2, []byte(l.Value)))
		}
		for _, p := range s.points {
			series = message(series, 2, sample(nil, p))
		}
		for range s.histograms {
			series = message(series, 4, nil)
		}
		request = message(request, 1, series)
	}
	return request
}

// requestV2 is an io.prometheus.write.v2.Request.
func requestV2(list ...sent) (request []byte) {
	refs := map[string]uint64{"": 0}
	symbols := message(nil, 4, nil)
	ref := func(text string) uint64 {
		if _, ok := refs[text]; !ok {
			refs[text] = uint64(len(refs))
			symbols = message(symbols, 4, []byte(text))
		}
		return refs[text]
	}
	for _, s := range list {
		var series, labels []byte
		for _, l := range s.labels {
			labels = protowire.AppendVarint(protowire.AppendVarint(labels, ref(l.Name)), ref(l.Value))
		}
		series = message(series, 1, labels)
		for _, p := range s.points {
			series = message(series, 2, sample(nil, p))
		}
		for range s.histograms {
			series = message(series, 3, nil)
		}
		request = message(request, 5, series)
	}
	return append(symbols, request...)
}

const (
	writeV1 = "application/x-protobuf"
	writeV2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"
)

// write sends a message by remote write.
func (w *world) write(contentType string, message []byte, headers ...string) answer {
	w.t.Helper()
	headers = append([]string{"Content-Type", contentType, "Content-Encoding", "snappy"}, headers...)
	return do(w.t, "POST", w.URL+"/api/v1/write", string(s2.EncodeSnappy(nil, message)), headers...)
}

func labelled(name string, pairs ...string) []metrics.Label {
	list := []metrics.Label{{Name: metrics.NameLabel, Value: name}}
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, metrics.Label{Name: pairs[i], Value: pairs[i+1]})
	}
	return list
}

// points returns what the store has of each series of a metric. NaNs are told by their bits.
func (w *world) points(name string) map[string]string {
	return w.matching(labels.MustNewMatcher(labels.MatchEqual, metrics.NameLabel, name))
}

func (w *world) matching(matcher *labels.Matcher) map[string]string {
	w.t.Helper()
	found, err := w.store.Head().Select(w.t.Context(), math.MinInt64, math.MaxInt64, matcher)
	if err != nil {
		w.t.Fatal(err)
	}
	points := map[string]string{}
	for _, s := range found {
		var text []string
		for it := s.Iterator(nil); it.Next() != chunkenc.ValNone; {
			at, value := it.At()
			text = append(text, fmt.Sprintf("%d:%s", at, spelt(value)))
		}
		points[inPromQL(s.Labels())] = strings.Join(text, " ")
	}
	return points
}

func inPromQL(ls labels.Labels) string {
	var list metrics.Labels
	ls.Range(func(l labels.Label) { list = append(list, metrics.Label{Name: l.Name, Value: l.Value}) })
	return list.String()
}

func spelt(value float64) string {
	if math.IsNaN(value) {
		return fmt.Sprintf("NaN %x", math.Float64bits(value))
	}
	return fmt.Sprint(value)
}

// forms are the messages of remote write, by their Content-Type.
var writeForms = map[string]func(...sent) []byte{writeV1: requestV1, writeV2: requestV2}

func TestRemoteWriteStoresEverySample(t *testing.T) {
	for contentType, request := range writeForms {
		w := newWorld(t, nil)
		at := time.Now().Add(-time.Minute).UnixMilli()
		body := request(
			sent{labels: labelled("up", "job", "node"), points: []metrics.Point{{At: at, Value: 1}, {At: at + 1000, Value: metrics.StaleMarker()}}},
			sent{labels: labelled("odd", "a", "NaN"), points: []metrics.Point{{At: at, Value: math.NaN()}}},
			sent{labels: labelled("odd", "a", "Inf"), points: []metrics.Point{{At: at, Value: math.Inf(1)}, {At: at + 1, Value: math.Inf(-1)}, {At: at + 2, Value: math.Copysign(0, -1)}}},
			sent{labels: []metrics.Label{{Name: "z", Value: "1"}, {Name: metrics.NameLabel, Value: "unsorted.name"}, {Name: "empty"}, {Name: "a.b", Value: "2"}}, points: []metrics.Point{{At: at, Value: 3}}},
		)
		for range 2 { // a sender that has not heard the answer tries again
			a := w.write(contentType, body)
			if a.StatusCode != http.StatusNoContent || a.body != "" {
				t.Fatalf("%s: got %d %s, want 204 and nothing", contentType, a.StatusCode, a.body)
			}
		}
		for name, want := range map[string]map[string]string{
			"up":            {`up{job="node"}`: fmt.Sprintf("%d:1 %d:NaN 7ff0000000000002", at, at+1000)},
			"odd":           {`odd{a="NaN"}`: fmt.Sprintf("%d:NaN %x", at, math.Float64bits(math.NaN())), `odd{a="Inf"}`: fmt.Sprintf("%d:+Inf %d:-Inf %d:-0", at, at+1, at+2)},
			"unsorted_name": {`unsorted_name{a_b="2",z="1"}`: fmt.Sprintf("%d:3", at)},
		} {
			if got := w.points(name); !maps.Equal(got, want) {
				t.Errorf("%s: got %v, want %v", contentType, got, want)
			}
		}
		if got := stored(w.store, "up"); len(got) != 0 {
			t.Errorf("%s: after its stale marker a query sees %v", contentType, got)
		}
	}
}

// What is wrong is told with 400, which is not sent again; all else is stored.
func TestRemoteWriteStoresWhatItCanOfARequest(t *testing.T) {
	now := time.Now().UnixMilli()
	one := []metrics.Point{{At: now, Value: 1}}
	for contentType, request := range writeForms {
		for _, c := range []struct {
			name   string
			bad    sent
			detail string
		}{
			{"too old", sent{labels: labelled("bad"), points: []metrics.Point{{At: now - 8*24*3600_000}}}, "1 of 3 samples were refused, the first because: bad: the time is more than 7 days ago"},
			{"ahead", sent{labels: labelled("bad"), points: []metrics.Point{{At: now + 3600_000}}}, "more than 10 minutes ahead"},
			{"no name", sent{labels: labelled("bad")[1:], points: one}, "a metric name is missing"},
			{"name twice", sent{labels: append(labelled("bad"), labelled("worse")...), points: one}, `label "__name__": the label is there twice`},
			{"label twice", sent{labels: labelled("bad", "a", "1", "a", "2"), points: one}, `bad has the label "a" twice`},
			{"label without a name", sent{labels: labelled("bad", "", "1"), points: one}, "a label name is missing"},
			{"control character", sent{labels: labelled("bad", "a", "x\ry"), points: one}, "the character U+000D"},
			{"no UTF-8", sent{labels: labelled("bad", "a", "\xff"), points: one}, "invalid UTF-8"},
			{"long value", sent{labels: labelled("bad", "a", strings.Repeat("x", 1001)), points: one}, "at most"},
			{"native histogram", sent{labels: labelled("bad"), histograms: 1}, "native histograms are not stored"},
		} {
			t.Run(contentType+" "+c.name, func(t *testing.T) {
				w := newWorld(t, nil)
				body := request(sent{labels: labelled("good", "n", "1"), points: one}, c.bad, sent{labels: labelled("good", "n", "2"), points: one})
				a := w.write(contentType, body)
				wantProblem(t, a, http.StatusBadRequest, c.detail)
				if got := stored(w.store, `{__name__=~".+"}`); len(got) != 2 {
					t.Errorf("%v is stored, want the good two", got)
				}
				if want := map[bool]string{true: "2", false: ""}[contentType == writeV2]; a.Header.Get("X-Prometheus-Remote-Write-Samples-Written") != want {
					t.Errorf("the headers %v do not say that %q samples were written", a.Header, want)
				}
			})
		}
	}
}

func TestRemoteWriteBeyondTheSeriesLimitKeepsKnownSeriesGoing(t *testing.T) {
	w := newWorld(t, nil)
	now := time.Now().Add(-time.Second).UnixMilli()
	series := func(n int, value float64) (list []sent) {
		for i := range n {
			list = append(list, sent{labels: labelled("a", "n", strconv.Itoa(i)), points: []metrics.Point{{At: now + int64(value), Value: value}}})
		}
		return list
	}
	if a := w.write(writeV1, requestV1(series(10, 1)...)); a.StatusCode != http.StatusNoContent {
		t.Fatalf("got %d %s, want 204", a.StatusCode, a.body)
	}
	for value := 2.; value < 4; value++ {
		wantProblem(t, w.write(writeV2, requestV2(series(25, value)...)), http.StatusBadRequest, "5 of 25 samples were refused, the first because: new series beyond the limit of 20 series")
		if got := stored(w.store, fmt.Sprintf("count(a == %v)", value)); got[""] != 20 {
			t.Errorf("%v of the series go on, want 20", got[""])
		}
	}
}

func TestRemoteWriteTakesMoreThanABatch(t *testing.T) {
	w := newWorld(t, nil)
	from := time.Now().Add(-time.Hour).UnixMilli()
	s := sent{labels: labelled("a")}
	for i := range metrics.MaxBatchSamples*2 + 1 {
		s.points = append(s.points, metrics.Point{At: from + int64(i), Value: float64(i)})
	}
	a := w.write(writeV2, requestV2(s))
	if a.StatusCode != http.StatusNoContent || a.Header.Get("X-Prometheus-Remote-Write-Samples-Written") != strconv.Itoa(len(s.points)) {
		t.Fatalf("got %d %s and %v, want 204 and %d samples written", a.StatusCode, a.body, a.Header, len(s.points))
	}
	if got := stored(w.store, "count_over_time(a[2h])"); got["{}"] != float64(len(s.points)) && got[""] != float64(len(s.points)) {
		t.Errorf("%v are stored, want %d", got, len(s.points))
	}
}

func TestRemoteWriteRefusesWhatItCannotRead(t *testing.T) {
	w := newWorld(t, nil)
	good := requestV1(sent{labels: labelled("a", "b", "c"), points: []metrics.Point{{At: time.Now().UnixMilli()}}})
	good2 := requestV2(sent{labels: labelled("a", "b", "c"), points: []metrics.Point{{At: time.Now().UnixMilli()}}})
	wantProblem(t, w.write("application/json", good), http.StatusUnsupportedMediaType, "application/x-protobuf")
	wantProblem(t, w.write(writeV1+";proto=prometheus.WriteRequest3", good), http.StatusUnsupportedMediaType, "proto=io.prometheus.write.v2.Request")
	wantProblem(t, w.write(writeV1, good, "Content-Encoding", "lz4"), http.StatusUnsupportedMediaType, "lz4")
	for n := range len(good) - 1 {
		if a := w.write(writeV1, good[:n+1]); a.StatusCode != http.StatusBadRequest {
			t.Errorf("the first %d of %d bytes: got %d %s, want 400", n+1, len(good), a.StatusCode, a.body)
		}
	}
	wantProblem(t, w.write(writeV2, append(good2, message(nil, 5, message(nil, 1, []byte{0, 99}))...)), http.StatusBadRequest, "a label refers to symbol 99")
	wantProblem(t, do(t, "POST", w.URL+"/api/v1/write", "no snappy", "Content-Type", writeV1), http.StatusBadRequest, "The body is no snappy")
	big := string(protowire.AppendVarint(nil, 1<<31)) + "x"
	wantProblem(t, do(t, "POST", w.URL+"/api/v1/write", big, "Content-Type", writeV1, "Content-Encoding", "snappy"), http.StatusBadRequest, "8 MiB")
	if got := stored(w.store, `{__name__=~".+"}`); len(got) != 0 {
		t.Errorf("%v is stored, want nothing", got)
	}
}

func TestRemoteWriteTakesOldSendersAndVictoriaMetrics(t *testing.T) {
	w := newWorld(t, nil)
	request := func(name string) []byte {
		return requestV1(sent{labels: labelled(name), points: []metrics.Point{{At: time.Now().UnixMilli(), Value: 1}}})
	}
	for name, a := range map[string]answer{
		"old":     do(t, "POST", w.URL+"/api/v1/write", string(s2.EncodeSnappy(nil, request("old")))),
		"vmagent": do(t, "POST", w.URL+"/api/v1/write", zstandard(t, string(request("vmagent"))), "Content-Type", writeV1, "Content-Encoding", "zstd"),
		"empty":   w.write(writeV1, nil),
	} {
		if a.StatusCode != http.StatusNoContent {
			t.Errorf("%s: got %d %s, want 204", name, a.StatusCode, a.body)
		}
	}
	if got := stored(w.store, `{__name__=~".+"}`); len(got) != 2 {
		t.Errorf("%v is stored, want two samples", got)
	}
}

// A sender keeps what it is told 503 of, and brings it again.
func TestRemoteWriteIntoAStoreThatCannotWriteIsToComeAgain(t *testing.T) {
	w := newWorld(t, nil)
	w.breakStore()
	a := w.write(writeV2, requestV2(sent{labels: labelled("a"), points: []metrics.Point{{At: time.Now().UnixMilli()}}}))
	wantProblem(t, a, http.StatusServiceUnavailable, "could not be stored")
	if a.Header.Get("Retry-After") == "" || a.Header.Get("X-Prometheus-Remote-Write-Samples-Written") != "0" {
		t.Errorf("the headers %v do not say when to come again, and that nothing was written", a.Header)
	}
}

func TestRemoteWriteIsHeldToThePrefixOfItsToken(t *testing.T) {
	w := newWorld(t, nil)
	one := []metrics.Point{{At: time.Now().UnixMilli(), Value: 1}}
	body := requestV1(sent{labels: labelled("till_open"), points: one}, sent{labels: labelled("orders"), points: one})
	wantProblem(t, w.write(writeV1, body, bear(w.token("till", "ingest:till_"))...), http.StatusBadRequest, "may not bring orders")
	if got := stored(w.store, `{__name__=~".+"}`); len(got) != 1 || got["till_open"] != 1 {
		t.Errorf("%v is stored, want what the token may bring", got)
	}
	wantProblem(t, w.write(writeV1, body, elsewhere...), http.StatusUnauthorized, "token")
}
