package data

import (
	"maps"
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
	known := fields{
		"kind":     r.name(&c.Kind),
		"name":     r.name(&c.Name),
		"interval": r.span(&c.Interval, 100*time.Millisecond, 24*time.Hour),
		"timeout":  r.span(&c.Timeout, 100*time.Millisecond, time.Hour),
		"top":      r.integer(&c.Top, 1, 100),
		"targets":  r.list(maxTargets, func(n ast.Node) { c.Targets = append(c.Targets, r.short(n)) }),
	}
	maps.Copy(known, r.accessFields(&c.Access))
	maps.Copy(known, r.scrapeFields(&c.Scrape))
	found := r.mapping(n, "a collector", known)
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
