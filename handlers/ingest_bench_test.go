package handlers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"

	"liveboard/handlers/ingest"
	"liveboard/metrics"
)

const (
	benchSeries  = 10_000 // a request
	benchSenders = 4      // each with series of its own
)

// BenchmarkIngest measures durable samples per second through HTTP, by 4 senders in this process. Its floors are the
// Recorder alone with the same samples, and the same requests to a handler that reads and drops them.
func BenchmarkIngest(b *testing.B) {
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(io.Discard, nil))) // the log is part of the work
	defer slog.SetDefault(before)
	drop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer drop.Close()
	b.Run("remote_write", func(b *testing.B) { benchmarkIngest(b, newRoomyWorld(b).URL, writtenBody) })
	b.Run("remote_write_dropped", func(b *testing.B) { benchmarkIngest(b, drop.URL, writtenBody) })
	b.Run("JSON", func(b *testing.B) { benchmarkIngest(b, newRoomyWorld(b).URL, jsonBody) })
	b.Run("JSON_dropped", func(b *testing.B) { benchmarkIngest(b, drop.URL, jsonBody) })
	b.Run("text", func(b *testing.B) { benchmarkIngest(b, newRoomyWorld(b).URL, textBody) })
	b.Run("text_dropped", func(b *testing.B) { benchmarkIngest(b, drop.URL, textBody) })
	b.Run("recorder", benchmarkRecorder)
}

// newRoomyWorld is newWorld for as many series as a server takes.
func newRoomyWorld(b *testing.B) *world {
	var roomy struct{ ingest.Recorder }
	w := newWorld(b, func(c *Config) { c.Recorder = &roomy })
	var arrivals metrics.Arrivals
	recorder := metrics.NewRecorder(metrics.RecorderConfig{
		Log: w.store, Applier: w.store.Head(),
		Arrived: func(a []metrics.Arrival) { arrivals.Add(a...) },
	})
	roomy.Recorder = recorder
	b.Cleanup(func() {
		recorder.Close()
		w.close()
	})
	return w
}

// bench is a sender.
type bench struct {
	series   []metrics.Series
	values   []float64
	at       int64 // Unix ms
	template []byte
	ends     []int    // of the samples in template
	heads    [][]byte // of pushed samples
	body     []byte
	packed   []byte
}

func newBench(b *testing.B, sender int) *bench {
	s := &bench{at: time.Now().Add(-metrics.MaxPast + 24*time.Hour).UnixMilli(), values: make([]float64, benchSeries)}
	for i := range benchSeries {
		labels := []metrics.Label{
			{Name: "cpu", Value: strconv.Itoa(i / 8 % 16)}, {Name: "instance", Value: fmt.Sprintf("web-%d-%d.example.com:9100", sender, i/128)},
			{Name: "job", Value: "node"}, {Name: "mode", Value: []string{"idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"}[i%8]},
			{Name: "region", Value: "eu-north-1"},
		}
		series, err := metrics.NewSeries("node_cpu_seconds_total", labels...)
		if err != nil {
			b.Fatal(err)
		}
		s.series = append(s.series, series)
		s.template = append(s.template, requestV1(sent{labels: series.Labels(), points: []metrics.Point{{At: s.at, Value: 1}}})...)
		s.ends = append(s.ends, len(s.template))
	}
	return s
}

// tick lets a second pass: a half of the series stand still, the others count on.
func (s *bench) tick() {
	s.at += 1000
	for i := range s.values {
		if i%2 == 0 {
			s.values[i] += float64(rand.IntN(1000)) / 100
		}
	}
}

// writtenBody makes a body of remote write 1.0. A sample ends its series, and they all have the same length.
func writtenBody(s *bench) (body []byte, header http.Header) {
	var m []byte
	for i, end := range s.ends {
		m = sample(m[:0], metrics.Point{At: s.at, Value: s.values[i]})
		copy(s.template[end-len(m):], m)
	}
	s.packed = s2.EncodeSnappy(s.packed[:cap(s.packed)], s.template)
	return s.packed, http.Header{"Content-Type": {"application/x-protobuf"}, "Content-Encoding": {"snappy"}}
}

func jsonBody(s *bench) (body []byte, header http.Header) {
	return s.pushed(`{"samples":[`, `"value":`, `,"at":`, `},`, "]}"), http.Header{"Content-Type": {jsonType}}
}

func textBody(s *bench) (body []byte, header http.Header) {
	return s.pushed("", "", " ", "\n", ""), http.Header{"Content-Type": {textPlain}}
}

// pushed makes a body of the heads of the samples and what stands around them. Of the last sample's end one byte is left out.
func (s *bench) pushed(begin, value, at, end, finish string) []byte {
	if s.heads == nil {
		s.heads = make([][]byte, len(s.series))
		for i, series := range s.series {
			s.heads[i] = headOf(series, value != "")
		}
	}
	body := append(s.body[:0], begin...)
	for i, head := range s.heads {
		body = append(append(body, head...), value...)
		body = append(strconv.AppendFloat(body, s.values[i], 'f', -1, 64), at...)
		body = append(strconv.AppendInt(body, s.at, 10), end...)
	}
	s.body = append(body[:len(body)-1], finish...)
	return s.body
}

// headOf is what stands before a sample's value.
func headOf(series metrics.Series, inJSON bool) []byte {
	if !inJSON {
		return append(metrics.AppendSeries(nil, series), ' ')
	}
	head := fmt.Appendf(nil, `{"name":%q,"labels":{`, series.Name())
	for k, l := range series.Labels()[1:] {
		head = fmt.Appendf(head, "%s%q:%q", []string{"", ","}[min(k, 1)], l.Name, l.Value)
	}
	return append(head, "},"...)
}

// benchmarkIngest has the senders send b.N requests.
func benchmarkIngest(b *testing.B, url string, body func(*bench) ([]byte, http.Header)) {
	path := "/api/push"
	if _, header := body(newBench(b, 0)); header.Get("Content-Encoding") == "snappy" {
		path = "/api/v1/write"
	}
	benchmarkSenders(b, sendTo(b, url+path, body))
}

// sendTo returns what sends a sender's next body to url.
func sendTo(b *testing.B, url string, body func(*bench) ([]byte, http.Header)) func(*bench) error {
	return func(s *bench) error {
		sent, header := body(s)
		r, err := http.NewRequestWithContext(b.Context(), "POST", url, bytes.NewReader(sent))
		if err != nil {
			return err
		}
		r.Header = header
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusNoContent {
			return fmt.Errorf("got %d %s, want 204", resp.StatusCode, text)
		}
		return nil
	}
}

func benchmarkRecorder(b *testing.B) {
	store := openStore(b, b.TempDir()+"/x.db")
	defer store.Close()
	recorder := metrics.NewRecorder(metrics.RecorderConfig{Log: store, Applier: store.Head()})
	defer recorder.Close()
	benchmarkSenders(b, func(s *bench) error {
		batch := metrics.Batch{Samples: make([]metrics.Sample, len(s.series))}
		for i, series := range s.series {
			batch.Samples[i] = metrics.Sample{Series: series, At: s.at, Value: s.values[i]}
		}
		return recorder.Record(context.Background(), batch)
	})
}

// benchmarkSenders has each sender make its series known, and then all send b.N requests together.
func benchmarkSenders(b *testing.B, send func(*bench) error) {
	b.ReportAllocs()
	senders := make([]*bench, benchSenders)
	for i := range senders {
		senders[i] = newBench(b, i)
		if err := send(senders[i]); err != nil {
			b.Fatal(err)
		}
	}
	before := mustCPU(b)
	b.ResetTimer()
	var wg sync.WaitGroup
	for i, s := range senders {
		share := (b.N + benchSenders - 1 - i) / benchSenders
		wg.Go(func() {
			for range share {
				s.tick()
				if err := send(s); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N*benchSeries)/b.Elapsed().Seconds(), "samples/s")
	b.ReportMetric((mustCPU(b)-before)*1e9/float64(b.N*benchSeries), "cpu-ns/sample")
}

// mustCPU returns the seconds that this process has used, the senders among it.
func mustCPU(b *testing.B) float64 {
	used, err := usedCPU(fanOrder{})
	if err != nil {
		b.Fatal(err)
	}
	return used.CPU
}
