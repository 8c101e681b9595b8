package ingest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"liveboard/metrics"
)

// place reads a place as the board file does.
func place(t testing.TB, text string) metrics.BodyPlace {
	t.Helper()
	p, err := metrics.ParseBodyPlace(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// mapped returns a metric with that value, each and time ("-" for none), and labels given as name, place, name, place.
func mapped(t testing.TB, name, value, each, at string, labels ...string) metrics.WebhookMetric {
	t.Helper()
	m := metrics.WebhookMetric{Name: name, Value: place(t, value)}
	for text, to := range map[string]**metrics.BodyPlace{each: &m.Each, at: &m.Time} {
		if text != "-" {
			p := place(t, text)
			*to = &p
		}
	}
	for i := 0; i < len(labels); i += 2 {
		m.Labels = append(m.Labels, metrics.WebhookLabel{Name: labels[i], Value: place(t, labels[i+1])})
	}
	return m
}

// hooked makes the rig's only webhook, "h", one of those metrics.
func (r *rig) hooked(of ...metrics.WebhookMetric) {
	hook := metrics.Webhook{Name: "h", Metrics: of}
	r.intake.Webhook = func(name string) (*metrics.Webhook, error) {
		if name != "h" {
			return nil, metrics.Errorf(metrics.NotFound, "There is no webhook named %q in the board file.", name)
		}
		return &hook, nil
	}
}

const alerts = `{"receiver":"ops","alerts":[
	{"labels":{"alertname":"Disk full","a/b":1},"state":"firing","value":"87%","startsAt":"1999-12-31T23:59:00Z"},
	{"labels":{"alertname":"Down","a/b":null},"state":"resolved","value":1.5,"startsAt":"1999-12-31T23:58:00+00:00"}],
	"seconds":946684700,"milliseconds":946684710500,"services":{"web":true,"db":false},"ns":null}`

func TestWebhooksMapBodies(t *testing.T) {
	states := func(t *testing.T) metrics.WebhookMetric {
		m := mapped(t, "x", "/state", "/alerts", "-", "of", "/labels/alertname")
		m.Map = map[string]float64{"firing": 1, "resolved": 0}
		return m
	}
	for _, c := range []struct {
		name   string
		metric func(t *testing.T) metrics.WebhookMetric
		want   map[string]float64
	}{
		{"a list", func(t *testing.T) metrics.WebhookMetric {
			return mapped(t, "x", "/value", "/alerts", "-", "ab", "/labels/a~1b", "env", "prod", "of", "/labels/alertname", "to", "$/receiver")
		}, map[string]float64{`x{ab="1",env="prod",of="Disk full",to="ops"}`: 87, `x{env="prod",of="Down",to="ops"}`: 1.5}},
		{"words", states, map[string]float64{`x{of="Disk full"}`: 1, `x{of="Down"}`: 0}},
		{"an object", func(t *testing.T) metrics.WebhookMetric {
			return mapped(t, "x", "", "/services", "-", "service", "$key")
		}, map[string]float64{`x{service="web"}`: 1, `x{service="db"}`: 0}},
		{"one of a list", func(t *testing.T) metrics.WebhookMetric { return mapped(t, "x", "/alerts/1/value", "-", "-") }, map[string]float64{"x": 1.5}},
		{"a number of every sample", func(t *testing.T) metrics.WebhookMetric { return mapped(t, "x", "1", "-", "-") }, map[string]float64{"x": 1}},
		{"no element", func(t *testing.T) metrics.WebhookMetric {
			return mapped(t, "x", "1", "/alerts/0/labels", "-", "l", "$key")
		},
			map[string]float64{`x{l="a/b"}`: 1, `x{l="alertname"}`: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			defer r.close()
			r.hooked(c.metric(t))
			r.want(http.StatusNoContent, "", "POST", "/hooks/h", alerts)
			r.wantValues(`{__name__!=""}`, c.want)
		})
	}
}

func TestWebhooksReadTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose clock begins at 2000-01-01T00:00:00Z
		r := newRigInMemory(t)
		defer r.close()
		for name, c := range map[string]struct{ place, each string }{"rfc": {"/startsAt", "/alerts"}, "s": {"/seconds", "-"}, "ms": {"/milliseconds", "-"}} {
			r.hooked(mapped(t, name, "1", c.each, c.place))
			r.want(http.StatusNoContent, "", "POST", "/hooks/h", alerts)
		}
		r.wantValues("time() - timestamp(rfc)", map[string]float64{"": 60})
		r.wantValues("time() - timestamp(s)", map[string]float64{"": 100})
		r.wantValues("time() - timestamp(ms)", map[string]float64{"": 89.5})
	})
}

func TestWebhooksTellWhatDoesNotFit(t *testing.T) {
	r := newRig(t)
	defer r.close()
	invalid, refused, notFound := 1000+int(metrics.Invalid), 1000+int(metrics.Refused), 1000+int(metrics.NotFound)
	words := mapped(t, "x", "/state", "/alerts", "-")
	words.Map = map[string]float64{"up": 1, "down": 0}
	for _, c := range []struct {
		name, body string
		metric     metrics.WebhookMetric
		status     int
		want       string
	}{
		{"not there", alerts, mapped(t, "x", "/alerts/1/duration", "-", "-"), refused, "There is no /alerts/1/duration in the body: /alerts/1 is an object with 4 fields."},
		{"beyond the list", alerts, mapped(t, "x", "/alerts/2", "-", "-"), refused, "There is no /alerts/2 in the body: /alerts is a list of 2."},
		{"index with a zero", alerts, mapped(t, "x", "/alerts/01", "-", "-"), refused, "There is no /alerts/01"},
		{"below a text", alerts, mapped(t, "x", "/receiver/a", "-", "-"), refused, `There is no /receiver/a in the body: /receiver is "ops".`},
		{"no number", alerts, mapped(t, "x", "/startsAt", "/alerts", "-"), refused, `/alerts/0/startsAt is "1999-12-31T23:59:00Z", where a number is needed.`},
		{"null", alerts, mapped(t, "x", "/ns", "-", "-"), refused, "/ns is null, where a number is needed."},
		{"a list for a number", alerts, mapped(t, "x", "/alerts", "-", "-"), refused, "/alerts is a list of 2, where a number is needed."},
		{"the body for a number", "[]", mapped(t, "x", "", "-", "-"), refused, "The body is a list of 0, where a number is needed."},
		{"no list", alerts, mapped(t, "x", "1", "/receiver", "-"), refused, `/receiver is "ops", where a list or an object is needed.`},
		{"unknown word", alerts, words, refused, `/alerts/0/state is "firing", where one of the words down, up is needed.`},
		{"no time", alerts, mapped(t, "x", "1", "-", "/receiver"), refused, `/receiver is "ops", where a time (RFC 3339, Unix seconds or Unix milliseconds) is needed.`},
		{"long ago", alerts, mapped(t, "x", "/value", "/alerts", "/startsAt"), invalid, "/alerts/0/value: x: the time is more than 7 days ago"},
		{"label of an object", alerts, mapped(t, "x", "1", "-", "-", "l", "/services"), refused, "/services is an object with 2 fields, where a text is needed."},
		{"label with a line feed", `{"l":"a\nb"}`, mapped(t, "x", "1", "-", "-", "l", "/l"), invalid, "The body: the value of label l: the character U+000A"},
		{"hostile key", `{"\u202e":{"v":"x"}}`, mapped(t, "x", "/v", "", "-"), refused, `/?/v is "x", where a number is needed.`},
		{"too large", `{"v":1e999}`, mapped(t, "x", "/v", "-", "-"), refused, "/v is 1e999, where a number is needed."},
		{"no JSON", "{\n", mapped(t, "x", "1", "-", "-"), invalid, "line 2: unexpected EOF"},
		{"more", "{}\n{}", mapped(t, "x", "1", "-", "-"), invalid, "line 2: there is more after the JSON value"},
		{"empty", "", mapped(t, "x", "1", "-", "-"), invalid, "line 1: EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.hooked(mapped(t, "good", "1", "-", "-"), c.metric)
			r.want(c.status, c.want, "POST", "/hooks/h", c.body)
		})
	}
	r.want(notFound, `There is no webhook named "other"`, "POST", "/hooks/other", "{}")
	r.wantValues(`{__name__!=""}`, map[string]float64{})
}

func TestWebhookSecretStandsForAToken(t *testing.T) {
	t.Setenv("HOOK_SECRET", "hush")
	r := newRig(t)
	defer r.close()
	r.hooked(mapped(t, "x", "/v", "-", "-"))
	hook, err := r.intake.Webhook("h")
	if err != nil {
		t.Fatal(err)
	}
	r.intake.Admit = func(*http.Request, string, bool) (Sender, error) {
		return Sender{}, metrics.Errorf(metrics.Unauthorized, "no token")
	}
	sign := func(secret, body string) string {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(body))
		return "sha256=" + hex.EncodeToString(mac.Sum(nil))
	}
	const body, gitHub, gitLab = `{"v":1}`, "X-Hub-Signature-256", "X-Gitlab-Token"
	unauthorized := 1000 + int(metrics.Unauthorized)
	r.want(unauthorized, "no token", "POST", "/hooks/h", body, gitHub, sign("hush", body)) // the webhook has no secret yet
	r.want(unauthorized, "no token", "POST", "/hooks/h", body, gitHub, sign("", body))
	hook.SecretEnv = "HOOK_SECRET"
	r.want(http.StatusNoContent, "", "POST", "/hooks/h", body, gitHub, sign("hush", body))
	r.want(http.StatusNoContent, "", "POST", "/hooks/h", body, gitLab, "hush")
	for _, admit := range []func(*http.Request, string, bool) (Sender, error){r.intake.Admit, admitTest} { // from elsewhere, and from this machine
		r.intake.Admit = admit
		const wrong = `X-Hub-Signature-256 is not the signature of this body with the secret that secret-env of the webhook "h" names`
		r.want(unauthorized, wrong, "POST", "/hooks/h", `{"v":2}`, gitHub, sign("hush", body))
		r.want(unauthorized, wrong, "POST", "/hooks/h", body, gitHub, strings.TrimPrefix(sign("hush", body), "sha256="))
		r.want(unauthorized, wrong, "POST", "/hooks/h", body, gitHub, sign("", body), gitLab, "hush")
		r.want(unauthorized, `X-Gitlab-Token is not the secret that secret-env of the webhook "h" names.`, "POST", "/hooks/h", body, gitLab, "hus")
	}
	r.want(http.StatusNoContent, "", "POST", "/hooks/h", body) // of this machine
	t.Setenv("HOOK_SECRET", "")
	r.want(unauthorized, "X-Hub-Signature-256 cannot be checked: the environment variable", "POST", "/hooks/h", body, gitHub, sign("", body))
	r.want(http.StatusNoContent, "", "POST", "/hooks/h", body)
}

func TestWebhookSecretsAreNotToBeGuessed(t *testing.T) {
	t.Setenv("HOOK_SECRET", "hush")
	r := newRig(t)
	defer r.close()
	r.hooked(mapped(t, "x", "/v", "-", "-"))
	hook, err := r.intake.Webhook("h")
	if err != nil {
		t.Fatal(err)
	}
	hook.SecretEnv = "HOOK_SECRET"
	r.intake.Admit = func(*http.Request, string, bool) (Sender, error) {
		return Sender{}, metrics.Errorf(metrics.TooMany, "wait a little")
	}
	r.want(1000+int(metrics.TooMany), "wait a little", "POST", "/hooks/h", `{"v":1}`, "X-Gitlab-Token", "hus")
}

func FuzzWebhook(f *testing.F) {
	for _, body := range []string{alerts, `{"v":1}`, `[1,"2",true,null,{}]`, `{"v":{"a":"\u202e"}}`, "null", `"x"`, "1e999", `{"a":[[[]]],"t":"2000-01-01T00:00:00Z"}`} {
		for shape := range 4 {
			f.Add([]byte(body), shape)
		}
	}
	shapes := [][]metrics.WebhookMetric{
		{mapped(f, "x", "/v", "-", "-")},
		{mapped(f, "x", "", "", "-", "k", "$key", "l", "$")},
		{mapped(f, "x", "/value", "/alerts", "/startsAt", "l", "/labels/alertname")},
		{mapped(f, "x", "/0", "-", "/t"), mapped(f, "y", "1", "", "-")},
	}
	f.Fuzz(func(t *testing.T, body []byte, shape int) {
		now := time.Now()
		batch, err := readWebhook(&delivery{body: body, now: now}, &metrics.Webhook{Name: "h", Metrics: shapes[uint(shape)%4]})
		if err != nil {
			if kind := metrics.KindOf(err); kind != metrics.Invalid && kind != metrics.Refused && kind != metrics.TooLarge || metrics.CheckText(err.Error()) != nil {
				t.Fatalf("%q: got the error %q of kind %v", body, err, kind)
			}
			return
		}
		if err := batch.Check(now); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		for _, s := range batch.Samples {
			if math.IsNaN(s.Value) || math.IsInf(s.Value, 0) {
				t.Fatalf("%q: took in %v", body, fmt.Sprint(s))
			}
		}
	})
}
