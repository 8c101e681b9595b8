package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/prometheus/prometheus/util/stats"

	"liveboard/metrics"
	"liveboard/metrics/query"
)

// errTruncated is the warning of an answer that a limit has cut off.
var errTruncated = errors.New("results truncated due to limit")

// promReply is the value of a query.
type promReply struct {
	*query.Reply
	stats stats.QueryStats // nil where nobody asked
}

// promQuery answers /api/v1/query: the value of an expression at an instant.
func (s *Server) promQuery(r *http.Request) (promAnswer, error) {
	at, err := timeParam(r, "time", time.Now())
	if err != nil {
		return promAnswer{}, err
	}
	return s.evaluate(r, query.Question{From: at})
}

// promQueryRange answers /api/v1/query_range: the values of an expression at each step of a range.
func (s *Server) promQueryRange(r *http.Request) (promAnswer, error) {
	q, err := rangeOf(r)
	if err != nil {
		return promAnswer{}, err
	}
	return s.evaluate(r, q)
}

func rangeOf(r *http.Request) (q query.Question, err error) {
	if q.From, err = needTime(r, "start"); err != nil {
		return q, err
	}
	if q.To, err = needTime(r, "end"); err != nil {
		return q, err
	}
	if q.To.Before(q.From) {
		return q, badParam("end", errors.New("end timestamp must not be before start time"))
	}
	if q.Step, err = parseSpan(r.FormValue("step")); err != nil {
		return q, badParam("step", err)
	}
	if q.Step < time.Millisecond {
		return q, badParam("step", errors.New("zero or negative query resolution step widths are not accepted. Try a positive integer"))
	}
	// Unsigned, as the ends of all time are further from each other than an int64 can say.
	if steps := uint64(q.To.UnixMilli()-q.From.UnixMilli()) / uint64(q.Step.Milliseconds()); steps > query.MaxSteps {
		return q, metrics.Errorf(metrics.Invalid, "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")
	}
	return q, nil
}

// evaluate answers q with what else the form says.
func (s *Server) evaluate(r *http.Request, q query.Question) (promAnswer, error) {
	limit, err := limitParam(r)
	if err != nil {
		return promAnswer{}, err
	}
	ctx, cancel, err := withTimeout(r)
	if err != nil {
		return promAnswer{}, err
	}
	defer cancel()
	if text := r.FormValue("lookback_delta"); text != "" {
		if q.Lookback, err = parseSpan(text); err != nil {
			return promAnswer{}, metrics.Errorf(metrics.Invalid, "error parsing lookback delta duration: %w", err)
		}
	}
	wanted := r.FormValue("stats")
	q.Expr, q.PerStep = r.FormValue("query"), wanted == "all"
	reply, err := s.Prometheus.Ask(ctx, q)
	if metrics.KindOf(err) == metrics.Invalid {
		err = badParam("query", err)
	}
	if err != nil {
		return promAnswer{}, err
	}
	out := promReply{Reply: reply}
	if wanted != "" {
		out.stats = stats.NewQueryStats(reply.Stats)
	}
	return promAnswer{out, q.Expr, truncate(reply, limit), reply.Close}, nil
}

// withTimeout returns the request's context, which ends when the client wants it to.
func withTimeout(r *http.Request) (context.Context, context.CancelFunc, error) {
	text := r.FormValue("timeout")
	if text == "" {
		return r.Context(), func() {}, nil
	}
	timeout, err := parseSpan(text)
	if err != nil {
		return nil, nil, badParam("timeout", err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	return ctx, cancel, nil
}

// truncate leaves limit series of a reply, and returns its notes.
func truncate(reply *query.Reply, limit int) annotations.Annotations {
	switch v := reply.Value.(type) {
	case promql.Vector:
		if limit > 0 && len(v) > limit {
			reply.Value = v[:limit]
			return reply.Notes.Add(errTruncated)
		}
	case promql.Matrix:
		if limit > 0 && len(v) > limit {
			reply.Value = v[:limit]
			return reply.Notes.Add(errTruncated)
		}
	}
	return reply.Notes
}

// promFormat answers /api/v1/format_query: an expression as Prometheus writes it.
func promFormat(r *http.Request) (promAnswer, error) {
	text, err := query.Format(r.FormValue("query"))
	if err != nil {
		return promAnswer{}, badParam("query", err)
	}
	return promAnswer{data: text}, nil
}

// promExemplars answers /api/v1/query_exemplars: there are none.
func promExemplars(r *http.Request) (promAnswer, error) {
	if _, _, err := spanOf(r); err != nil {
		return promAnswer{}, err
	}
	if _, err := query.Format(r.FormValue("query")); err != nil {
		return promAnswer{}, err
	}
	return promAnswer{data: []string{}}, nil
}
