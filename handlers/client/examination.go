package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"liveboard/handlers/doctor"
)

const (
	probeWithin = 25 * time.Second // from the opening of any probe to its end
	opensWithin = 3 * time.Second  // the first event of a stream
)

// examination measures what doctor judges, from this host.
type examination struct {
	base      string // the server's address, without a slash at its end
	http      *http.Client
	transport *http.Transport
	seen      doctor.Seen // what all judges need
}

func newExamination(base string) *examination {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, DisableCompression: true,
		TLSHandshakeTimeout: opensWithin, ResponseHeaderTimeout: probeWithin,
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &examination{base: base, transport: transport, http: &http.Client{Transport: transport, CheckRedirect: stay}}
}

func (e *examination) close() { e.transport.CloseIdleConnections() }

// begin asks the server for what it sees of this host, twice. The error says why it is no server to examine.
func (e *examination) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	began := time.Now()
	resp, first, err := e.echo(ctx)
	if err != nil {
		return err
	}
	took := time.Since(began)
	_, second, err := e.echo(ctx)
	if err != nil {
		return err
	}
	e.seen.Version = strings.ToLower(resp.Proto)
	if resp.ProtoMajor == 2 {
		e.seen.Version = "h2"
	}
	e.seen.Server, e.seen.Via = resp.Header.Get("Server"), resp.Header.Get("Via")
	e.seen.Ahead = float64(first.Now - began.Add(took/2).UnixMilli())
	e.seen.Doubt = float64(took.Milliseconds()) / 2
	e.seen.Echo = second
	e.seen.Answer = doctor.Answer{
		Status: resp.StatusCode, Type: resp.Header.Get("Content-Type"),
		CacheControl: resp.Header.Get("Cache-Control"), Repeated: first.Request == second.Request,
	}
	return nil
}

func (e *examination) echo(ctx context.Context) (*http.Response, doctor.Echo, error) {
	var echo doctor.Echo
	resp, err := e.get(ctx, "/doctor/echo", false)
	if err != nil {
		return nil, echo, e.unreachable(err)
	}
	defer resp.Body.Close()
	if to := resp.Header.Get("Location"); to != "" {
		return nil, echo, fmt.Errorf("%s sends requests elsewhere, to %s: examine that address if it is the server's", e.base, shownText(to))
	}
	if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&echo) != nil || echo.Build == "" {
		if resp.StatusCode == http.StatusBadRequest && strings.HasPrefix(e.base, "http:") {
			return nil, echo, fmt.Errorf("%s does not answer as a Liveboard does (%s): if it speaks https, begin the address with https://", e.base, resp.Status)
		}
		return nil, echo, fmt.Errorf("%s does not answer as a Liveboard does (%s, %s): is the address right, and the server of this release?",
			e.base, resp.Status, cmp.Or(shownText(resp.Header.Get("Content-Type")), "no content type"))
	}
	return resp, echo, nil
}

func (e *examination) unreachable(err error) error {
	if wrong := (*tls.CertificateVerificationError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("the certificate of %s is not trusted here: %w. One of your own making is trusted with SSL_CERT_FILE=its PEM file", e.base, wrong.Err)
	}
	if strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return fmt.Errorf("%s speaks plain HTTP: begin the address with http://", e.base)
	}
	return fmt.Errorf("%s cannot be reached: is the server running there? (%w)", e.base, cause(err))
}

func (e *examination) get(ctx context.Context, path string, gzip bool) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, e.base+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept-Encoding", "identity")
	if gzip {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	return e.http.Do(r)
}

// examine makes all checks, and reports each when it and those before it are done.
func (e *examination) examine(ctx context.Context, report func(doctor.Finding)) (findings []doctor.Finding) {
	streams := map[string]func() doctor.Stream{
		"live":   e.begun(ctx, opensWithin, "/live/?surface=index", true, one),
		"steady": e.begun(ctx, probeWithin, "/doctor/stream/"+doctor.SteadyProbe, false, all),
		"late":   e.begun(ctx, probeWithin, "/doctor/stream/"+doctor.LateProbe, true, all),
		"gzip":   e.begun(ctx, probeWithin, "/doctor/stream/"+doctor.SteadyProbe, true, all),
		"idle":   e.begun(ctx, probeWithin, "/doctor/stream/"+doctor.SilentProbe, true, all),
	}
	for _, c := range doctor.Checks {
		seen := e.seen
		if c.Name == "parallel" {
			seen.Opened, seen.Stream = e.parallel(ctx)
		} else if stream, ok := streams[c.Name]; ok {
			seen.Stream = stream()
		}
		finding, _ := doctor.Judge(c.Name, seen)
		findings = append(findings, finding)
		report(finding)
	}
	return findings
}

// one and all say after how many events a stream is seen enough.
func one(n int) bool { return n == 1 }
func all(int) bool   { return false }

// begun starts to watch a stream, and returns what waits for the result.
func (e *examination) begun(ctx context.Context, within time.Duration, path string, gzip bool, enough func(int) bool) func() doctor.Stream {
	result := make(chan doctor.Stream, 1)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		result <- e.watch(ctx, path, gzip, enough)
	}()
	return func() doctor.Stream { return <-result }
}

// parallel opens streams that stay open until each of them has said something, or it is clear that they will not. It
// returns how many did, and one that did not where there is one.
func (e *examination) parallel(ctx context.Context) (opened int, telling doctor.Stream) {
	ctx, cancel := context.WithTimeout(ctx, opensWithin)
	defer cancel()
	var mu sync.Mutex
	var work sync.WaitGroup
	count := func(int) bool { // called once by each stream
		mu.Lock()
		defer mu.Unlock()
		if opened++; opened == doctor.Parallel {
			cancel()
		}
		return false
	}
	for range doctor.Parallel {
		work.Go(func() {
			s := e.watch(ctx, "/doctor/stream/"+doctor.SilentProbe, true, count)
			mu.Lock()
			defer mu.Unlock()
			if telling.Status == 0 || len(s.Events) == 0 {
				telling = s
			}
		})
	}
	work.Wait()
	return opened, telling
}
