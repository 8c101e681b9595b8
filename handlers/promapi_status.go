package handlers

import (
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"

	"github.com/prometheus/common/model"

	"liveboard/metrics"
	"liveboard/metrics/query"
)

// promBuild answers /api/v1/status/buildinfo. The version is that of the Prometheus whose engine and answers
// these are: clients decide by it what they may ask.
func (s *Server) promBuild(*http.Request) (promAnswer, error) {
	return promAnswer{data: struct {
		Version   string `json:"version"`
		Revision  string `json:"revision"`
		Branch    string `json:"branch"`
		BuildUser string `json:"buildUser"`
		BuildDate string `json:"buildDate"`
		GoVersion string `json:"goVersion"`
	}{prometheusVersion(), s.Build, "liveboard", "", "", runtime.Version()}}, nil
}

// prometheusVersion reads v0.312.0, as Go's modules call it, as 3.12.0.
func prometheusVersion() string {
	info, _ := debug.ReadBuildInfo()
	for _, m := range info.Deps {
		var minor, patch int
		if m.Path != "github.com/prometheus/prometheus" {
			continue
		}
		if _, err := fmt.Sscanf(m.Version, "v0.%d.%d", &minor, &patch); err == nil {
			return fmt.Sprintf("%d.%d.%d", minor/100, minor%100, patch)
		}
	}
	return ""
}

// promMetadata answers /api/v1/metadata: what is known of metrics.
func (s *Server) promMetadata(r *http.Request) (promAnswer, error) {
	limit, err := countParam(r, "limit", -1)
	if err != nil {
		return promAnswer{}, metrics.Errorf(metrics.Invalid, "limit must be a number")
	}
	if _, err := countParam(r, "limit_per_metric", -1); err != nil { // one each is all there is
		return promAnswer{}, metrics.Errorf(metrics.Invalid, "limit_per_metric must be a number")
	}
	all := s.Catalog.All()
	names := slices.Sorted(maps.Keys(all))
	if name := r.FormValue("metric"); name != "" {
		names = slices.DeleteFunc(names, func(n string) bool { return n != name })
	}
	if limit >= 0 {
		names = names[:min(limit, len(names))]
	}
	out := make(map[string][]metadata, len(names))
	for _, name := range names {
		out[name] = []metadata{metadata(all[name])}
	}
	return promAnswer{data: out}, nil
}

// metadata is a metrics.About as Prometheus writes it.
type metadata struct {
	Type string `json:"type"`
	Unit string `json:"unit"`
	Help string `json:"help"`
}

// promFlags answers /api/v1/status/flags with the flags of a Prometheus that have a counterpart here.
func promFlags(*http.Request) (promAnswer, error) {
	return promAnswer{data: map[string]string{
		"query.lookback-delta":  model.Duration(query.Lookback).String(),
		"query.max-concurrency": strconv.Itoa(maxTurns),
		"query.max-samples":     strconv.Itoa(query.MaxSamples),
		"query.timeout":         model.Duration(query.AnswerWithin).String(),
	}}, nil
}

// promRules answers /api/v1/rules: there are none.
func promRules(*http.Request) (promAnswer, error) {
	return promAnswer{data: map[string][]string{"groups": {}}}, nil
}

// promAlerts answers /api/v1/alerts: there are none.
func promAlerts(*http.Request) (promAnswer, error) {
	return promAnswer{data: map[string][]string{"alerts": {}}}, nil
}
