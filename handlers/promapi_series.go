package handlers

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"liveboard/metrics"
	"liveboard/metrics/query"
)

// lookup is a question about series.
type lookup struct {
	storage.Querier
	mint, maxt int64
	limit      int // 0 for none
}

func (s *Server) lookup(r *http.Request) (l lookup, err error) {
	if l.limit, err = limitParam(r); err != nil {
		return l, err
	}
	l.mint, l.maxt, err = spanOf(r)
	l.Querier = s.Prometheus.Querier(l.mint, l.maxt)
	return l, err
}

// promSeries answers /api/v1/series: the labels of series.
func (s *Server) promSeries(r *http.Request) (promAnswer, error) {
	if len(r.Form["match[]"]) == 0 {
		return promAnswer{}, metrics.Errorf(metrics.Invalid, "no match[] parameter provided")
	}
	l, err := s.lookup(r)
	if err != nil {
		return promAnswer{}, err
	}
	sets, err := query.Selectors(r.Form["match[]"])
	if err != nil {
		return promAnswer{}, badParam("match[]", err)
	}
	found := []labels.Labels{}
	for _, set := range sets {
		series := l.Select(r.Context(), true, &storage.SelectHints{Start: l.mint, End: l.maxt, Func: "series", Limit: beyond(l.limit)}, set...)
		for series.Next() {
			found = append(found, series.At().Labels())
		}
		if err := series.Err(); err != nil {
			return promAnswer{}, err
		}
	}
	if len(sets) > 1 {
		slices.SortFunc(found, labels.Compare)
		found = slices.CompactFunc(found, labels.Equal)
	}
	return limited(found, l.limit), nil
}

// promLabels answers /api/v1/labels: the names of labels.
func (s *Server) promLabels(r *http.Request) (promAnswer, error) {
	return s.names(r, func(l lookup, hints *storage.LabelHints, set []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return l.LabelNames(r.Context(), hints, set...)
	})
}

// promValues answers /api/v1/label/{name}/values: the values of a label.
func (s *Server) promValues(r *http.Request) (promAnswer, error) {
	name := chi.URLParam(r, "name")
	if strings.HasPrefix(name, "U__") {
		name = model.UnescapeName(name, model.ValueEncodingEscaping)
	}
	if !model.UTF8Validation.IsValidLabelName(name) {
		return promAnswer{}, metrics.Errorf(metrics.Invalid, "invalid label name: %q", name)
	}
	return s.names(r, func(l lookup, hints *storage.LabelHints, set []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return l.LabelValues(r.Context(), name, hints, set...)
	})
}

// names answers with what read finds for each set of matchers, or for all series.
func (s *Server) names(r *http.Request, read func(lookup, *storage.LabelHints, []*labels.Matcher) ([]string, annotations.Annotations, error)) (promAnswer, error) {
	l, err := s.lookup(r)
	if err != nil {
		return promAnswer{}, err
	}
	sets, err := query.Selectors(r.Form["match[]"])
	if err != nil {
		return promAnswer{}, err
	}
	if len(sets) == 0 {
		sets = [][]*labels.Matcher{nil}
	}
	all := []string{}
	for _, set := range sets {
		found, _, err := read(l, &storage.LabelHints{Limit: beyond(l.limit)}, set)
		if err != nil {
			return promAnswer{}, err
		}
		all = append(all, found...)
	}
	slices.Sort(all)
	return limited(slices.Compact(all), l.limit), nil
}

// beyond is the limit that shows whether there would be more.
func beyond(limit int) int {
	if limit == 0 {
		return 0
	}
	return max(limit, limit+1) // the largest int has none beyond
}

// limited cuts all off at limit, and says so.
func limited[T any](all []T, limit int) promAnswer {
	if limit == 0 || len(all) <= limit {
		return promAnswer{data: all}
	}
	return promAnswer{data: all[:limit], notes: annotations.New().Add(errTruncated)}
}
