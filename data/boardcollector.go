package data

import (
	"time"

	"github.com/goccy/go-yaml/ast"

	"liveboard/metrics"
)

func (r *boardParser) collectors(to *[]metrics.CollectorConfig) reads {
	names := map[string]bool{}
	return r.list(maxCollectors, func(n ast.Node) {
		mistakes := len(r.errors)
		if c := r.collector(n, *to, names); len(r.errors) == mistakes {
			*to = append(*to, c)
		}
	})
}

func (r *boardParser) collector(n ast.Node, before []metrics.CollectorConfig, names map[string]bool) metrics.CollectorConfig {
	var c metrics.CollectorConfig
	mistakes := len(r.errors)
	found := r.mapping(n, "a collector", fields{
		"kind":     r.name(&c.Kind),
		"name":     r.name(&c.Name),
		"interval": r.span(&c.Interval, 100*time.Millisecond, 24*time.Hour),
		"timeout":  r.span(&c.Timeout, 100*time.Millisecond, time.Hour),
		"top":      r.integer(&c.Top, 1, 100),
		"targets":  r.texts(&c.Targets),
	})
	if found == nil {
		return c
	}
	if found["kind"] == nil {
		r.fail(placeOf(n), "this collector has no kind; add kind: with one such as host or http")
	}
	if c.Name == "" {
		c.Name = c.Kind
	}
	r.unique(names, c.Name, placeOf(found.or("name", n)), "collectors")
	if r.check.Collector == nil || len(r.errors) > mistakes {
		return c
	}
	checked, err := r.check.Collector(c, before)
	r.failAtKey(found, found["kind"], err)
	return checked
}

func (r *boardParser) texts(to *[]string) reads {
	return r.list(maxTargets, func(n ast.Node) {
		var text string
		r.text(&text)(n)
		*to = append(*to, text)
	})
}
