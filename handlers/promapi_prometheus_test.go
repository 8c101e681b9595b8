package handlers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

// anHour is an hour of samples between the seconds, for which versions of Prometheus agree what a range
// includes: counters with a reset, a gauge with gaps, buckets, and numbers that are none.
func anHour() (all []sampled) {
	for second := 0.25; second < 3600; second += 15 {
		n := math.Floor(second)
		add := func(name string, value float64, pairs ...string) {
			var ls []metrics.Label
			for i := 0; i < len(pairs); i += 2 {
				ls = append(ls, metrics.Label{Name: pairs[i], Value: pairs[i+1]})
			}
			all = append(all, sampled{name, ls, second, value})
		}
		add("requests_total", n, "shop", "se", "code", "200")
		add("requests_total", math.Mod(n, 1200), "shop", "se", "code", "500")
		add("requests_total", 3*n, "shop", "dk", "code", "200")
		add("up", 1, "shop", "se")
		add("up", math.Mod(n/15, 2), "shop", "dk")
		if math.Mod(n, 900) < 500 {
			add("temperature", n/8-100, "room", `Köln "é" \ 1`)
		}
		for i, le := range []string{"0.1", "1", "+Inf"} {
			add("wait_seconds_bucket", n*float64(i+1), "le", le, "shop", "se")
		}
		odd := oddNumbers[int(n/15)%len(oddNumbers)].value
		if odd == 5e-324 { // which the text that Prometheus imports cannot carry
			odd = 1
		}
		add("odd", odd)
	}
	return all
}

// inOpenMetrics writes samples as promtool imports them.
func inOpenMetrics(samples []sampled) []byte {
	samples = slices.Clone(samples)
	slices.SortStableFunc(samples, func(a, b sampled) int { return strings.Compare(a.name, b.name) })
	var b bytes.Buffer
	for _, s := range samples {
		b.WriteString(s.name)
		for i, l := range s.labels {
			fmt.Fprintf(&b, "%c%s=%q", "{,"[min(i, 1)], l.Name, l.Value)
		}
		if len(s.labels) > 0 {
			b.WriteByte('}')
		}
		fmt.Fprintf(&b, " %s %.3f\n", strconv.FormatFloat(s.value, 'g', -1, 64), float64(noon.Unix())+s.second)
	}
	b.WriteString("# EOF\n")
	return b.Bytes()
}

// startPrometheus runs a Prometheus server that has these samples, and returns its address.
func startPrometheus(t *testing.T, samples []sampled) string {
	t.Helper()
	folder := t.TempDir()
	text, blocks, config := filepath.Join(folder, "samples"), filepath.Join(folder, "blocks"), filepath.Join(folder, "config")
	if err := os.WriteFile(text, inOpenMetrics(samples), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "tsdb", "create-blocks-from", "openmetrics", text, blocks)
	kind := proxyKind{name: "Prometheus", args: []string{"prometheus", "--config.file=" + config, "--storage.tsdb.path=" + blocks, "--storage.tsdb.retention.time=100y", "--web.listen-address=LISTEN"}}
	for range 3 { // the port may be taken before it has it
		address := freeAddress(t)
		if p := startProxy(t, folder, kind, strings.NewReplacer("LISTEN", address)); p.answers("http://" + address + "/-/ready") {
			return "http://" + address
		}
	}
	log, _ := os.ReadFile(filepath.Join(folder, "log"))
	t.Fatalf("Prometheus does not start:\n%s", log)
	return ""
}

// promtool runs Prometheus's own client, and returns what it prints.
func promtool(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(programPath(t, "promtool"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("promtool %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// expressions are evaluated here and there, at instants and over ranges.
var expressions = []string{
	`requests_total`, `requests_total{code=~"2..",shop!="dk"}`, `{__name__=~"u.|odd"}`, `temperature`, `odd`, `odd * 2`, `-odd`, `odd > 0`, `1 / 0`, `0 / 0`, `vector(-1 / 0)`,
	`rate(requests_total[5m])`, `increase(requests_total[17m])`, `irate(requests_total[1m])`, `resets(requests_total[1h])`, `changes(up[10m])`, `deriv(temperature[10m])`, `idelta(temperature[2m])`,
	`sum by (shop) (requests_total)`, `count without (code) (requests_total)`, `avg(up)`, `min(temperature)`, `max by (shop) (up)`, `stddev(requests_total)`, `topk(2, requests_total)`, `bottomk(1, up)`,
	`quantile(0.5, requests_total)`, `count_values("v", up)`, `group(up)`, `histogram_quantile(0.9, wait_seconds_bucket)`, `histogram_quantile(0.9, sum by (le) (rate(wait_seconds_bucket[5m])))`,
	`requests_total / on (shop) group_left up`, `up and on (shop) requests_total{code="500"}`, `up or temperature`, `requests_total unless on (shop) (up == 0)`, `up == bool 1`, `up > 0 < bool 2`,
	`requests_total offset 7m`, `requests_total @ 1773490800`, `rate(requests_total[5m] @ end())`, `requests_total @ start()`, `max_over_time(rate(requests_total[1m])[10m:30s])`, `sum_over_time(up[5m10s:])`,
	`avg_over_time(temperature[3m])`, `min_over_time(odd[2m])`, `quantile_over_time(0.25, temperature[5m])`, `last_over_time(temperature[10m])`, `present_over_time(temperature[1m])`, `absent(temperature)`, `absent_over_time(nothing{a="b"}[5m])`, `stdvar_over_time(up[5m])`,
	`label_replace(up, "s", "x-$1", "shop", "(.*)")`, `label_join(requests_total, "both", "/", "shop", "code")`, `time()`, `timestamp(up)`, `hour()`, `day_of_week(vector(time()))`, `clamp(temperature, 0, 10)`,
	`round(temperature, 0.5)`, `sqrt(temperature)`, `ln(temperature)`, `sgn(temperature)`, `scalar(up{shop="se"})`, `predict_linear(temperature[5m], 60)`, `pi()`, `nothing`,
}

// instants are evaluated at instants alone.
var instants = []string{`"text"`, `up[45s]`, `odd[4m]`, `sort_desc(requests_total)`}

// requests are what else is asked: a path and its form.
var requests = []string{
	"series?" + form("match[]", "up", "match[]", `{shop="se"}`), "series?" + form("match[]", `{room=~".+"}`), "series?" + form("match[]", "up", "start", "0", "end", "1"), "series", "series?" + form("match[]", `{a=""}`),
	"labels", "labels?" + form("match[]", "up"), "labels?" + form("match[]", "nothing"), "label/__name__/values", "label/shop/values?" + form("match[]", `{code="500"}`), "label/room/values", "label/nothing/values",
	"query?" + form("query", "sum(up"), "query?" + form("query", "rate(up)"), "query?" + form("query", "up", "timeout", "y"), "query?" + form("query", "up * on () up", "time", "1773490800"),
	"query_range?" + form("query", "up", "start", "1", "end", "2", "step", "0"), "query_range?" + form("query", "up", "start", "2", "end", "1", "step", "1"), "query_range?" + form("query", "up", "start", "0", "end", "12000", "step", "1"),
	"query?" + form("query", "up", "time", "2026-03-14T12:30:00.5Z"), "query?" + form("query", "up", "time", "1773490800.0005"), "rules", "alerts", "metadata", "metadata?limit=x",
	"query_exemplars?" + form("query", "up", "start", "1", "end", "2"), "format_query?" + form("query", "sum  by(shop)(up)"),
}

// A Prometheus server and we, with the same samples, give the same bytes, but for the order that Prometheus
// leaves open. Debian's is version 2; what version 3 has changed is not asked: where a range begins, and some
// sentences of errors.
func TestPrometheusAPIAnswersAsAPrometheusServerDoes(t *testing.T) {
	t.Parallel()
	samples := anHour()
	there := startPrometheus(t, samples)
	w := newWorld(t, nil)
	w.keep(samples...)
	paths := slices.Clone(requests)
	for _, expr := range expressions {
		paths = append(paths, "query_range?"+form("query", expr, "start", strconv.FormatInt(noon.Unix()-60, 10), "end", strconv.FormatInt(noon.Unix()+4000, 10), "step", "2m"))
	}
	for _, expr := range slices.Concat(expressions, instants) {
		paths = append(paths, "query?"+form("query", expr, "time", strconv.FormatInt(noon.Unix()+1800, 10)), "query?"+form("query", expr, "time", "2026-03-14T12:03:20.125Z"))
	}
	for _, path := range paths {
		theirs, ours := do(t, "GET", there+"/api/v1/"+path, ""), do(t, "GET", w.URL+"/api/v1/"+path, "")
		if theirs.StatusCode != ours.StatusCode || inOrder(t, theirs) != inOrder(t, ours) {
			t.Errorf("%s:\nthere %d %s\nhere  %d %s", path, theirs.StatusCode, theirs.body, ours.StatusCode, ours.body)
		}
	}
	t.Logf("%d answers compared", len(paths))
}

// inOrder returns an answer with the parts of its data, or of its result, sorted where they are a list.
func inOrder(t *testing.T, a answer) string {
	t.Helper()
	var envelope struct{ Data json.RawMessage }
	if err := json.Unmarshal([]byte(a.body), &envelope); err != nil {
		t.Fatalf("%s: %q is no JSON: %v", a.Request.URL, a.body, err)
	}
	list := envelope.Data
	var data struct {
		ResultType string
		Result     json.RawMessage
	}
	if json.Unmarshal(list, &data) == nil && (data.ResultType == "vector" || data.ResultType == "matrix") {
		list = data.Result
	}
	var parts []json.RawMessage
	if json.Unmarshal(list, &parts) != nil || len(parts) < 2 {
		return a.body
	}
	sorted := make([]string, len(parts))
	for i, part := range parts {
		sorted[i] = string(part)
	}
	slices.Sort(sorted)
	return strings.Replace(a.body, string(list), strings.Join(sorted, "\n"), 1)
}

func TestPromtoolQueriesTheBinary(t *testing.T) {
	t.Parallel()
	p := start(t)
	if a := do(t, http.MethodPost, p.URL+"/api/push", "orders_total{shop=\"se\"} 42\norders_total{shop=\"dk\"} 7\n", "Content-Type", textPlain); a.StatusCode != http.StatusNoContent {
		t.Fatalf("push: status %d: %s", a.StatusCode, a.body)
	}
	now := time.Now()
	from, to := strconv.FormatInt(now.Unix()-1, 10), strconv.FormatInt(now.Unix()+2, 10)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"instant", "--time", to, p.URL, `sort(orders_total)`}, `orders_total{shop="dk"} => 7 @[` + to + "]\n" + `orders_total{shop="se"} => 42 @[` + to + "]\n"},
		{[]string{"instant", "--time", to, p.URL, `sum(orders_total) / 0`}, `{} => +Inf @[` + to + "]\n"},
		{[]string{"range", "--start", from, "--end", to, "--step", "3s", p.URL, `count(orders_total)`}, "{} =>\n2 @[" + to + "]\n"},
		{[]string{"series", "--match", `orders_total{shop=~"s."}`, p.URL}, `{__name__="orders_total", shop="se"}` + "\n"},
		{[]string{"labels", "--start", from, "--match", "orders_total", p.URL, "shop"}, "dk\nse\n"},
	} {
		if got := promtool(t, append([]string{"query"}, test.args...)...); got != test.want {
			t.Errorf("promtool query %q:\n%q\nwant\n%q", test.args, got, test.want)
		}
	}
	var build struct {
		Data struct{ Version, GoVersion string }
	}
	if err := json.Unmarshal([]byte(get200(t, p.URL+"/api/v1/status/buildinfo").body), &build); err != nil || build.Data.Version != "3.12.0" || build.Data.GoVersion == "" {
		t.Errorf("build information = %+v, %v, want the version of our Prometheus and Go's", build.Data, err)
	}
	eventually(t, "the server's own metrics are described", func() bool {
		return strings.Contains(get200(t, p.URL+"/api/v1/metadata?metric=liveboard_series").body, `{"liveboard_series":[{"type":"gauge","unit":"","help":"Known series."}]}`)
	})
}
