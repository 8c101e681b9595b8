package handlers

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"liveboard/metrics"
)

// storageUsage presents what the database file holds.
type storageUsage struct {
	usage func(context.Context) (metrics.Usage, error)
}

var (
	storageBytes  = prometheus.NewDesc("liveboard_storage_bytes", "Size of the database file.", nil, nil)
	storageFree   = prometheus.NewDesc("liveboard_storage_free_bytes", "Of it, pages that hold nothing and are used again.", nil, nil)
	storageBudget = prometheus.NewDesc("liveboard_storage_budget_bytes", "What the file may hold, 0 for no limit.", nil, nil)
	tierRows      = prometheus.NewDesc("liveboard_storage_tier_rows", "Blocks of a tier of history.", []string{"tier"}, nil)
	tierBytes     = prometheus.NewDesc("liveboard_storage_tier_bytes", "Bytes in the blocks of a tier.", []string{"tier"}, nil)
	tierOldest    = prometheus.NewDesc("liveboard_storage_tier_oldest_seconds", "Unix time with which a tier begins.", []string{"tier"}, nil)
)

// Storage returns the collector of what usage tells.
func Storage(usage func(context.Context) (metrics.Usage, error)) prometheus.Collector {
	return storageUsage{usage}
}

// Describe sends every description.
func (s storageUsage) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{storageBytes, storageFree, storageBudget, tierRows, tierBytes, tierOldest} {
		to <- d
	}
}

// Collect sends what the file holds now. Tiers without anything are left out.
func (s storageUsage) Collect(to chan<- prometheus.Metric) {
	u, err := s.usage(context.Background())
	if err != nil {
		to <- prometheus.NewInvalidMetric(storageBytes, err)
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(storageBytes, float64(u.Bytes))
	gauge(storageFree, float64(u.Free))
	gauge(storageBudget, float64(u.Budget))
	for i, t := range u.Tiers {
		if t.Rows > 0 {
			gauge(tierRows, float64(t.Rows), metrics.Tiers[i])
			gauge(tierBytes, float64(t.Bytes), metrics.Tiers[i])
			gauge(tierOldest, float64(t.Oldest)/1000, metrics.Tiers[i])
		}
	}
}
