package handlers

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"liveboard/metrics"
)

const (
	textPlain = "text/plain"
	jsonType  = "application/json"
)

// push sends a body of that type from this machine, as curl does.
func (w *world) push(contentType, body string, headers ...string) answer {
	w.t.Helper()
	return do(w.t, "POST", w.URL+"/api/push", body, append([]string{"Content-Type", contentType}, headers...)...)
}

func TestPushStoresEverySample(t *testing.T) {
	at := strconv.FormatInt(time.Now().Add(-time.Minute).UnixMilli(), 10)
	for _, c := range []struct {
		name, contentType, body string
		want                    map[string]float64
	}{
		{"a line", textPlain, "orders 42", map[string]float64{"orders": 42}},
		{"lines of Windows", "text/plain; charset=utf-8", "# a remark\r\n\r\norders 42\r\n returns\t-1.5e3 \r\n", map[string]float64{"orders": 42, "returns": -1500}},
		{"labels and a time", textPlain, `orders{shop="se", till="1",} 42 ` + at, map[string]float64{`orders{shop="se",till="1"}`: 42}},
		{"escapes", textPlain, `orders{path="C:\\tmp",who="\"it\", {me} = ü"}1`, map[string]float64{`orders{path="C:\\tmp",who="\"it\", {me} = ü"}`: 1}},
		{"no labels in braces", textPlain, `orders{} 0`, map[string]float64{"orders": 0}},
		{"an empty label", textPlain, `orders{shop=""} 7`, map[string]float64{"orders": 7}},
		{"JSON", jsonType, `{"samples":[{"name":"orders","labels":{"shop":"se"},"value":42},{"name":"returns","value":1,"at":` + at + `}]}`,
			map[string]float64{`orders{shop="se"}`: 42, "returns": 1}},
		{"JSON escapes", jsonType + "; charset=utf-8", `{"samples":[{"name":"orders","labels":{"who":"\"\u00fc\" \\"},"value":1e3}]}`,
			map[string]float64{`orders{who="\"ü\" \\"}`: 1000}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			if a := w.push(c.contentType, c.body); a.StatusCode != http.StatusNoContent || a.body != "" {
				t.Fatalf("got %d %s, want 204 and nothing", a.StatusCode, a.body)
			}
			if got := stored(w.store, `{__name__=~"orders|returns"}`); !maps.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			w.close()
			reopened := openStore(t, w.path)
			defer reopened.Close()
			if got := stored(reopened, `{__name__=~"orders|returns"}`); !maps.Equal(got, c.want) {
				t.Errorf("after a restart: got %v, want %v", got, c.want)
			}
		})
	}
}

func TestPushKeepsTheTimeThatASampleBears(t *testing.T) {
	w := newWorld(t, nil)
	at := time.Now().Add(-time.Hour).Truncate(time.Second).UnixMilli()
	w.push(textPlain, fmt.Sprintf("orders 1 %d", at))
	w.push(jsonType, fmt.Sprintf(`{"samples":[{"name":"returns","value":2,"at":%d}]}`, at))
	for _, name := range []string{"orders", "returns"} {
		got := stored(w.store, "last_over_time(timestamp("+name+")[2h:1s])")[""]
		if want := float64(at) / 1000; got != want {
			t.Errorf("%s: got the time %v, want %v", name, got, want)
		}
	}
}

// Each body holds a good sample before the bad one: none of it may be stored.
func TestPushRefusesWholeBodies(t *testing.T) {
	w := newWorld(t, nil)
	old, ahead := time.Now().Add(-8*24*time.Hour).UnixMilli(), time.Now().Add(time.Hour).UnixMilli()
	text := func(line string) string { return "good 1\n\n" + line + "\n" }
	sample := func(s string) string { return "{\"samples\":[\n{\"name\":\"good\",\"value\":1},\n" + s + "]}" }
	for _, c := range []struct{ name, contentType, body, detail string }{
		{"no value", textPlain, text("orders"), `line 3: want name{label="value"} value`},
		{"no number", textPlain, text("orders many"), `line 3: "many" is not a number`},
		{"a comma for a point", textPlain, text("orders 1,5"), "line 3"},
		{"too much", textPlain, text("orders 1 2 3"), "line 3: after the name come a value and perhaps a time"},
		{"NaN", textPlain, text("orders NaN"), "line 3: the value must be a finite number"},
		{"infinite", textPlain, text("orders -Inf"), "line 3: the value must be a finite number"},
		{"huge", textPlain, text("orders 1e999"), `line 3: "1e999" is not a number that fits`},
		{"time no number", textPlain, text("orders 1 yesterday"), `line 3: "yesterday" is not a time`},
		{"too old", textPlain, text(fmt.Sprint("orders 1 ", old)), "line 3: orders: the time is more than 7 days ago"},
		{"ahead", textPlain, text(fmt.Sprint("orders 1 ", ahead)), "line 3: orders: the time is more than 10 minutes ahead"},
		{"bad name", textPlain, text("or-ders 1"), `line 3: metric name "or-ders"`},
		{"bad label name", textPlain, text(`orders{sh-op="se"} 1`), `line 3: label name "sh-op"`},
		{"reserved label", textPlain, text(`orders{__name__="se"} 1`), `line 3: label name "__name__"`},
		{"label twice", textPlain, text(`orders{shop="se",shop="no"} 1`), `line 3: orders has the label "shop" twice`},
		{"no quotes", textPlain, text(`orders{shop=se} 1`), `line 3: label "shop": the value must stand in double quotes`},
		{"quote open", textPlain, text(`orders{shop="se} 1`), `line 3: label "shop": the closing quote is missing`},
		{"brace open", textPlain, text(`orders{shop="se" 1`), `line 3: after label "shop" a comma or the closing brace is missing`},
		{"brace only", textPlain, text(`orders{`), `line 3: a label or the closing brace is missing`},
		{"no comma", textPlain, text(`orders{shop="se" till="1"} 1`), `line 3: after label "shop" a comma`},
		{"two commas", textPlain, text(`orders{shop="se",,till="1"} 1`), `line 3`},
		{"unknown escape", textPlain, text(`orders{path="C:\tmp"} 1`), `line 3: label "path": a backslash must be written as \\`},
		{"line feed", textPlain, text(`orders{shop="s\ne"} 1`), "line 3: the value of label shop: the character U+000A"},
		{"lone CR", textPlain, text("orders{shop=\"s\re\"} 1"), "line 3: the value of label shop: the character U+000D"},
		{"bidi", textPlain, text("orders{shop=\"\u202ese\"} 1"), "line 3: the value of label shop: the character U+202E"},
		{"no UTF-8", textPlain, text("orders{shop=\"\xfe\"} 1"), "line 3: the value of label shop: invalid UTF-8"},
		{"empty", textPlain, "", "there is no sample"},
		{"remarks only", textPlain, "# nothing\n\n", "there is no sample"},

		{"JSON empty", jsonType, "", "line 1: EOF"},
		{"JSON null", jsonType, "null", "there is no sample"},
		{"JSON without samples", jsonType, "{}", "there is no sample"},
		{"JSON cut off", jsonType, "{\"samples\":[\n{\"name\"", "line 2: unexpected EOF"},
		{"JSON comma", jsonType, sample(`{"name":"orders","value":1},`), "line 3: invalid character ']'"},
		{"JSON trailing", jsonType, sample(`{"name":"orders","value":1}`) + "\n{}", "line 4: there is more after the JSON value"},
		{"JSON unknown outside", jsonType, `{"samples":[{"name":"good","value":1}],"sample":[]}`, `unknown field "sample"`},
		{"JSON unknown inside", jsonType, sample(`{"name":"orders","valu":1}`), `sample 2: unknown field "valu"`},
		{"JSON no list", jsonType, `{"samples":{"name":"orders","value":1}}`, "samples cannot be object"},
		{"JSON no object", jsonType, sample(`7`), "sample 2: it cannot be number"},
		{"JSON null sample", jsonType, sample(`null`), "sample 2: a metric name is missing"},
		{"JSON no name", jsonType, sample(`{"value":1}`), "sample 2: a metric name is missing"},
		{"JSON no value", jsonType, sample(`{"name":"orders"}`), "sample 2: the value is missing"},
		{"JSON text value", jsonType, sample(`{"name":"orders","value":"1"}`), "sample 2: value cannot be string"},
		{"JSON huge", jsonType, sample(`{"name":"orders","value":1e999}`), "sample 2: value cannot be number 1e999"},
		{"JSON NaN", jsonType, sample(`{"name":"orders","value":NaN}`), "line 3: invalid character 'N'"},
		{"JSON at", jsonType, sample(`{"name":"orders","value":1,"at":1.5}`), "sample 2: at cannot be number 1.5"},
		{"JSON too old", jsonType, sample(fmt.Sprintf(`{"name":"orders","value":1,"at":%d}`, old)), "sample 2: orders: the time is more than 7 days ago"},
		{"JSON label twice", jsonType, sample(`{"name":"orders","labels":{"shop":"se","shop":"no"},"value":1}`), `sample 2: orders has the label "shop" twice`},
		{"JSON label number", jsonType, sample(`{"name":"orders","labels":{"shop":1},"value":1}`), `sample 2: the value of label "shop" must be a string`},
		{"JSON labels list", jsonType, sample(`{"name":"orders","labels":["shop"],"value":1}`), "sample 2: labels must be an object"},
		{"JSON control", jsonType, sample(`{"name":"orders","labels":{"shop":"a\u0007"},"value":1}`), "sample 2: the value of label shop: the character U+0007"},
		{"JSON surrogate", jsonType, sample(`{"name":"orders","labels":{"shop":"\ud800"},"value":1}`), "sample 2: the value of label shop: the character U+FFFD"},
		{"JSON deep", jsonType, strings.Repeat("[", 1<<20), "line 1: invalid character '[' exceeded max depth"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantProblem(t, w.push(c.contentType, c.body), http.StatusBadRequest, c.detail)
			if got := stored(w.store, `{__name__=~".+"}`); len(got) != 0 {
				t.Errorf("%v is stored, want nothing", got)
			}
		})
	}
}

func TestPushRefusesWhatItCannotRead(t *testing.T) {
	w := newWorld(t, nil)
	wantProblem(t, w.push("application/x-www-form-urlencoded", "orders 42"), http.StatusUnsupportedMediaType, "-H 'Content-Type: text/plain'")
	wantProblem(t, w.push("", "orders 42"), http.StatusUnsupportedMediaType, "application/json or text/plain")
	wantProblem(t, w.push("a/b/c", "orders 42"), http.StatusUnsupportedMediaType, "a/b/c")
	wantProblem(t, w.push(textPlain, "orders 42", "Content-Encoding", "br"), http.StatusUnsupportedMediaType, `"br" is not understood`)
	wantProblem(t, w.push(textPlain, strings.Repeat("# remark\n", (8<<20)/9+1)), http.StatusRequestEntityTooLarge, "8 MiB")
	wantProblem(t, w.push(textPlain, strings.Repeat("a 1\n", metrics.MaxBatchSamples+1)), http.StatusRequestEntityTooLarge, "more than 20000 samples")
	if got := stored(w.store, `{__name__=~".+"}`); len(got) != 0 {
		t.Errorf("%v is stored, want nothing", got)
	}
}

func TestPushIsForThoseWhoMay(t *testing.T) {
	const bearer = "Authorization"
	w := newWorld(t, nil)
	all, prefixed, scorer := w.token("all", "ingest"), w.token("till", "ingest:till_", "ingest:orders"), w.token("game", "score:*")
	elsewhere := []string{"Host", "board.example"}
	for _, c := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"this machine", nil, 204},
		{"localhost", []string{"Host", "localhost:8080"}, 204},
		{"IPv6", []string{"Host", "[::1]"}, 204},
		{"a browser here", []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://127.0.0.1"}, 204},
		{"rebound name", []string{"Host", "evil.example"}, 401},
		{"name like localhost", []string{"Host", "localhost.evil.example"}, 401},
		{"forwarded", []string{"X-Forwarded-For", "127.0.0.1"}, 401},
		{"forwarded emptily", []string{"X-Forwarded-For", ""}, 401},
		{"forwarded by the standard", []string{"Forwarded", "for=127.0.0.1"}, 401},
		{"via", []string{"Via", "1.1 proxy"}, 401},
		{"nginx", []string{"X-Real-Ip", "127.0.0.1"}, 401},
		{"another site's page", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"another site's old browser", []string{"Origin", "https://evil.example"}, 403},
		{"sandboxed page", []string{"Origin", "null"}, 403},

		{"elsewhere with token", append(elsewhere, bearer, "Bearer "+all), 204},
		{"through a proxy with token", []string{"X-Forwarded-For", "192.0.2.1", bearer, "bearer " + all}, 204},
		{"as InfluxDB's clients", append(elsewhere, bearer, "Token "+all), 204},
		{"as a password", append(elsewhere, bearer, "Basic "+base64.StdEncoding.EncodeToString([]byte("any:"+all))), 204},
		{"with a prefix that fits", append(elsewhere, bearer, "Bearer "+prefixed), 204},
		{"elsewhere without", elsewhere, 401},
		{"elsewhere with a wrong one", append(elsewhere, bearer, "Bearer "+all+"0"), 401},
		{"elsewhere with an empty one", append(elsewhere, bearer, "Bearer "), 401},
		{"by a scheme of its own", append(elsewhere, bearer, "Digest "+all), 401},
		{"here with a wrong one", []string{bearer, "Bearer wrong"}, 401},
		{"a token for scores", append(elsewhere, bearer, "Bearer "+scorer), 403},
		{"here with a token for scores", []string{bearer, "Bearer " + scorer}, 403},
		{"another site's page with token", []string{bearer, "Bearer " + all, "Sec-Fetch-Site", "cross-site"}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			line := fmt.Sprintf("orders{by=%q}", c.name)
			a := w.push(textPlain, line+" 42", c.headers...)
			if a.StatusCode != c.want {
				t.Errorf("status %d, want %d: %s", a.StatusCode, c.want, a.body)
			}
			if got := len(stored(w.store, line)); (got == 1) != (c.want == 204) {
				t.Errorf("%d series stored with status %d", got, a.StatusCode)
			}
			if challenge := a.Header.Get("WWW-Authenticate"); (challenge == "Bearer") != (c.want == 401) {
				t.Errorf("WWW-Authenticate = %q with status %d", challenge, a.StatusCode)
			}
			if strings.Contains(a.body, all) || strings.Contains(a.body, scorer) {
				t.Errorf("the answer tells the secret: %s", a.body)
			}
		})
	}
}

func TestPushIsHeldToThePrefixOfItsToken(t *testing.T) {
	w := newWorld(t, nil)
	till := bear(w.token("till", "ingest:till_"))
	wantProblem(t, w.push(textPlain, "till_open 1\norders 42", till...), http.StatusForbidden, "may not bring orders: its scopes are ingest:till_")
	if got := stored(w.store, `{__name__=~".+"}`); len(got) != 0 {
		t.Errorf("%v is stored, want nothing", got)
	}
	if a := w.push(textPlain, "till_open 1", till...); a.StatusCode != http.StatusNoContent {
		t.Errorf("got %d %s, want 204", a.StatusCode, a.body)
	}
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstandard(t *testing.T, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

func TestPushTakesCompressedBodies(t *testing.T) {
	w := newWorld(t, nil)
	for coding, body := range map[string]string{
		"gzip": gzipped(t, "a_gzip 1"), "zstd": zstandard(t, "a_zstd 1"), "snappy": string(s2.EncodeSnappy(nil, []byte("a_snappy 1"))), "identity": "a_identity 1",
	} {
		if a := w.push(textPlain, body, "Content-Encoding", coding); a.StatusCode != http.StatusNoContent {
			t.Errorf("%s: got %d %s, want 204", coding, a.StatusCode, a.body)
		}
		if got := stored(w.store, "a_"+coding); len(got) != 1 {
			t.Errorf("%s: %v is stored, want one sample", coding, got)
		}
		if coding == "identity" {
			continue
		}
		wantProblem(t, w.push(textPlain, body[:len(body)-3], "Content-Encoding", coding), http.StatusBadRequest, "The body is no "+coding)
		wantProblem(t, w.push(textPlain, "a 1", "Content-Encoding", coding), http.StatusBadRequest, "The body is no "+coding)
	}
}

func TestPushBeyondTheSeriesLimitIsRefusedWhole(t *testing.T) {
	w := newWorld(t, nil)
	var lines strings.Builder
	for i := range 21 {
		fmt.Fprintf(&lines, "orders{shop=\"%d\"} 1\n", i)
	}
	a := w.push(textPlain, lines.String())
	wantProblem(t, a, http.StatusTooManyRequests, "limit of 20 series")
	if a.Header.Get("Retry-After") == "" {
		t.Error("there is no Retry-After")
	}
	if got := stored(w.store, "orders"); len(got) != 0 {
		t.Errorf("%v is stored, want nothing", got)
	}
}

func TestPushIntoAStoreThatCannotWriteIsRefused(t *testing.T) {
	logged := logs(t)
	w := newWorld(t, nil)
	w.breakStore()
	a := w.push(textPlain, "orders 42")
	wantProblem(t, a, http.StatusServiceUnavailable, "could not be stored")
	if a.Header.Get("Retry-After") == "" {
		t.Error("there is no Retry-After")
	}
	if !strings.Contains(logged(), "could not be stored") {
		t.Errorf("the log does not say why: %s", logged())
	}
	w.recorder.Close()
	wantProblem(t, w.push(textPlain, "orders 42"), http.StatusServiceUnavailable, "stopping")
}

// The bodies in which a token or a signature stands are read before it is known who sends them.
func TestStrangersTakeNoRoomFromSenders(t *testing.T) {
	w := newWorld(t, nil)
	for range 16 {
		c, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		send(t, c, "POST /hooks/a HTTP/1.1\r\nHost: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
		_ = c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		if _, err := bufio.NewReader(c).ReadString('\n'); err != nil { // no body is asked for: there is no room for it
			break
		}
	}
	if a := w.push(textPlain, "orders 1"); a.StatusCode != http.StatusNoContent {
		t.Errorf("got %d %s, want 204", a.StatusCode, a.body)
	}
}
