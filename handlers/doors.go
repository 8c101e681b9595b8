package handlers

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"syscall"
)

// HTTPS is the part of the command line that is about encryption. The zero HTTPS serves plain HTTP.
type HTTPS struct {
	TLSCert        string   `env:"LIVEBOARD_TLS_CERT" help:"PEM file of a certificate chain: serve https. A changed file is taken in."`
	TLSKey         string   `env:"LIVEBOARD_TLS_KEY" help:"PEM file of the certificate's key."`
	ACMEHost       []string `env:"LIVEBOARD_ACME_HOST" help:"Serve https with a certificate for this host from an ACME authority; may be repeated."`
	ACMEDirectory  string   `default:"https://acme-v02.api.letsencrypt.org/directory" env:"LIVEBOARD_ACME_DIRECTORY" help:"The ACME authority, whose terms you accept."`
	ACMEEmail      string   `env:"LIVEBOARD_ACME_EMAIL" help:"Whom the ACME authority may write to."`
	RedirectListen string   `env:"LIVEBOARD_REDIRECT_LISTEN" help:"Address of plain HTTP that leads to https."`
}

// letsEncrypt is the default of --acme-directory.
const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

// Check says what is wrong with the flags together.
func (h HTTPS) Check() error {
	switch {
	case (h.TLSCert == "") != (h.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key belong together: give both or none")
	case h.TLSCert != "" && len(h.ACMEHost) > 0:
		return errors.New("--acme-host asks for a certificate and --tls-cert brings one: give one of them")
	case slices.Contains(h.ACMEHost, ""):
		return errors.New("--acme-host names no host: name one such as board.example.com")
	case len(h.ACMEHost) == 0 && (h.ACMEEmail != "" || h.ACMEDirectory != letsEncrypt):
		return errors.New("--acme-email and --acme-directory belong to --acme-host: name the host too")
	case h.RedirectListen != "" && h.TLSCert == "" && len(h.ACMEHost) == 0:
		return errors.New("--redirect-listen leads to https: it needs --tls-cert or --acme-host")
	}
	return nil
}

// certs returns nil where everything is plain.
func (h HTTPS) certs(database string) (*Certs, error) {
	switch {
	case h.TLSCert != "":
		return FileCerts(h.TLSCert, h.TLSKey)
	case len(h.ACMEHost) > 0:
		return ACMECerts(ACME{Hosts: h.ACMEHost, Directory: h.ACMEDirectory, Email: h.ACMEEmail, Folder: database + ".certs"})
	}
	return nil, nil
}

// Doors are where requests come in.
type Doors struct {
	board     net.Listener
	url       string       // of the board, for a browser on this machine
	plain     net.Listener // leads to the board; nil where there is none
	redirects *http.Server // what answers there
}

// Open makes doors of a listener, which remains the caller's. publicURL may be empty. Certificates
// of an ACME authority are kept beside the database.
func (h HTTPS) Open(board net.Listener, database, publicURL string) (*Doors, error) {
	certs, err := h.certs(database)
	if err != nil {
		return nil, err
	}
	d := &Doors{board: board, url: urlOf("http", board.Addr())}
	if certs == nil {
		return d, nil
	}
	d.board, d.url = tls.NewListener(board, certs.TLS()), urlOf("https", board.Addr())
	if h.RedirectListen != "" {
		d.redirects = certs.Redirect(securePort(board.Addr(), publicURL))
		d.plain, err = Listen(h.RedirectListen, "--redirect-listen")
	}
	return d, err
}

// securePort is where browsers reach the board by https.
func securePort(addr net.Addr, publicURL string) int {
	if public, err := url.Parse(publicURL); err == nil && public.Scheme == "https" {
		port, _ := strconv.Atoi(cmp.Or(public.Port(), strconv.Itoa(httpsPort)))
		return port
	}
	return addr.(*net.TCPAddr).Port
}

// Serve answers at every door and says so in the log. It does not block: what ends it comes on failed, which
// must have room for two.
func (d *Doors) Serve(board *http.Server, failed chan<- error) {
	go func() { failed <- board.Serve(d.board) }()
	if d.plain != nil {
		go func() { failed <- d.redirects.Serve(d.plain) }()
		slog.Info("redirecting", "url", urlOf("http", d.plain.Addr()))
	}
	slog.Info("listening", "url", d.url)
}

// CloseRedirect closes the door that leads to https, at once: nobody loses anything there.
func (d *Doors) CloseRedirect() {
	if d.plain != nil {
		_ = d.redirects.Close()
		_ = d.plain.Close() // which Serve may not have reached
	}
}

// Listen listens on a TCP address, which flag has named.
func Listen(address, flag string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another program: choose another address with %s", address, flag)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s %s: %w: choose a port above 1023, or let this user have that one (CAP_NET_BIND_SERVICE)", flag, address, err)
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w", flag, address, err)
	}
	return listener, nil
}

// urlOf names an address that a browser on this machine can open.
func urlOf(scheme string, addr net.Addr) string {
	tcp := addr.(*net.TCPAddr)
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(tcp.Port))
}
