package collect

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"liveboard/metrics"
)

// quiet is what collectors need in tests, without a log.
func quiet() Deps {
	return Deps{Log: slog.New(slog.DiscardHandler), Gatherer: prometheus.NewRegistry()}
}

// open returns the collector of cfg with its defaults, which must pass its check.
func open(t *testing.T, cfg metrics.CollectorConfig, deps Deps) Collector {
	t.Helper()
	cfg = Defaults(cfg)
	if err := Check(cfg); err != nil {
		t.Fatalf("check: %v", err)
	}
	return kinds[cfg.Kind].open(cfg, deps)
}

// collected runs c once and returns the values by series.
func collected(t *testing.T, c Collector, now time.Time) map[string]float64 {
	t.Helper()
	samples, err := c.Collect(t.Context(), now)
	if err != nil {
		t.Fatalf("collect: %v", err)
	}
	if err := (metrics.Batch{Samples: samples}).Check(now); err != nil {
		t.Fatalf("the samples fail their check: %v", err)
	}
	return values(samples)
}

func values(samples []metrics.Sample) map[string]float64 {
	all := map[string]float64{}
	for _, s := range samples {
		all[s.Series.String()] = s.Value
	}
	return all
}

func TestEachKindRunsByItsDefaults(t *testing.T) {
	if !slices.IsSorted(Kinds()) || len(Kinds()) == 0 {
		t.Errorf("Kinds: got %q, want some, sorted", Kinds())
	}
	for _, name := range Kinds() {
		cfg := metrics.CollectorConfig{Kind: name}
		if kinds[name].targets != nil {
			cfg.Targets = []string{"http://a.example/"}
		}
		if err := Check(Defaults(cfg)); err != nil {
			t.Errorf("%s: got %v, want that nothing else is needed", name, err)
		}
	}
}

func TestDefaultsFillInWhatIsMissing(t *testing.T) {
	for _, test := range []struct {
		in, want metrics.CollectorConfig
	}{
		{metrics.CollectorConfig{Kind: "host"},
			metrics.CollectorConfig{Kind: "host", Name: "host", Interval: time.Second, Timeout: 500 * time.Millisecond}},
		{metrics.CollectorConfig{Kind: "process"},
			metrics.CollectorConfig{Kind: "process", Name: "process", Interval: 2 * time.Second, Timeout: time.Second, Top: 10}},
		{metrics.CollectorConfig{Kind: "self", Name: "me", Interval: time.Minute},
			metrics.CollectorConfig{Kind: "self", Name: "me", Interval: time.Minute, Timeout: 5 * time.Second}},
		{metrics.CollectorConfig{Kind: "http", Timeout: time.Second},
			metrics.CollectorConfig{Kind: "http", Name: "http", Interval: 10 * time.Second, Timeout: time.Second}},
		{metrics.CollectorConfig{Kind: "scrape"},
			metrics.CollectorConfig{Kind: "scrape", Name: "scrape", Interval: 10 * time.Second, Timeout: 5 * time.Second}},
	} {
		got := Defaults(test.in)
		if got.Name != test.want.Name || got.Interval != test.want.Interval || got.Timeout != test.want.Timeout || got.Top != test.want.Top {
			t.Errorf("Defaults(%+v): got %+v, want %+v", test.in, got, test.want)
		}
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	host := Defaults(metrics.CollectorConfig{Kind: "host"})
	page := Defaults(metrics.CollectorConfig{Kind: "http", Targets: []string{"https://a.example/up?key=1"}})
	scrape := Defaults(metrics.CollectorConfig{Kind: "scrape", Targets: []string{"http://a.example:9100/metrics"}})
	top := Defaults(metrics.CollectorConfig{Kind: "process"})
	with := func(cfg metrics.CollectorConfig, change func(*metrics.CollectorConfig)) []metrics.CollectorConfig {
		change(&cfg)
		return []metrics.CollectorConfig{cfg}
	}
	targets := func(cfg metrics.CollectorConfig, urls ...string) []metrics.CollectorConfig {
		return with(cfg, func(c *metrics.CollectorConfig) { c.Targets = urls })
	}
	access := func(a metrics.Access) []metrics.CollectorConfig {
		return with(scrape, func(c *metrics.CollectorConfig) { c.Access = a })
	}
	scraping := func(s metrics.ScrapeConfig) []metrics.CollectorConfig {
		return with(scrape, func(c *metrics.CollectorConfig) { c.Scrape = s })
	}
	for _, test := range []struct {
		name    string
		configs []metrics.CollectorConfig
		want    string // in the error; "" where there is none
	}{
		{"none", nil, ""},
		{"all kinds", []metrics.CollectorConfig{host, page, scrape, top}, ""},
		{"unknown kind", []metrics.CollectorConfig{{Kind: "abacus", Name: "x"}}, `"abacus" is unknown; there are ["host"`},
		{"no name", with(host, func(c *metrics.CollectorConfig) { c.Name = "" }), "the name has 0 bytes"},
		{"long name", with(host, func(c *metrics.CollectorConfig) { c.Name = strings.Repeat("x", 101) }), "the name has 101 bytes"},
		{"name that turns text around", with(host, func(c *metrics.CollectorConfig) { c.Name = "a\u202eb" }), "U+202E"},
		{"too often", with(host, func(c *metrics.CollectorConfig) { c.Interval = 10 * time.Millisecond }), "between 1s and 1h"},
		{"too seldom", with(host, func(c *metrics.CollectorConfig) { c.Interval = 2 * time.Hour }), "between 1s and 1h"},
		{"no timeout", with(host, func(c *metrics.CollectorConfig) { c.Timeout = -1 }), "the timeout is -1ns"},
		{"timeout above the interval", with(host, func(c *metrics.CollectorConfig) { c.Timeout = 2 * time.Second }), "not above the interval, 1s"},
		{"top where none is", with(host, func(c *metrics.CollectorConfig) { c.Top = 3 }), "takes no top"},
		{"top too high", with(top, func(c *metrics.CollectorConfig) { c.Top = 101 }), "between 1 and 100"},
		{"top below zero", with(top, func(c *metrics.CollectorConfig) { c.Top = -1 }), "between 1 and 100"},
		{"targets where none are", targets(host, "http://a"), "takes no targets"},
		{"no targets", targets(page), "there are 0 targets"},
		{"too many targets", targets(page, make([]string, 101)...), "there are 101 targets"},
		{"other scheme", targets(page, "http://a", "file:///etc/passwd"), "target 2: the URL must begin with http"},
		{"no host", targets(scrape, "http:///metrics"), "target 1: the URL has no host"},
		{"port without host", targets(scrape, "http://:9100/metrics"), "target 1: the URL has no host"},
		{"not a URL", targets(scrape, "http://a\x20b/"), "target 1: it is not a URL"},
		{"control character", targets(page, "http://a/\r\nx"), "target 1: the character U+000D"},
		{"long URL", targets(page, "http://a/"+strings.Repeat("x", 1000)), "has 1009 bytes"},
		{"pages that differ in the query only", targets(page, "http://a/x?q=1", "http://b/", "http://a/x?q=2"), "targets 1 and 3 have the same URL without its query, http://a/x"},
		{"targets of one instance", targets(scrape, "http://a:1/metrics", "http://a:1/more"), "targets 1 and 2 have the same instance, a:1"},
		{"twice the name", []metrics.CollectorConfig{page, page}, "two of that name"},
		{"authentication where nobody is asked", with(host, func(c *metrics.CollectorConfig) { c.Access.Username = "x" }), "the kind host asks nobody"},
		{"labels where nothing is scraped", with(page, func(c *metrics.CollectorConfig) { c.Scrape.HonorLabels = true }), "the kind http scrapes nothing"},
		{"two passwords", access(metrics.Access{Username: "x", Password: metrics.Secret{File: "a", Env: "b"}}), "basic-auth: it has a password-file and a password-env"},
		{"no password", access(metrics.Access{Username: "x"}), "basic-auth: it has no password"},
		{"no user", access(metrics.Access{Password: metrics.Secret{Env: "b"}}), "basic-auth: it has no username"},
		{"two tokens", access(metrics.Access{Bearer: metrics.Secret{File: "a", Env: "b"}}), "bearer-token-env: there is a bearer-token-file too"},
		{"password and token", access(metrics.Access{Username: "x", Password: metrics.Secret{File: "a"}, Bearer: metrics.Secret{Env: "b"}}), "basic-auth: there is a bearer token too"},
		{"certificate without key", access(metrics.Access{TLS: metrics.TLSConfig{CertFile: "a"}}), "tls: cert-file and key-file go together"},
		{"key without certificate", access(metrics.Access{TLS: metrics.TLSConfig{KeyFile: "a"}}), "tls: cert-file and key-file go together"},
		{"label that is taken", scraping(metrics.ScrapeConfig{Labels: []metrics.Label{{Name: "instance", Value: "x"}}}), "labels: instance is the collector's to say"},
		{"label that is none", scraping(metrics.ScrapeConfig{Labels: []metrics.Label{{Name: "a-b", Value: "x"}}}), `labels: label name "a-b"`},
		{"sample limit", scraping(metrics.ScrapeConfig{SampleLimit: 50_001}), "sample-limit: it is 50001"},
		{"rule", scraping(metrics.ScrapeConfig{Relabel: []metrics.RelabelRule{keepAll, {Action: "keep", Regex: "["}}}), "metric-relabel: rule 2: regex: "},
		{"user info that is no URL", targets(page, "http://me:hunter2/x@a/"), "target 1: it is not a URL; write reserved characters"},
		{"two of one scrape kind", append(with(scrape, func(c *metrics.CollectorConfig) { c.Name = "b" }), scrape), ""},
		{"two hosts", append(with(host, func(c *metrics.CollectorConfig) { c.Name = "b" }), host), "another one of kind host"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := Check(test.configs...)
			if test.want == "" {
				if err != nil {
					t.Errorf("got %v, want nil", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || metrics.KindOf(err) != metrics.Invalid {
				t.Errorf("got %v, want an error of kind Invalid with %q", err, test.want)
			}
		})
	}
}

func TestErrorsOfTargetsKeepTheirSecrets(t *testing.T) {
	cfg := Defaults(metrics.CollectorConfig{Kind: "http", Targets: []string{"http://me:hunter2@[::1/"}})
	if err := Check(cfg); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v, want an error without the password", err)
	}
}
