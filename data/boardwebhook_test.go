package data

import (
	"errors"
	"strings"
	"testing"

	"liveboard/metrics"
)

// everyWebhook is what testdata/board/full.yaml says about webhooks.
func everyWebhook() []metrics.Webhook {
	at := func(text string, origin metrics.BodyOrigin, path ...string) metrics.BodyPlace {
		return metrics.BodyPlace{Text: text, Origin: origin, Path: path}
	}
	each, finished := at("/deploys", metrics.FromElement, "deploys"), at("/finished~1at", metrics.FromElement, "finished/at")
	return []metrics.Webhook{{Name: "deploys", SecretEnv: "DEPLOYS_SECRET", Metrics: []metrics.WebhookMetric{
		{Name: "deploy_seconds", Each: &each, Value: at("/seconds", metrics.FromElement, "seconds"), Time: &finished, Labels: []metrics.WebhookLabel{
			{Name: "env", Value: at("prod", metrics.FromNowhere)},
			{Name: "id", Value: at("$key", metrics.FromKey)},
			{Name: "on", Value: at("", metrics.FromElement)},
			{Name: "repo", Value: at("$/repository/full_name", metrics.FromBody, "repository", "full_name")},
		}},
		{Name: "deploy_ok", Value: at("/state", metrics.FromElement, "state"), Map: map[string]float64{"success": 1, "failure": 0}},
		{Name: "deploys", Value: at("1", metrics.FromNowhere)},
	}}}
}

func TestBoardWebhookMistakes(t *testing.T) {
	hook := func(metric string) string { return "webhooks:\n  a:\n    metrics:\n    - " + metric + "\n" }
	for _, test := range []struct{ name, src, want string }{
		{"a list", "webhooks: []\n", "1:11: webhooks are written by name"},
		{"bad name", "webhooks: {A b: {metrics: [{name: x, value: 1}]}}\n", `1:12: "A b" cannot be a name`},
		{"twice", "webhooks: {a: {metrics: [{name: x, value: 1}]}, a: {}}\n", `the key "a" stands here twice`},
		{"no metrics", "webhooks: {a: {}}\n", "1:15: this webhook has no metrics"},
		{"empty metrics", "webhooks: {a: {metrics: []}}\n", "1:25: this webhook has no metrics"},
		{"unknown key", "webhooks: {a: {metric: []}}\n", `1:16: a webhook has no key "metric"; did you mean "metrics"?`},
		{"secret in clear", "webhooks:\n  a:\n    secret: hush\n    metrics: [{name: x, value: 1}]\n", "3:13: a secret does not stand in a board file; remove it and write secret-env: with the name of an environment variable that holds it\n"},
		{"unknown key like none", "webhooks: {a: {everything: []}}\n", `1:16: a webhook has no key "everything"; its keys are metrics, secret-env` + "\n"},
		{"nearly a secret", "webhooks: {a: {secrets: hush}}\n", `1:16: a webhook has no key "secrets"; its keys are metrics, secret-env` + "\n"},
		{"secret with a $", "webhooks:\n  a:\n    secret-env: $HUSH\n    metrics: [{name: x, value: 1}]\n", "3:17: the name of an environment variable is needed"},
		{"no name", hook("value: /x"), "4:7: this metric has no name"},
		{"no value", hook("name: x"), "4:7: this metric has no value"},
		{"metric name", hook("{name: x-y, value: /x}"), `4:14: metric name "x-y"`},
		{"value is a word", hook("{name: x, value: x}"), `4:24: "x" is neither a JSON Pointer, such as /duration, nor a number`},
		{"escape", hook("{name: x, value: /a~b}"), `4:24: "/a~b" is no JSON Pointer: after ~ comes 0`},
		{"each is a word", hook("{name: x, value: /x, each: alerts}"), `4:34: "alerts" is no JSON Pointer; write the place in the body with a /`},
		{"time is a word", hook("{name: x, value: /x, time: now}"), `4:34: "now" is no JSON Pointer`},
		{"label name", hook("{name: x, value: /x, labels: {a-b: /x}}"), `4:37: label name "a-b"`},
		{"label of a label", hook("{name: x, value: /x, labels: {a: {b: /x}}}"), "4:40: a text is needed here"},
		{"map to a word", hook("{name: x, value: /x, map: {up: yes}}"), "4:38: a number is needed here"},
		{"map is a list", hook("{name: x, value: /x, map: [up]}"), "4:33: a map is written as words and numbers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseBoard("b.yaml", []byte(test.src), BoardCheck{})
			var mistakes BoardErrors
			if !errors.As(err, &mistakes) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hush") {
				t.Errorf("the secret is told: %v", err)
			}
		})
	}
}
