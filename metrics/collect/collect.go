// Package collect gathers samples on a clock: from this machine, its processes, this
// server, web pages and Prometheus targets. One file is one kind of collector, and one
// Runner runs them all. A kind enters the private registry in its file's init, so
// deleting the file deletes the kind.
package collect

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"liveboard/metrics"
)

// The limits of what a board file may ask of a collector.
const (
	minInterval  = time.Second
	maxInterval  = time.Hour
	maxTimeout   = 5 * time.Second // by default; half the interval where that is shorter
	maxNameBytes = 100
)

// Collector reads one source. Collect returns the samples at the instant now; their
// slice belongs to the caller. It is never called twice at once, and must return soon
// after ctx ends. An error means that nothing is known: the samples beside it are ignored,
// and those of a downError taken.
// A source that can be down while its collector works says so in its samples.
type Collector interface {
	Collect(ctx context.Context, now time.Time) ([]metrics.Sample, error)
}

// Deps is what collectors need from outside.
type Deps struct {
	Log      *slog.Logger
	Gatherer prometheus.Gatherer // what kind self reads; required by that kind only
	RootCAs  *x509.CertPool      // whom http and scrape trust; nil means whom the system trusts
	Catalog  *metrics.Catalog    // learns what scrape and self read of types and help; may be nil
}

// kind is one sort of collector.
type kind struct {
	interval time.Duration // by default
	top      int           // by default; 0 where the kind takes no Top
	maxTop   int
	targets  func(urls []string) error // checks them; nil where the kind takes none
	scrapes  bool                      // reads Prometheus targets
	open     func(cfg metrics.CollectorConfig, deps Deps) Collector
}

var kinds = map[string]kind{}

func register(name string, k kind) { kinds[name] = k }

// Kinds returns the names of all kinds of collectors, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// Defaults returns cfg with every zero field that its kind has a default for filled in:
// the name is the kind, the timeout half the interval and at most 5 s.
func Defaults(cfg metrics.CollectorConfig) metrics.CollectorConfig {
	k := kinds[cfg.Kind]
	if cfg.Name == "" {
		cfg.Name = cfg.Kind
	}
	if cfg.Interval == 0 {
		cfg.Interval = k.interval
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = min(cfg.Interval/2, maxTimeout)
	}
	if cfg.Top == 0 {
		cfg.Top = k.top
	}
	return cfg
}

// Check returns nil where the configs, defaults filled in, can run beside each other,
// or an error of kind Invalid that names the collector and what is wrong with it.
func Check(configs ...metrics.CollectorConfig) error {
	names, single := map[string]bool{}, map[string]bool{}
	for _, cfg := range configs {
		if err := check(cfg); err != nil {
			return metrics.Errorf(metrics.Invalid, "collector %q: %w", cfg.Name, err)
		}
		if names[cfg.Name] {
			return metrics.Errorf(metrics.Invalid, "collector %q: there are two of that name", cfg.Name)
		}
		// Without targets nothing tells the series of two such collectors apart.
		if single[cfg.Kind] && kinds[cfg.Kind].targets == nil {
			return metrics.Errorf(metrics.Invalid, "collector %q: there is another one of kind %s, one is enough", cfg.Name, cfg.Kind)
		}
		names[cfg.Name], single[cfg.Kind] = true, true
	}
	return nil
}

func check(cfg metrics.CollectorConfig) error {
	k, known := kinds[cfg.Kind]
	switch {
	case !known:
		return fmt.Errorf("the kind %q is unknown; there are %q", cfg.Kind, Kinds())
	case cfg.Name == "" || len(cfg.Name) > maxNameBytes:
		return fmt.Errorf("the name has %d bytes; it must have between 1 and %d", len(cfg.Name), maxNameBytes)
	case cfg.Interval < minInterval || cfg.Interval > maxInterval:
		return fmt.Errorf("the interval is %s; it must be between %s and %s", cfg.Interval, minInterval, maxInterval)
	case cfg.Timeout <= 0 || cfg.Timeout > cfg.Interval:
		return fmt.Errorf("the timeout is %s; it must be above 0 and not above the interval, %s", cfg.Timeout, cfg.Interval)
	case k.top == 0 && cfg.Top != 0:
		return fmt.Errorf("the kind %s takes no top", cfg.Kind)
	case k.top != 0 && (cfg.Top < 1 || cfg.Top > k.maxTop):
		return fmt.Errorf("top is %d; it must be between 1 and %d", cfg.Top, k.maxTop)
	case k.targets == nil && len(cfg.Targets) > 0:
		return fmt.Errorf("the kind %s takes no targets", cfg.Kind)
	case k.targets == nil && cfg.Access != metrics.Access{}:
		return fmt.Errorf("the kind %s asks nobody, it takes no authentication and no tls", cfg.Kind)
	case !k.scrapes && !reflect.DeepEqual(cfg.Scrape, metrics.ScrapeConfig{}):
		return fmt.Errorf("the kind %s scrapes nothing, it takes no labels, honor-labels, honor-timestamps, metric-relabel and sample-limit", cfg.Kind)
	}
	if err := metrics.CheckText(cfg.Name); err != nil {
		return fmt.Errorf("the name: %w", err)
	}
	if k.targets == nil {
		return nil
	}
	if err := checkAccess(cfg.Access); err != nil {
		return err
	}
	if err := checkScrape(cfg.Scrape); err != nil {
		return err
	}
	return k.targets(cfg.Targets)
}
