package handlers

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestGatewayAnswersAsThePushgateway(t *testing.T) {
	w := newWorld(t, nil)
	const path = "/metrics/job/backup/instance/db1"
	stranger := []string{"X-Forwarded-For", "192.0.2.1"}
	wantProblem(t, do(t, "PUT", w.URL+path, "files 1\n", stranger...), http.StatusUnauthorized, "need a token")
	known := append(stranger, "Authorization", "Bearer "+w.token("job", "ingest:files"))
	for _, c := range []struct {
		method, body string
		headers      []string
		status       int
		answer       string
	}{
		{"PUT", "files 1\n", known, 200, ""},
		{"POST", "files 2\n", nil, 200, ""},
		{"POST", "files\n", nil, 400, "text format parsing error: expected value"},
		{"POST", "files 1 1700000000000\n", nil, 400, "pushed metrics are invalid or inconsistent with existing metrics: pushed metrics must not have timestamps\n"},
	} {
		a := do(t, c.method, w.URL+path, c.body, c.headers...)
		if a.StatusCode != c.status || !strings.HasPrefix(a.body, c.answer) || c.status == 200 && a.body != "" {
			t.Errorf("%s %q: got %d %q, want %d %q", c.method, c.body, a.StatusCode, a.body, c.status, c.answer)
		}
	}
	wantValues(t, stored(w.store, "files"), map[string]float64{`files{instance="db1",job="backup"}`: 2})
	if a := get200(t, w.URL+"/metrics"); !strings.Contains(a.body, `liveboard_ingest_requests_total{outcome="ok",protocol="pushgateway"} 2`) || strings.Contains(a.body, "files") {
		t.Errorf("/metrics does not tell of the server alone:\n%s", a.body)
	}
	if a := do(t, "DELETE", w.URL+path, ""); a.StatusCode != http.StatusAccepted {
		t.Errorf("DELETE: got %d %s, want 202", a.StatusCode, a.body)
	}
	wantValues(t, stored(w.store, `{__name__!=""}`), map[string]float64{})
	w.breakStore()
	wantProblem(t, do(t, "PUT", w.URL+path, "files 1\n"), http.StatusServiceUnavailable, "could not be stored")
}

func wantValues(t *testing.T, got, want map[string]float64) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The clients push, push again with less, add, and delete, from where a token is needed.
func TestGatewayTakesWhatItsClientsPush(t *testing.T) {
	for name, command := range map[string]func(t *testing.T) []string{
		"prom-client": func(t *testing.T) []string {
			return []string{"env", "NODE_PATH=" + nodeModules(t), "node", "testdata/senders/prom-client.js"}
		},
		"prometheus_client": func(t *testing.T) []string { return []string{debianPython(t), "testdata/senders/push_to_gateway.py"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "")
			s.args = append(s.args, "--public-url=https://liveboard.example")
			s.stop()
			s.restart(t)
			args := append(command(t), s.URL, s.token(t, "ingest"))
			if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			s.stop()
			store := openStore(t, s.database())
			defer store.Close()
			const group = `{instance="db 1/a",job="nightly"`
			wantValues(t, stored(store, `{job="nightly",__name__=~"(files|runs|took).*",__name__!="runs_created",__name__!="took_seconds_created"}`), map[string]float64{
				"files{disk=\"a\"," + group[1:] + "}": 5, "runs_total" + group + "}": 4,
				"took_seconds_bucket" + group + `,le="1.0"}`: 0, "took_seconds_bucket" + group + `,le="10.0"}`: 1, "took_seconds_bucket" + group + `,le="+Inf"}`: 1,
				"took_seconds_sum" + group + "}": 4, "took_seconds_count" + group + "}": 1,
			})
			wantValues(t, stored(store, `{job="gone"}`), map[string]float64{})
		})
	}
}

// nodeModules returns the folder where packages of npm are.
func nodeModules(t *testing.T) string {
	t.Helper()
	path := os.Getenv("LIVEBOARD_NODE_MODULES")
	if path == "" {
		t.Fatal("LIVEBOARD_NODE_MODULES does not name the folder of npm's packages: .ci/test fetches them, then runs the tests")
	}
	return path
}

// debianPython returns a Python that has prometheus_client.
func debianPython(t *testing.T) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(python, "-c", "import prometheus_client").Run() == nil {
			return python
		}
	}
	t.Fatal("there is no Python with prometheus_client: .ci/test installs it, then runs the tests")
	return ""
}
