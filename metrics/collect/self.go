package collect

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"liveboard/metrics"
)

func init() {
	register("self", kind{
		interval: time.Second,
		open: func(_ metrics.CollectorConfig, deps Deps) Collector {
			return self{deps.Gatherer, deps.Catalog}
		},
	})
}

// self reads this server's own registry, the one that /metrics shows, so the two never
// disagree. The names and labels are the registry's; histograms and summaries become the
// series that a Prometheus server would make of them.
type self struct {
	gatherer prometheus.Gatherer
	catalog  *metrics.Catalog
}

func (s self) Collect(_ context.Context, now time.Time) ([]metrics.Sample, error) {
	families, err := s.gatherer.Gather()
	if err != nil {
		return nil, fmt.Errorf("gather our own metrics: %w", err)
	}
	h := &harvest{at: now.UnixMilli()}
	h.families(families, now)
	h.tell(s.catalog)
	return h.samples, h.err
}
