package handlers

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"liveboard/handlers/doctor"
)

// asItComes is what the doctor says of a proxy that nobody has configured for streams.
type asItComes struct {
	kind    proxyKind
	through string
	answer  doctor.Verdict
	steady  doctor.Verdict
}

func TestDoctorKnowsProxiesAsTheyCome(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	cases := []asItComes{
		{nginxKind, "through nginx", doctor.Bad, doctor.Good},            // the server does not know of it, and trusts everybody
		{haproxyKind, "no proxy shows itself", doctor.Good, doctor.Warn}, // it waits 200 ms for more
		{caddyKind, "through Caddy", doctor.Good, doctor.Good},
		{varnishKind, "through Varnish", doctor.Good, doctor.Bad}, // it unpacks for clients without gzip, and only whole answers
	}
	together(t, cases, func(c asItComes) string { return c.kind.name }, func(t *testing.T, c asItComes) {
		findings := diagnosed(t, proxyBefore(t, c.kind, s.URL), verdicts{
			"answer": c.answer, "version": doctor.Warn, "live": doctor.Good, "parallel": doctor.Good, "idle": doctor.Good, "steady": c.steady,
		})
		if got := findings["answer"].Text; !strings.Contains(got, c.through) {
			t.Errorf("answers: %s; want %q", got, c.through)
		}
	})
}

// ailment is a proxy with something wrong, which a check finds.
type ailment struct {
	name    string
	kind    proxyKind
	own     string // lines that the cure takes the place of
	check   string
	verdict doctor.Verdict
}

const nginxCaching = `proxy_cache_path cache keys_zone=all:1m;
proxy_cache all;
proxy_cache_valid 200 1m;
proxy_ignore_headers Cache-Control;`

const varnishCaching = `sub vcl_backend_response {
	set beresp.ttl = 60s;
	return (deliver);
}`

func TestCuresOfTheDoctorCure(t *testing.T) {
	t.Parallel()
	hasty := varnishKind
	hasty.config = strings.Replace(hasty.config, ".host", ".between_bytes_timeout = 3s;\n\t.host", 1)
	cases := []ailment{
		{"nginx stores", nginxStoring, "", "steady", doctor.Bad},
		{"nginx is impatient", nginxKind.with("proxy_read_timeout 3s;"), "", "idle", doctor.Bad},
		{"nginx caches", nginxKind.with(nginxCaching), "", "answer", doctor.Bad},
		{"nginx asks for no compression", nginxKind.with(`proxy_set_header Accept-Encoding "";`), "", "gzip", doctor.Warn},
		{"HAProxy waits for more", haproxyKind, "", "steady", doctor.Warn},
		{"HAProxy is impatient with the server", haproxyKind.with("timeout server 3s"), "", "idle", doctor.Bad},
		{"HAProxy asks for no compression", haproxyKind, "compression offload", "gzip", doctor.Warn},
		{"Caddy is impatient", caddyKind, "transport http {\n\tread_timeout 3s\n}", "idle", doctor.Bad},
		{"Caddy asks for no compression", caddyKind, "header_up Accept-Encoding identity", "gzip", doctor.Warn},
		{"Varnish stores for clients without gzip", varnishKind, "", "steady", doctor.Bad},
		{"Varnish is impatient", hasty, "", "idle", doctor.Bad},
		{"Varnish caches", varnishKind.with(varnishCaching), "", "answer", doctor.Bad},
	}
	together(t, cases, func(c ailment) string { return c.name }, func(t *testing.T, c ailment) {
		site := newWorld(t, func(c *Config) { c.PublicURL = "https://liveboard.example" }).URL
		ill := diagnosed(t, proxyBefore(t, c.kind, site, c.own), verdicts{c.check: c.verdict})
		diagnosed(t, proxyBefore(t, c.kind, site, cureFor(t, c.kind, ill[c.check])), verdicts{c.check: doctor.Good})
	})
}

// cureFor returns the lines for a proxy that a finding has.
func cureFor(t *testing.T, kind proxyKind, f doctor.Finding) string {
	t.Helper()
	for _, c := range f.Cures {
		if c.Program == kind.name {
			return c.Lines
		}
	}
	t.Fatalf("%s has no cure for %s: %+v", f.Check, kind.name, f.Cures)
	return ""
}

func TestDoctorSpeaksHTTP2(t *testing.T) {
	t.Parallel()
	s := start(t, "--public-url=https://liveboard.example")
	authority := filepath.Join(t.TempDir(), "cert.pem")
	writeCertificate(t, authority)
	together(t, []proxyKind{nginxTLS, haproxyTLS, caddyTLS}, func(k proxyKind) string { return k.name }, func(t *testing.T, k proxyKind) {
		url := proxyBefore(t, k, s.URL)
		if _, err := runDoctor(t, url); err == nil || !strings.Contains(err.Error(), "the certificate of "+url+" is not trusted here") {
			t.Errorf("got the error %v", err)
		}
		cmd := command(t, "doctor", url, "--json")
		cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+authority)
		out, err := cmd.Output()
		var report struct{ Findings []doctor.Finding }
		if e := json.Unmarshal(out, &report); e != nil || err != nil {
			t.Fatalf("error %v, prints %s (%v)", err, out, e)
		}
		for _, f := range report.Findings {
			if (f.Check == "version" || f.Check == "parallel" || f.Check == "idle") && f.Verdict != doctor.Good {
				t.Errorf("%s: %s: %s", f.Check, f.Verdict, f.Text)
			}
		}
	})
}
