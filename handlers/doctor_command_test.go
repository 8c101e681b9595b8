package handlers

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alecthomas/kong"

	"liveboard/handlers/client"
	"liveboard/handlers/doctor"
)

// runDoctor runs "doctor URL" and returns what it prints.
func runDoctor(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var cli struct {
		Doctor client.Doctor `cmd:""`
	}
	var out strings.Builder
	parser, err := kong.New(&cli, kong.Writers(&out, &out), kong.Exit(func(int) { t.Errorf("%q ends the process", args) }))
	if err != nil {
		t.Fatal(err)
	}
	k, err := parser.Parse(append([]string{"doctor"}, args...))
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	err = k.Run()
	return out.String(), err
}

// diagnose returns the findings of the command by check, and its error.
func diagnose(t *testing.T, url string) (map[string]doctor.Finding, error) {
	t.Helper()
	text, failed := runDoctor(t, url, "--json")
	var report struct {
		URL      string
		Findings []doctor.Finding
	}
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatalf("doctor %s: %v, error %v, prints %s", url, err, failed, text)
	}
	findings := map[string]doctor.Finding{}
	for _, f := range report.Findings {
		findings[f.Check] = f
	}
	if len(findings) != len(doctor.Checks) {
		t.Errorf("doctor %s has %d findings, want %d", url, len(findings), len(doctor.Checks))
	}
	return findings, failed
}

// verdicts are those of checks.
type verdicts map[string]doctor.Verdict

// diagnosed fails the test unless checks end as they should, at the latest in a third examination: a busy machine
// delays events as a bad proxy does. It returns the findings.
func diagnosed(t *testing.T, url string, want verdicts) (findings map[string]doctor.Finding) {
	t.Helper()
	var others []string
	for range 3 {
		findings, _ = diagnose(t, url)
		others = nil
		for check, verdict := range want {
			if f := findings[check]; f.Verdict != verdict {
				others = append(others, fmt.Sprintf("%s: %s: %s; want %s", check, f.Verdict, f.Text, verdict))
			}
		}
		if len(others) == 0 {
			return findings
		}
	}
	t.Errorf("in three examinations of %s:\n%s", url, strings.Join(others, "\n"))
	return findings
}

// unharmed are the verdicts on streams that come as they are sent.
var unharmed = verdicts{"live": doctor.Good, "steady": doctor.Good, "late": doctor.Good, "gzip": doctor.Good, "parallel": doctor.Good, "idle": doctor.Good}

// together runs a subtest for each case at once. They wait for proxies more than they need a processor, of which
// t.Parallel would have them wait for one another's.
func together[C any](t *testing.T, cases []C, name func(C) string, test func(*testing.T, C)) {
	var work sync.WaitGroup
	for _, c := range cases {
		work.Go(func() { t.Run(name(c), func(t *testing.T) { test(t, c) }) })
	}
	work.Wait()
}

func TestDoctorFindsNothingWrongWithoutAProxy(t *testing.T) {
	t.Parallel()
	s := start(t)
	code, stdout, stderr := run(t, "doctor", s.URL+"/d/host?range=5m")
	if code != 0 || stderr != "" {
		t.Errorf("it ends with %d and says %q", code, stderr)
	}
	for _, line := range []string{
		"good     Answers                 Answers come from the server as it sent them, and no proxy shows itself.\n",
		"warn     HTTP version            The client speaks HTTP/1.1",
		"good     Streams per address     This address has ",
		"good     Open files              The server has ",
		"systemd, in [Service] of Liveboard and of its proxy:\n\n             LimitNOFILE=250000\n",
		"good     Silence                 A stream survives ",
	} {
		if !strings.Contains(stdout, line) {
			t.Errorf("it does not print %q:\n%s", line, stdout)
		}
	}
	diagnosed(t, s.URL, unharmed)
}

func TestDoctorFindsAProxyThatStores(t *testing.T) {
	t.Parallel()
	var storing atomic.Bool
	storing.Store(true)
	proxy := storeAndForward(t, newSite(t, ""), &storing).URL
	code, stdout, stderr := run(t, "doctor", proxy)
	if code != 1 || stderr != "liveboard: not as it should be: Stream of a page, Buffering, Buffering after silence, Compression, Streams at once\n" {
		t.Errorf("it ends with %d and says %q", code, stderr)
	}
	if strings.Count(stdout, "proxy_buffering off;") != 1 || strings.Count(stdout, "The lines above cure this as well.\n") != 4 {
		t.Errorf("it does not print the cure once, and refer to it then:\n%s", stdout)
	}
	storing.Store(false)
	diagnosed(t, proxy, unharmed)
}

// between returns a proxy before the site with a request and an answer changed on the way.
func between(t *testing.T, site string, ask func(*http.Request), answer func(*http.Response) error) string {
	t.Helper()
	target, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			ask(r.Out)
		},
		Transport:      &http.Transport{DisableCompression: true},
		ModifyResponse: answer,
	})
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	return server.URL
}

func bodyOf(t *testing.T, a *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// replace gives an answer another body.
func replace(a *http.Response, body string) {
	a.Header.Set("Content-Length", strconv.Itoa(len(body)))
	a.ContentLength = int64(len(body))
	a.Body = io.NopCloser(strings.NewReader(body))
}

// meddler is a proxy that changes requests or answers.
type meddler struct {
	name   string
	ask    func(*http.Request)
	answer func(*http.Response) error
	check  string
	want   doctor.Verdict
}

func TestDoctorFindsWhatIsChangedOnTheWay(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	var once atomic.Pointer[string]
	as := func(*http.Request) {}
	cases := []meddler{
		{"no compression wanted", func(r *http.Request) { r.Header.Del("Accept-Encoding") }, nil, "gzip", doctor.Warn},
		{"another Cache-Control", as, func(a *http.Response) error {
			a.Header.Set("Cache-Control", "max-age=60")
			return nil
		}, "answer", doctor.Warn},
		{"another content type", as, func(a *http.Response) error {
			if strings.HasPrefix(a.Header.Get("Content-Type"), "text/event-stream") {
				a.Header.Set("Content-Type", "text/plain")
			}
			return nil
		}, "steady", doctor.Bad},
		{"a cache", as, func(a *http.Response) error {
			if a.Request.URL.Path != "/doctor/echo" {
				return nil
			}
			body := bodyOf(t, a)
			once.CompareAndSwap(nil, &body)
			replace(a, *once.Load())
			return nil
		}, "answer", doctor.Bad},
		{"a clock that is wrong", as, func(a *http.Response) error {
			if a.Request.URL.Path != "/doctor/echo" {
				return nil
			}
			replace(a, strings.Replace(bodyOf(t, a), `"now":1`, `"now":2`, 1))
			return nil
		}, "clock", doctor.Bad},
	}
	together(t, cases, func(c meddler) string { return c.name }, func(t *testing.T, c meddler) {
		diagnosed(t, between(t, s.URL, c.ask, c.answer), verdicts{c.check: c.want})
	})
}

func TestDoctorSaysWhyItCannotExamine(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	elsewhere := httptest.NewServer(http.RedirectHandler("https://login.example/", http.StatusFound))
	t.Cleanup(elsewhere.Close)
	secret := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secret.Close)
	for _, c := range []struct{ url, want string }{
		{"board.example", "board.example is no address of a server: write it as http://host:port or https://host"},
		{gone.URL, gone.URL + " cannot be reached: is the server running there?"},
		{other.URL, other.URL + " does not answer as a Liveboard does (404 Not Found"},
		{elsewhere.URL, elsewhere.URL + " sends requests elsewhere, to https://login.example/"},
		{secret.URL, "the certificate of " + secret.URL + " is not trusted here"},
	} {
		if out, err := runDoctor(t, c.url); err == nil || !strings.Contains(err.Error(), c.want) || out != "" {
			t.Errorf("%s: error %v, prints %q, want the error %q alone", c.url, err, out, c.want)
		}
	}
}
