package collect

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

// site answers as checks may find it.
func site() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.UserAgent()) })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "short")
	})
	mux.HandleFunc("/hop/{n}", func(w http.ResponseWriter, r *http.Request) {
		var n int
		fmt.Sscan(r.PathValue("n"), &n)
		to := "/ok"
		if n > 1 {
			to = fmt.Sprintf("/hop/%d", n-1)
		}
		http.Redirect(w, r, to, http.StatusFound)
	})
	mux.HandleFunc("/private", func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "hunter2" || r.FormValue("key") != "s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	mux.HandleFunc("/huge", func(w http.ResponseWriter, _ *http.Request) {
		page := bytes.Repeat([]byte("x"), 1<<20)
		for range 64 {
			if _, err := w.Write(page); err != nil {
				return
			}
		}
	})
	return mux
}

func TestHTTPChecks(t *testing.T) {
	server := httptest.NewServer(site())
	t.Cleanup(server.Close)
	for _, test := range []struct {
		path       string
		up, status float64
	}{
		{"/ok", 1, 200},
		{"/missing", 0, 404},
		{"/broken", 0, 502},
		{"/cut", 0, 200},
		{"/hop/3", 1, 200},
		{"/hop/4", 0, 302},
		{"/huge", 1, 200},
	} {
		t.Run(test.path, func(t *testing.T) {
			target := server.URL + test.path
			got := collected(t, open(t, metrics.CollectorConfig{Kind: "http", Targets: []string{target}}, quiet()), time.Now())
			labels := fmt.Sprintf("{target=%q}", target)
			if up := got["check_up"+labels]; up != test.up {
				t.Errorf("check_up: got %v, want %v (%v)", up, test.up, got)
			}
			if status := got["check_status_code"+labels]; status != test.status {
				t.Errorf("check_status_code: got %v, want %v", status, test.status)
			}
			if seconds, found := got["check_seconds"+labels]; !found || seconds <= 0 {
				t.Errorf("check_seconds: got %v, want more than nothing", seconds)
			}
			if _, found := got["check_tls_expiry_seconds"+labels]; found {
				t.Error("there is a TLS expiry without TLS")
			}
		})
	}
}

func TestHTTPTargetThatIsDownIsData(t *testing.T) {
	server := httptest.NewServer(site())
	server.Close()
	got := collected(t, open(t, metrics.CollectorConfig{Kind: "http", Targets: []string{server.URL}}, quiet()), time.Now())
	if up, found := got[fmt.Sprintf("check_up{target=%q}", server.URL)]; len(got) != 1 || !found || up != 0 {
		t.Errorf("got %v, want check_up 0 alone", got)
	}
}

func TestHTTPTargetsThatHangDoNotHoldUpOthers(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/last" {
			cancel() // only now the time of the others is over
			return
		}
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	var targets []string
	for i := range maxTargets - 1 {
		targets = append(targets, fmt.Sprintf("%s/hangs/%d", server.URL, i))
	}
	targets = append(targets, server.URL+"/last")
	samples, err := open(t, metrics.CollectorConfig{Kind: "http", Targets: targets}, quiet()).Collect(ctx, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if up, found := values(samples)[fmt.Sprintf("check_up{target=%q}", targets[7])]; !found || up != 0 {
		t.Errorf("check_up of one that hangs: got %v, %v, want 0", up, found)
	}
}

func TestHTTPSecretsStayInTheRequest(t *testing.T) {
	server := httptest.NewServer(site())
	t.Cleanup(server.Close)
	var log bytes.Buffer
	deps := quiet()
	deps.Log = slog.New(slog.NewTextHandler(&log, nil))
	with := func(path string) string {
		return strings.Replace(server.URL, "http://", "http://me:hunter2@", 1) + path + "?key=s3cret#part"
	}
	config := metrics.CollectorConfig{Kind: "http", Targets: []string{with("/private"), with("/hop/9"), "http://me:hunter2@127.0.0.1:1/?key=s3cret"}}
	got := collected(t, open(t, config, deps), time.Now())
	if up := got[fmt.Sprintf("check_up{target=%q}", server.URL+"/private")]; up != 1 {
		t.Errorf("check_up: got %v, want 1: the request needs its secrets (%v)", up, got)
	}
	if !strings.Contains(log.String(), "127.0.0.1:1/") {
		t.Errorf("the log does not name the target that is down: %s", log.String())
	}
	for _, secret := range []string{"hunter2", "s3cret"} {
		if text := fmt.Sprint(got) + log.String(); strings.Contains(text, secret) {
			t.Errorf("%s stands in the samples or the log: %s", secret, text)
		}
	}
}

func TestHTTPTellsWhenACertificateExpires(t *testing.T) {
	server := httptest.NewTLSServer(site())
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for _, test := range []struct {
		name  string
		roots *x509.CertPool
		up    float64
	}{
		{"trusted", roots, 1},
		{"not trusted", x509.NewCertPool(), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			deps, target, now := quiet(), server.URL+"/ok", time.Now()
			deps.RootCAs = test.roots
			got := collected(t, open(t, metrics.CollectorConfig{Kind: "http", Targets: []string{target}}, deps), now)
			if up := got[fmt.Sprintf("check_up{target=%q}", target)]; up != test.up {
				t.Errorf("check_up: got %v, want %v", up, test.up)
			}
			want := server.Certificate().NotAfter.Sub(now).Seconds()
			if seconds := got[fmt.Sprintf("check_tls_expiry_seconds{target=%q}", target)]; seconds != want {
				t.Errorf("check_tls_expiry_seconds: got %v, want %v", seconds, want)
			}
		})
	}
}

func TestExpiryIsTheFirstOfTheChain(t *testing.T) {
	at := func(day int) *x509.Certificate {
		return &x509.Certificate{NotAfter: time.Date(2030, 1, day, 0, 0, 0, 0, time.UTC)}
	}
	if got := expiry([]*x509.Certificate{at(3), at(2), at(4)}); got.Day() != 2 {
		t.Errorf("got %s, want the 2nd", got)
	}
}
