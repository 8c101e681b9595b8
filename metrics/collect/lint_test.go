package collect

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"liveboard/metrics"
)

func TestMetricNamesLintClean(t *testing.T) {
	deps := quiet()
	deps.Gatherer = registry()
	url, _ := target(t, "x 1\n")
	targets := map[string][]string{"http": {url}, "scrape": {url}}
	names := map[string]bool{"collector_up": true, "collector_seconds": true}
	for _, kind := range Kinds() {
		c := open(t, metrics.CollectorConfig{Kind: kind, Targets: targets[kind]}, deps)
		for range 2 {
			for name := range sums(collected(t, c, time.Now())) {
				names[name] = true
			}
		}
	}
	if len(names) < 40 {
		t.Errorf("there are only %d names", len(names))
	}
	for name := range names {
		lint(t, name)
	}
}

// lint holds a name to promlint's rules for the type that its ending tells.
func lint(t *testing.T, name string) {
	t.Helper()
	family := &dto.MetricFamily{Name: &name, Help: &name, Type: dto.MetricType_GAUGE.Enum(), Metric: []*dto.Metric{{Gauge: &dto.Gauge{}}}}
	for _, ending := range []string{"_bucket", "_sum", "_count"} {
		if strings.HasSuffix(name, ending) {
			return // of a histogram or a summary, whose own name stands before
		}
	}
	if strings.HasSuffix(name, "_total") {
		family.Type, family.Metric = dto.MetricType_COUNTER.Enum(), []*dto.Metric{{Counter: &dto.Counter{}}}
	}
	problems, err := promlint.NewWithMetricFamilies([]*dto.MetricFamily{family}).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
