package ingest

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"liveboard/metrics"
	"liveboard/metrics/head"
)

// others leaves out what the gateway tells of groups.
const others = `{__name__!="",__name__!~"push_.*"}`

func TestGatewayPutReplacesAndPostAdds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.close()
		const job = "/metrics/job/backup/instance/db1"
		r.want(200, "", "PUT", job, "# TYPE files gauge\nfiles{disk=\"a\"} 1\nfiles{disk=\"b\"} 2\n# TYPE took_seconds gauge\ntook_seconds 3\n")
		r.wantValues(others, map[string]float64{
			`files{disk="a",instance="db1",job="backup"}`: 1, `files{disk="b",instance="db1",job="backup"}`: 2, `took_seconds{instance="db1",job="backup"}`: 3})
		time.Sleep(time.Second)
		r.want(200, "", "POST", job, "# TYPE files gauge\nfiles{disk=\"a\"} 4\n")
		r.wantValues(others, map[string]float64{`files{disk="a",instance="db1",job="backup"}`: 4, `took_seconds{instance="db1",job="backup"}`: 3})
		time.Sleep(time.Second)
		r.want(200, "", "PUT", job, "# TYPE files gauge\nfiles{disk=\"b\"} 5\n")
		r.wantValues(others, map[string]float64{`files{disk="b",instance="db1",job="backup"}`: 5})
		r.want(202, "", "DELETE", "/metrics/job/backup", "") // another group
		r.wantValues(others, map[string]float64{`files{disk="b",instance="db1",job="backup"}`: 5})
		r.want(202, "", "DELETE", job, "")
		r.wantValues(`{__name__!=""}`, map[string]float64{})
	})
}

func TestGatewayPostReplacesAHistogramWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.close()
		body := func(path string) string {
			return "# TYPE took histogram\n" + strings.ReplaceAll("took_bucket{X,le=\"1\"} 1\ntook_bucket{X,le=\"+Inf\"} 2\ntook_sum{X} 3\ntook_count{X} 2\n", "X", `path="`+path+`"`)
		}
		r.want(200, "", "PUT", "/metrics/job/a", body("/a"))
		r.wantValues(`count(`+others+`)`, map[string]float64{"": 4})
		time.Sleep(time.Second)
		r.want(200, "", "POST", "/metrics/job/a", body("/b"))
		r.wantValues(`{path="/a"}`, map[string]float64{})
		r.wantValues(`{path="/b",__name__!="took_bucket"}`, map[string]float64{`took_count{job="a",path="/b"}`: 2, `took_sum{job="a",path="/b"}`: 3})
	})
}

func TestGatewayTellsOfItsPushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.close()
		first := float64(time.Now().UnixMilli()) / 1000
		r.want(200, "", "PUT", "/metrics/job/a", "x 1\n")
		r.wantValues("push_time_seconds - "+fmt.Sprint(first), map[string]float64{`{job="a"}`: 0})
		r.wantValues("push_failure_time_seconds", map[string]float64{`push_failure_time_seconds{job="a"}`: 0})
		time.Sleep(time.Minute)
		r.want(400, "pushed metrics must not have timestamps", "PUT", "/metrics/job/a", "x 2 1700000000000\n")
		r.wantValues("x", map[string]float64{`x{job="a"}`: 1})
		r.wantValues("push_failure_time_seconds - push_time_seconds", map[string]float64{`{job="a"}`: 60})
		r.want(400, "must not have timestamps", "POST", "/metrics/job/b", "x 2 1700000000000\n")
		r.wantValues(`push_time_seconds{job="b"}`, map[string]float64{`push_time_seconds{job="b"}`: 0})
	})
}

func TestGatewayTellsTheCatalogWhatIsSaidOfMetrics(t *testing.T) {
	r := newRig(t)
	defer r.close()
	r.intake.Catalog = metrics.NewCatalog()
	r.want(400, "", "PUT", "/metrics/job/a", "# TYPE x counter\nx 1 1700000000000\n")
	r.want(200, "", "PUT", "/metrics/job/a", "# HELP took How long.\n# TYPE took summary\ntook_sum 1\n")
	r.want(200, "", "PUT", "/metrics/job/b", "# HELP took Not theirs to say.\n# HELP shop_x Theirs.\nshop_x 1\n", "Authorization", "Bearer shop_")
	want := map[string]metrics.About{"took": {Type: "summary", Help: "How long."}, "shop_x": {Type: "unknown", Help: "Theirs."}}
	if got := r.intake.Catalog.All(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestGatewayRefusals(t *testing.T) {
	r := newRig(t)
	defer r.close()
	r.want(200, "", "PUT", "/metrics/job/a", "# TYPE x gauge\nx 1\n")
	r.want(200, "", "PUT", "/metrics/job/b/instance/1", "y 1\n")
	for _, c := range []struct{ name, path, body, want string }{
		{"no value", "job/a", "x\n", "text format parsing error"},
		{"no end of line", "job/a", "x 1", "the last line has no end"},
		{"bad name", "job/a", "x-y 1\n", "text format parsing error"},
		{"twice", "job/a", "x{l=\"1\"} 1\nx{l=\"1\"} 2\n", `the metric x{job="a",l="1"} is there twice`},
		{"control character", "job/a", "x{l=\"\x01\"} 1\n", "the character U+0001"},
		{"another kind", "job/c", "# TYPE x counter\nx 1\n", "x is a counter here and a gauge in another group"},
		{"no kind", "job/c", "x 1\n", "x is a unknown here and a gauge in another group"},
		{"series of another group", "job/b", "y{instance=\"1\"} 1\n", `y{instance="1",job="b"} was pushed to the group {instance="1",job="b"}`},
		{"panic of a parser", "job/a", "{}0\n", ""},
		{"no job", "job/", "x 1\n", "job name is required"},
		{"empty job", "job@base64/=", "x 1\n", "job name is required"},
		{"odd", "job/a/instance", "x 1\n", "odd number of components"},
		{"base64", "job@base64/!", "x 1\n", "invalid base64 encoding"},
		{"label name", "job/a/in-stance/1", "x 1\n", `label name "in-stance"`},
		{"reserved label", "job/a/__name__/1", "x 1\n", "reserved"},
	} {
		t.Run(c.name, func(t *testing.T) { r.want(400, c.want, "PUT", "/metrics/"+c.path, c.body) })
	}
	r.want(200, "", "PUT", "/metrics/job/a", "# TYPE x counter\nx 1\n") // the only group that has it
	r.wantValues(others, map[string]float64{`x{job="a"}`: 1, `y{instance="1",job="b"}`: 1})
}

func TestGatewayTokenBringsAndEndsOnlyItsOwn(t *testing.T) {
	r := newRig(t)
	defer r.close()
	r.want(200, "", "PUT", "/metrics/job/a", "shop_x 1\nother 1\n")
	r.want(200, "", "POST", "/metrics/job/a", "shop_x 2\n", "Authorization", "Bearer shop_")
	forbidden := 1000 + int(metrics.Forbidden)
	r.want(forbidden, "may not bring other", "PUT", "/metrics/job/a", "shop_x 3\n", "Authorization", "Bearer shop_")
	r.want(forbidden, "may not bring other", "DELETE", "/metrics/job/a", "", "Authorization", "Bearer shop_")
	r.want(1000+int(metrics.Unauthorized), "not good", "PUT", "/metrics/job/a", "shop_x 3\n", "Authorization", "Bearer wrong")
	r.wantValues(others, map[string]float64{`shop_x{job="a"}`: 2, `other{job="a"}`: 1})
}

func TestGatewayKeepsANightlyJobUntilItShouldHaveComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRigInMemory(t)
		defer r.close()
		r.want(200, "", "PUT", "/metrics/job/a", "x 1\n")
		time.Sleep(24*time.Hour + 30*time.Minute)
		r.wantValues("x", map[string]float64{`x{job="a"}`: 1})
		time.Sleep(time.Hour)
		r.wantValues(`{__name__!=""}`, map[string]float64{})
		r.want(200, "", "PUT", "/metrics/job/a", "x 2\n")
		time.Sleep(70 * time.Hour) // it is known to be silent for a day
		r.wantValues("x", map[string]float64{`x{job="a"}`: 2})
		time.Sleep(10 * time.Hour)
		r.wantValues("x", map[string]float64{})
	})
}

// The age of a value that comes every few seconds is its own: it is not recorded again.
func TestGatewayLetsAQuickSenderDieAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.close()
		for range 5 {
			r.want(200, "", "PUT", "/metrics/job/a", "x 1\n")
			time.Sleep(15 * time.Second)
		}
		time.Sleep(4 * time.Minute)
		r.wantValues("time() - timestamp(x) > 240", map[string]float64{`{job="a"}`: 255})
		time.Sleep(time.Minute)
		r.wantValues("last_over_time(x[1h])", map[string]float64{`x{job="a"}`: 1})
		r.wantValues(`{__name__!=""}`, map[string]float64{})
	})
}

func TestGatewayGoesOnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want(200, "", "PUT", "/metrics/job/a", "x 1\n# TYPE took summary\ntook{quantile=\"0.5\"} 1\ntook_sum 2\ntook_count 2\n")
		r.want(200, "", "PUT", "/metrics/job/a/instance/1", "x 2\ny 3\n")
		r.want(200, "", "PUT", "/metrics/job/gone", "x 4\n")
		r.want(202, "", "DELETE", "/metrics/job/gone", "")
		r.close()
		time.Sleep(3 * time.Hour)
		r.open()
		defer r.close()
		time.Sleep(10 * time.Minute)
		want := map[string]float64{
			`x{job="a"}`: 1, `took{job="a",quantile="0.5"}`: 1, `took_sum{job="a"}`: 2, `took_count{job="a"}`: 2,
			`x{instance="1",job="a"}`: 2, `y{instance="1",job="a"}`: 3,
		}
		r.wantValues(others, want)
		r.want(200, "", "PUT", "/metrics/job/a/instance/1", "x 5\n")
		r.want(200, "", "POST", "/metrics/job/a", "# TYPE took summary\ntook_sum 7\n")
		r.wantValues(others, map[string]float64{`x{job="a"}`: 1, `took_sum{job="a"}`: 7, `x{instance="1",job="a"}`: 5})
		time.Sleep(26 * time.Hour)
		r.wantValues(`{__name__!=""}`, map[string]float64{})
	})
}

// A Prometheus that scrapes a Pushgateway brings what that tells of its groups, which are none of ours.
func TestGatewayRestoresOnlyItsOwnGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want(200, "", "PUT", "/metrics/job/ours", "x 1\n")
		r.want(204, "", "POST", "/api/push", fmt.Sprintf("push_time_seconds{job=\"theirs\"} %d\n", time.Now().Unix()), "Content-Type", "text/plain")
		r.close()
		r.open()
		defer r.close()
		time.Sleep(10 * time.Minute)
		r.wantValues("count by (job) (push_time_seconds)", map[string]float64{`{job="ours"}`: 1})
	})
}

// A group is recorded again, and ended, as one batch.
func TestGatewayBoundsAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRigInMemory(t)
		defer r.close()
		several := func(name string, n int) string {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, "%s{i=\"%d\"} 1\n", name, i)
			}
			return b.String()
		}
		const half = metrics.MaxBatchSamples / 2
		r.want(200, "", "POST", "/metrics/job/a", several("x", half))
		r.want(1000+int(metrics.TooLarge), "at most 20000", "POST", "/metrics/job/a", several("y", half))
		r.want(200, "", "POST", "/metrics/job/a", several("y", half-2))
		time.Sleep(10 * time.Minute)
		r.wantValues("count(x) + count(y)", map[string]float64{"": 2*half - 2})
		r.want(202, "", "DELETE", "/metrics/job/a", "")
		r.wantValues(others, map[string]float64{})
	})
}

func TestGatewayTakesPushesAtOnce(t *testing.T) {
	r := newRig(t)
	defer r.close()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			path := fmt.Sprintf("/metrics/job/%d", i%2)
			for n := range 20 {
				r.want(200, "", "PUT", path, fmt.Sprintf("x{by=\"%d\"} %d\n", i, n))
			}
		})
	}
	all.Wait()
	for i := range 2 {
		path := fmt.Sprintf("/metrics/job/%d", i)
		r.want(200, "", "PUT", path, fmt.Sprintf("x{by=\"last\"} %d\n", i))
	}
	r.wantValues("x", map[string]float64{`x{by="last",job="0"}`: 0, `x{by="last",job="1"}`: 1})
}

func TestGatewayReadsEveryFormat(t *testing.T) {
	const text = "# HELP took How long.\n# TYPE took summary\ntook{quantile=\"0.5\"} NaN\ntook_sum 2\ntook_count 1\n# TYPE runs_total counter\nruns_total{job=\"mine\"} 7\n"
	const openMetrics = "# TYPE took summary\ntook{quantile=\"0.5\"} NaN\ntook_sum 2\ntook_count 1\n# TYPE runs counter\nruns_total{job=\"mine\"} 7\n# EOF\n"
	for contentType, body := range map[string]string{
		"": text, "text/plain; version=0.0.4": text, "application/x-www-form-urlencoded": text,
		"application/openmetrics-text; version=1.0.0":                                                  openMetrics,
		"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited": delimited(t, text),
	} {
		e, err := readExposition([]byte(body), contentType, []metrics.Label{{Name: "job", Value: "j"}})
		if err != nil || e.dated {
			t.Errorf("%q: %v, dated %v", contentType, err, e)
			continue
		}
		got := map[string]told{}
		for s, v := range e.values {
			got[s.String()] = v
		}
		want := `map[runs_total{job="j"}:{7 runs_total} took_count{job="j"}:{1 took} took_sum{job="j"}:{2 took} took{job="j",quantile="0.5"}:{NaN took}]`
		if fmt.Sprint(got) != want {
			t.Errorf("%q: got %v, want %s", contentType, got, want)
		}
		if kinds := fmt.Sprint(e.kinds); kinds != "map[runs_total:counter took:summary]" {
			t.Errorf("%q: got the kinds %s", contentType, kinds)
		}
	}
}

func TestGatewayReadsGroupingLabels(t *testing.T) {
	for path, want := range map[string]string{
		"/metrics/job/a":                                          `{job="a"}`,
		"/metrics/job/a/":                                         `{job="a"}`,
		"/metrics/job/a%20b/path/%2Fvar":                          `{job="a b",path="/var"}`,
		"/metrics/job@base64/L3Zhcg==/instance/1":                 `{instance="1",job="/var"}`,
		"/metrics/job/titan/name@base64/zqDPgc6_zrzOt864zrXPjc-C": `{job="titan",name="Προμηθεύς"}`,
		"/metrics/job/a/empty@base64/=":                           `{job="a"}`,
		"/metrics/job/a/job/b/l/1/l/2":                            `{job="a",l="2"}`,
	} {
		u, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		labels, err := groupingLabels(u)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		key, err := metrics.NewSeries("x", labels...)
		if got := strings.TrimPrefix(key.String(), "x"); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", path, got, err, want)
		}
	}
}

func FuzzExposition(f *testing.F) {
	for _, body := range []string{"x 1\n", "# TYPE x histogram\nx_bucket{le=\"1\"} 1\n", "{}0\n", "x{a=\"\\\n", "# TYPE x summary\nx_sum 1\n# EOF\n", delimited(f, "# TYPE x counter\nx{a=\"b\"} 1\n")} {
		for kind := range 3 {
			f.Add([]byte(body), kind)
		}
	}
	types := []string{"", "application/openmetrics-text", "application/vnd.google.protobuf"}
	f.Fuzz(func(t *testing.T, body []byte, kind int) {
		e, err := readExposition(body, types[uint(kind)%3], []metrics.Label{{Name: "job", Value: "j"}})
		if err != nil {
			if metrics.KindOf(err) != metrics.Invalid || strings.ContainsAny(err.Error(), "\n\r") {
				t.Fatalf("%q: got the error %q of kind %v", body, err, metrics.KindOf(err))
			}
			return
		}
		for s, v := range e.values {
			if _, err := metrics.ParseKey(s.Key()); err != nil || metrics.IsStale(v.value) || s.Labels().Get("job") != "j" {
				t.Fatalf("%q: took in %s %v: %v", body, s, v, err)
			}
			if _, known := e.kinds[v.family]; !known {
				t.Fatalf("%q: the family %q of %s has no kind", body, v.family, s)
			}
		}
	})
}

// delimited writes a text exposition as delimited protobuf.
func delimited(t testing.TB, text string) string {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	encoder := expfmt.NewEncoder(&b, expfmt.NewFormat(expfmt.TypeProtoDelim))
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func BenchmarkGatewayPush(b *testing.B) {
	r := &rig{t: b, head: head.New(nil)}
	r.begin(new(unwritten), Past{})
	defer r.close()
	var body strings.Builder
	body.WriteString("# TYPE asks_total counter\n")
	for i := range 1000 {
		fmt.Fprintf(&body, "asks_total{path=\"/a/long/path/%d\",code=\"200\"} %d\n", i, i)
	}
	for b.Loop() {
		r.want(200, "", "PUT", "/metrics/job/a/instance/b", body.String())
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
}
