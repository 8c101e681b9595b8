package handlers

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5/middleware"

	"liveboard/metrics"
)

// statuses is the one table from kinds of errors to HTTP.
var statuses = map[metrics.Kind]int{
	metrics.Internal:     http.StatusInternalServerError,
	metrics.Invalid:      http.StatusBadRequest,
	metrics.NotFound:     http.StatusNotFound,
	metrics.BadMethod:    http.StatusMethodNotAllowed,
	metrics.TooLarge:     http.StatusRequestEntityTooLarge,
	metrics.Unsupported:  http.StatusUnsupportedMediaType,
	metrics.Unauthorized: http.StatusUnauthorized,
	metrics.Forbidden:    http.StatusForbidden,
	metrics.Conflict:     http.StatusConflict,
	metrics.Refused:      http.StatusUnprocessableEntity,
	metrics.TooMany:      http.StatusTooManyRequests,
	metrics.Unavailable:  http.StatusServiceUnavailable,
}

// What clients are told to wait, in seconds, where waiting helps: so long, and up to so much longer that they do not all
// come back at once.
const (
	retryAfterLeast  = 3
	retryAfterSpread = 8
)

// explain returns what a stranger may know of err: its status, and its sentence unless it is a
// fault of ours, whose text goes to the log alone. What is not the caller's fault is logged.
func explain(r *http.Request, err error) (status int, sentence string) {
	kind := metrics.KindOf(err)
	status = statuses[kind]
	refused := kind == metrics.Unavailable && errors.Unwrap(err) == nil // nothing has failed: there are too many, for example
	if status >= http.StatusInternalServerError && !refused {
		slog.Error("request failed", "request", middleware.GetReqID(r.Context()), "path", r.URL.Path, "error", err, "cause", errors.Unwrap(err))
	}
	if kind == metrics.Internal {
		return status, "Something went wrong here. The log has more under the request's id."
	}
	return status, err.Error()
}

// explainTo is explain for an answer, whose headers but the Content-Type it sets.
func explainTo(w http.ResponseWriter, r *http.Request, err error) (status int, sentence string) {
	status, sentence = explain(r, err)
	w.Header().Set("Cache-Control", "no-store")
	setRetryAfter(w, status)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	return status, sentence
}

// fail answers an API request with a problem (RFC 9457).
func fail(w http.ResponseWriter, r *http.Request, err error) {
	status, detail := explainTo(w, r, err)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	// A client that has gone needs no answer.
	_ = json.NewEncoder(w).Encode(struct {
		Title   string `json:"title"`
		Status  int    `json:"status"`
		Detail  string `json:"detail"`
		Request string `json:"request"`
	}{http.StatusText(status), status, detail, middleware.GetReqID(r.Context())})
}

func setRetryAfter(w http.ResponseWriter, status int) {
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfterLeast+rand.N(retryAfterSpread)))
	}
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
