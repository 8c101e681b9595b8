package handlers

import (
	"net/http"
	"strings"
	"testing"
)

// hooksTo is a board whose webhook reads that value.
func hooksTo(value string) string {
	return `
dashboards:
  - {name: d, panels: [{title: Deploys, kind: stat, query: deploy_seconds}]}
webhooks:
  deploys:
    secret-env: LIVEBOARD_HOOK_SECRET
    metrics: [{name: deploy_seconds, value: ` + value + `, labels: {repo: /repo}}]
`
}

func TestWebhooksFollowTheBoardFile(t *testing.T) {
	t.Parallel()
	s := newSite(t, hooksTo("/seconds"))
	hook := s.URL + "/hooks/deploys"
	if a := do(t, "POST", hook, `{"seconds":42,"repo":"a"}`); a.StatusCode != http.StatusNoContent {
		t.Fatalf("got %d %s, want 204", a.StatusCode, a.body)
	}
	wantProblem(t, do(t, "POST", hook, `{"took":7,"repo":"b"}`), http.StatusUnprocessableEntity, "There is no /seconds in the body")
	wantProblem(t, do(t, "POST", s.URL+"/hooks/other", `{}`), http.StatusNotFound, `There is no webhook named "other" in the board file.`)
	eventually(t, "the missing secret is logged", func() bool { return strings.Contains(s.logged(), "webhook secret not set") })
	s.write(t, hooksTo("/took"))
	eventually(t, "the webhook reads what the board file says now", func() bool {
		return do(t, "POST", hook, `{"took":7,"repo":"b"}`).StatusCode == http.StatusNoContent
	})
	s.write(t, "webhooks: {deploys: {}}")
	eventually(t, "the mistake is logged", func() bool { return strings.Contains(s.logged(), "this webhook has no metrics") })
	if a := do(t, "POST", hook, `{"took":8,"repo":"b"}`); a.StatusCode != http.StatusNoContent {
		t.Errorf("with a broken board file: got %d %s, want 204 by the last good one", a.StatusCode, a.body)
	}
	s.stop()
	store := openStore(t, s.database())
	defer store.Close()
	wantValues(t, stored(store, "deploy_seconds"), map[string]float64{`deploy_seconds{repo="a"}`: 42, `deploy_seconds{repo="b"}`: 8})
}

func TestWebhooksFromElsewhereNeedATokenOrTheirSecret(t *testing.T) {
	t.Parallel()
	s := newSite(t, hooksTo("/seconds"))
	s.args = append(s.args, "--public-url=https://liveboard.example", "LIVEBOARD_HOOK_SECRET=hush")
	s.stop()
	s.restart(t)
	token := s.token(t, "ingest:deploy_")
	hook, body := s.URL+"/hooks/deploys", `{"seconds":42,"repo":"a"}`
	wantProblem(t, do(t, "POST", hook, body), http.StatusUnauthorized, "need a token")
	userinfo := "http://hook:" + token + "@" + hook[len("http://"):]
	answer, err := http.Post(userinfo, jsonType, strings.NewReader(body)) // which makes a header of it, as others do
	if err != nil {
		t.Fatal(err)
	}
	if answer.Body.Close(); answer.StatusCode != http.StatusNoContent {
		t.Errorf("with the token in the address: got %s, want 204", answer.Status)
	}
	// openssl dgst -sha256 -hmac hush
	const signature = "sha256=ed223c3f1a66bcd9c3911b73725ada6535489fb9d8dee68682bf04913fbdfade"
	if a := do(t, "POST", hook, body, "X-Hub-Signature-256", signature); a.StatusCode != http.StatusNoContent {
		t.Errorf("signed: got %d %s, want 204", a.StatusCode, a.body)
	}
	wantProblem(t, do(t, "POST", hook, `{"seconds":43,"repo":"a"}`, "X-Hub-Signature-256", signature), http.StatusUnauthorized, "X-Hub-Signature-256 is not the signature")
}
