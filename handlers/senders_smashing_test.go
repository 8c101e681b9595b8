package handlers

import (
	"net/http"
	"testing"
)

// The requests are those of curl and of Ruby's net/http, as old jobs send them: a form by their type, JSON inside.
func TestSmashingJobsNeedAnotherAddressOnly(t *testing.T) {
	w := newWorld(t, nil)
	token := w.token("job", "ingest:widget_")
	elsewhere := []string{"Content-Type", "application/x-www-form-urlencoded", "X-Forwarded-For", "192.0.2.1"}
	here := []string{"Content-Type", "application/x-www-form-urlencoded", "User-Agent", "Ruby"}
	for _, c := range []struct {
		name, address, body string
		headers             []string
		status              int
		answer              string
	}{
		{"of this machine, with the token of its Smashing", "/widgets/karma", `{ "auth_token": "YOUR_AUTH_TOKEN", "current": "1,234", "last": 1200 }`, here, 204, ""},
		{"from elsewhere", "/widgets/a%20b", `{ "auth_token": "` + token + `", "value": 87 }`, elsewhere, 204, ""},
		{"from elsewhere, a dashboard", "/dashboards/*", `{ "auth_token": "` + token + `", "event": "reload" }`, elsewhere, 204, ""},
		{"from elsewhere, with the token of its Smashing", "/widgets/karma", `{ "auth_token": "YOUR_AUTH_TOKEN", "value": 1 }`, elsewhere, 401,
			"Invalid API key\nSamples from elsewhere need a token: Authorization: Bearer lb_…; “liveboard token create --scope ingest” makes one.\n"},
		{"of this machine, without a token", "/widgets/karma", `{"current":"1,234","last":1200}`, here, 204, ""},
		{"of this machine, with a token that is not ours", "/widgets/karma", `{"auth_token":"lb_…","value":1}`, here, 401,
			"Invalid API key\nThis token is unknown, expired or revoked.\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := do(t, "POST", w.URL+c.address, c.body, c.headers...)
			if a.StatusCode != c.status || a.body != c.answer {
				t.Errorf("got %d %q, want %d %q", a.StatusCode, a.body, c.status, c.answer)
			}
		})
	}
	wantValues(t, stored(w.store, `{__name__!=""}`), map[string]float64{
		`widget_value{widget="karma"}`: 1234, `widget_last{widget="karma"}`: 1200, `widget_value{widget="a b"}`: 87})
	wantProblem(t, do(t, "POST", w.URL+"/widgets/karma", `{"text":"Hey"}`), http.StatusUnprocessableEntity, `There is no number in current`)
}
