package collect

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

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
		open: func(cfg metrics.CollectorConfig, deps Deps) Collector {
			return &scrape{cfg.Name, cfg.Targets, newClient(deps), newNotes(deps.Log, cfg.Name)}
		},
	})
}

// scrape reads Prometheus targets in the text exposition format 0.0.4:
// https://prometheus.io/docs/instrumenting/exposition_formats/
//
// Each sample has the labels job, the collector's name, and instance, the URL's host and
// port; a target's own label of such a name becomes exported_*. A target is taken whole
// or not at all: of one that sends a control character or invalid UTF-8 in a label, or
// more than the limits, half the series would look like all of them.
//
//	up                       1 where the target was read, else 0
//	scrape_duration_seconds  how long that took
//	scrape_samples_scraped   how many samples it brought
type scrape struct {
	job     string
	targets []string
	client  *http.Client
	notes   *notes
}

// instance tells the targets of a job apart.
func instance(u *url.URL) string { return u.Host }

func (s *scrape) Collect(ctx context.Context, now time.Time) ([]metrics.Sample, error) {
	return each(s.targets, func(target string) ([]metrics.Sample, error) { return s.visit(ctx, now, target) })
}

func (s *scrape) visit(ctx context.Context, now time.Time, target string) ([]metrics.Sample, error) {
	u, err := parseTarget(target)
	if err != nil {
		return nil, err
	}
	h := &harvest{
		at:     now.UnixMilli(),
		common: []metrics.Label{{Name: "job", Value: s.job}, {Name: "instance", Value: instance(u)}},
	}
	start := time.Now()
	brought, err := s.read(ctx, now, target, h.common)
	h.add("up", truth(err == nil))
	h.add("scrape_duration_seconds", time.Since(start).Seconds())
	h.add("scrape_samples_scraped", float64(len(brought.samples)))
	s.notes.note(shown(u), err)
	s.notes.note(shown(u)+" timestamps", outside(brought.outside))
	// Ours first: the first of a series counts, and a target may bring an up of its own.
	return append(h.samples, brought.samples...), h.err
}

// read returns what the target brings; nothing beside an error.
func (s *scrape) read(ctx context.Context, now time.Time, target string, common []metrics.Label) (harvest, error) {
	resp, err := request(ctx, s.client, target, "text/plain;version=0.0.4,text/plain;q=0.5")
	if err != nil {
		return harvest{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return harvest{}, fmt.Errorf("the status is %d", resp.StatusCode)
	}
	// Whole, before any of it is parsed: what is too large then costs no more than its bytes.
	text, err := io.ReadAll(http.MaxBytesReader(nil, resp.Body, maxScrapeBytes))
	if err != nil {
		return harvest{}, fmt.Errorf("read the exposition: %w", err)
	}
	h := harvest{at: now.UnixMilli(), common: common}
	if err := h.exposition(bytes.NewReader(text), now); err != nil {
		return harvest{}, err
	}
	return h, nil
}

// exposition puts in what a text exposition says, or returns why it is refused.
func (h *harvest) exposition(text io.Reader, now time.Time) error {
	families, err := parse(text)
	if err != nil {
		return fmt.Errorf("parse the exposition: %w", err)
	}
	h.families(slices.SortedFunc(maps.Values(families), byName), now)
	switch {
	case h.err != nil:
		return h.err
	case len(h.samples) > maxScrapeSamples:
		return fmt.Errorf("there are %d samples, at most %d are allowed", len(h.samples), maxScrapeSamples)
	}
	return nil
}

// parse shields us, since expfmt v0.67.5 panics on the text "{}0".
func parse(text io.Reader) (families map[string]*dto.MetricFamily, err error) {
	err = shield(func() (err error) {
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err = parser.TextToMetricFamilies(text)
		return err
	})
	return families, err
}

func byName(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) }

func outside(n int) error {
	if n == 0 {
		return nil
	}
	return errors.New("samples left out whose own time is more than 7 days ago or 10 minutes ahead")
}
