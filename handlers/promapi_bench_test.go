package handlers

import (
	"fmt"
	"io"
	"net/http"
	"testing"
)

// BenchmarkPrometheusRange asks for 1,000 points of each of 100 series, as a large panel of Grafana does.
func BenchmarkPrometheusRange(b *testing.B) {
	w := newWorld(b, nil)
	w.keepHour(100)
	path := w.URL + "/api/v1/query_range?" + form("query", "load", "start", fmt.Sprint(noon.Unix()+600), "end", fmt.Sprint(noon.Unix()+3597), "step", "3")
	for _, coding := range []string{"identity", "gzip"} {
		b.Run(coding, func(b *testing.B) {
			b.ReportAllocs()
			var size int64
			for b.Loop() {
				size = fetchAll(b, path, coding)
			}
			b.ReportMetric(float64(size)/1000, "kB/answer")
		})
	}
}

// keepHour keeps an hour, from noon, of that many series.
func (w *world) keepHour(series int) {
	var hour []sampled
	for second := range 3600 {
		for host := range series {
			hour = append(hour, sampled{"load", label("host", fmt.Sprintf("host-%d", host)), float64(second), float64(second*host%97) / 7})
		}
	}
	for len(hour) > 0 {
		w.keep(hour[:20_000]...)
		hour = hour[20_000:]
	}
}

// fetchAll reads an answer to its end, and returns its size.
func fetchAll(b *testing.B, url, coding string) int64 {
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", coding)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("status %d, %v", resp.StatusCode, err)
	}
	return n
}
