package collect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"liveboard/metrics"
)

// maxPageBytes is how much of a page is read; the rest does not tell whether it is up.
const maxPageBytes = 1 << 20

func init() {
	register("http", kind{
		interval: 10 * time.Second,
		targets:  func(urls []string) error { return checkTargets(urls, "URL without its query", shown) },
		open: func(cfg metrics.CollectorConfig, deps Deps) Collector {
			return &pages{cfg, deps, newNotes(deps.Log, cfg.Name)}
		},
	})
}

// pages asks for web pages and sees whether they answer. Each sample has the label
// target, the URL without user info and query.
//
//	check_up                  1 where GET ended with a 2xx status after at most 3 redirects, else 0
//	check_status_code         the last status; none where nothing answered
//	check_seconds             from dialling to the end of the page, redirects included; none where nothing answered
//	check_tls_expiry_seconds  until the first certificate of the chain expires, negative since; none without TLS
type pages struct {
	cfg   metrics.CollectorConfig
	deps  Deps
	notes *notes
}

func (p *pages) Collect(ctx context.Context, now time.Time) ([]metrics.Sample, error) {
	client, err := newClient(p.deps, p.cfg.Access)
	if err != nil {
		return nil, allDown(err, p.cfg.Targets, func(u *url.URL) []metrics.Sample {
			h := pageHarvest(now, u)
			h.add("check_up", 0)
			return h.samples
		})
	}
	return each(p.cfg.Targets, func(target string) ([]metrics.Sample, error) { return p.check(ctx, client, now, target) })
}

func (p *pages) check(ctx context.Context, client client, now time.Time, target string) ([]metrics.Sample, error) {
	u, err := parseTarget(target)
	if err != nil {
		return nil, err
	}
	h := pageHarvest(now, u)
	start := time.Now()
	resp, err := get(ctx, client, target)
	if resp != nil {
		h.add("check_status_code", float64(resp.StatusCode))
		h.add("check_seconds", time.Since(start).Seconds())
	}
	if chain := certificates(resp, err); len(chain) > 0 {
		h.add("check_tls_expiry_seconds", expiry(chain).Sub(now).Seconds())
	}
	p.notes.note(shown(u), client.conceal(err))
	h.add("check_up", truth(err == nil))
	return h.samples, h.err
}

func pageHarvest(now time.Time, u *url.URL) *harvest {
	return &harvest{at: now.UnixMilli(), common: []metrics.Label{{Name: "target", Value: shown(u)}}}
}

// get asks for a page and reads it. The answer's body is closed; where there was an
// answer it is returned even beside an error.
func get(ctx context.Context, client client, target string) (*http.Response, error) {
	resp, err := request(ctx, client, target, "*/*")
	if err != nil {
		return resp, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxPageBytes)); err != nil {
		return resp, fmt.Errorf("read the page: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return resp, fmt.Errorf("the status is %d", resp.StatusCode)
	}
	return resp, nil
}

// certificates returns the chain that the server showed, also where it was refused:
// an expired one is what people most want to see.
func certificates(resp *http.Response, err error) []*x509.Certificate {
	if resp != nil && resp.TLS != nil {
		return resp.TLS.PeerCertificates
	}
	if e := (*tls.CertificateVerificationError)(nil); errors.As(err, &e) {
		return e.UnverifiedCertificates
	}
	return nil
}

func expiry(chain []*x509.Certificate) time.Time {
	first := chain[0].NotAfter
	for _, c := range chain[1:] {
		if c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	return first
}
