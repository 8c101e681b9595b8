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

// What a sender proves with that it knows the webhook's secret: the signature that GitHub, Gitea and others send, or the
// secret itself, as GitLab does.
const (
	signatureHeader = "X-Hub-Signature-256"
	secretHeader    = "X-Gitlab-Token"
)

// vouch reports whether the sender proves to know the webhook's secret. A proof that is wrong is refused on this machine
// too: where a sender is tried out, it shall show.
func (h webhooks) vouch(d *delivery) (from Sender, known bool, err error) {
	header := signatureHeader
	if d.Header.Get(header) == "" {
		header = secretHeader
	}
	proof := d.Header.Get(header)
	if proof == "" {
		return Sender{}, false, nil
	}
	hook, err := h.hookOf(d)
	if err != nil || hook.SecretEnv == "" {
		return Sender{}, false, nil // who may know what there is, Admit says
	}
	secret := os.Getenv(hook.SecretEnv)
	switch {
	case secret == "":
		err = metrics.Errorf(metrics.Unauthorized, "%s cannot be checked: the environment variable that secret-env of the webhook %q names is not set where the server runs.", header, hook.Name)
	case header == signatureHeader && !signs(secret, d.body, proof):
		err = metrics.Errorf(metrics.Unauthorized, "%s is not the signature of this body with the secret that secret-env of the webhook %q names: sha256= and its HMAC-SHA256 in hexadecimal.", header, hook.Name)
	case header == secretHeader && subtle.ConstantTimeCompare([]byte(secret), []byte(proof)) != 1:
		err = metrics.Errorf(metrics.Unauthorized, "%s is not the secret that secret-env of the webhook %q names.", header, hook.Name)
	}
	return Sender{Token: metrics.Token{ID: "webhook " + hook.Name, Scopes: []string{metrics.VerbIngest}}}, err == nil, err
}

// signs reports whether the signature is that of the body.
func signs(secret string, body []byte, signature string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hmac.Equal([]byte("sha256="+hex.EncodeToString(mac.Sum(nil))), []byte(signature))
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
