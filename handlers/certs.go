package handlers

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
	"golang.org/x/net/idna"
)

// lookEvery is how often, at most, the files of a certificate are read again.
const lookEvery = time.Second

// Certs are the certificates that the server shows: those of FileCerts or of ACMECerts.
type Certs struct {
	config  *tls.Config
	manager *autocert.Manager // nil where they come from files
}

// TLS returns how connections are encrypted: HTTP/2 where the client speaks it, TLS 1.2 at least.
func (c *Certs) TLS() *tls.Config { return c.config }

func newCerts(get func(*tls.ClientHelloInfo) (*tls.Certificate, error), protocols ...string) *Certs {
	return &Certs{config: &tls.Config{
		GetCertificate: get,
		NextProtos:     append([]string{"h2", "http/1.1"}, protocols...),
		MinVersion:     tls.VersionTLS12,
	}}
}

// FileCerts returns the certificate in two PEM files: the chain, the server's own first, and its
// key. A pair that replaces them is shown from the next second on; one that is not good is logged,
// and the one before stays.
func FileCerts(certFile, keyFile string) (*Certs, error) {
	p := &pair{certFile: certFile, keyFile: keyFile}
	if err := p.look(); err != nil {
		return nil, err
	}
	return newCerts(p.get), nil
}

// pair is a certificate and its key in files. What they hold is compared, not their times: a
// renamed folder or a link that points elsewhere changes as well, and a copy may keep its time.
type pair struct {
	certFile, keyFile string

	mu     sync.Mutex
	good   *tls.Certificate
	seen   string // what the files held, or why they could not be read, when last looked at
	lookAt time.Time
}

func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.lookAt) {
		return p.good, nil
	}
	if err := p.look(); err != nil {
		slog.Warn("certificate not used: the one before stays", "error", err)
	}
	return p.good, nil
}

// look takes what the files hold, where that is another thing than the last time. The same error is told once.
func (p *pair) look() error {
	p.lookAt = time.Now().Add(lookEvery)
	chain, key, err := p.read()
	seen := string(chain) + string(key)
	if err != nil {
		seen = err.Error()
	}
	if seen == p.seen {
		return nil
	}
	p.seen = seen
	if err != nil {
		return err
	}
	cert, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return fmt.Errorf("--tls-cert %s with --tls-key %s: %w: they must hold, in PEM, the chain with the server's own certificate first, and the key of that one",
			p.certFile, p.keyFile, err)
	}
	p.good = &cert
	slog.Info("certificate read", "file", p.certFile, "names", cert.Leaf.DNSNames, "until", cert.Leaf.NotAfter)
	return nil
}

func (p *pair) read() (chain, key []byte, err error) {
	if chain, err = os.ReadFile(p.certFile); err != nil {
		return nil, nil, fmt.Errorf("--tls-cert: %w: name a PEM file that this user may read", err)
	}
	if key, err = os.ReadFile(p.keyFile); err != nil {
		return nil, nil, fmt.Errorf("--tls-key: %w: name a PEM file that this user may read", err)
	}
	return chain, key, nil
}

// ACME is where certificates are asked for (RFC 8555), and for what.
type ACME struct {
	Hosts     []string // the only names that are asked for
	Directory string   // URL of the authority
	Email     string   // whom it may write to; may be empty
	Folder    string   // where accounts and certificates are kept, for this user alone
}

// ACMECerts returns certificates that are asked for when the first client of a host comes, and
// renewed before they end.
func ACMECerts(a ACME) (*Certs, error) {
	for _, host := range a.Hosts {
		if err := checkHost(host); err != nil {
			return nil, err
		}
	}
	if directory, err := url.Parse(a.Directory); err != nil || directory.Scheme != "https" || directory.Host == "" {
		return nil, fmt.Errorf("--acme-directory %s: name the https:// address of an ACME directory", a.Directory)
	}
	if err := os.MkdirAll(a.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("%w: certificates are kept beside the database: this user must be able to make that folder", err)
	}
	m := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(a.Folder),
		HostPolicy: onlyHosts(a.Hosts),
		Email:      a.Email,
		Client:     &acme.Client{DirectoryURL: a.Directory, UserAgent: "liveboard"},
	}
	c := newCerts(telling(m), acme.ALPNProto)
	c.manager = m
	slog.Info("certificates come from an ACME authority", "hosts", a.Hosts, "authority", a.Directory, "kept in", a.Folder)
	return c, nil
}

// telling is the manager's GetCertificate, which tells what is wrong where there is none.
func telling(m *autocert.Manager) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := m.GetCertificate(hello)
		switch {
		case err == nil:
		case hello.ServerName == "" || m.HostPolicy(hello.Context(), hello.ServerName) != nil:
			slog.Info("no certificate: the client asked for a host that --acme-host does not name", "host", hello.ServerName)
		default:
			slog.Warn("no certificate: the server must reach the authority, and the authority this server at port 443 of the host, or at 80 by --redirect-listen",
				"host", hello.ServerName, "error", err)
		}
		return cert, err
	}
}

// onlyHosts lets those hosts pass, at whatever port.
func onlyHosts(hosts []string) autocert.HostPolicy {
	listed := autocert.HostWhitelist(hosts...)
	return func(ctx context.Context, host string) error {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		return listed(ctx, host)
	}
}

// checkHost refuses what autocert would leave out without a word.
func checkHost(host string) error {
	ascii, err := idna.Lookup.ToASCII(host)
	if _, isAddr := netip.ParseAddr(host); err != nil || isAddr == nil || !strings.Contains(strings.Trim(ascii, "."), ".") {
		return fmt.Errorf("--acme-host %s: name a host as board.example.com, without port or wildcard: authorities certify no others", host)
	}
	return nil
}
