package collect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liveboard/metrics"
)

// rule returns the default rule, changed.
func rule(action string, change func(*metrics.RelabelRule)) metrics.RelabelRule {
	r := metrics.DefaultRelabelRule()
	r.Action = action
	change(&r)
	return r
}

func TestRelabelling(t *testing.T) {
	regex := func(text string) func(*metrics.RelabelRule) {
		return func(r *metrics.RelabelRule) { r.Regex = text }
	}
	names := func(text string) func(*metrics.RelabelRule) {
		return func(r *metrics.RelabelRule) { r.SourceLabels, r.Regex = []string{metrics.NameLabel}, text }
	}
	all := []string{`asks{code="200",path="/a"}`, `asks{code="500",path="/b"}`, `go_gc{path="/a"}`}
	for _, test := range []struct {
		name  string
		rules []metrics.RelabelRule
		want  []string
	}{
		{"none", nil, all},
		{"keep", []metrics.RelabelRule{rule("keep", names("ask."))}, all[:2]},
		{"keep is anchored", []metrics.RelabelRule{rule("keep", names("ask"))}, nil},
		{"drop", []metrics.RelabelRule{rule("drop", names("go_.*"))}, all[:2]},
		{"drop by two labels", []metrics.RelabelRule{rule("drop", func(r *metrics.RelabelRule) {
			r.SourceLabels, r.Separator, r.Regex = []string{"code", "path"}, "@", "500@/b"
		})}, []string{all[0], all[2]}},
		{"replace", []metrics.RelabelRule{rule("replace", func(r *metrics.RelabelRule) {
			r.SourceLabels, r.Regex, r.TargetLabel, r.Replacement = []string{"code"}, "(.)..", "class", "${1}xx"
		})}, []string{`asks{class="2xx",code="200",path="/a"}`, `asks{class="5xx",code="500",path="/b"}`, all[2]}},
		{"replace a name", []metrics.RelabelRule{rule("replace", func(r *metrics.RelabelRule) {
			r.SourceLabels, r.Regex, r.TargetLabel, r.Replacement = []string{metrics.NameLabel}, "go_(.*)", metrics.NameLabel, "runtime_$1"
		})}, []string{all[0], all[1], `runtime_gc{path="/a"}`}},
		{"labelmap", []metrics.RelabelRule{rule("labelmap", func(r *metrics.RelabelRule) { r.Regex, r.Replacement = "c(.*)", "k$1" })},
			[]string{`asks{code="200",kode="200",path="/a"}`, `asks{code="500",kode="500",path="/b"}`, all[2]}},
		{"labeldrop", []metrics.RelabelRule{rule("labeldrop", regex("code"))}, []string{`asks{path="/a"}`, `asks{path="/b"}`, all[2]}},
		{"labelkeep", []metrics.RelabelRule{rule("labelkeep", regex("__name__|code"))}, []string{`asks{code="200"}`, `asks{code="500"}`, "go_gc"}},
		{"notes between rules", []metrics.RelabelRule{
			rule("replace", func(r *metrics.RelabelRule) {
				r.SourceLabels, r.TargetLabel = []string{"path"}, "__tmp_path"
			}),
			rule("keep", func(r *metrics.RelabelRule) { r.SourceLabels, r.Regex = []string{"__tmp_path"}, "/b" }),
		}, all[1:2]},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := exposing(time.Now(), metrics.ScrapeConfig{Relabel: test.rules})
			if err := e.read([]byte(strings.Join(all, " 1\n")+" 1\n"), "text/plain"); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range e.samples {
				got = append(got, s.Series.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" || e.told != 3 {
				t.Errorf("told %d, want 3; want -, got +:\n%s", e.told, diff)
			}
		})
	}
}

func TestRelabellingSeesTheTargetsLabels(t *testing.T) {
	url, host := target(t, "x{job=\"own\"} 1\n")
	byJob := rule("replace", func(r *metrics.RelabelRule) {
		r.SourceLabels, r.TargetLabel = []string{"job", "exported_job"}, "both"
	})
	got := hidden(scrapedAs(t, metrics.ScrapeConfig{Relabel: []metrics.RelabelRule{byJob}}, url), host)
	if _, found := got[`x{both="j;own",exported_job="own",instance="H",job="j"}`]; !found {
		t.Errorf("got %v", got)
	}
	if _, found := got[`up{instance="H",job="j"}`]; !found {
		t.Errorf("up is relabelled: %v", got)
	}
}

func TestRelabellingThatLeavesNoSeriesRefusesTheTarget(t *testing.T) {
	for _, broken := range []metrics.RelabelRule{
		rule("labeldrop", func(r *metrics.RelabelRule) { r.Regex = metrics.NameLabel }),
		rule("replace", func(r *metrics.RelabelRule) { r.TargetLabel, r.Replacement = metrics.NameLabel, "9x" }),
	} {
		e := exposing(time.Now(), metrics.ScrapeConfig{Relabel: []metrics.RelabelRule{broken}})
		if err := e.read([]byte("x{a=\"1\"} 1\n"), "text/plain"); err == nil || !strings.Contains(err.Error(), "metric name") {
			t.Errorf("%v: got %v and %v, want an error", broken, e.samples, err)
		}
	}
}

func TestCheckRelabelNamesWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		rule metrics.RelabelRule
		want string
	}{
		{rule("keep", func(r *metrics.RelabelRule) { r.Regex = "(" }), "regex: error parsing regexp: missing closing ): "},
		{rule("keep", func(r *metrics.RelabelRule) { r.SourceLabels = []string{"a b"} }), `source-labels: "a b" is no label name`},
		{rule("replace", func(*metrics.RelabelRule) {}), "requires 'target-label'"},
		{rule("replace", func(r *metrics.RelabelRule) { r.TargetLabel = "a b" }), `"a b" is invalid 'target-label'`},
		{rule("labeldrop", func(r *metrics.RelabelRule) { r.SourceLabels = []string{"a"} }), "requires only 'regex'"},
		{rule("hashmod", func(r *metrics.RelabelRule) { r.TargetLabel = "a" }), "requires non-zero modulus"},
		{rule("dropequal", func(r *metrics.RelabelRule) { r.TargetLabel = "a"; r.Separator = "," }), "requires only 'source-labels'"},
	} {
		if err := CheckRelabel(test.rule); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: got %v, want %q", test.rule, err, test.want)
		}
	}
}

// scrapedAs returns what one scrape of url brings to the job j.
func scrapedAs(t *testing.T, cfg metrics.ScrapeConfig, url string) map[string]float64 {
	t.Helper()
	return collected(t, open(t, metrics.CollectorConfig{Kind: "scrape", Name: "j", Targets: []string{url}, Scrape: cfg}, quiet()), time.Now())
}

func TestScrapeOfLabels(t *testing.T) {
	const text = "x{job=\"own\",instance=\"\",env=\"test\"} 1\n"
	prod := []metrics.Label{{Name: "env", Value: "prod"}}
	for _, test := range []struct {
		name string
		cfg  metrics.ScrapeConfig
		want []string
	}{
		{"conflicts are exported", metrics.ScrapeConfig{Labels: prod},
			[]string{`x{env="prod",exported_env="test",exported_job="own",instance="H",job="j"}`, `up{env="prod",instance="H",job="j"}`}},
		{"honoured", metrics.ScrapeConfig{Labels: prod, HonorLabels: true},
			[]string{`x{env="test",job="own"}`, `up{env="prod",instance="H",job="j"}`}},
		{"honoured through rules", metrics.ScrapeConfig{Labels: prod, HonorLabels: true, Relabel: []metrics.RelabelRule{keepAll}},
			[]string{`x{env="test",job="own"}`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			url, host := target(t, text)
			got := hidden(scrapedAs(t, test.cfg, url), host)
			for _, series := range test.want {
				if got[series] != 1 {
					t.Errorf("there is no %s in %v", series, got)
				}
			}
		})
	}
}

func TestScrapeDoesNotHonourTimestampsWhereItIsTold(t *testing.T) {
	now := time.Now()
	e := exposing(now, metrics.ScrapeConfig{IgnoreTimestamps: true})
	if err := e.read(fmt.Appendf(nil, "minute 1 %d\nancient 1 1\n", now.Add(-time.Minute).UnixMilli()), "text/plain"); err != nil {
		t.Fatal(err)
	}
	if len(e.samples) != 2 || e.samples[0].At != now.UnixMilli() || e.samples[1].At != now.UnixMilli() {
		t.Errorf("got %v, want both samples now", e.samples)
	}
}

func TestScrapeKeepsToTheSampleLimit(t *testing.T) {
	url, host := target(t, "a 1\nb 1\nc 1\n")
	dropC := rule("drop", func(r *metrics.RelabelRule) { r.SourceLabels, r.Regex = []string{metrics.NameLabel}, "c" })
	for _, test := range []struct {
		name             string
		cfg              metrics.ScrapeConfig
		up, scraped, put float64
	}{
		{"as many as allowed", metrics.ScrapeConfig{SampleLimit: 3}, 1, 3, 3},
		{"one more", metrics.ScrapeConfig{SampleLimit: 2}, 0, 0, 0},
		{"as many after the rules", metrics.ScrapeConfig{SampleLimit: 2, Relabel: []metrics.RelabelRule{dropC}}, 1, 3, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := hidden(scrapedAs(t, test.cfg, url), host)
			const labels = `{instance="H",job="j"}`
			if got["up"+labels] != test.up || got["scrape_samples_scraped"+labels] != test.scraped || got["scrape_samples_post_metric_relabeling"+labels] != test.put {
				t.Errorf("got %v, want up %v, scraped %v, left %v", got, test.up, test.scraped, test.put)
			}
			if _, found := got["a"+labels]; found != (test.up == 1) {
				t.Errorf("a: %v beside up %v", found, test.up)
			}
		})
	}
}
