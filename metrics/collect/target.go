package collect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"liveboard/metrics"
)

const (
	// maxTargets bounds a collector's targets. They are visited all at once: if they
	// queued, one that hangs would make the next look down.
	maxTargets   = 100
	maxRedirects = 3
)

// checkTargets refuses URLs that are not absolute http or https ones, and two whose
// series identity(url) would not tell apart.
func checkTargets(targets []string, what string, identity func(*url.URL) string) error {
	if len(targets) == 0 || len(targets) > maxTargets {
		return fmt.Errorf("there are %d targets; there must be between 1 and %d", len(targets), maxTargets)
	}
	seen := map[string]int{}
	for i, target := range targets {
		u, err := parseTarget(target)
		if err != nil {
			return fmt.Errorf("target %d: %w", i+1, err)
		}
		if first, twice := seen[identity(u)]; twice {
			return fmt.Errorf("targets %d and %d have the same %s, %s", first, i+1, what, identity(u))
		}
		seen[identity(u)] = i + 1
	}
	return nil
}

func parseTarget(target string) (*url.URL, error) {
	if err := metrics.CheckText(target); err != nil {
		return nil, err
	}
	u, err := url.Parse(target)
	switch {
	case err != nil && strings.Contains(target, "@"):
		return nil, errors.New("it is not a URL; write reserved characters of the user info as %XX") // why may quote the password
	case err != nil:
		return nil, fmt.Errorf("it is not a URL: %w", bare(err))
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the URL must begin with http:// or https://")
	case u.Hostname() == "":
		return nil, errors.New("the URL has no host")
	case len(target) > metrics.MaxLabelValueBytes:
		return nil, fmt.Errorf("the URL has %d bytes, at most %d are allowed", len(target), metrics.MaxLabelValueBytes)
	}
	return u, nil
}

// shown is what of a URL may stand on a screen: no user info, and no query, since either
// is where people put secrets.
func shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// bare takes the URL, and what secret it may hold, off an error of net/url or net/http.
func bare(err error) error {
	if e := (*url.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// request asks for target. The caller closes the answer's body. Only a redirect that was
// not followed gives an answer and an error; that body is closed.
func request(ctx context.Context, client client, target, accept string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, bare(err)
	}
	req.Header.Set("User-Agent", "liveboard")
	req.Header.Set("Accept", accept)
	if client.authorization != "" {
		req.Header.Set("Authorization", client.authorization)
	}
	resp, err := client.Do(req)
	if err != nil {
		return resp, bare(err)
	}
	return resp, nil
}

// each visits all targets at once and returns their samples in the order of the targets.
func each(targets []string, visit func(target string) ([]metrics.Sample, error)) ([]metrics.Sample, error) {
	samples, errs := make([][]metrics.Sample, len(targets)), make([]error, len(targets))
	var all sync.WaitGroup
	for i, target := range targets {
		all.Go(func() {
			errs[i] = shield(func() (err error) {
				samples[i], err = visit(target)
				return err
			})
		})
	}
	all.Wait()
	return slices.Concat(samples...), errors.Join(errs...)
}

// downError tells that a collector could ask none of its targets, and what is to be said of each of them then: an alert
// on targets that are down must not fall silent.
type downError struct {
	error
	samples []metrics.Sample
}

// Unwrap returns why.
func (e *downError) Unwrap() error { return e.error }

// allDown makes a downError of err, with what down says of each target.
func allDown(err error, targets []string, down func(*url.URL) []metrics.Sample) error {
	samples, wrong := each(targets, func(target string) ([]metrics.Sample, error) {
		u, err := parseTarget(target)
		if err != nil {
			return nil, err
		}
		return down(u), nil
	})
	return &downError{errors.Join(err, wrong), samples}
}
