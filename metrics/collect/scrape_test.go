package collect

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liveboard/metrics"
)

// target serves text as a Prometheus target, and returns its URL and its host.
func target(t *testing.T, text string) (url, host string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		fmt.Fprint(w, text)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/metrics", strings.TrimPrefix(server.URL, "http://")
}

// scraped returns what one scrape of urls brings; how long it took is checked and taken out.
func scraped(t *testing.T, deps Deps, now time.Time, urls ...string) map[string]float64 {
	t.Helper()
	got := collected(t, open(t, metrics.CollectorConfig{Kind: "scrape", Name: "j", Targets: urls}, deps), now)
	for series, v := range got {
		if strings.HasPrefix(series, "scrape_duration_seconds{") {
			if v <= 0 {
				t.Errorf("%s: got %v, want more than nothing", series, v)
			}
			delete(got, series)
		}
	}
	return got
}

func TestScrapeReadsAnExposition(t *testing.T) {
	now := time.Now()
	url, host := target(t, fmt.Sprintf(`# HELP asks_total How many.
# TYPE asks_total counter
asks_total{path="/",job="mine"} 3
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.1"} 1
wait_seconds_bucket{le="+Inf"} 2
wait_seconds_sum 7.5
wait_seconds_count 2
# TYPE size_bytes summary
size_bytes{quantile="0.9"} NaN
size_bytes_sum 0
size_bytes_count 0
plain 1e3
endless +Inf
dated 5 %d
`, now.Add(-time.Minute).UnixMilli()))
	got := scraped(t, quiet(), now, url)
	want := map[string]float64{
		`up{instance="H",job="j"}`:                                      1,
		`scrape_samples_scraped{instance="H",job="j"}`:                  11,
		`scrape_samples_post_metric_relabeling{instance="H",job="j"}`:   11,
		`asks_total{exported_job="mine",instance="H",job="j",path="/"}`: 3,
		`wait_seconds_bucket{instance="H",job="j",le="0.1"}`:            1,
		`wait_seconds_bucket{instance="H",job="j",le="+Inf"}`:           2,
		`wait_seconds_sum{instance="H",job="j"}`:                        7.5,
		`wait_seconds_count{instance="H",job="j"}`:                      2,
		`size_bytes{instance="H",job="j",quantile="0.9"}`:               math.NaN(),
		`endless{instance="H",job="j"}`:                                 math.Inf(+1),
		`size_bytes_sum{instance="H",job="j"}`:                          0,
		`size_bytes_count{instance="H",job="j"}`:                        0,
		`plain{instance="H",job="j"}`:                                   1000,
		`dated{instance="H",job="j"}`:                                   5,
	}
	if diff := cmp.Diff(want, hidden(got, host), cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

// hidden writes H for a host whose port differs from run to run.
func hidden(all map[string]float64, host string) map[string]float64 {
	out := map[string]float64{}
	for series, v := range all {
		out[strings.ReplaceAll(series, host, "H")] = v
	}
	return out
}

// exposing returns an exposition without common labels.
func exposing(now time.Time, cfg metrics.ScrapeConfig) exposition {
	s := &scrape{cfg: metrics.CollectorConfig{Scrape: cfg}, rules: rules(cfg.Relabel)}
	return s.exposition(now, nil)
}

func TestCatalogLearnsWhatTargetsAndOurRegistrySay(t *testing.T) {
	deps := quiet()
	deps.Catalog, deps.Gatherer = metrics.NewCatalog(), registry()
	good, _ := target(t, "# HELP asks_total How many.\n# TYPE asks_total counter\nasks_total 3\n# TYPE untold untyped\nuntold 1\nplain 1\n")
	refused, _ := target(t, "# TYPE bad gauge\nbad{a=\"x\x07y\"} 1\n")
	scraped(t, deps, time.Now(), good, refused)
	want := map[string]metrics.About{"asks_total": {Type: "counter", Help: "How many."}, "untold": {Type: "unknown"}}
	if diff := cmp.Diff(want, deps.Catalog.All()); diff != "" {
		t.Errorf("of the targets: want -, got +:\n%s", diff)
	}
	collected(t, open(t, metrics.CollectorConfig{Kind: "self"}, deps), time.Now())
	if got, want := deps.Catalog.All()["print_seconds"], (metrics.About{Type: "histogram", Help: "h"}); got != want {
		t.Errorf("of our registry: got %+v, want %+v", got, want)
	}
}

func TestScrapeHonoursTimestampsInsideTheWindow(t *testing.T) {
	now := time.Now()
	at := func(d time.Duration) int64 { return now.Add(d).UnixMilli() }
	e := exposing(now, metrics.ScrapeConfig{})
	text := fmt.Sprintf("now 1\nminute 1 %d\nancient 1 %d\nfuture 1 %d\n", at(-time.Minute), at(-8*24*time.Hour), at(time.Hour))
	if err := e.read([]byte(text), "text/plain"); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, s := range e.samples {
		got[s.Series.String()] = s.At
	}
	if diff := cmp.Diff(map[string]int64{"now": at(0), "minute": at(-time.Minute)}, got); diff != "" {
		t.Errorf("times: want -, got +:\n%s", diff)
	}
	if e.outside != 2 {
		t.Errorf("outside: got %d, want 2", e.outside)
	}
}

func TestScrapeRefusesATargetWhole(t *testing.T) {
	for _, test := range []struct{ name, text, log string }{
		{"page of a portal", "<html>Please log in</html>\n", "parse the exposition: expected a valid start token"},
		{"cut short", "good 1\nhalf", "the text was cut short"},
		{"control character in a label", "good 1\nbad{a=\"x\x07y\"} 1\n", "U+0007"},
		{"text turned around in a label", "good 1\nbad{a=\"x\u202ey\"} 1\n", "U+202E"},
		{"invalid UTF-8 in a label", "good 1\nbad{a=\"x\xffy\"} 1\n", "invalid UTF-8 label value"},
		{"name in quotes", "good 1\n{\"bad name\"} 1\n", "only letters, digits and _"},
		{"no name", "{}0\n", "metric name not set"},
		{"label twice", "good 1\nbad{a=\"1\",a=\"2\"} 1\n", "label"},
		{"reserved label", "good 1\nbad{__a=\"1\"} 1\n", "reserved"},
		{"too many samples", strings.Repeat("many 1\n", maxScrapeSamples+1), "more than 50000 samples"},
		{"too many bytes", "good 1\n" + strings.Repeat("#"+strings.Repeat("x", 1<<20)+"\n", 16), "too large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			deps := quiet()
			deps.Log = slog.New(slog.NewTextHandler(&log, nil))
			url, host := target(t, test.text)
			got := hidden(scraped(t, deps, time.Now(), url), host)
			want := map[string]float64{
				`up{instance="H",job="j"}`:                                    0,
				`scrape_samples_scraped{instance="H",job="j"}`:                0,
				`scrape_samples_post_metric_relabeling{instance="H",job="j"}`: 0,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
			if !strings.Contains(log.String(), test.log) {
				t.Errorf("the log does not say %q: %s", test.log, log.String())
			}
		})
	}
}

func TestScrapeOfABadTargetLeavesTheOthers(t *testing.T) {
	good, host := target(t, "x 1\n")
	gone := httptest.NewServer(nil)
	gone.Close()
	broken := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(broken.Close)
	got := scraped(t, quiet(), time.Now(), gone.URL, good, broken.URL)
	for _, test := range []struct {
		series, host string
		want         float64
	}{
		{"up", strings.TrimPrefix(gone.URL, "http://"), 0},
		{"up", strings.TrimPrefix(broken.URL, "http://"), 0},
		{"up", host, 1},
		{"x", host, 1},
	} {
		series := fmt.Sprintf(`%s{instance=%q,job="j"}`, test.series, test.host)
		if v, found := got[series]; !found || v != test.want {
			t.Errorf("%s: got %v, want %v", series, v, test.want)
		}
	}
}

func TestScrapeKeepsItsOwnUp(t *testing.T) {
	url, host := target(t, "up 0\n")
	p := &tape{t: t}
	c := open(t, metrics.CollectorConfig{Kind: "scrape", Name: "j", Targets: []string{url}}, quiet())
	samples, err := c.Collect(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	w := &worker{cfg: metrics.CollectorConfig{Name: "j"}}
	b, _ := w.batch(time.UnixMilli(samples[0].At), samples, true, 0)
	if err := p.Record(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	p.want(fmt.Sprintf(`up{instance=%q,job="j"}`, host), "1")
}

func TestScrapeReadsGzipAndAsksForOpenMetricsFirst(t *testing.T) {
	var accept, agent string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		accept, agent = r.Header.Get("Accept"), r.UserAgent()
		w.Header().Set("Content-Encoding", "gzip")
		zw := gzip.NewWriter(w)
		defer zw.Close()
		fmt.Fprintln(zw, "x 1")
	}))
	t.Cleanup(server.Close)
	got := scraped(t, quiet(), time.Now(), server.URL)
	if got[fmt.Sprintf(`x{instance=%q,job="j"}`, strings.TrimPrefix(server.URL, "http://"))] != 1 {
		t.Errorf("got %v", got)
	}
	if accept != acceptExposition || agent != "liveboard" {
		t.Errorf("Accept %q, User-Agent %q", accept, agent)
	}
}

func FuzzExposition(f *testing.F) {
	f.Add("x 1\n")
	f.Add("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum NaN\nh_count 1 1700000000000\n")
	f.Add("# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_count 2\n")
	f.Add("x{job=\"a\",exported_job=\"b\",instance=\"c\"} -0\n")
	f.Add("x{a=\"\\n\u202e\"} +Inf 99999999999999999\n")
	f.Add("# TYPE x counter\nx_total 1 1700000000 # {a=\"b\"} 1\nx_created 1\n# EOF\n")
	now := time.UnixMilli(1_700_000_000_000)
	f.Fuzz(func(t *testing.T, text string) {
		for _, contentType := range []string{"text/plain", openMetrics} {
			e := exposing(now, metrics.ScrapeConfig{Relabel: []metrics.RelabelRule{keepAll}})
			e.common = []metrics.Label{{Name: "job", Value: "j"}}
			if err := e.read([]byte(text), contentType); err != nil {
				continue
			}
			if err := (metrics.Batch{Samples: e.samples}).Check(now); err != nil {
				t.Errorf("%q brings samples that fail their check: %v", text, err)
			}
			for _, s := range e.samples {
				if s.Series.Labels().Get("job") != "j" {
					t.Errorf("%q brings %s = %v", text, s.Series, s.Value)
				}
			}
		}
	})
}

// keepAll is a rule that changes nothing.
var keepAll = metrics.RelabelRule{Action: "keep", Regex: "(.*)", Separator: ";", Replacement: "$1"}
