package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func TestHealthIsThatOfTheProcess(t *testing.T) {
	w := newWorld(t, nil)
	w.breakStore()
	if a := get200(t, w.URL+"/healthz"); a.body != "ok\n" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %q, Cache-Control %q", a.body, a.Header.Get("Cache-Control"))
	}
}

func TestReadinessIsThatOfEveryPart(t *testing.T) {
	var collectors error
	w := newWorld(t, func(c *Config) {
		c.Checks = append(c.Checks, Check{"collectors", func(context.Context) error { return collectors }})
	})
	want := func(status int, parts map[string]string) {
		t.Helper()
		a := do(t, "GET", w.URL+"/readyz", "")
		var got map[string]string
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			t.Fatal(err)
		}
		if a.StatusCode != status || !maps.Equal(got, parts) {
			t.Errorf("got %d %v, want %d %v", a.StatusCode, got, status, parts)
		}
		if retry := a.Header.Get("Retry-After"); (retry != "") != (status != http.StatusOK) {
			t.Errorf("status %d has Retry-After %q", status, retry)
		}
	}
	logged := logs(t)
	want(200, map[string]string{"store": "ok", "collectors": "ok"})
	collectors = errors.New("disk on fire")
	want(503, map[string]string{"store": "ok", "collectors": "failed"})
	if !strings.Contains(logged(), "disk on fire") {
		t.Errorf("the log does not say why: %s", logged())
	}
	collectors = nil
	w.server.Stop()
	want(503, map[string]string{"store": "ok", "collectors": "ok", "server": "stopping"})
	w.breakStore()
	want(503, map[string]string{"store": "failed", "collectors": "ok", "server": "stopping"})
}

func TestMetricsOfTheServer(t *testing.T) {
	w := newWorld(t, nil)
	s := open(t, w.URL+"/live/d")
	s.until("")
	for value := range 2 { // a delivery is counted before the next one begins
		w.record("orders", float64(value))
		s.until("")
	}
	text := get200(t, w.URL+"/metrics", "Accept", "text/plain", "Accept-Encoding", "identity").body
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := families["liveboard_streams"].GetMetric()[0].GetGauge().GetValue(); got != 1 {
		t.Errorf("liveboard_streams = %v, want 1", got)
	}
	if got := families["liveboard_send_seconds"].GetMetric()[0].GetHistogram(); got.GetSampleCount() == 0 || got.GetSampleSum() <= 0 {
		t.Errorf("liveboard_send_seconds = %v, want the delivery of one change", got)
	}
}

// Whatever strangers ask, the server has as many series as before.
func TestMetricsHaveFixedLabels(t *testing.T) {
	w := newWorld(t, nil)
	count := func() int {
		lines := 0
		for line := range strings.Lines(get200(t, w.URL+"/metrics").body) {
			if !strings.HasPrefix(line, "#") {
				lines++
			}
		}
		return lines
	}
	ask := func(query, label string) {
		for _, c := range everyAnswer {
			do(t, c.method, w.URL+c.path+query, "")
		}
		w.push(textPlain, `orders{shop="`+label+`"} 1`)
	}
	get200(t, w.URL+"/metrics")
	ask("", "no") // protocols and their outcomes appear with their first request
	before := count()
	ask("?a=b", "se")
	if after := count(); after != before {
		t.Errorf("%d series became %d", before, after)
	}
}

func TestLogHasRequestsWithoutTheirSecrets(t *testing.T) {
	logged := logs(t)
	w := newWorld(t, nil)
	token := w.token("till", "ingest")
	w.push(textPlain, "orders 42", "Authorization", "Bearer "+token) // is at level debug
	w.push(textPlain, "orders many", "Authorization", "Bearer "+token)
	w.push(textPlain, "orders 42", "Authorization", "Bearer wr0ng")
	get200(t, w.URL+"/d/d?range=1h&q=t0ken", "Cookie", "session=c00kie")
	do(t, "GET", w.URL+"/d/%0Aforged", "")
	eventually(t, "four requests are logged", func() bool { return strings.Count(logged(), `"msg":"request"`) == 4 })
	text := logged()
	for _, secret := range []string{token, "wr0ng", "t0ken", "c00kie", "range="} {
		if strings.Contains(text, secret) {
			t.Errorf("the log tells %q: %s", secret, text)
		}
	}
	for line := range strings.Lines(text) {
		var entry struct {
			Msg, Request, Method, Path, Address string
			Status                              int
			Seconds                             float64
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if entry.Request == "" || entry.Method == "" || entry.Path == "" || entry.Status == 0 || entry.Seconds <= 0 || entry.Address != "127.0.0.1" {
			t.Errorf("got %+v, want every field", entry)
		}
	}
}
