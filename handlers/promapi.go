package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/prometheus/util/annotations"

	"liveboard/metrics"
	"liveboard/metrics/query"
)

// routePrometheus routes the HTTP API of Prometheus, so that what reads from one can read from here:
// https://prometheus.io/docs/prometheus/latest/querying/api/
func (s *Server) routePrometheus(r chi.Router) {
	get(r, "/-/healthy", healthz)
	get(r, "/-/ready", s.readyz)
	for path, answer := range map[string]promFunc{
		"/query":           s.promQuery,
		"/query_range":     s.promQueryRange,
		"/query_exemplars": promExemplars,
		"/format_query":    promFormat,
		"/series":          s.promSeries,
		"/labels":          s.promLabels,
	} {
		r.Get("/api/v1"+path, s.prom(answer))
		r.Post("/api/v1"+path, s.prom(answer))
	}
	for path, answer := range map[string]promFunc{
		"/label/{name}/values": s.promValues,
		"/metadata":            s.promMetadata,
		"/rules":               promRules,
		"/alerts":              promAlerts,
		"/status/buildinfo":    s.promBuild,
		"/status/flags":        promFlags,
	} {
		r.Get("/api/v1"+path, s.prom(answer))
	}
}

// promFunc answers a question whose form has been read. The error's kind is looked up in promErrors.
type promFunc func(r *http.Request) (promAnswer, error)

// promAnswer is what stands in an answer.
type promAnswer struct {
	data  any                     // what promJSON.data can write
	query string                  // which the notes are about
	notes annotations.Annotations // warnings and what is worth knowing
	close func()                  // gives back the memory of data; nil for nothing
}

// promErrors is the one table from kinds of errors to what Prometheus calls them, and its status.
var promErrors = map[metrics.Kind]struct {
	name   string
	status int
}{
	metrics.Invalid:     {"bad_data", http.StatusBadRequest},
	metrics.TooLarge:    {"bad_data", http.StatusRequestEntityTooLarge},
	metrics.Refused:     {"execution", http.StatusUnprocessableEntity},
	metrics.Unavailable: {"timeout", http.StatusServiceUnavailable},
	metrics.TooMany:     {"unavailable", http.StatusServiceUnavailable},
	metrics.Internal:    {"internal", http.StatusInternalServerError},
}

// What the API does at once. The memory of an answer is held until it is written.
const (
	maxTurns    = 8   // questions that are worked on
	maxWaiting  = 100 // and those that wait
	waitWithin  = 10 * time.Second
	maxPromForm = 256 << 10
	sendWithin  = time.Minute
)

// prom makes a handler of answer: with a turn of its own, given up when the server stops, and what it says in JSON.
func (s *Server) prom(answer promFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := readForm(w, r); err != nil { // before the turn: a client may be slow
			failProm(w, r, err)
			return
		}
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		defer context.AfterFunc(s.stopping, func() { cancel(errStopping) })()
		r = r.WithContext(ctx)
		release, err := s.turns.take(ctx)
		if err != nil {
			failProm(w, r, err)
			return
		}
		defer release()
		a, err := inTime(r, answer)
		if err != nil {
			failProm(w, r, err)
			return
		}
		if a.close != nil {
			defer a.close()
		}
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(sendWithin)) // a test's recorder has none
		writeProm(w, r, http.StatusOK, func(j *promJSON) { j.success(a) })
	}
}

func readForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxPromForm)
	err := r.ParseForm()
	if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
		return metrics.Errorf(metrics.TooLarge, "error parsing form values: the form is larger than %d KiB", maxPromForm>>10)
	}
	if err != nil {
		return metrics.Errorf(metrics.Invalid, "error parsing form values: %w", err)
	}
	return nil
}

func inTime(r *http.Request, answer promFunc) (promAnswer, error) {
	ctx, cancel := context.WithTimeout(r.Context(), query.AnswerWithin)
	defer cancel()
	return answer(r.WithContext(ctx))
}

// errStopping is for those whose query the server has given up.
var errStopping = metrics.Errorf(metrics.TooMany, "The server is stopping: come back later.")

// failProm answers with an error as Prometheus does.
func failProm(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(context.Cause(r.Context()), errStopping) {
		err = errStopping
	}
	as, sentence := promErrors[metrics.KindOf(err)], err.Error()
	if errors.Is(err, context.Canceled) {
		as.name, as.status = "canceled", statusClientGone
	} else {
		_, sentence = explain(r, err)
	}
	setRetryAfter(w, as.status)
	writeProm(w, r, as.status, func(j *promJSON) { j.failure(as.name, sentence) })
}

// statusClientGone is nginx's and Prometheus's word for an answer that nobody waits for.
const statusClientGone = 499

// turns lets a bounded number of questions be worked on, and a bounded number wait.
type turns struct{ working, all chan struct{} }

func newTurns() turns {
	return turns{make(chan struct{}, maxTurns), make(chan struct{}, maxTurns+maxWaiting)}
}

// take waits for a turn; the caller must call release once. The error is of kind TooMany, or ctx's.
func (t turns) take(ctx context.Context) (release func(), err error) {
	select {
	case t.all <- struct{}{}:
	default:
		return nil, metrics.Errorf(metrics.TooMany, "%d queries wait already: come back later", maxWaiting)
	}
	patience := time.NewTimer(waitWithin)
	defer patience.Stop()
	select {
	case t.working <- struct{}{}:
		return func() { <-t.working; <-t.all }, nil
	case <-patience.C:
		err = metrics.Errorf(metrics.TooMany, "%d queries are worked on, and none has ended for %v: come back later", maxTurns, waitWithin)
	case <-ctx.Done():
		err = metrics.Errorf(metrics.Unavailable, "the query was given up: %w", context.Cause(ctx))
	}
	<-t.all
	return nil, err
}
