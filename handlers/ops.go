package handlers

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"liveboard/assets"
	"liveboard/metrics"
	"liveboard/views/press"
)

// healthz says that the process answers, no more.
func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n"))
}

// readyWithin bounds a readiness check.
const readyWithin = 3 * time.Second

// readyz runs every check: 200 when all hold, else 503. What failed stands in the answer; why, in the log.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
	defer cancel()
	status, results := http.StatusOK, map[string]string{}
	for _, c := range s.Checks {
		results[c.Name] = "ok"
		if err := c.Run(ctx); err != nil {
			slog.Warn("not ready", "check", c.Name, "error", err)
			status, results[c.Name] = http.StatusServiceUnavailable, "failed"
		}
	}
	if s.stopping.Err() != nil {
		status, results["server"] = http.StatusServiceUnavailable, "stopping"
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	setRetryAfter(w, status)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(results)
}

// asset serves a file whose URL changes with its content.
func asset(w http.ResponseWriter, r *http.Request) {
	a, ok := assets.Get(r.URL.Path)
	if !ok {
		fail(w, r, metrics.Errorf(metrics.NotFound, "There is no such file in this release. Load the page again."))
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.Type)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // embeds on other sites load them too
	body := a.Plain
	if a.Gzip != nil && acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = a.Gzip
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// sendBuckets are the upper bounds of the times from an event to its sending, in seconds.
var sendBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .15, .25, .5, 1, 2.5}

// register adds the server's own numbers to the registry.
func (s *Server) register() {
	s.Registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "liveboard_streams", Help: "Event streams that are open.",
		}, func() float64 { return float64(s.streams.count()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "liveboard_streams_behind", Help: "Event streams whose clients take nothing at the moment.",
		}, func() float64 { return float64(s.fan.Behind()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "liveboard_streams_refused_total", Help: "Event streams that a limit forbade.",
		}, func() float64 { return float64(s.streams.refused.Load()) }),
		viewers{s.Press},
		s.intake,
		Histogram("liveboard_send_seconds", "Time from a change in memory to its sending, by delivery.", s.sent.Snapshot),
	)
}

// viewers presents who looks at what to Prometheus.
type viewers struct{ press *press.Press }

var viewersDesc = prometheus.NewDesc("liveboard_viewers", "Those who look at a dashboard or a leaderboard, by stream or by polls.", []string{"kind", "name"}, nil)

func (v viewers) Describe(ch chan<- *prometheus.Desc) { ch <- viewersDesc }

func (v viewers) Collect(ch chan<- prometheus.Metric) {
	counts := v.press.Viewers()
	tell := func(kind, name, subject string) {
		ch <- prometheus.MustNewConstMetric(viewersDesc, prometheus.GaugeValue, float64(counts[subject]), kind, name)
	}
	board, _ := v.press.Board()
	for _, d := range board.Dashboards {
		tell("dashboard", d.Name, d.Name)
	}
	for _, b := range board.Leaderboards {
		tell("leaderboard", b.Name, "b/"+b.Name)
	}
}

// Histogram presents one of our histograms to Prometheus.
func Histogram(name, help string, snapshot func() metrics.HistogramSnapshot) prometheus.Collector {
	return histogram{prometheus.NewDesc(name, help, nil, nil), snapshot}
}

type histogram struct {
	desc     *prometheus.Desc
	snapshot func() metrics.HistogramSnapshot
}

func (h histogram) Describe(ch chan<- *prometheus.Desc) { ch <- h.desc }

func (h histogram) Collect(ch chan<- prometheus.Metric) {
	s := h.snapshot()
	buckets := make(map[float64]uint64, len(s.Bounds))
	for i, bound := range s.Bounds {
		buckets[bound] = s.Cumulative[i]
	}
	ch <- prometheus.MustNewConstHistogram(h.desc, s.Count, s.Sum, buckets)
}
