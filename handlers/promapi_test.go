package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

// noon is when the samples of these tests begin, long before what may be pushed today.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// sampled is a sample of a test: a series as in text, seconds after noon, a value.
type sampled struct {
	name   string
	labels []metrics.Label
	second float64
	value  float64
}

// keep stores samples of any time and value, past the recorder's door.
func (w *world) keep(samples ...sampled) {
	w.t.Helper()
	group := make([]metrics.Sample, len(samples))
	for i, s := range samples {
		series, err := metrics.NewSeries(s.name, s.labels...)
		if err != nil {
			w.t.Fatal(err)
		}
		group[i] = metrics.Sample{Series: series, At: noon.UnixMilli() + int64(math.Round(s.second*1000)), Value: s.value}
	}
	seq, err := w.store.Append(w.t.Context(), group, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.store.Head().Apply(seq, group)
}

func label(name, value string) []metrics.Label { return []metrics.Label{{Name: name, Value: value}} }

// form makes a form of names and values by turns.
func form(pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

const formType = "application/x-www-form-urlencoded"

// oddNumbers are values that JSON cannot say, and those where its form changes.
var oddNumbers = []struct {
	value float64
	want  string
}{
	{math.NaN(), "NaN"}, {math.Inf(1), "+Inf"}, {math.Inf(-1), "-Inf"}, {math.Copysign(0, -1), "-0"}, {0.1, "0.1"}, {1e-6, "0.000001"}, {1e-7, "1e-07"},
	{123456789012345680000, "123456789012345680000"}, {1e21, "1e+21"}, {math.MaxFloat64, "1.7976931348623157e+308"}, {5e-324, "5e-324"},
}

func TestPrometheusAPISaysEveryNumberAsPrometheusDoes(t *testing.T) {
	w := newWorld(t, nil)
	for i, odd := range oddNumbers {
		w.keep(sampled{"odd", nil, float64(i) + 0.05, odd.value})
	}
	var values []string
	for i, odd := range oddNumbers {
		at := noon.Add(time.Duration(i)*time.Second + 50*time.Millisecond)
		a := get200(t, w.URL+"/api/v1/query?"+form("query", "odd", "time", at.Format(time.RFC3339Nano)))
		point := fmt.Sprintf(`[%d.050,"%s"]`, at.Unix(), odd.want)
		if want := `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"odd"},"value":` + point + `}]}}`; a.body != want {
			t.Errorf("instant: got %s, want %s", a.body, want)
		}
		values = append(values, point)
	}
	start, end := fmt.Sprint(noon.Unix())+".05", fmt.Sprint(noon.Unix()+int64(len(oddNumbers))-1)+".05"
	want := `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"odd"},"values":[` + strings.Join(values, ",") + `]}]}}`
	if a := get200(t, w.URL+"/api/v1/query_range?"+form("query", "odd", "start", start, "end", end, "step", "1")); a.body != want {
		t.Errorf("range: got %s, want %s", a.body, want)
	}
	if a := get200(t, w.URL+"/api/v1/query?"+form("query", "odd[20s]", "time", end)); a.body != want {
		t.Errorf("raw samples: got %s, want %s", a.body, want)
	}
}

func TestPrometheusAPIEndsASeriesAtItsStaleMarker(t *testing.T) {
	w := newWorld(t, nil)
	w.keep(sampled{"x", nil, 0, 1}, sampled{"x", nil, 10, metrics.StaleMarker()}, sampled{"x", nil, 20, 3})
	a := get200(t, w.URL+"/api/v1/query_range?"+form("query", "x", "start", fmt.Sprint(noon.Unix()), "end", fmt.Sprint(noon.Unix()+25), "step", "5s"))
	want := fmt.Sprintf(`"values":[[%d,"1"],[%d,"1"],[%d,"3"],[%d,"3"]]`, noon.Unix(), noon.Unix()+5, noon.Unix()+20, noon.Unix()+25)
	if !strings.Contains(a.body, want) {
		t.Errorf("got %s, want %s", a.body, want)
	}
}

// Each is a parameter that Prometheus refuses, or a query that it cannot evaluate, in its words.
func TestPrometheusAPIRefusesAsPrometheusDoes(t *testing.T) {
	w := newWorld(t, nil)
	w.keep(sampled{"x", label("a", "1"), 0, 1}, sampled{"x", label("a", "2"), 0, 1})
	const at = "1773489600" // noon
	for _, test := range []struct {
		path, form string
		status     int
		kind, want string
	}{
		{"query", form("query", "x +"), 400, "bad_data", `invalid parameter "query": 1:4: parse error: unexpected end of input`},
		{"query", "", 400, "bad_data", `invalid parameter "query": unknown position: parse error: no expression found in input`},
		{"query", form("query", "x", "time", "soon"), 400, "bad_data", `invalid parameter "time": invalid time value for 'time': cannot parse "soon" to a valid timestamp`},
		{"query", form("query", "x", "time", "NaN"), 400, "bad_data", `invalid parameter "time"`},
		{"query", form("query", "x", "timeout", "x"), 400, "bad_data", `invalid parameter "timeout": cannot parse "x" to a valid duration`},
		{"query", form("query", "x", "timeout", "1e30"), 400, "bad_data", `It overflows int64`},
		{"query", form("query", "x", "limit", "-1"), 400, "bad_data", `invalid parameter "limit": limit must be non-negative`},
		{"query", form("query", "x", "limit", "x"), 400, "bad_data", `invalid parameter "limit": strconv.Atoi`},
		{"query", form("query", "x", "lookback_delta", "x"), 400, "bad_data", `error parsing lookback delta duration: cannot parse "x" to a valid duration`},
		{"query", form("query", "x * on() x", "time", at), 422, "execution", `many-to-many matching not allowed`},
		{"query", form("query", "sum_over_time(vector(1)[60d:1s])"), 422, "execution", `query processing would load too many samples into memory in query execution`},
		{"query", form("query", "x", "timeout", "0"), 503, "timeout", `query timed out in`},
		{"query", form("query", strings.Repeat("(", 20000)), 400, "bad_data", "at most 16384 are allowed"},
		{"query_range", form("query", "x", "end", at, "step", "1"), 400, "bad_data", `invalid parameter "start": cannot parse "" to a valid timestamp`},
		{"query_range", form("query", "x", "start", at, "end", "1", "step", "1"), 400, "bad_data", `invalid parameter "end": end timestamp must not be before start time`},
		{"query_range", form("query", "x", "start", at, "end", at), 400, "bad_data", `invalid parameter "step": cannot parse "" to a valid duration`},
		{"query_range", form("query", "x", "start", at, "end", at, "step", "0"), 400, "bad_data", `invalid parameter "step": zero or negative query resolution step widths`},
		{"query_range", form("query", "x", "start", at, "end", at, "step", "0.0001"), 400, "bad_data", `invalid parameter "step": zero or negative`},
		{"query_range", form("query", "x", "start", "0", "end", "11001", "step", "1"), 400, "bad_data", `exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)`},
		{"query_range", form("query", "vector(1)", "start", "-1e300", "end", "1e300", "step", "200y"), 400, "bad_data", `exceeded maximum resolution`},
		{"series", "", 400, "bad_data", `no match[] parameter provided`},
		{"series", form("match[]", "{"), 400, "bad_data", `invalid parameter "match[]": 1:2: parse error`},
		{"series", form("match[]", `{a=~".*"}`), 400, "bad_data", `match[] must contain at least one non-empty matcher`},
		{"labels", form("match[]", `{a=~"("}`), 400, "bad_data", `parse error`},
		{"labels", form("start", "x"), 400, "bad_data", `invalid parameter "start"`},
		{"label/%FF/values", "", 400, "bad_data", `invalid label name`},
		{"metadata", form("limit", "x"), 400, "bad_data", `limit must be a number`},
		{"metadata", form("limit_per_metric", "x"), 400, "bad_data", `limit_per_metric must be a number`},
		{"format_query", form("query", "x +"), 400, "bad_data", `invalid parameter "query": 1:4`},
		{"query_exemplars", form("query", "x +"), 400, "bad_data", `1:4: parse error`},
	} {
		a := do(t, "GET", w.URL+"/api/v1/"+test.path+"?"+test.form, "")
		if len(test.form) > maxHeaderBytes {
			a = do(t, "POST", w.URL+"/api/v1/"+test.path, test.form, "Content-Type", formType)
		}
		wantPromError(t, a, test.status, test.kind, test.want)
	}
	long := do(t, "POST", w.URL+"/api/v1/query", form("query", strings.Repeat(" ", maxPromForm)), "Content-Type", formType)
	wantPromError(t, long, http.StatusRequestEntityTooLarge, "bad_data", "the form is larger than 256 KiB")
}

func wantPromError(t *testing.T, a answer, status int, kind, text string) {
	t.Helper()
	var got struct {
		Status, ErrorType, Error string
		Data                     any
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Errorf("%s: the answer %q is no JSON: %v", a.Request.URL, a.body, err)
	}
	if a.StatusCode != status || got.Status != "error" || got.ErrorType != kind || !strings.Contains(got.Error, text) || got.Data != nil {
		t.Errorf("%s: got %d %s, want %d, %s and %q", a.Request.URL, a.StatusCode, a.body, status, kind, text)
	}
	if got := a.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("%s: Content-Type %q, want application/json", a.Request.URL, got)
	}
	if retry := a.Header.Get("Retry-After"); (retry != "") != (status == http.StatusServiceUnavailable) {
		t.Errorf("%s: status %d with Retry-After %q", a.Request.URL, status, retry)
	}
}

// What Grafana's data source sends, as its source and its documentation tell: forms by POST, times with
// fractions, and names as values of the label __name__.
func TestPrometheusAPIAnswersWhatGrafanaAsks(t *testing.T) {
	w := newWorld(t, nil)
	w.server.Catalog.Learn("orders_total", metrics.About{Type: "counter", Help: "Orders."})
	for second := range 100 {
		w.keep(sampled{"orders_total", label("shop", "se"), float64(second), float64(second)}, sampled{"stock", label("shop", "no"), float64(second), 7})
	}
	start, end := fmt.Sprintf("%d.123", noon.Unix()), fmt.Sprintf("%d", noon.Unix()+99)
	for _, test := range []struct{ method, path, form, want string }{
		{"POST", "query", form("query", "1+1", "time", "4"), `{"resultType":"scalar","result":[4,"2"]}`}, // “Save & test”
		{"POST", "query_range", form("query", `rate(orders_total{shop=~"se|dk"}[1m0s])`, "start", start, "end", end, "step", "60"), fmt.Sprintf(`{"resultType":"matrix","result":[{"metric":{"shop":"se"},"values":[[%d.123,"1"]]}]}`, noon.Unix()+60)},
		{"POST", "query", form("query", "stock", "time", end), `{"resultType":"vector","result":[{"metric":{"__name__":"stock","shop":"no"},"value":[` + end + `,"7"]}]}`},
		{"GET", "label/__name__/values", form("start", start, "end", end), `["orders_total","stock"]`},
		{"GET", "label/__name__/values", form("start", "0", "end", "1"), `[]`},
		{"GET", "label/shop/values", form("start", start, "end", end, "match[]", "stock"), `["no"]`},
		{"GET", "label/shop/values", form("match[]", "stock", "match[]", "orders_total"), `["no","se"]`},
		{"GET", "label/shop/values", form("match[]", `{__name__=~".+"}`), `["no","se"]`},
		{"POST", "labels", form("start", start, "end", end, "match[]", `orders_total{shop="se"}`), `["__name__","shop"]`},
		{"GET", "labels", form("limit", "40000", "match[]", `{__name__!=""}`), `["__name__","shop"]`},
		{"GET", "label/U__shop/values", form("limit", "40000"), `["no","se"]`}, // as names beyond ASCII are escaped
		{"POST", "series", form("match[]", `{__name__=~"o.*"}`, "match[]", "orders_total", "match[]", "stock", "start", start, "end", end), `[{"__name__":"orders_total","shop":"se"},{"__name__":"stock","shop":"no"}]`},
		{"GET", "metadata", form("limit", "1000"), `{"orders_total":[{"type":"counter","unit":"","help":"Orders."}]}`},
		{"GET", "metadata", form("metric", "nothing"), `{}`},
		{"GET", "metadata", form("limit", "0"), `{}`},
		{"POST", "query_exemplars", form("query", "orders_total", "start", start, "end", end), `[]`},
		{"GET", "rules", "", `{"groups":[]}`},
		{"GET", "alerts", "", `{"alerts":[]}`},
		{"GET", "status/flags", "", `{"query.lookback-delta":"5m","query.max-concurrency":"8","query.max-samples":"5000000","query.timeout":"30s"}`},
		{"POST", "format_query", form("query", `sum  by(shop)(x{a ="b"})`), `"sum by (shop) (x{a=\"b\"})"`},
	} {
		path, body := "/api/v1/"+test.path, ""
		if test.method == "POST" {
			body = test.form
		} else if test.form != "" {
			path += "?" + test.form
		}
		a := do(t, test.method, w.URL+path, body, "Content-Type", formType)
		if want := `{"status":"success","data":` + test.want + `}`; a.StatusCode != http.StatusOK || a.body != want {
			t.Errorf("%s %s %s: got %d\n%s\nwant\n%s", test.method, path, body, a.StatusCode, a.body, want)
		}
	}
	for _, path := range []string{"/-/healthy", "/-/ready"} {
		get200(t, w.URL+path)
	}
}

func TestPrometheusAPITellsWarningsAndLimits(t *testing.T) {
	w := newWorld(t, nil)
	for _, shop := range []string{"a", "b", "c"} {
		w.keep(sampled{"stock", label("shop", shop), 0, 1}, sampled{"stock", label("shop", shop), 30, 1})
	}
	at := fmt.Sprint(noon.Unix() + 30)
	const truncated = `"warnings":["results truncated due to limit"]`
	for _, test := range []struct {
		path, form, with, without string
	}{
		{"query", form("query", "stock", "time", at, "limit", "2"), truncated, `"shop":"c"`},
		{"query", form("query", "stock", "time", at, "limit", "3"), `"shop":"c"`, "warnings"},
		{"query_range", form("query", "stock", "start", at, "end", at, "step", "1", "limit", "1"), truncated, `"shop":"b"`},
		{"series", form("match[]", "stock", "limit", "2"), truncated, `"shop":"c"`},
		{"series", form("match[]", "stock", "limit", fmt.Sprint(math.MaxInt)), `"shop":"c"`, "warnings"},
		{"labels", form("limit", "1"), truncated, `"shop"`},
		{"label/shop/values", form("limit", "2"), truncated, `"c"`},
		{"query", form("query", "rate(stock[1m])", "time", at), `"infos":["PromQL info: metric might not be a counter`, "warnings"},
		{"query", form("query", "quantile(2, stock)", "time", at), `"warnings":["PromQL warning: quantile value should be between 0 and 1`, "nothing"},
		{"query", form("query", "stock", "time", at, "stats", "1"), `"stats":{"timings":{`, "PerStep"},
		{"query", form("query", "stock", "time", at, "stats", "all"), `"totalQueryableSamplesPerStep"`, "nothing"},
		{"query", form("query", "stock", "time", at+".5", "lookback_delta", "500ms"), `"result":[]`, "stock"},
		{"query", form("query", "stock", "time", at+".5", "lookback_delta", "501ms"), `"shop":"c"`, "warnings"},
		{"query", form("query", "stock", "time", fmt.Sprint(noon.Unix()+3000), "lookback_delta", "1h"), `"shop":"c"`, "warnings"},
		{"query", form("query", `label_replace(vector(1), "a", "\xff\"\\\n\r\t\x01<", "", "")`), `"a":"` + "\uFFFD" + `\"\\\n\r\t\u0001<"`, "nothing"},
		{"query", form("query", `"<\xff"`, "time", at), `{"resultType":"string","result":[` + at + `,"\u003c\ufffd"]}`, "nothing"},
	} {
		a := get200(t, w.URL+"/api/v1/"+test.path+"?"+test.form)
		if !strings.Contains(a.body, test.with) || strings.Contains(a.body, test.without) || !json.Valid([]byte(a.body)) {
			t.Errorf("%s?%s: got %s, want %s and not %s", test.path, test.form, a.body, test.with, test.without)
		}
	}
}

func TestPrometheusAPICompressesAndHoldsNoAnswerBack(t *testing.T) {
	w := newWorld(t, nil)
	w.keep(sampled{"x", nil, 0, 1})
	path := w.URL + "/api/v1/query_range?" + form("query", "x", "start", fmt.Sprint(noon.Unix()), "end", fmt.Sprint(noon.Unix()+250), "step", "0.025")
	plain := get200(t, path, "Accept-Encoding", "identity")
	if n := len(plain.body); n < 3*jsonPart {
		t.Fatalf("the answer has %d bytes, want several parts", n)
	}
	zipped := get200(t, path, "Accept-Encoding", "gzip")
	if got := zipped.Header.Get("Content-Encoding"); got != "gzip" || unzip(t, zipped.body) != plain.body {
		t.Errorf("Content-Encoding %q, want gzip and the same text", got)
	}
	if n := strings.Count(plain.body, `"1"]`); n != 10_001 {
		t.Errorf("%d points, want 10,001", n)
	}
}

// Those who wait get their turn, those beyond are told when to come back, and whoever goes away leaves.
func TestPrometheusAPIWorksOnABoundedNumberAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	var releases []func()
	for range maxTurns {
		release, err := w.server.turns.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, release)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, maxWaiting-1)
	for range maxWaiting - 1 {
		go func() {
			_, err := w.server.turns.take(ctx)
			gone <- err
		}()
	}
	waited := make(chan answer, 1)
	go func() { waited <- do(t, "GET", w.URL+"/api/v1/query?query=1", "") }()
	eventually(t, "all places are taken", func() bool { return len(w.server.turns.all) == maxTurns+maxWaiting })
	wantPromError(t, do(t, "GET", w.URL+"/api/v1/labels", ""), http.StatusServiceUnavailable, "unavailable", "100 queries wait already")
	cancel()
	for range maxWaiting - 1 {
		if err := <-gone; metrics.KindOf(err) != metrics.Unavailable {
			t.Errorf("who went away got %v, want Unavailable", err)
		}
	}
	for _, release := range releases {
		release()
	}
	if a := <-waited; a.StatusCode != http.StatusOK {
		t.Errorf("who waited got %d %s, want 200", a.StatusCode, a.body)
	}
	eventually(t, "all places are free", func() bool { return len(w.server.turns.all)+len(w.server.turns.working) == 0 })
}

func TestPrometheusAPIGivesUpWhenTheServerStops(t *testing.T) {
	w := newWorld(t, nil)
	long := w.URL + "/api/v1/query_range?" + form("query", "sum_over_time(vector(1)[4h:1s])", "start", "0", "end", "11000", "step", "1")
	given := make(chan answer, 1)
	go func() { given <- do(t, "GET", long, "") }()
	eventually(t, "it is worked on", func() bool { return len(w.server.turns.working) == 1 })
	w.server.Stop()
	wantPromError(t, <-given, http.StatusServiceUnavailable, "unavailable", "The server is stopping")
}

func TestPrometheusAPIKeepsFaultsToItself(t *testing.T) {
	logged := logs(t)
	w := newWorld(t, nil)
	for second := range 3000 {
		w.keep(sampled{"x", nil, float64(second), float64(second)})
	}
	w.breakStore()
	for _, path := range []string{"query?" + form("query", "x", "time", fmt.Sprint(noon.Unix()+10)), "label/x/values?" + form("start", fmt.Sprint(noon.Unix()+10), "end", fmt.Sprint(noon.Unix()+20))} {
		wantPromError(t, do(t, "GET", w.URL+"/api/v1/"+path, ""), http.StatusInternalServerError, "internal", "Something went wrong here.")
	}
	if !strings.Contains(logged(), "database is closed") {
		t.Errorf("the log does not tell why: %s", logged())
	}
}
