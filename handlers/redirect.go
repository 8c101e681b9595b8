package handlers

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"liveboard/metrics"
)

// httpsPort is the one that URLs need not name.
const httpsPort = 443

// Redirect returns a server of plain HTTP that leads readers to the same address by https, at that
// port, and answers what an ACME authority asks. It takes nothing else: what comes here has been
// readable on the way, tokens too.
func (c *Certs) Redirect(port int) *http.Server {
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { redirect(w, r, port) })
	if c.manager != nil {
		h = c.manager.HTTPHandler(h)
	}
	return &http.Server{
		Handler:           middleware.RequestID(recoverer(guard(h))),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       10 * time.Second,
		MaxHeaderBytes:    maxHeaderBytes,
	}
}

func redirect(w http.ResponseWriter, r *http.Request, port int) {
	host, ok := secureHost(r.Host, port)
	if !ok {
		fail(w, r, metrics.Errorf(metrics.Invalid, "The request's Host %q is no host name.", r.Host))
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		fail(w, r, metrics.Errorf(metrics.BadMethod, "This address only leads to https: send it to https://%s, and make a new token if one was sent here.", host))
		return
	}
	// Not r.URL itself: a request line may hold a URL of its own, or one without a slash.
	target := url.URL{Scheme: "https", Host: host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	w.Header().Set("Cache-Control", "no-store") // it may be taken back, and a shared cache knows no Host
	http.Redirect(w, r, target.String(), http.StatusPermanentRedirect)
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,253}$`)

// secureHost returns the host with the port of https instead of its own; ok is false where it is
// neither a name nor an address.
func secureHost(host string, port int) (secure string, ok bool) {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	addr, err := netip.ParseAddr(name)
	isAddr := err == nil && addr.Zone() == ""
	if !isAddr && !hostName.MatchString(name) {
		return "", false
	}
	secure = net.JoinHostPort(name, strconv.Itoa(port))
	if port == httpsPort {
		secure = strings.TrimSuffix(secure, ":"+strconv.Itoa(httpsPort))
	}
	return secure, true
}
