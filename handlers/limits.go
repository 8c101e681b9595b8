package handlers

import (
	"cmp"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-chi/httprate"

	"liveboard/metrics"
)

// What may be asked in a minute where the Config does not say.
const (
	defaultPerAddress = 6_000
	defaultPerToken   = 120_000
)

// limits count the requests that need a right: of each token, and of each address for those that
// bear nothing that is good.
type limits struct {
	perToken, perAddress *httprate.RateLimiter
}

func newLimits(c Config) *limits {
	silent := httprate.WithResponseHeaders(httprate.ResponseHeaders{}) // fail says it
	return &limits{
		perToken:   httprate.NewRateLimiter(cmp.Or(c.TokenPerMinute, defaultPerToken), time.Minute, silent),
		perAddress: httprate.NewRateLimiter(cmp.Or(c.AddressPerMinute, defaultPerAddress), time.Minute, silent),
	}
}

// limit counts a request that err has refused, or nil let pass, and returns err or that there
// were too many. What comes from this machine is not counted.
func (s *Server) limit(r *http.Request, who caller, err error) error {
	switch {
	case s.local(r):
		return err
	case err != nil:
		return s.limitAddress(r, err)
	case s.limits.perToken.OnLimit(nil, r, who.ID):
		return metrics.Errorf(metrics.TooMany, "The token %q has sent more than %d requests in a minute (the limit of a token). Wait a little.", who.name(), cmp.Or(s.TokenPerMinute, defaultPerToken))
	}
	return nil
}

func (s *Server) limitAddress(r *http.Request, err error) error {
	if s.limits.perAddress.OnLimit(nil, r, neighbourhood(addressOf(r))) {
		return metrics.Errorf(metrics.TooMany, "Your address has sent more than %d requests without a good token in a minute (the limit of an address). Wait a little.", cmp.Or(s.AddressPerMinute, defaultPerAddress))
	}
	return err
}

// neighbourhood names an address as far as it costs something to have another: a household has all of an IPv6 /64.
func neighbourhood(addr netip.Addr) string {
	if addr.Is6() {
		if prefix, err := addr.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return addr.String()
}
