package handlers

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// policy is the Content-Security-Policy of every page: everything from here, nothing inline, no
// eval. Who may frame the page comes behind it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors "

// permissions denies what no page needs. A kiosk keeps its screen awake.
const permissions = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), " +
	"payment=(), usb=(), screen-wake-lock=(self)"

// guard sets the headers that every answer bears. A page that may be framed loosens them itself; see frame.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy+"'none'")
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", permissions)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// allowFrames lets pages of those origins frame this answer.
func allowFrames(w http.ResponseWriter, origins []string) {
	if len(origins) == 0 {
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy+strings.Join(origins, " "))
	h.Del("X-Frame-Options") // it can name no origin, and browsers prefer the policy
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// addressOf returns the address that the connection comes from. Headers that claim another are not believed.
func addressOf(r *http.Request) netip.Addr {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Addr().Unmap()
}

// local reports whether the request may be trusted as one of this machine's. A server that says where the
// public reaches it stands behind a proxy, and then every request comes over loopback: it trusts none.
func (s *Server) local(r *http.Request) bool { return s.PublicURL == "" && local(r) }

// local reports whether a person or program on this very machine sent the request: it came over
// loopback, for a loopback name (a page elsewhere whose host name was bound to this machine did
// not), and through no proxy.
func local(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	return addressOf(r).IsLoopback() && loopbackName(host) && !proxied(r)
}

// proxied reports whether a proxy says that it passed the request on.
func proxied(r *http.Request) bool {
	for name := range r.Header {
		if name == "Forwarded" || name == "Via" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-") {
			return true
		}
	}
	return false
}

func loopbackName(host string) bool {
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && addr.IsLoopback()
}
