package handlers

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"liveboard/metrics"
)

// Keys has the secrets that sign submissions; *data.Keys does.
type Keys interface {
	// Secret returns the secret of a leaderboard's key, whose text is the key of the HMAC, or an
	// error of kind Unauthorized where the leaderboard has no such key.
	Secret(ctx context.Context, board, id string) (string, error)
	// Ahead returns the newest time that NoteAhead was told, in Unix seconds, by servers before this one too.
	Ahead(ctx context.Context) (int64, error)
	// NoteAhead keeps the time of a signature that lies ahead of the clock.
	NoteAhead(ctx context.Context, at int64) error
}

// The headers of a signed request.
const (
	keyHeader       = "Liveboard-Key"
	timeHeader      = "Liveboard-Time"
	nonceHeader     = "Liveboard-Nonce"
	signatureHeader = "Liveboard-Signature"
)

const (
	signedWithin  = 5 * time.Minute // between the signature and its arrival, either way
	minNonceBytes = 16
	maxNonceBytes = 64
)

// signerOf checks the request's signature and returns whose it is; the zero caller where the
// request bears none. Errors are of kind Invalid, Unauthorized or Unavailable.
func (s *Server) signerOf(r *http.Request, board string, body []byte) (caller, error) {
	if r.Header.Get(signatureHeader) == "" {
		return caller{}, nil
	}
	at, err := s.signedAt(r.Context(), r.Header.Get(timeHeader), time.Now())
	if err != nil {
		return caller{}, err
	}
	nonce, id := r.Header.Get(nonceHeader), r.Header.Get(keyHeader)
	if len(nonce) < minNonceBytes || len(nonce) > maxNonceBytes || !visible(nonce) {
		return caller{}, metrics.Errorf(metrics.Invalid, "%s must be %d to %d visible ASCII characters that are never used again.", nonceHeader, minNonceBytes, maxNonceBytes)
	}
	secret, err := s.Keys.Secret(r.Context(), board, id)
	if err != nil {
		return caller{}, err
	}
	want := Sign(secret, r.Method, r.URL.EscapedPath(), body, at, nonce)
	if given, err := hex.DecodeString(r.Header.Get(signatureHeader)); err != nil || !hmac.Equal(given, want) {
		return caller{}, metrics.Errorf(metrics.Unauthorized, "The signature is wrong: it must be the hex HMAC-SHA256, with the secret of key %q, of "+
			"“method\\npath\\nhex SHA-256 of the body\\ntime\\nnonce”.", id)
	}
	if err := s.useUp(r.Context(), board+" "+id+" "+nonce, at); err != nil {
		return caller{}, err
	}
	return caller{Token: metrics.Token{ID: "key:" + board + ":" + id, Name: "key " + id, Scopes: []string{metrics.VerbScore + ":" + board}}}, nil
}

// Sign returns the signature of a request at a time in Unix seconds. The path is as it stands in
// the request, without the query.
func Sign(secret, method, path string, body []byte, at int64, nonce string) []byte {
	sum := sha256.Sum256(body)
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(strings.Join([]string{method, path, hex.EncodeToString(sum[:]), strconv.FormatInt(at, 10), nonce}, "\n")))
	return h.Sum(nil)
}

// useUp marks a good signature as used. Its time goes to the disk where a server that starts again
// would not refuse it for being from before the start.
func (s *Server) useUp(ctx context.Context, nonce string, at int64) error {
	now := time.Now()
	if at >= now.Unix() {
		if err := s.ahead.note(ctx, s.Keys, at); err != nil {
			return metrics.Because(err, metrics.Unavailable, "The signature cannot be used now; try again later.")
		}
	}
	return s.nonces.use(nonce, now)
}

// ahead is the newest time, in Unix seconds, of the signatures whose time was yet to come.
type ahead struct {
	mu     sync.Mutex
	before int64 // of servers before this one
	noted  int64 // of this one
	read   bool  // before is known
}

func (a *ahead) ofBefore(ctx context.Context, keys Keys) (before int64, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.read {
		if a.before, err = keys.Ahead(ctx); err != nil {
			return 0, metrics.Because(err, metrics.Unavailable, "Signatures cannot be checked now; try again later.")
		}
		a.read = true
	}
	return a.before, nil
}

func (a *ahead) note(ctx context.Context, keys Keys, at int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at <= a.noted {
		return nil
	}
	if err := keys.NoteAhead(ctx, at); err != nil {
		return err
	}
	a.noted = at
	return nil
}

// signedAt reads the time of a signature. Of those from before this process began it is not known
// whether they have been used: with that rule nonces need no disk.
func (s *Server) signedAt(ctx context.Context, text string, now time.Time) (int64, error) {
	before, err := s.ahead.ofBefore(ctx, s.Keys)
	if err != nil {
		return 0, err
	}
	at, err := strconv.ParseInt(text, 10, 64)
	switch off := now.Sub(time.Unix(at, 0)); {
	case err != nil:
		return 0, metrics.Errorf(metrics.Invalid, "%s must be the time in Unix seconds, not %q.", timeHeader, text)
	case off > signedWithin || off < -signedWithin:
		return 0, metrics.Errorf(metrics.Unauthorized, "The signature is from %s, and it is %s here: set the clock, and sign it anew.",
			time.Unix(at, 0).UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	case at <= max(before, s.started.Unix()):
		return 0, metrics.Errorf(metrics.Unauthorized, "The signature is from before the server's start. Sign it anew.")
	}
	return at, nil
}

// visible reports whether a text is of visible ASCII characters only.
func visible(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' })
}

// maxNonces bounds each of the two generations: 800 signed requests a second.
const maxNonces = 1 << 19

// nonces remembers what signatures were used for as long as they would be good, in two
// generations: the older one is forgotten when the newer one is as old as a signature may be.
type nonces struct {
	mu           sync.Mutex
	since        time.Time // the beginning of the newer generation
	newer, older map[[16]byte]struct{}
}

// use notes a nonce. The error is of kind Unauthorized where it has been used, and Unavailable
// where no more can be kept.
func (n *nonces) use(nonce string, now time.Time) error {
	sum := sha256.Sum256([]byte(nonce))
	id := [16]byte(sum[:])
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.since) > 2*signedWithin {
		n.older, n.newer, n.since = n.newer, make(map[[16]byte]struct{}), now
	}
	_, lately := n.newer[id]
	_, before := n.older[id]
	switch {
	case lately || before:
		return metrics.Errorf(metrics.Unauthorized, "The nonce has been used already. Sign the request anew with another one.")
	case len(n.newer) >= maxNonces:
		return metrics.Errorf(metrics.Unavailable, "There are too many signed requests. Wait a little.")
	}
	n.newer[id] = struct{}{}
	return nil
}
