package collect

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"liveboard/metrics"
)

// registry holds one metric of each type.
func registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "asks_total", Help: "h"}, []string{"path"})
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "streams", Help: "h"})
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "print_seconds", Help: "h", Buckets: []float64{0.001, 1, 2.5}})
	summary := prometheus.NewSummary(prometheus.SummaryOpts{Name: "size_bytes", Help: "h", Objectives: map[float64]float64{0.5: 0.05}})
	empty := prometheus.NewSummary(prometheus.SummaryOpts{Name: "empty_bytes", Help: "h", Objectives: map[float64]float64{0.5: 0.05}})
	r.MustRegister(counter, gauge, histogram, summary, empty)
	counter.WithLabelValues("/").Add(3)
	counter.WithLabelValues("/d").Add(4)
	gauge.Set(-2.5)
	for _, v := range []float64{0, 0.5, 2, 9} {
		histogram.Observe(v)
	}
	summary.Observe(100)
	return r
}

func TestSelfReadsEveryTypeOfMetric(t *testing.T) {
	deps := quiet()
	deps.Gatherer = registry()
	got := collected(t, open(t, metrics.CollectorConfig{Kind: "self"}, deps), time.Now())
	want := map[string]float64{
		`asks_total{path="/"}`:             3,
		`asks_total{path="/d"}`:            4,
		`streams`:                          -2.5,
		`print_seconds_bucket{le="0.001"}`: 1,
		`print_seconds_bucket{le="1.0"}`:   2,
		`print_seconds_bucket{le="2.5"}`:   3,
		`print_seconds_bucket{le="+Inf"}`:  4,
		`print_seconds_count`:              4,
		`print_seconds_sum`:                11.5,
		`size_bytes{quantile="0.5"}`:       100,
		`size_bytes_sum`:                   100,
		`size_bytes_count`:                 1,
		`empty_bytes{quantile="0.5"}`:      math.NaN(),
		`empty_bytes_sum`:                  0,
		`empty_bytes_count`:                0,
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func TestSelfAndItsTextFormAgree(t *testing.T) {
	r, now := registry(), time.Now()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			t.Fatal(err)
		}
	}
	direct, scraped := &harvest{at: now.UnixMilli()}, exposing(now, metrics.ScrapeConfig{})
	direct.families(families, now)
	if err := scraped.read(text.Bytes(), "text/plain; version=0.0.4"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(values(direct.samples), values(scraped.samples), cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("direct -, by text +:\n%s", diff)
	}
	if len(direct.samples) == 0 {
		t.Error("there are no samples")
	}
}

func TestSelfFailsWhereItsRegistryDoes(t *testing.T) {
	deps, broken := quiet(), errors.New("inconsistent")
	deps.Gatherer = prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return nil, broken })
	if _, err := open(t, metrics.CollectorConfig{Kind: "self"}, deps).Collect(t.Context(), time.Now()); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}
