package collect

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"liveboard/metrics"
)

const (
	asText = `# TYPE asks_total counter
asks_total{path="/"} 3
# TYPE wait_seconds histogram
wait_seconds_bucket{le="1"} 1
wait_seconds_bucket{le="+Inf"} 2
wait_seconds_sum 7.5
wait_seconds_count 2
# TYPE size_bytes summary
size_bytes{quantile="1"} 4
size_bytes_sum 4
size_bytes_count 1
`
	asOpenMetrics = `# HELP asks How many.
# TYPE asks counter
asks_total{path="/"} 3 # {trace_id="abc"} 1 1700000000.0
asks_created{path="/"} 1.7e+09
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
wait_seconds_bucket{le="1.0"} 1 # {trace_id="def"} 0.5
wait_seconds_bucket{le="+Inf"} 2
wait_seconds_sum 7.5
wait_seconds_count 2
wait_seconds_created 1.7e+09
# TYPE size_bytes summary
size_bytes{quantile="1.0"} 4
size_bytes_sum 4
size_bytes_count 1
# EOF
`
)

func TestFormatsOfATargetReadTheSame(t *testing.T) {
	labels := `instance="H",job="j"`
	want := map[string]float64{
		"asks_total{" + labels + `,path="/"}`:           3,
		"wait_seconds_bucket{" + labels + `,le="1.0"}`:  1,
		"wait_seconds_bucket{" + labels + `,le="+Inf"}`: 2,
		"wait_seconds_sum{" + labels + "}":              7.5,
		"wait_seconds_count{" + labels + "}":            2,
		"size_bytes{" + labels + `,quantile="1.0"}`:     4,
		"size_bytes_sum{" + labels + "}":                4,
		"size_bytes_count{" + labels + "}":              1,
	}
	for contentType, text := range map[string]string{
		"text/plain; version=0.0.4; charset=utf-8": asText,
		"application/octet-stream":                 asText,
		"; what":                                   asText,
		"application/openmetrics-text; version=1.0.0; charset=utf-8": asOpenMetrics,
		"application/openmetrics-text; version=0.0.1":                asOpenMetrics,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			fmt.Fprint(w, text)
		}))
		t.Cleanup(server.Close)
		got := hidden(scrapedAs(t, metrics.ScrapeConfig{}, server.URL), strings.TrimPrefix(server.URL, "http://"))
		for series := range got {
			if strings.HasPrefix(series, "scrape_") || strings.HasPrefix(series, "up{") {
				delete(got, series)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: want -, got +:\n%s", contentType, diff)
		}
	}
}

func TestScrapeOfAPromhttpTargetReadsAsItsRegistry(t *testing.T) {
	r, now := registry(), time.Now()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "traced_total", Help: "h"})
	r.MustRegister(counter)
	counter.(prometheus.ExemplarAdder).AddWithExemplar(2, prometheus.Labels{"trace_id": "abc"})
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	direct := &harvest{at: now.UnixMilli()}
	direct.families(families, now)
	var asked http.Header
	for name, opts := range map[string]promhttp.HandlerOpts{
		"text":        {},
		"OpenMetrics": {EnableOpenMetrics: true, EnableOpenMetricsTextCreatedSamples: true},
	} {
		handler := promhttp.HandlerFor(r, opts)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handler.ServeHTTP(w, r)
			asked = w.Header()
		}))
		t.Cleanup(server.Close)
		drop := rule("labeldrop", func(r *metrics.RelabelRule) { r.Regex = "job|instance" })
		got := scrapedAs(t, metrics.ScrapeConfig{Relabel: []metrics.RelabelRule{drop}}, server.URL)
		for series := range got {
			if strings.Contains(series, `job="j"`) {
				delete(got, series)
			}
		}
		if diff := cmp.Diff(values(direct.samples), got, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s: registry -, scraped +:\n%s", name, diff)
		}
		if open := strings.HasPrefix(asked.Get("Content-Type"), openMetrics); open != opts.EnableOpenMetrics || asked.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: the target answered with %v", name, asked)
		}
	}
}

func TestOpenMetricsTimestampsAreSeconds(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_500)
	e := exposing(now, metrics.ScrapeConfig{})
	if err := e.read([]byte("x 1 1700000000.25\n# EOF\n"), openMetrics); err != nil {
		t.Fatal(err)
	}
	if len(e.samples) != 1 || e.samples[0].At != 1_700_000_000_250 {
		t.Errorf("got %v, want one sample at 1700000000250", e.samples)
	}
}

func TestOpenMetricsCutShortIsRefused(t *testing.T) {
	e := exposing(time.Now(), metrics.ScrapeConfig{})
	if err := e.read([]byte("x 1\n"), openMetrics+"; version=1.0.0"); err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Errorf("got %v, want that # EOF is missing", err)
	}
}

func BenchmarkExposition(b *testing.B) {
	var text strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&text, "asks_total{path=\"/a/long/path/%d\",code=\"200\",method=\"GET\"} %d\n", i, i)
	}
	common := []metrics.Label{{Name: "job", Value: "j"}, {Name: "instance", Value: "a.example:9100"}}
	for name, rules := range map[string][]metrics.RelabelRule{"plain": nil, "relabelled": {keepAll}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				e := exposing(time.Now(), metrics.ScrapeConfig{Relabel: rules})
				e.common = common
				if err := e.read([]byte(text.String()), "text/plain"); err != nil || len(e.samples) != 10_000 {
					b.Fatal(err, len(e.samples))
				}
			}
		})
	}
}
