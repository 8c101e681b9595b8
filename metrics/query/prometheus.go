package query

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/prometheus/prometheus/util/stats"

	"liveboard/metrics"
)

// The limits of a question to a Prometheus, beside MaxSamples.
const (
	MaxSteps     = 11_000           // steps between the ends of a range, as Prometheus has it
	AnswerWithin = 30 * time.Second // how long a question may be worked on
)

// evaluationInterval is the step of a subquery that names none: a Prometheus without a configuration has it.
const evaluationInterval = time.Minute

// Prometheus answers as a server of that name does, values included that are not finite. It is safe for
// concurrent use.
type Prometheus struct {
	storage Storage
	promql  *promql.Engine
}

// NewPrometheus returns a Prometheus that reads series.
func NewPrometheus(series Series) *Prometheus {
	return &Prometheus{NewStorage(series), promql.NewEngine(promql.EngineOpts{
		Logger:                   slog.Default(),
		MaxSamples:               MaxSamples,
		Timeout:                  AnswerWithin,
		LookbackDelta:            Lookback,
		NoStepSubqueryIntervalFn: func(int64) int64 { return evaluationInterval.Milliseconds() },
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		EnablePerStepStats:       true,
		Parser:                   language,
	})}
}

// Question is what a Prometheus is asked.
type Question struct {
	Expr     string
	From, To time.Time
	Step     time.Duration // 0 asks for the value at From
	Lookback time.Duration // 0 means the constant of that name
	PerStep  bool          // count the samples of each step
}

// Reply is the answer to a Question. Its value is the engine's own memory until Close.
type Reply struct {
	Value parser.Value
	Notes annotations.Annotations // warnings and what is worth knowing
	Stats *stats.Statistics
	query promql.Query
}

// Close gives the memory of the value back.
func (r *Reply) Close() { r.query.Close() }

// Ask answers q; the caller must close the Reply. It blocks while the query runs.
//
// The error is of kind Invalid for an expression that is wrong, Refused for one that cannot be evaluated
// or breaks a limit, Unavailable for one that ran out of time or whose ctx ended, with context.Canceled in its
// chain, and Internal for a fault of ours or of the storage. Its text is that of Prometheus.
func (p *Prometheus) Ask(ctx context.Context, q Question) (reply *Reply, err error) {
	defer func() {
		if p := recover(); p != nil {
			reply, err = nil, metrics.Errorf(metrics.Internal, "query panicked: %v\n%s", p, debug.Stack())
		}
	}()
	if err := checkSize(q.Expr); err != nil {
		return nil, err
	}
	query, err := p.prepare(ctx, q)
	if err != nil {
		return nil, metrics.Errorf(metrics.Invalid, "%w", err)
	}
	res := query.Exec(ctx)
	if res.Err != nil {
		query.Close()
		return nil, kindly(res.Err)
	}
	return &Reply{res.Value, res.Warnings, query.Stats(), query}, nil
}

func (p *Prometheus) prepare(ctx context.Context, q Question) (promql.Query, error) {
	in := p.storage
	if in.lookback = q.Lookback; in.lookback <= 0 {
		in.lookback = Lookback
	}
	opts := promql.NewPrometheusQueryOpts(q.PerStep, in.lookback)
	if q.Step == 0 {
		return p.promql.NewInstantQuery(ctx, in, opts, rolled(q.Expr, 0), q.From)
	}
	return p.promql.NewRangeQuery(ctx, in, opts, rolled(q.Expr, q.Step.Milliseconds()), q.From, q.To, q.Step)
}

// kindly gives the engine's error its kind.
func kindly(err error) error {
	var (
		ours     *metrics.Error // of the storage
		fault    runtime.Error
		timeout  promql.ErrQueryTimeout
		canceled promql.ErrQueryCanceled
	)
	switch {
	case errors.As(err, &canceled), errors.Is(err, context.Canceled):
		return metrics.Errorf(metrics.Unavailable, "the query was given up: %w", context.Canceled)
	case errors.As(err, &timeout), errors.Is(err, context.DeadlineExceeded):
		return metrics.Errorf(metrics.Unavailable, "%w", err)
	case errors.As(err, &ours), errors.As(err, &fault):
		return metrics.Errorf(metrics.Internal, "evaluate query: %w", err)
	}
	return metrics.Errorf(metrics.Refused, "%w", err)
}

// Querier reads the series that have samples from mint to maxt, Unix milliseconds.
func (p *Prometheus) Querier(mint, maxt int64) storage.Querier {
	return &querier{p.storage, mint, maxt}
}

// Selectors parses selectors such as up{job="a"}. The error is of kind Invalid, and one that selects everything is refused.
func Selectors(texts []string) ([][]*labels.Matcher, error) {
	for _, text := range texts {
		if err := checkSize(text); err != nil {
			return nil, err
		}
	}
	sets, err := language.ParseMetricSelectors(texts)
	if err != nil {
		return nil, metrics.Errorf(metrics.Invalid, "%w", err)
	}
	for _, set := range sets {
		if matchesAll(set) {
			return nil, metrics.Errorf(metrics.Invalid, "match[] must contain at least one non-empty matcher")
		}
	}
	return sets, nil
}

func matchesAll(set []*labels.Matcher) bool {
	for _, m := range set {
		if !m.Matches("") {
			return false
		}
	}
	return true
}

// Format returns expr as Prometheus writes it, over several lines where it is long. The error is of kind Invalid.
func Format(expr string) (string, error) {
	if err := checkSize(expr); err != nil {
		return "", err
	}
	node, err := language.ParseExpr(expr)
	if err != nil {
		return "", metrics.Errorf(metrics.Invalid, "%w", err)
	}
	return node.Pretty(0), nil
}
