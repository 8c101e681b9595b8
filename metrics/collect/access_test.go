package collect

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"liveboard/metrics"
)

// guarded tells whom guard lets in a sample, and nobody else.
func guarded(guard func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !guard(r) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintln(w, "x 1")
	})
}

func basic(r *http.Request) bool {
	name, password, _ := r.BasicAuth()
	return name == "ops" && password == "hunter2"
}

func bearer(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer hunter2" }

func plain(r *http.Request) bool { return r.Header.Get("Authorization") == "" }

// file returns the path of a new file with that content.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// up tells for each kind that asks targets whether it got what it wanted from url, and the log.
func up(t *testing.T, url string, access metrics.Access) (up map[string]float64, logged string) {
	t.Helper()
	var log bytes.Buffer
	deps, up := quiet(), map[string]float64{}
	deps.Log = slog.New(slog.NewTextHandler(&log, nil))
	deps.RootCAs = x509.NewCertPool()
	for kind, name := range map[string]string{"http": "check_up", "scrape": "up"} {
		cfg := metrics.CollectorConfig{Kind: kind, Targets: []string{url}, Access: access}
		for series, v := range collected(t, open(t, cfg, deps), time.Now()) {
			if strings.HasPrefix(series, name+"{") {
				up[kind] = v
			}
			if strings.Contains(series, "hunter2") {
				t.Errorf("the secret stands in %s", series)
			}
		}
	}
	return up, log.String()
}

func TestTargetsAreAskedWithSecrets(t *testing.T) {
	t.Setenv("TARGET_SECRET", "hunter2\n")
	t.Setenv("OTHER_SECRET", "hunter3")
	in := func(content string) metrics.Secret { return metrics.Secret{File: file(t, content)} }
	env := func(name string) metrics.Secret { return metrics.Secret{Env: name} }
	ops := func(s metrics.Secret) metrics.Access { return metrics.Access{Username: "ops", Password: s} }
	token := func(s metrics.Secret) metrics.Access { return metrics.Access{Bearer: s} }
	for _, test := range []struct {
		name   string
		guard  func(*http.Request) bool
		access metrics.Access
		want   float64
	}{
		{"nothing asked, nothing given", plain, metrics.Access{}, 1},
		{"basic by file", basic, ops(in("hunter2\r\n")), 1},
		{"basic by variable", basic, ops(env("TARGET_SECRET")), 1},
		{"basic with a wrong password", basic, ops(env("OTHER_SECRET")), 0},
		{"basic with a wrong user", basic, metrics.Access{Username: "ada", Password: env("TARGET_SECRET")}, 0},
		{"basic missing", basic, metrics.Access{}, 0},
		{"bearer by file", bearer, token(in(" hunter2 ")), 1},
		{"bearer by variable", bearer, token(env("TARGET_SECRET")), 1},
		{"bearer with a wrong token", bearer, token(env("OTHER_SECRET")), 0},
		{"bearer where basic is wanted", basic, token(env("TARGET_SECRET")), 0},
		{"bearer that would be two headers", plain, token(in("hunter2\r\nX-Evil: 1")), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(guarded(test.guard))
			t.Cleanup(server.Close)
			got, logged := up(t, server.URL, test.access)
			if got["http"] != test.want || got["scrape"] != test.want {
				t.Errorf("up: got %v, want %v", got, test.want)
			}
			if strings.Contains(logged, "hunter") {
				t.Errorf("the secret stands in the log: %s", logged)
			}
		})
	}
}

func TestSecretsAreReadAgainForEachRun(t *testing.T) {
	server := httptest.NewServer(guarded(bearer))
	t.Cleanup(server.Close)
	path := file(t, "yesterday's")
	c := open(t, metrics.CollectorConfig{Kind: "scrape", Targets: []string{server.URL}, Access: metrics.Access{Bearer: metrics.Secret{File: path}}}, quiet())
	series := fmt.Sprintf(`up{instance=%q,job="scrape"}`, strings.TrimPrefix(server.URL, "http://"))
	for secret, want := range map[string]float64{"hunter2": 1, "tomorrow's": 0} {
		if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := collected(t, c, time.Now())[series]; got != want {
			t.Errorf("with %s up is %v, want %v", secret, got, want)
		}
	}
}

func TestSecretsThatCannotBeReadFailTheRun(t *testing.T) {
	t.Setenv("EMPTY_SECRET", " ")
	missing := filepath.Join(t.TempDir(), "gone")
	cert, key := pair(t)
	for _, test := range []struct {
		name   string
		access metrics.Access
		want   string
	}{
		{"no file", metrics.Access{Bearer: metrics.Secret{File: missing}}, "bearer-token-file: open " + missing},
		{"empty file", metrics.Access{Username: "a", Password: metrics.Secret{File: file(t, "\n")}}, "password-file: "},
		{"endless file", metrics.Access{Bearer: metrics.Secret{File: "/dev/zero"}}, "/dev/zero is larger than 1 MiB"},
		{"no variable", metrics.Access{Bearer: metrics.Secret{Env: "hunter2"}}, "bearer-token-env: the environment variable is not set"},
		{"empty variable", metrics.Access{Username: "a", Password: metrics.Secret{Env: "EMPTY_SECRET"}}, "password-env: "},
		{"no CA", metrics.Access{TLS: metrics.TLSConfig{CAFile: missing}}, "ca-file: open "},
		{"no PEM", metrics.Access{TLS: metrics.TLSConfig{CAFile: file(t, "hunter2")}}, "ca-file: there is no PEM certificate in "},
		{"no client certificate", metrics.Access{TLS: metrics.TLSConfig{CertFile: missing, KeyFile: key}}, "cert-file: open "},
		{"no client key", metrics.Access{TLS: metrics.TLSConfig{CertFile: cert, KeyFile: missing}}, "key-file: open "},
		{"key of nobody", metrics.Access{TLS: metrics.TLSConfig{CertFile: cert, KeyFile: file(t, "hunter2")}}, "cert-file and key-file: tls: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, kind := range []string{"http", "scrape"} {
				cfg := metrics.CollectorConfig{Kind: kind, Targets: []string{"http://127.0.0.1:1"}, Access: test.access}
				_, err := open(t, cfg, quiet()).Collect(t.Context(), time.Now())
				if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%s: got %v, want %q and no secret", kind, err, test.want)
				}
			}
		})
	}
}

func TestTargetsAreDownWhereTheSecretIsMissing(t *testing.T) {
	access := metrics.Access{Bearer: metrics.Secret{Env: "LIVEBOARD_NO_SUCH_SECRET"}}
	for kind, want := range map[string]map[string]string{
		"scrape": {`up{instance="a:1",job="x"}`: "0 0 end", `up{instance="b:1",job="x"}`: "0 0 end", `scrape_duration_seconds{instance="a:1",job="x"}`: "0 0 end",
			`scrape_samples_scraped{instance="b:1",job="x"}`: "0 0 end"},
		"http": {`check_up{target="http://a:1/"}`: "0 0 end", `check_up{target="http://b:1/"}`: "0 0 end"},
	} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, Defaults(metrics.CollectorConfig{Kind: kind, Name: "x", Interval: time.Second, Targets: []string{"http://a:1/", "http://b:1/"}, Access: access}))
				after(1500 * time.Millisecond)
				if err := r.Healthy(); err == nil || !strings.Contains(err.Error(), "bearer-token-env: the environment variable is not set") {
					t.Errorf("Healthy: got %v", err)
				}
				r.stop()
				want[`collector_up{collector="x"}`] = "0 0 end"
				for series, values := range want {
					r.want(series, values)
				}
			})
		})
	}
}

func TestTargetsThatRepeatTheirSecretAreNotQuoted(t *testing.T) {
	in := metrics.Secret{File: file(t, "hunter2")}
	for _, access := range []metrics.Access{{Username: "ops", Password: in}, {Bearer: in}} {
		for name, repeated := range map[string]func(r *http.Request) string{
			"credentials": func(r *http.Request) string { return strings.Fields(r.Header.Get("Authorization"))[1] },
			"password":    func(r *http.Request) string { return "hunter2" },
		} {
			echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, "x %s\n", repeated(r))
			}))
			t.Cleanup(echo.Close)
			_, logged := up(t, echo.URL, access)
			if strings.Contains(logged, "hunter2") || strings.Contains(logged, "b3BzOmh1bnRlcjI") || !strings.Contains(logged, "repeats its secret") {
				t.Errorf("%s: the log is %s", name, logged)
			}
		}
	}
}

func TestRedirectsToOthersBearNoSecret(t *testing.T) {
	t.Setenv("TARGET_SECRET", "hunter2")
	bare := httptest.NewServer(guarded(plain))
	t.Cleanup(bare.Close)
	mux := http.NewServeMux()
	mux.Handle("/end", guarded(bearer))
	mux.Handle("/stay", http.RedirectHandler("/end", http.StatusFound))
	mux.Handle("/leave", http.RedirectHandler(bare.URL, http.StatusFound)) // the same host, another port
	home := httptest.NewServer(mux)
	t.Cleanup(home.Close)
	mux.Handle("/tour", http.RedirectHandler(bare.URL+"/x", http.StatusFound))
	for _, path := range []string{"/stay", "/leave", "/tour"} {
		if got, logged := up(t, home.URL+path, metrics.Access{Bearer: metrics.Secret{Env: "TARGET_SECRET"}}); got["http"] != 1 || got["scrape"] != 1 {
			t.Errorf("%s: got %v, want 1 of both: %s", path, got, logged)
		}
	}
}

// pair writes a new self-signed certificate and its key, and returns the paths.
func pair(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, block("CERTIFICATE", der)), file(t, block("PRIVATE KEY", secret))
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestTargetsAreAskedOverTLS(t *testing.T) {
	cert, key := pair(t)
	otherCert, otherKey := pair(t)
	pool := x509.NewCertPool()
	content, err := os.ReadFile(cert)
	if err != nil || !pool.AppendCertsFromPEM(content) {
		t.Fatalf("no certificate: %v", err)
	}
	public, members := httptest.NewUnstartedServer(guarded(plain)), httptest.NewUnstartedServer(guarded(plain))
	members.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	for _, server := range []*httptest.Server{public, members} {
		server.Config.ErrorLog = log.New(&bytes.Buffer{}, "", 0) // handshakes are refused here
		server.StartTLS()
		t.Cleanup(server.Close)
	}
	ca := file(t, block("CERTIFICATE", public.Certificate().Raw)) // of both servers
	for _, test := range []struct {
		name   string
		server *httptest.Server
		tls    metrics.TLSConfig
		want   float64
	}{
		{"unknown authority", public, metrics.TLSConfig{}, 0},
		{"its authority", public, metrics.TLSConfig{CAFile: ca}, 1},
		{"another authority", public, metrics.TLSConfig{CAFile: cert}, 0},
		{"another name that it bears", public, metrics.TLSConfig{CAFile: ca, ServerName: "example.com"}, 1},
		{"a name that it does not bear", public, metrics.TLSConfig{CAFile: ca, ServerName: "other.example"}, 0},
		{"anybody", public, metrics.TLSConfig{InsecureSkipVerify: true}, 1},
		{"without a client certificate", members, metrics.TLSConfig{CAFile: ca}, 0},
		{"with the client certificate", members, metrics.TLSConfig{CAFile: ca, CertFile: cert, KeyFile: key}, 1},
		{"with another client certificate", members, metrics.TLSConfig{CAFile: ca, CertFile: otherCert, KeyFile: otherKey}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, logged := up(t, test.server.URL, metrics.Access{TLS: test.tls})
			if got["http"] != test.want || got["scrape"] != test.want {
				t.Errorf("up: got %v, want %v: %s", got, test.want, logged)
			}
		})
	}
}
