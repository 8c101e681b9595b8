package handlers

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"liveboard/metrics"
)

// maxPushBytes bounds the body of a push.
const maxPushBytes = 8 << 20

// format reads the body of a push. Samples without a time of their own are from now. Errors are
// of kind Invalid and name the line, or the sample, and the reason.
type format func(body []byte, now time.Time) (metrics.Batch, error)

// formats is filled by the files push_*.go, by media type.
var formats = map[string]format{}

// push answers POST /api/push: 204 once every sample is durable, or a problem and none is stored.
func (s *Server) push(w http.ResponseWriter, r *http.Request) {
	if err := s.mayPush(r); err != nil {
		fail(w, r, err)
		return
	}
	read, err := formatOf(r)
	if err != nil {
		fail(w, r, err)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPushBytes))
	if err != nil {
		fail(w, r, bodyError(err, maxPushBytes))
		return
	}
	batch, err := read(body, time.Now())
	if err == nil && len(batch.Samples) == 0 {
		err = metrics.Errorf(metrics.Invalid, "there is no sample in the body")
	}
	if err == nil {
		err = s.Recorder.Record(r.Context(), batch)
	}
	if err != nil {
		fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// originGuard refuses what a page of another site makes a browser send.
var originGuard = http.NewCrossOriginProtection()

// mayPush lets programs on this machine push without a token, and those elsewhere with it.
func (s *Server) mayPush(r *http.Request) error {
	if err := originGuard.Check(r); err != nil {
		return metrics.Errorf(metrics.Forbidden, "A page of another site may not push.")
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	found := strings.EqualFold(scheme, "Bearer")
	if found && s.PushToken != "" && sameSecret(token, s.PushToken) {
		return nil
	}
	if !found && s.local(r) {
		return nil
	}
	if s.PushToken == "" {
		return metrics.Errorf(metrics.Forbidden, "Pushing from elsewhere is off. Set LIVEBOARD_PUSH_TOKEN where the server starts, and send it as a bearer token.")
	}
	return metrics.Errorf(metrics.Unauthorized, "Send the server's LIVEBOARD_PUSH_TOKEN as a bearer token: Authorization: Bearer …")
}

// sameSecret compares in a time that tells nothing about where or how long the secrets differ.
func sameSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

func formatOf(r *http.Request) (format, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	read := formats[media]
	if err != nil || read == nil {
		return nil, metrics.Errorf(metrics.Unsupported, "Content-Type must be %s, not %q; with curl: -H 'Content-Type: text/plain'",
			strings.Join(slices.Sorted(maps.Keys(formats)), " or "), r.Header.Get("Content-Type"))
	}
	return read, plainBody(r)
}

// plainBody refuses a body that is compressed.
func plainBody(r *http.Request) error {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return metrics.Errorf(metrics.Unsupported, "Content-Encoding %q is not understood: send the body as it is", coding)
	}
	return nil
}

// bodyError explains why a body of at most that many bytes could not be read.
func bodyError(err error, most int64) error {
	if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
		return metrics.Errorf(metrics.TooLarge, "The body is larger than %d MiB. Send it in parts.", most>>20)
	}
	return metrics.Errorf(metrics.Invalid, "The body could not be read: %w", err)
}
