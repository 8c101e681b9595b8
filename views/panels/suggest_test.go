package panels_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"liveboard/data"
	"liveboard/metrics"
	"liveboard/metrics/query"
	"liveboard/views/panels"
)

// arrived returns a metric that came with so many series; labels are name=value pairs of the newest.
func arrived(t *testing.T, name string, series int, varying []string, labels ...metrics.Label) metrics.ArrivedMetric {
	t.Helper()
	newest, err := metrics.NewSeries(name, labels...)
	if err != nil {
		t.Fatal(err)
	}
	return metrics.ArrivedMetric{Name: name, Series: series, Newest: newest, Varying: varying}
}

func TestSuggestionsFollowNames(t *testing.T) {
	unknown := math.NaN()
	shop, le := metrics.Label{Name: "shop", Value: "se"}, metrics.Label{Name: "le", Value: "+Inf"}
	two := []string{"shop", "till"}
	for _, test := range []struct {
		metric           metrics.ArrivedMetric
		newest           float64
		kind, expr       string
		unit, unitOfOne  metrics.Unit
		title, andLegend string
	}{
		{arrived(t, "orders_total", 1, nil), 42, "timeseries", "sum(rate(orders_total[5m]))", metrics.Rate, metrics.Count, "Orders", ""},
		{arrived(t, "orders_total", 3, two[:1], shop), 42, "timeseries", "sum by (shop) (rate(orders_total[5m]))", metrics.Rate, metrics.Count, "Orders", "{{shop}}"},
		{arrived(t, "orders_total", 40, two, shop), 42, "bars", "topk(10, sum by (shop, till) (rate(orders_total[5m])))", metrics.Rate, metrics.Count, "Orders", "{{shop}} {{till}}"},
		{arrived(t, "net_receive_bytes_total", 1, nil), 1e6, "timeseries", "sum(rate(net_receive_bytes_total[5m]))", metrics.ByteRate, metrics.Bytes, "Net receive", ""},
		{arrived(t, "cpu_seconds_total", 1, nil), 1e3, "timeseries", "sum(rate(cpu_seconds_total[5m]))", metrics.Ratio, metrics.Seconds, "Cpu", ""},
		{arrived(t, "wait_seconds_count", 1, nil), 3, "timeseries", "sum(rate(wait_seconds_count[5m]))", metrics.Rate, metrics.Count, "Wait count", ""},
		{arrived(t, "wait_seconds_sum", 1, nil), 3, "timeseries", "sum(rate(wait_seconds_sum[5m]))", metrics.Ratio, metrics.Seconds, "Wait sum", ""},
		{arrived(t, "wait_seconds_bucket", 12, []string{"le"}, le), 3, "timeseries", "histogram_quantile(0.95, sum by (le) (rate(wait_seconds_bucket[5m])))", metrics.Seconds, metrics.Count, "Wait p95", ""},
		{arrived(t, "ice_bucket", 1, nil), 3, "stat", "ice_bucket", metrics.None, metrics.None, "Ice bucket", ""},
		{arrived(t, "user_count", 1, nil), 3, "stat", "user_count", metrics.None, metrics.None, "User count", ""},
		{arrived(t, "memory_used_bytes", 1, nil), 1e9, "stat", "memory_used_bytes", metrics.Bytes, metrics.Bytes, "Memory used", ""},
		{arrived(t, "bytes", 1, nil), 1e9, "stat", "bytes", metrics.Bytes, metrics.Bytes, "bytes", ""},
		{arrived(t, "memory_used_bytes", 12, two, shop), 1e9, "timeseries", "memory_used_bytes", metrics.Bytes, metrics.Bytes, "Memory used", "{{shop}} {{till}}"},
		{arrived(t, "memory_used_bytes", 13, two, shop), 1e9, "bars", "topk(10, memory_used_bytes)", metrics.Bytes, metrics.Bytes, "Memory used", "{{shop}} {{till}}"},
		{arrived(t, "disk_used_ratio", 2, two[:1], shop), .3, "gauge", "disk_used_ratio", metrics.Ratio, metrics.Ratio, "Disk used", "{{shop}}"},
		{arrived(t, "mem_used_percent", 1, nil), 30, "gauge", "mem_used_percent", metrics.Percent, metrics.Percent, "Mem used", ""},
		{arrived(t, "response_time_ms", 1, nil), 30, "stat", "response_time_ms", metrics.Millis, metrics.Millis, "Response time", ""},
		{arrived(t, "boot_time_seconds", 2, two[:1]), 1.7e9, "table", "boot_time_seconds", metrics.Date, metrics.Date, "Boot", ""},
		{arrived(t, "up", 2, two[:1], shop), 1, "status", "up", metrics.None, metrics.None, "Up", "{{shop}}"},
		{arrived(t, "up", 2, two[:1], shop), unknown, "status", "up", metrics.None, metrics.None, "Up", "{{shop}}"},
		{arrived(t, "link_up", 301, two[:1], shop), 0, "gauge", "avg(link_up)", metrics.Ratio, metrics.None, "Link up", "{{shop}}"},
		{arrived(t, "levelled_up", 1, nil), 7, "stat", "levelled_up", metrics.None, metrics.None, "Levelled up", ""},
		{arrived(t, "build_info", 30, two), 1, "table", "topk(10, build_info)", metrics.None, metrics.None, "Build", ""},
		{arrived(t, "job:orders:rate5m", 1, nil), 1, "stat", "job:orders:rate5m", metrics.None, metrics.None, "Job orders rate5m", ""},
		{arrived(t, "on", 1, nil), 1, "stat", `{__name__="on"}`, metrics.None, metrics.None, "On", ""},
		{arrived(t, "___", 1, nil), 1, "stat", "___", metrics.None, metrics.None, "___", ""},
	} {
		s := panels.Suggest(test.metric, test.newest)
		p := s.Panel
		if p.Kind != test.kind || p.Queries[0].Expr != test.expr || p.Unit != test.unit || s.Unit != test.unitOfOne || p.Title != test.title || p.Queries[0].Legend != test.andLegend {
			t.Errorf("%s with %d series: got %s %q, unit %q, of one %q, %q, legend %q;\nwant %+v", test.metric.Name, test.metric.Series,
				p.Kind, p.Queries[0].Expr, p.Unit, s.Unit, p.Title, p.Queries[0].Legend, test)
		}
	}
}

// wellKnown are names of all kinds, and words that mean something to PromQL or to YAML.
var wellKnown = append(strings.Fields(`
	orders_total up a_up x_info wait_seconds_bucket wait_seconds_sum wait_seconds_count cpu_usage_idle mem_used_percent temp_celsius boot_time_seconds
	http_requests:rate5m _ __ x: :x a: sum avg count min max by on and or unless offset bool inf nan NaN Inf group_left topk quantile start end
	yes no true false null y n off total bucket bytes seconds ratio bits ms`), strings.Repeat("long_", 39)+"name")

func TestSuggestedYAMLPassesTheCheck(t *testing.T) {
	check := data.BoardCheck{Panel: panels.Check, Expr: query.Check}
	own := "dashboards:\n  - name: own\n    panels:\n"
	builtin, at, _ := strings.Cut(string(data.DefaultBoard()), "    panels:\n")
	le := metrics.Label{Name: "le", Value: "1"}
	for _, name := range wellKnown {
		for _, series := range []int{1, 5, 50, 5000} {
			s := panels.Suggest(arrived(t, name, series, []string{"by", "le", "x", "y"}[:min(series-1, 4)], le), 1)
			for _, board := range []string{own + s.YAML, builtin + "    panels:\n" + s.YAML + at} {
				path := filepath.Join(t.TempDir(), "board.yaml")
				if err := os.WriteFile(path, []byte(board), 0o600); err != nil {
					t.Fatal(err)
				}
				read, err := data.LoadBoard(path, check)
				if err != nil {
					t.Errorf("%s, %d series: %v\n%s", name, series, err, s.YAML)
					continue
				}
				if got := read.Dashboards[0].Panels[0]; got.Kind != s.Panel.Kind || got.Title != s.Panel.Title || got.Queries[0] != s.Panel.Queries[0] || got.Unit != s.Panel.Unit {
					t.Errorf("%s: the file says %+v, the panel is %+v", name, got, s.Panel)
				}
			}
		}
	}
}
