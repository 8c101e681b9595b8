package handlers

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Whatever stands in a form, the answer is JSON of the envelope, and no fault of ours.
func FuzzPrometheusForm(f *testing.F) {
	for i, form := range []string{
		"query=x&time=1773489600", "query=x[1h]&time=2026-03-14T12:00:00Z", "query=sum(x)/0&start=1773489600&end=1773489700&step=1m", "match[]=x&match[]={a!='b'}&limit=1",
		"query=label_replace(x,'a','$1\xff','a','(.*)')", "query=\"\xff\"", "start=-1e300&end=1e300&step=1y&query=1", "start=-292277022365&end=292277309028671999.999999999&query=x&step=5d", "match[]={__name__=~'.%2B'}&start=NaN",
		"query=x&timeout=-1s&stats=all", "query=x&lookback_delta=1e9&limit=0", "query=%zz", "a;b", "query=x @ 1e300", "query=x offset -1y", "query=(((1)))&stats=1", "metric=x&limit=-9223372036854775808", "limit=9223372036854775807",
	} {
		f.Add(uint8(i), form)
	}
	w := newWorld(f, nil)
	for second := range 200 {
		w.keep(sampled{"x", label("a", "b"), float64(second), math.NaN()}, sampled{"x", nil, float64(second), float64(second)})
	}
	paths := []string{"query", "query_range", "series", "labels", "query_exemplars", "format_query", "label/a/values", "metadata", "rules"}
	f.Fuzz(func(t *testing.T, path uint8, form string) {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // some queries are long
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/v1/"+paths[int(path)%len(paths)], strings.NewReader(form))
		r.Header.Set("Content-Type", formType)
		if int(path)%len(paths) > 5 { // by GET alone
			r.Method, r.URL.RawQuery, r.Body = http.MethodGet, form, http.NoBody
		}
		out := httptest.NewRecorder()
		w.server.handler.ServeHTTP(out, r)
		var got struct {
			Status, ErrorType, Error string
			Data                     json.RawMessage
		}
		if err := json.Unmarshal(out.Body.Bytes(), &got); err != nil {
			t.Fatalf("%s %q: %q is no JSON: %v", r.URL, form, out.Body, err)
		}
		switch good := out.Code == http.StatusOK; {
		case out.Code == http.StatusInternalServerError, (got.Status == "success") != good, (got.ErrorType != "") == good, (got.Error != "") == good, (got.Data != nil) != good:
			t.Fatalf("%s %q: %d %s", r.URL, form, out.Code, out.Body)
		}
	})
}
