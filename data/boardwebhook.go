package data

import (
	"cmp"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"liveboard/metrics"
)

// Limits of webhooks.
const (
	maxWebhooks       = 100
	maxWebhookMetrics = 100 // a webhook
	maxWords          = 100 // a map
)

// webhooks reads a mapping of names to webhooks.
func (r *boardParser) webhooks(to *[]metrics.Webhook) reads {
	return func(n ast.Node) {
		r.pairs(n, "webhooks are written by name, such as deploys: {metrics: [{name: deploy_seconds, value: /duration}]}", func(_ string, key ast.MapKeyNode, value ast.Node) {
			if len(*to) == maxWebhooks {
				r.fail(placeOf(key), "at most %d webhooks are allowed; remove this one", maxWebhooks)
				return
			}
			*to = append(*to, r.webhook(key, value))
		})
	}
}

func (r *boardParser) webhook(key ast.MapKeyNode, n ast.Node) metrics.Webhook {
	var w metrics.Webhook
	r.name(&w.Name)(key)
	found := r.mapping(n, "a webhook", fields{
		"metrics":    r.list(maxWebhookMetrics, func(n ast.Node) { w.Metrics = append(w.Metrics, r.webhookMetric(n)) }),
		"secret":     r.inClear("secret-env: with the name of an environment variable that holds it"),
		"secret-env": r.variable(&w.SecretEnv),
	})
	if found != nil && len(w.Metrics) == 0 {
		r.fail(placeOf(found.or("metrics", n)), "this webhook has no metrics; add metrics: with a list such as [{name: deploy_seconds, value: /duration}]")
	}
	return w
}

func (r *boardParser) webhookMetric(n ast.Node) metrics.WebhookMetric {
	var m metrics.WebhookMetric
	found := r.mapping(n, "a metric", fields{
		"name":   r.metricName(&m.Name),
		"each":   r.pointer(&m.Each),
		"value":  r.webhookValue(&m.Value),
		"labels": r.webhookLabels(&m.Labels),
		"time":   r.pointer(&m.Time),
		"map":    r.words(&m.Map),
	})
	if found == nil {
		return m
	}
	for _, key := range []string{"name", "value"} {
		if found[key] == nil {
			r.fail(placeOf(n), "this metric has no %s; it needs a name: and a value: with its place in the body, such as {name: deploy_seconds, value: /duration}", key)
		}
	}
	return m
}

// metricName reads the name of a metric.
func (r *boardReader) metricName(to *string) reads {
	return func(n ast.Node) {
		text, ok := r.line(n)
		if !ok {
			return
		}
		if _, err := metrics.NewSeries(text); err != nil {
			r.fail(placeOf(n), "%w", err)
			return
		}
		*to = text
	}
}

// bodyPlace reads a JSON Pointer, or what stands for itself.
func (r *boardReader) bodyPlace(to *metrics.BodyPlace) reads {
	return func(n ast.Node) {
		text, ok := r.line(n)
		if !ok {
			return
		}
		place, err := metrics.ParseBodyPlace(text)
		if err != nil {
			r.fail(placeOf(n), "%w", err)
			return
		}
		*to = place
	}
}

// webhookValue reads a JSON Pointer, or a number that every sample has.
func (r *boardReader) webhookValue(to *metrics.BodyPlace) reads {
	return func(n ast.Node) {
		mistakes := len(r.errors)
		r.bodyPlace(to)(n)
		if len(r.errors) > mistakes || to.Origin != metrics.FromNowhere {
			return
		}
		if _, ok := numberValue(r.see(n)); !ok {
			r.fail(placeOf(n), "%q is neither a JSON Pointer, such as /duration, nor a number", to.Text)
		}
	}
}

// pointer reads a JSON Pointer.
func (r *boardReader) pointer(to **metrics.BodyPlace) reads {
	return func(n ast.Node) {
		var place metrics.BodyPlace
		mistakes := len(r.errors)
		r.bodyPlace(&place)(n)
		if len(r.errors) > mistakes {
			return
		}
		if place.Origin == metrics.FromNowhere {
			r.fail(placeOf(n), "%q is no JSON Pointer; write the place in the body with a / before each name, such as /alerts or /commit/timestamp", place.Text)
			return
		}
		*to = &place
	}
}

// webhookLabels reads a mapping of label names to places.
func (r *boardReader) webhookLabels(to *[]metrics.WebhookLabel) reads {
	return func(n ast.Node) {
		r.pairs(n, "labels are written as names and places in the body, such as repo: /repository/name", func(name string, key ast.MapKeyNode, value ast.Node) {
			l := metrics.WebhookLabel{Name: name}
			if _, err := metrics.NewSeries("x", metrics.Label{Name: name, Value: "x"}); err != nil {
				r.fail(placeOf(key), "%w", err)
				return
			}
			r.bodyPlace(&l.Value)(value)
			*to = append(*to, l)
		})
		slices.SortFunc(*to, func(a, b metrics.WebhookLabel) int { return cmp.Compare(a.Name, b.Name) })
	}
}

// words reads a mapping of words to numbers.
func (r *boardReader) words(to *map[string]float64) reads {
	return func(n ast.Node) {
		all := make(map[string]float64)
		r.pairs(n, "a map is written as words and numbers, such as {success: 1, failure: 0}", func(name string, key ast.MapKeyNode, value ast.Node) {
			if len(all) == maxWords {
				r.fail(placeOf(key), "at most %d words are allowed; remove this one", maxWords)
				return
			}
			var v float64
			r.number(&v)(value)
			all[name] = v
		})
		*to = all
	}
}
