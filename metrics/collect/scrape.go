package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/relabel"

	"liveboard/metrics"
)

// What one target may bring at once.
const (
	maxScrapeBytes   = 16 << 20
	maxScrapeSamples = 50_000
)

func init() {
	register("scrape", kind{
		interval: 10 * time.Second,
		targets:  func(urls []string) error { return checkTargets(urls, "instance", instance) },
		scrapes:  true,
		open: func(cfg metrics.CollectorConfig, deps Deps) Collector {
			return &scrape{cfg, deps, rules(cfg.Scrape.Relabel), newNotes(deps.Log, cfg.Name)}
		},
	})
}

// checkScrape refuses what cannot be done with samples. The errors begin with the key of the board file.
func checkScrape(c metrics.ScrapeConfig) error {
	if c.SampleLimit < 0 || c.SampleLimit > maxScrapeSamples {
		return fmt.Errorf("sample-limit: it is %d; it must be between 1 and %d", c.SampleLimit, maxScrapeSamples)
	}
	for _, l := range c.Labels {
		if l.Name == "job" || l.Name == "instance" {
			return fmt.Errorf("labels: %s is the collector's to say: the job is its name, the instance a target's host; metric-relabel can change either", l.Name)
		}
	}
	if _, err := metrics.NewSeries("up", c.Labels...); err != nil {
		return fmt.Errorf("labels: %w", err)
	}
	for i, rule := range c.Relabel {
		if err := CheckRelabel(rule); err != nil {
			return fmt.Errorf("metric-relabel: rule %d: %w", i+1, err)
		}
	}
	return nil
}

// scrape reads Prometheus targets in the text exposition format 0.0.4 and in OpenMetrics 1.0:
// https://prometheus.io/docs/instrumenting/exposition_formats/
//
// Each sample has the labels job, the collector's name, and instance, the URL's host and
// port, and those of the board file; a target's own label of such a name becomes exported_*
// unless labels are honoured. A target is taken whole or not at all: of one that sends a
// control character or invalid UTF-8 in a label, or more than the limits, half the series
// would look like all of them.
//
//	up                                     1 where the target was read, else 0
//	scrape_duration_seconds                how long that took
//	scrape_samples_scraped                 how many samples it told
//	scrape_samples_post_metric_relabeling  how many of them the rules left
type scrape struct {
	cfg   metrics.CollectorConfig
	deps  Deps
	rules []*relabel.Config
	notes *notes
}

// instance tells the targets of a job apart.
func instance(u *url.URL) string { return u.Host }

func (s *scrape) Collect(ctx context.Context, now time.Time) ([]metrics.Sample, error) {
	client, err := newClient(s.deps, s.cfg.Access)
	if err != nil {
		return nil, allDown(err, s.cfg.Targets, func(u *url.URL) []metrics.Sample { return s.sum(now, u, false, 0, exposition{}).samples })
	}
	return each(s.cfg.Targets, func(target string) ([]metrics.Sample, error) { return s.visit(ctx, client, now, target) })
}

func (s *scrape) visit(ctx context.Context, client client, now time.Time, target string) ([]metrics.Sample, error) {
	u, err := parseTarget(target)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	brought, err := s.read(ctx, client, now, target, s.labels(u))
	h := s.sum(now, u, err == nil, time.Since(start), brought)
	s.notes.note(shown(u), client.conceal(err))
	s.notes.note(shown(u)+" timestamps", outside(brought.outside))
	// Ours first: the first of a series counts, and a target may bring an up of its own.
	return append(h.samples, brought.samples...), h.err
}

// labels returns those that every sample of a target has.
func (s *scrape) labels(u *url.URL) []metrics.Label {
	return slices.Concat([]metrics.Label{{Name: "job", Value: s.cfg.Name}, {Name: "instance", Value: instance(u)}}, s.cfg.Scrape.Labels)
}

// sum returns what is to be said of a target that was read, or was not.
func (s *scrape) sum(now time.Time, u *url.URL, up bool, took time.Duration, brought exposition) *harvest {
	h := &harvest{at: now.UnixMilli(), common: s.labels(u)}
	h.add("up", truth(up))
	h.add("scrape_duration_seconds", took.Seconds())
	h.add("scrape_samples_scraped", float64(brought.told))
	h.add("scrape_samples_post_metric_relabeling", float64(len(brought.samples)))
	return h
}

// read returns what the target brings; nothing beside an error.
func (s *scrape) read(ctx context.Context, client client, now time.Time, target string, common []metrics.Label) (exposition, error) {
	resp, err := request(ctx, client, target, acceptExposition)
	if err != nil {
		return exposition{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return exposition{}, fmt.Errorf("the status is %d", resp.StatusCode)
	}
	// Whole, before any of it is parsed: what is too large then costs no more than its bytes.
	text, err := io.ReadAll(http.MaxBytesReader(nil, resp.Body, maxScrapeBytes))
	if err != nil {
		return exposition{}, fmt.Errorf("read the exposition: %w", err)
	}
	e := s.exposition(now, common)
	if err := e.read(text, resp.Header.Get("Content-Type")); err != nil {
		return exposition{}, err
	}
	e.tell(s.deps.Catalog)
	return e, nil
}

// exposition returns an empty one that takes in what a target with those labels tells.
func (s *scrape) exposition(now time.Time, common []metrics.Label) exposition {
	c := s.cfg.Scrape
	return exposition{
		harvest:          harvest{at: now.UnixMilli(), common: common, honor: c.HonorLabels},
		now:              now,
		ignoreTimestamps: c.IgnoreTimestamps,
		rules:            s.rules,
		limit:            cmp.Or(c.SampleLimit, maxScrapeSamples),
	}
}

func outside(n int) error {
	if n == 0 {
		return nil
	}
	return errors.New("samples left out whose own time is more than 7 days ago or 10 minutes ahead")
}
