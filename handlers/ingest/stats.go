package ingest

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"liveboard/metrics"
)

// stats count what came in.
type stats struct {
	requests, samples, refused, skipped, dropped *prometheus.CounterVec
}

func newStats() stats {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return stats{
		requests: counter("liveboard_ingest_requests_total", "Requests that brought samples, by protocol and outcome.", "protocol", "outcome"),
		samples:  counter("liveboard_ingest_samples_total", "Samples made durable, by format.", "format"),
		refused:  counter("liveboard_ingest_refused_samples_total", "Samples left out of batches that were recorded in part, by format.", "format"),
		skipped:  counter("liveboard_ingest_skipped_total", "What is no number, such as texts and events, and was passed over, by format.", "format"),
		dropped:  counter("liveboard_ingest_dropped_total", "What came over a socket and was lost: samples, lines, or connections, by format and why.", "format", "why"),
	}
}

// Describe tells Prometheus what Collect tells.
func (i *Intake) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(i, ch) }

// Collect tells Prometheus what came in.
func (i *Intake) Collect(ch chan<- prometheus.Metric) {
	for _, c := range []prometheus.Collector{i.stats.requests, i.stats.samples, i.stats.refused, i.stats.skipped, i.stats.dropped} {
		c.Collect(ch)
	}
}

// outcomeOf names what became of a request.
func outcomeOf(err error) string {
	if partial := (*metrics.PartialError)(nil); errors.As(err, &partial) {
		return "partial"
	}
	switch metrics.KindOf(err) {
	case metrics.Unauthorized, metrics.Forbidden:
		return "forbidden"
	case metrics.TooMany:
		return "limited"
	case metrics.Unavailable:
		return "unavailable"
	case metrics.Internal:
		if err == nil {
			return "ok"
		}
		return "failed"
	}
	return "refused"
}
