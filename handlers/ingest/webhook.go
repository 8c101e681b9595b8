package ingest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"
	"strings"

	"liveboard/handlers/jsontext"
	"liveboard/metrics"
)

func init() { openers = append(openers, openWebhooks) }

// openWebhooks returns what takes JSON of any shape, by the mappings of the board file as it is at the time.
func openWebhooks(i *Intake) ([]protocol, func(context.Context)) {
	h := webhooks{i}
	return []protocol{{format: "webhook", routes: []string{"POST /hooks/{name}"}, read: h.read, vouch: h.vouch}}, nil
}

type webhooks struct{ *Intake }

func (h webhooks) read(d *delivery) (metrics.Batch, error) {
	hook, err := h.hookOf(d)
	if err != nil {
		return metrics.Batch{}, err
	}
	return readWebhook(d, hook)
}

func (h webhooks) hookOf(d *delivery) (*metrics.Webhook, error) {
	name, err := url.PathUnescape(strings.TrimPrefix(d.URL.EscapedPath(), "/hooks/"))
	if err != nil {
		return nil, metrics.Errorf(metrics.Invalid, "The address is no URL: %w", err)
	}
	return h.Webhook(name)
}

// vouch reports whether the sender proves to know the webhook's secret: by the signature that GitHub, Gitea and others
// send, or as GitLab does.
func (h webhooks) vouch(d *delivery) (from Sender, known bool) {
	signature, plain := d.Header.Get("X-Hub-Signature-256"), d.Header.Get("X-Gitlab-Token")
	if signature == "" && plain == "" {
		return Sender{}, false
	}
	hook, err := h.hookOf(d)
	if err != nil || hook.SecretEnv == "" {
		return Sender{}, false
	}
	secret := os.Getenv(hook.SecretEnv)
	if secret == "" {
		return Sender{}, false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(d.body)
	want := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	known = hmac.Equal([]byte(want), []byte(signature)) || subtle.ConstantTimeCompare([]byte(secret), []byte(plain)) == 1
	return Sender{Token: metrics.Token{ID: "webhook " + hook.Name, Scopes: []string{metrics.VerbIngest}}}, known
}

// readWebhook reads one JSON value by a mapping. Numbers are kept as they are written.
func readWebhook(d *delivery, hook *metrics.Webhook) (metrics.Batch, error) {
	if err := checkJSONParts(d.body); err != nil {
		return metrics.Batch{}, err
	}
	decoder := json.NewDecoder(bytes.NewReader(d.body))
	decoder.UseNumber()
	var body any
	if err := decoder.Decode(&body); err != nil {
		return metrics.Batch{}, jsontext.Error(d.body, decoder, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return metrics.Batch{}, metrics.Errorf(metrics.Invalid, "line %d: there is more after the JSON value", jsontext.LineAt(d.body, decoder.InputOffset()))
	}
	m := mapping{body: body, now: d.now}
	for _, metric := range hook.Metrics {
		if err := m.metric(metric); err != nil {
			return metrics.Batch{}, err
		}
	}
	return metrics.Batch{Samples: m.samples}, nil
}
