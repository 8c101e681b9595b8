package handlers

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"liveboard/data"
	"liveboard/metrics"
	"liveboard/views/panels"
)

// edges are the values at the edges of what 64 bits hold, by what text formats call them.
var edges = map[string]float64{
	"1.7976931348623157e+308":  math.MaxFloat64,
	"-1.7976931348623157e+308": -math.MaxFloat64,
	"5e-324":                   math.SmallestNonzeroFloat64,
	"-5e-324":                  -math.SmallestNonzeroFloat64,
	"0":                        0,
	"-0":                       math.Copysign(0, -1),
	"NaN":                      math.NaN(),
	"+Inf":                     math.Inf(1),
	"-Inf":                     math.Inf(-1),
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// bitsOf returns the values of a series in the order of time, bit for bit.
func bitsOf(t testing.TB, store *data.Store, name string) (bits []uint64) {
	t.Helper()
	found, err := store.Head().Select(t.Context(), 0, math.MaxInt64, labels.MustNewMatcher(labels.MatchEqual, metrics.NameLabel, name))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range found {
		for it := s.Iterator(nil); it.Next() != chunkenc.ValNone; {
			_, v := it.At()
			bits = append(bits, math.Float64bits(v))
		}
	}
	return bits
}

// recordAll records values of a series, the newest from now and the others a second apart, as binary protocols bring them.
func (w *world) recordAll(name string, values []float64, ls ...metrics.Label) {
	w.t.Helper()
	series, err := metrics.NewSeries(name, ls...)
	if err != nil {
		w.t.Fatal(err)
	}
	var b metrics.Batch
	now := time.Now().UnixMilli()
	for i, v := range values {
		b.Samples = append(b.Samples, metrics.Sample{Series: series, At: now - int64(len(values)-1-i)*1000, Value: v})
	}
	if err := w.recorder.Record(w.t.Context(), b); err != nil {
		w.t.Fatal(err)
	}
}

func TestEveryValueIsStoredBitForBit(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	values := []float64{metrics.StaleMarker(), math.Float64frombits(0x7ff8dead0000beef), math.Float64frombits(0xfff0000000000001)}
	for _, v := range edges {
		values = append(values, v, 1, v)
	}
	for range 10_000 {
		values = append(values, math.Float64frombits(r.Uint64()))
	}
	var want []uint64
	for _, v := range values {
		want = append(want, math.Float64bits(v))
	}
	w := newWorld(t, nil)
	w.recordAll("edge", values)
	if !slices.Equal(bitsOf(t, w.store, "edge"), want) {
		t.Error("the values are not those that were recorded")
	}
	w.close()
	store := openStore(t, w.path)
	defer store.Close()
	if !slices.Equal(bitsOf(t, store, "edge"), want) {
		t.Error("the values are not those that were recorded, once they were sealed and read again")
	}
}

func TestTextsBringFiniteValuesAsTheyAreAndNoOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	want := map[string][]uint64{}
	at := time.Now().UnixMilli()
	for text, v := range edges {
		at++
		ways := []struct{ metric, path, media, body, refusal string }{
			{"as_text", "/api/push", "text/plain", fmt.Sprintf("as_text %s %d", text, at), "the value must be a finite number, not " + text},
			{"as_json", "/api/push", jsonType, fmt.Sprintf(`{"samples":[{"name":"as_json","value":%s,"at":%d}]}`, text, at), "line 1: invalid character"},
			{"as_influx_v", "/write?precision=ms", "", fmt.Sprintf("as_influx v=%s %d", text, at), "line 1: "},
		}
		for _, way := range ways {
			a := do(t, "POST", w.URL+way.path, way.body, "Content-Type", way.media)
			switch {
			case isFinite(v) && a.StatusCode == http.StatusNoContent:
				want[way.metric] = append(want[way.metric], math.Float64bits(v))
			case isFinite(v) || a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, way.refusal):
				t.Errorf("%s: %d %s", way.body, a.StatusCode, a.body)
			}
		}
	}
	for _, beyond := range []string{"1e309", "-1e309"} {
		wantProblem(t, do(t, "POST", w.URL+"/api/push", "as_text "+beyond, "Content-Type", "text/plain"), http.StatusBadRequest, "fits 64 bits")
		wantProblem(t, do(t, "POST", w.URL+"/api/push", `{"samples":[{"name":"as_json","value":`+beyond+`}]}`, "Content-Type", jsonType), http.StatusBadRequest, "")
	}
	for metric, bits := range want {
		if got := bitsOf(t, w.store, metric); !slices.Equal(got, bits) {
			t.Errorf("%s: got %x, want %x", metric, got, bits)
		}
	}
}

// edgeBoard has a panel of each kind over every expression, and a leaderboard that a query feeds.
func edgeBoard(t *testing.T, exprs ...string) *metrics.Board {
	t.Helper()
	high := 100.0
	board := &metrics.Board{}
	for i, expr := range exprs {
		d := metrics.Dashboard{Name: fmt.Sprintf("d%d", i), Title: expr, Range: 5 * time.Minute}
		for _, kind := range []string{"stat", "timeseries", "bars", "gauge", "status", "table"} {
			p := metrics.Panel{Name: kind, Title: kind, Kind: kind, Decimals: -1, Queries: []metrics.Query{{Expr: expr}}}
			switch kind {
			case "gauge":
				p.Max = &high
			case "status":
				p.Thresholds = []metrics.Threshold{{From: 0, State: metrics.Crit}, {From: 1, State: metrics.OK}}
			}
			if err := panels.Check(&p); err != nil {
				t.Fatal(err)
			}
			d.Panels = append(d.Panels, p)
		}
		board.Dashboards = append(board.Dashboards, d)
	}
	spec := leaderboard("edges", func(spec *metrics.Leaderboard) { spec.Query = &metrics.Query{Expr: "edge"} })
	board.Leaderboards = append(board.Leaderboards, spec)
	return board
}

var (
	noNumber  = regexp.MustCompile(`\bNaN\b|\bInf(inity)?\b|undefined`)
	drawn     = regexp.MustCompile(`(?:<path|<polyline)[^>]* (?:d|points)="([^"]*)"`)
	goodPath  = regexp.MustCompile(`^([MLHVSACZmlhvsacz ,]|-?\d{0,4}(\.\d+)?)*$`)
	placed    = regexp.MustCompile(` (?:x|y|x1|x2|y1|y2|cx|cy|r|width|height)="([^"]*)"`)
	goodPlace = regexp.MustCompile(`^-?\d{1,4}(\.\d+)?(%|ch)?$`)
)

// wantDrawable holds a page, or a frame of a stream, to numbers that browsers can draw.
func wantDrawable(t *testing.T, what, text string) {
	t.Helper()
	if found := noNumber.FindStringIndex(text); found != nil {
		t.Errorf("%s has %q", what, text[max(0, found[0]-100):min(len(text), found[1]+20)])
	}
	for _, path := range drawn.FindAllStringSubmatch(text, -1) {
		if !goodPath.MatchString(path[1]) {
			t.Errorf("%s draws %q", what, path[1])
		}
	}
	for _, place := range placed.FindAllStringSubmatch(text, -1) {
		if !goodPlace.MatchString(place[1]) {
			t.Errorf("%s places something at %q", what, place[0])
		}
	}
}

func TestScreensStayWholeWithEveryValue(t *testing.T) {
	t.Parallel()
	exprs := []string{"edge", "edge * 2", "edge - 1", "max(edge) - min(edge)", "sum(edge)", "edge / edge", "sum_over_time(edge[1m])", "-edge"}
	labelOf := map[string]string{}
	for text := range edges {
		label := fmt.Sprintf("v%d", len(labelOf))
		labelOf[text] = label
		exprs = append(exprs, fmt.Sprintf(`edge{v="%s"}`, label))
	}
	board := edgeBoard(t, exprs...)
	w := worldOf(t, nil, board, filepath.Join(t.TempDir(), "x.db"))
	streams := map[string]*stream{}
	for _, name := range []string{"d0", "d1", "d5"} {
		streams[name] = open(t, w.URL+"/live/"+name)
		streams[name].until("")
	}
	for text, v := range edges {
		w.recordAll("edge", []float64{3, v, 4, v, v}, metrics.Label{Name: "v", Value: labelOf[text]})
	}
	w.recordAll("edge", []float64{3, 4, metrics.StaleMarker()}, metrics.Label{Name: "v", Value: "ended"})
	for i, expr := range exprs {
		wantDrawable(t, expr, get200(t, fmt.Sprintf("%s/d/d%d", w.URL, i)).body)
		wantDrawable(t, expr+" in a kiosk", get200(t, fmt.Sprintf("%s/kiosk/d%d", w.URL, i)).body)
	}
	if top := get200(t, fmt.Sprintf("%s/d/d%d/timeseries", w.URL, slices.Index(exprs, fmt.Sprintf(`edge{v="%s"}`, labelOf["1.7976931348623157e+308"])))).body; !regexp.MustCompile(`class="line[^"]*"[^>]* d="M\d+ \d`).MatchString(top) {
		t.Error("the greatest value is not in its chart")
	}
	for name, s := range streams {
		wantDrawable(t, "the stream of "+name, texts(s.until("")))
	}
	for _, path := range []string{"/b/edges", "/b/edges/kiosk", "/b/edges.json", "/b/edges.txt", "/b/edges.svg", "/api/leaderboards/edges", "/"} {
		wantDrawable(t, path, get200(t, w.URL+path).body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(get200(t, w.URL+"/metrics").body))
	if err != nil || len(families) == 0 {
		t.Errorf("/metrics: %d families, error %v", len(families), err)
	}
}
