package handlers

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"liveboard/metrics"
)

// wantJSON holds an answer to a status and to a body of JSON.
func wantJSON(t testing.TB, a answer, status int, body string) {
	t.Helper()
	var got, want any
	if err := json.Unmarshal([]byte(body), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.StatusCode != status || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %d %s, want %d %s", a.StatusCode, a.body, status, body)
	}
	if got := a.Header.Get("Content-Type"); got != jsonType {
		t.Errorf("Content-Type = %q, want %s", got, jsonType)
	}
}

func TestInfluxWritesAreStored(t *testing.T) {
	for _, path := range []string{"/write?db=telegraf&precision=s", "/api/v2/write?org=o&bucket=b&precision=s"} {
		w := newWorld(t, nil)
		body := "cpu,host=a usage=0.5,idle=99i\n# remark\n\nlog text=\"x\"\n"
		if a := do(t, "POST", w.URL+path, body); a.StatusCode != http.StatusNoContent || a.body != "" {
			t.Errorf("%s: got %d %s, want 204 and nothing", path, a.StatusCode, a.body)
		}
		if a := do(t, "POST", w.URL+path, gzipped(t, "orders value=1"), "Content-Encoding", "gzip"); a.StatusCode != http.StatusNoContent {
			t.Errorf("%s, gzip: got %d %s, want 204", path, a.StatusCode, a.body)
		}
		want := map[string]float64{`cpu_usage{host="a"}`: 0.5, `cpu_idle{host="a"}`: 99, "orders": 1}
		if got := stored(w.store, `{__name__=~".+"}`); !maps.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
		if got := get200(t, w.URL+"/metrics").body; !strings.Contains(got, `liveboard_ingest_skipped_total{format="influx"} 1`) {
			t.Errorf("%s: the text that was skipped is not counted:\n%s", path, got)
		}
	}
}

func TestInfluxWritesAreRecordedInPart(t *testing.T) {
	w := newWorld(t, nil)
	body := "orders value=1\nbroken\ncpu usage=1 1\n"
	wantJSON(t, do(t, "POST", w.URL+"/write", body), http.StatusBadRequest,
		`{"error":"partial write: line 2: expected tag key or field but found '\\n' instead dropped=2"}`)
	wantJSON(t, do(t, "POST", w.URL+"/api/v2/write", body), http.StatusBadRequest,
		`{"code":"invalid","line":2,"message":"partial write: line 2: expected tag key or field but found '\\n' instead dropped=2"}`)
	if got := stored(w.store, `{__name__=~".+"}`); !maps.Equal(got, map[string]float64{"orders": 1}) {
		t.Errorf("got %v, want the good line alone", got)
	}

	token := bear(w.token("orders", "ingest:orders"))
	body = "orders value=2\ncpu usage=1"
	wantJSON(t, do(t, "POST", w.URL+"/write", body, token...), http.StatusBadRequest,
		`{"error":"partial write: The token may not bring cpu_usage: its scopes are ingest:orders. dropped=1"}`)
	wantJSON(t, do(t, "POST", w.URL+"/api/v2/write", body, token...), http.StatusUnprocessableEntity,
		`{"code":"unprocessable entity","message":"partial write: The token may not bring cpu_usage: its scopes are ingest:orders. dropped=1"}`)
	if got := stored(w.store, `{__name__=~".+"}`); !maps.Equal(got, map[string]float64{"orders": 2}) {
		t.Errorf("got %v, want the metric of the token alone", got)
	}
}

func TestInfluxSeriesBeyondTheLimitAreLeftOut(t *testing.T) {
	w := newWorld(t, nil) // which takes 20
	var body strings.Builder
	for i := range 25 {
		fmt.Fprintf(&body, "orders,shop=%d value=1\n", i)
	}
	a := do(t, "POST", w.URL+"/write", body.String())
	if a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "partial write: ") || !strings.Contains(a.body, " dropped=5") || a.Header.Get("Retry-After") != "" {
		t.Errorf("got %d %s, want a partial write that clients do not repeat", a.StatusCode, a.body)
	}
	if got := stored(w.store, "orders"); len(got) != 20 {
		t.Errorf("%d series are stored, want 20", len(got))
	}
}

func TestInfluxBodiesMayHaveMoreSamplesThanABatch(t *testing.T) {
	w := newWorld(t, nil)
	a := do(t, "POST", w.URL+"/write", strings.Repeat("orders a=1,b=2,value=3\n", metrics.MaxBatchSamples/2))
	if a.StatusCode != http.StatusNoContent {
		t.Errorf("got %d %s, want 204", a.StatusCode, a.body)
	}
	if got := len(stored(w.store, `{__name__=~".+"}`)); got != 3 {
		t.Errorf("%d series are stored, want 3", got)
	}
}

func TestInfluxRefusalsAreThoseOfInfluxDB(t *testing.T) {
	w := newWorld(t, nil)
	elsewhere := []string{"Host", "board.example"}
	inURL := "A secret does not belong into a URL, where every proxy on the way logs it: take u and p out of it, and send a token as the password of basic authentication, or as Authorization: Token lb_…."
	for _, c := range []struct {
		path, body string
		headers    []string
		status     int
		want       string
	}{
		{"/write?precision=d", "a value=1", nil, 400, `{"error":"precision is ns, us, ms, s, m or h, not \"d\"."}`},
		{"/api/v2/write?precision=d", "a value=1", nil, 400, `{"code":"invalid","message":"precision is ns, us, ms, s, m or h, not \"d\"."}`},
		{"/write?u=me&p=secret", "a value=1", nil, 401, `{"error":"` + inURL + `"}`},
		{"/query?q=SHOW+DATABASES&u=me&p=secret", "", nil, 401, `{"error":"` + inURL + `"}`},
		{"/write", "a value=1", append(elsewhere, "Authorization", "Token wrong"), 401, `{"error":"This token is unknown, expired or revoked."}`},
		{"/api/v2/write", "a value=1", append(elsewhere, "Authorization", "Token wrong"), 401, `{"code":"unauthorized","message":"This token is unknown, expired or revoked."}`},
		{"/write", strings.Repeat("#", 8<<20+1), nil, 413, `{"error":"The body is larger than 8 MiB (as sent or decoded). Send it in parts."}`},
		{"/api/v2/write", strings.Repeat("#", 8<<20+1), nil, 413, `{"code":"request too large","message":"The body is larger than 8 MiB (as sent or decoded). Send it in parts."}`},
	} {
		wantJSON(t, do(t, "POST", w.URL+c.path, c.body, c.headers...), c.status, c.want)
	}
	if a := do(t, "POST", w.URL+"/write?u=me&p=", "a value=1"); a.StatusCode != http.StatusNoContent {
		t.Errorf("an empty password: got %d %s, want 204", a.StatusCode, a.body)
	}
	w.breakStore()
	a := do(t, "POST", w.URL+"/api/v2/write", "a value=1")
	if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || !strings.Contains(a.body, `"code":"unavailable"`) {
		t.Errorf("got %d %s, want 503 and when to come back", a.StatusCode, a.body)
	}
	a = do(t, "POST", w.URL+"/api/v2/write", "a value=1", "User-Agent", "influxdb-client-js/1.35.0")
	if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") != "" {
		t.Errorf("got %d and Retry-After %q, want 503 and that the client waits as long as it finds right", a.StatusCode, a.Header.Get("Retry-After"))
	}
}

func TestInfluxClientsAreToldThatAnInfluxDBIsThere(t *testing.T) {
	w := newWorld(t, nil)
	stranger := []string{"Host", "board.example"}
	for _, path := range []string{"/ping", "/api/v2/ping"} {
		for _, method := range []string{"GET", "HEAD"} {
			a := do(t, method, w.URL+path, "", stranger...)
			if a.StatusCode != http.StatusNoContent || a.Header.Get("X-Influxdb-Version") != "1.8.10" {
				t.Errorf("%s %s: got %d %v, want 204 and a version", method, path, a.StatusCode, a.Header)
			}
		}
	}
	wantJSON(t, do(t, "GET", w.URL+"/ping?verbose=true", "", stranger...), 200, `{"version":"1.8.10"}`)
	wantJSON(t, do(t, "GET", w.URL+"/health", "", stranger...), 200,
		`{"name":"influxdb","message":"ready for writes","status":"pass","checks":[],"version":"1.8.10"}`)
}

func TestInfluxQueryAnswersWhatClientsAskBeforeTheyWrite(t *testing.T) {
	w := newWorld(t, nil)
	const form = "application/x-www-form-urlencoded"
	wantJSON(t, do(t, "POST", w.URL+"/query", "q=CREATE+DATABASE+%22telegraf%22", "Content-Type", form), 200, `{"results":[{"statement_id":0}]}`)
	wantJSON(t, do(t, "POST", w.URL+"/query?q=create+database+x", ""), 200, `{"results":[{"statement_id":0}]}`)
	wantJSON(t, do(t, "GET", w.URL+"/query?db="+strings.Repeat("x", 1000)+"&q=SHOW+DATABASES", ""), 200,
		`{"results":[{"statement_id":0,"series":[{"name":"databases","columns":["name"],"values":[["liveboard"]]}]}]}`)
	wantJSON(t, do(t, "GET", w.URL+"/query?db=telegraf&q=SHOW+DATABASES%3Bcreate+database+x%3B", ""), 200,
		`{"results":[{"statement_id":0,"series":[{"name":"databases","columns":["name"],"values":[["telegraf"]]}]},{"statement_id":1}]}`)
	for _, q := range []string{"SELECT+1", "", "%3B", "x"} {
		wantJSON(t, do(t, "GET", w.URL+"/query?q="+q, ""), 400, `{"error":"error parsing query: Liveboard takes InfluxDB's lines, and answers PromQL."}`)
	}
	if a := do(t, "GET", w.URL+"/query?q=SHOW+DATABASES", "", "Host", "board.example"); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stranger: got %d %s, want 401", a.StatusCode, a.body)
	}
	password := base64.StdEncoding.EncodeToString([]byte("telegraf:" + w.token("all", "ingest")))
	if a := do(t, "GET", w.URL+"/query?q=SHOW+DATABASES", "", "Host", "board.example", "Authorization", "Basic "+password); a.StatusCode != http.StatusOK {
		t.Errorf("with a token: got %d %s, want 200", a.StatusCode, a.body)
	}
}
