package data

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"liveboard/metrics"
	"liveboard/metrics/head"
)

// everything selects all samples.
var everything = Selection{From: math.MinInt64, To: math.MaxInt64}

// exported returns an export as a file.
func exported(t *testing.T, path string, sel Selection, format SampleFormat) string {
	t.Helper()
	var out bytes.Buffer
	w := NewSampleWriter(&out, format)
	must(t, Export(t.Context(), path, sel, w.Write))
	must(t, w.Flush())
	return out.String()
}

// imported imports a file into the database at path, and returns how many samples were stored.
func imported(t *testing.T, path, file string, format SampleFormat) (stored int, err error) {
	t.Helper()
	i, err := OpenImporter(path, 100, slog.New(slog.DiscardHandler))
	must(t, err)
	stored, err = i.Import(t.Context(), strings.NewReader(file), format)
	must(t, i.Close())
	return stored, err
}

// oddValues are those that formats like to lose.
var oddValues = []float64{
	metrics.StaleMarker(), math.NaN(), math.Float64frombits(0x7ff8000000000123), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 0,
	math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1, 1e21, 1 << 53, math.Pi,
}

// era is a time of 2025: imports refuse times that are no milliseconds.
const era = 1_763_777_777_000

func TestExportIsImportedAsTheSame(t *testing.T) {
	odd, err := metrics.NewSeries("odd:values", metrics.Label{Name: "path", Value: "C:\\, \"x\"\u00a0=}"}, metrics.Label{Name: "z", Value: "ü"})
	must(t, err)
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s, err := openQuiet(path)
	must(t, err)
	record(t, s, samplesOf(newSeries(t, "up"), era, era+30_000))
	for round, base := range []int64{era - 1000, era + 1<<40} { // in chunks, and in the journal
		var samples []metrics.Sample
		for i, v := range oddValues {
			samples = append(samples, metrics.Sample{Series: odd, At: base + int64(i), Value: v})
		}
		record(t, s, samples)
		if round == 0 {
			seal(t, s)
		}
	}
	record(t, s, samplesOf(newSeries(t, "load"), era+50, era+60))
	record(t, s, []metrics.Sample{{Series: newSeries(t, "up"), At: era + 7, Value: -7}, {Series: newSeries(t, "up"), At: era + 40_000, Value: 1}}) // over a chunk, and after it
	must(t, crash(s))
	want := exported(t, path, everything, CSV)
	replaced := fmt.Sprintf(",%d,", era+7)
	if n := strings.Count(want, "\n"); n != 1+30_001+10+2*len(oddValues) || !strings.Contains(want, replaced+"-7\n") || strings.Count(want, replaced) != 1 {
		t.Fatalf("the export has %d lines, and of the sample that was replaced: %v", n, strings.Contains(want, replaced))
	}
	for _, format := range []SampleFormat{CSV, JSONLines} {
		t.Run(string(format), func(t *testing.T) {
			file, fresh := exported(t, path, everything, format), filepath.Join(t.TempDir(), "fresh.db")
			for range 2 { // again changes nothing
				n, err := imported(t, fresh, file, format)
				must(t, err)
				if n != strings.Count(want, "\n")-1 {
					t.Errorf("got %d samples, want %d", n, strings.Count(want, "\n")-1)
				}
				if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(exported(t, fresh, everything, CSV), "\n")); diff != "" {
					t.Errorf("the samples (-want +got):\n%s", diff)
				}
			}
			wantPoints(t, openStore(t, fresh), "load", pointsOf(era+50, era+60))
		})
	}
}

func TestExportSelects(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s := openStore(t, path)
	record(t, s, samplesOf(newSeries(t, "up"), 0, 1000))
	record(t, s, samplesOf(newSeries(t, "load"), 0, 1000))
	seal(t, s)
	record(t, s, samplesOf(newSeries(t, "up"), 1000, 1010)) // beside the server, and what only the journal has
	tests := []struct {
		name     string
		matchers []*labels.Matcher
		from, to int64
		want     []metrics.Point
	}{
		{"from inside a chunk to inside another", []*labels.Matcher{named("up")}, 130, 500, pointsOf(130, 501)},
		{"one sample", []*labels.Matcher{named("up")}, 120, 120, pointsOf(120, 121)},
		{"to the newest", []*labels.Matcher{named("up")}, 990, 5000, pointsOf(990, 1010)},
		{"the journal alone", []*labels.Matcher{named("up")}, 1005, 1007, pointsOf(1005, 1008)},
		{"after all", []*labels.Matcher{named("up")}, 2000, 3000, nil},
		{"no series", []*labels.Matcher{named("down")}, 0, 3000, nil},
		{"by label", []*labels.Matcher{labels.MustNewMatcher(labels.MatchRegexp, "host", "a|b"), named("load")}, 998, 3000, pointsOf(998, 1000)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []metrics.Point
			must(t, Export(t.Context(), path, Selection{tt.matchers, tt.from, tt.to}, func(_ metrics.Series, points []metrics.Point) error {
				got = append(got, points...)
				return nil
			}))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("points (-want +got):\n%s", diff)
			}
		})
	}
}

func named(name string) *labels.Matcher {
	return labels.MustNewMatcher(labels.MatchEqual, metrics.NameLabel, name)
}

// evenSamples gives s a sample at every other instant, in 300 chunks.
func evenSamples(s metrics.Series) (samples []metrics.Sample) {
	for at := int64(0); at < 2*3*100*head.ChunkSamples; at += 2 {
		samples = append(samples, metrics.Sample{Series: s, At: at, Value: float64(at)})
	}
	return samples
}

// Samples move from the journal into chunks, and chunks are split by late ones, while an export reads.
func TestExportBesideSealsMissesNothingAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s := openStore(t, path)
	up := newSeries(t, "up")
	record(t, s, evenSamples(up))
	seal(t, s)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for at := int64(1); ctx.Err() == nil; at = (at + 142) % 71_999 {
			record(t, s, []metrics.Sample{{Series: up, At: at, Value: float64(at)}})
			if at%11 == 0 {
				seal(t, s)
			}
		}
	})
	defer wg.Wait()
	defer stop()
	for range 10 {
		want, err := read(s, "up", 0, 1<<60)
		must(t, err)
		got := make(map[int64]bool)
		last := int64(-1)
		must(t, Export(t.Context(), path, everything, func(_ metrics.Series, points []metrics.Point) error {
			for _, p := range points {
				if p.At <= last || p.Value != float64(p.At) {
					t.Fatalf("after %d comes %v", last, p)
				}
				last = p.At
				got[p.At] = true
			}
			return nil
		}))
		for _, p := range want {
			if !got[p.At] {
				t.Fatalf("the sample at %d is missing", p.At)
			}
		}
	}
}

func TestImportSaysWhichLineIsWrong(t *testing.T) {
	t.Parallel()
	text := func(line string) string {
		return "# HELP up x\nup 1 1763777777000\n\n" + line + "\nup 2 1763777778000\n"
	}
	csv := func(line string) string { return "series,time,value\nup,1763777777000,1\n" + line + "\n" }
	json := func(line string) string {
		return `{"metric":{"__name__":"up"},"values":[1],"timestamps":[1763777777000]}` + "\n" + line + "\n"
	}
	for _, c := range []struct {
		name   string
		format SampleFormat
		file   string
		want   string
	}{
		{"no time", PrometheusText, text("up 1"), "line 4: after the series come a value and a time"},
		{"no value", PrometheusText, text("up"), "line 4: after the series come a value and a time"},
		{"seconds", PrometheusText, text("up 1 1763777777"), "line 4: the time 1763777777 is before 1974"},
		{"fractions", PrometheusText, text("up 1 1763777777.5"), `line 4: "1763777777.5" is not a time`},
		{"no number", PrometheusText, text("up one 1763777777000"), `line 4: "one" is not a number`},
		{"labels", PrometheusText, text(`up{a="1} 1 1763777777000`), "line 4: label \"a\": the closing quote is missing"},
		{"long", PrometheusText, text(strings.Repeat("x", maxLineBytes)), "line 4: the line is longer than 16 MiB"},
		{"no header", CSV, "up,1,1\n", "line 1: the file must begin with series,time,value"},
		{"too few", CSV, csv("up,1"), "line 3: want series,time,value"},
		{"more than a series", CSV, csv("up x,1763777777000,1"), `line 3: "x" follows the series`},
		{"bad quotes", CSV, csv(`up"x,1,1`), `line 3: bare " in non-quoted-field`},
		{"bad NaN", CSV, csv("up,1763777777000,NaN:0000000000000000"), `line 3: "NaN:0000000000000000" is no NaN`},
		{"huge", CSV, csv("up,1763777777000,1e999"), `line 3: "1e999" is not a number that fits`},
		{"seconds in CSV", CSV, csv("up,1763777777,2"), "line 3: the time 1763777777 is before 1974: times are Unix milliseconds, not seconds"},
		{"nonsense in CSV", CSV, csv("up,99999999999999,2"), "line 3: the time 99999999999999 is after 2286"},
		{"before all times", CSV, csv("up,-1763777777000,2"), "line 3: the time -1763777777000 is before 1974"},
		{"seconds in JSON", JSONLines, json(`{"metric":{"__name__":"up"},"values":[1,2],"timestamps":[1763777777000,1763777777]}`), "line 2: the time 1763777777 is before 1974"},
		{"nanoseconds in JSON", JSONLines, json(`{"metric":{"__name__":"up"},"values":[1],"timestamps":[1763777777000000000]}`), "line 2: the time 1763777777000000000 is after 2286"},
		{"microseconds in text", PrometheusText, text("up 1 1763777777000000"), "line 4: the time 1763777777000000 is after 2286"},
		{"no JSON", JSONLines, json("up"), "line 2: the line is not JSON: invalid character"},
		{"cut off", JSONLines, json(`{"metric":{`), "line 2: the line is not JSON: "},
		{"an array", JSONLines, json(`[{"metric":{"__name__":"up"}}]`), `line 2: the line is JSON, but an array: each line is an object such as {"metric":`},
		{"a number", JSONLines, json(`1`), `line 2: the line is JSON, but a number: each line is an object such as {"metric":`},
		{"a fraction of a millisecond", JSONLines, json(`{"metric":{"__name__":"up"},"values":[1],"timestamps":[1.5]}`), "line 2: timestamps has a number 1.5, which does not belong there: a line is an object such as"},
		{"a metric that is text", JSONLines, json(`{"metric":"up","values":[1],"timestamps":[1]}`), "line 2: metric has a string, which does not belong there: a line is an object such as"},
		{"more JSON", JSONLines, json(`{"metric":{"__name__":"up"}} {}`), "line 2: there is more after"},
		{"lengths", JSONLines, json(`{"metric":{"__name__":"up"},"values":[1,2],"timestamps":[1]}`), "line 2: there are 2 values and 1 timestamps"},
		{"unknown key", JSONLines, json(`{"metric":{"__name__":"up"},"value":[1]}`), `line 2: unknown field "value": a line is an object such as {"metric":`},
		{"nameless", JSONLines, json(`{"metric":{"a":"1"},"values":[1],"timestamps":[1]}`), "line 2: a metric name is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "liveboard.db")
			n, err := imported(t, path, c.file, c.format)
			if n != 0 || err == nil || !strings.HasPrefix(err.Error(), c.want) || !strings.HasSuffix(err.Error(), "nothing of the file is stored") {
				t.Errorf("got %d samples and error %v, want none and %q", n, err, c.want)
			}
			if got := exported(t, path, everything, CSV); got != "series,time,value\n" {
				t.Errorf("stored is %q", got)
			}
		})
	}
}

func TestImportTakesPrometheusTextOfAnyAge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	n, err := imported(t, path, "# TYPE up gauge\r\nup{host=\"a\"} 1 1163777777000\r\n\r\nup NaN 4102444800000\nup{host=\"a\"} +Inf 1163777776000", PrometheusText)
	must(t, err)
	want := "series,time,value\nup,4102444800000,NaN\n\"up{host=\"\"a\"\"}\",1163777776000,+Inf\n\"up{host=\"\"a\"\"}\",1163777777000,1\n"
	if got := exported(t, path, everything, CSV); n != 3 || got != want {
		t.Errorf("got %d samples, %q, want %q", n, got, want)
	}
}

// A file that breaks off is stored in whole portions, and the mended file adds what is missing.
func TestImportGoesOnWhereItEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	var file strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&file, "up %d %d\n", i, 1763777777000+i)
	}
	good := file.String()
	n, err := imported(t, path, strings.Replace(good, "up 45000 ", "up ? ", 1), PrometheusText)
	if n != 40_000 || err == nil || err.Error() != `line 45001: "?" is not a number that fits 64 bits; the file is stored up to line 40000, and may be imported again as a whole` {
		t.Errorf("got %d samples and error %v", n, err)
	}
	if got := strings.Count(exported(t, path, everything, CSV), "\n") - 1; got != 40_000 {
		t.Errorf("stored are %d samples, want 40000", got)
	}
	_, err = imported(t, path, good, PrometheusText)
	must(t, err)
	if got := strings.Count(exported(t, path, everything, CSV), "\n") - 1; got != 50_000 {
		t.Errorf("stored are %d samples, want 50000", got)
	}
}

func TestImportKeepsToTheLimitOfSeries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	i, err := OpenImporter(path, 100, slog.New(slog.DiscardHandler))
	must(t, err)
	var file strings.Builder
	for n := range 101 {
		fmt.Fprintf(&file, "up{n=\"%d\"} 1 1763777777000\nup{n=\"%d\"} 2 1763777778000\n", n, n)
	}
	n, err := i.Import(t.Context(), strings.NewReader(file.String()), PrometheusText)
	if n != 0 || err == nil || !strings.Contains(err.Error(), "more than the limit of 100 series; nothing of the file is stored") {
		t.Errorf("got %d samples and error %v, want the limit", n, err)
	}
	n, err = i.Import(t.Context(), strings.NewReader(file.String()[:strings.Index(file.String(), "up{n=\"100\"}")]), PrometheusText)
	if n != 200 || err != nil {
		t.Errorf("got %d samples and error %v, want 200", n, err)
	}
	must(t, i.Close())
}

// Late samples split chunks while they are exported.
func TestExportRepeatsNothingOfAChunkThatIsSplit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s := openStore(t, path)
	up := newSeries(t, "up")
	even := evenSamples(up)
	record(t, s, even)
	seal(t, s)
	var got []metrics.Point
	must(t, Export(t.Context(), path, everything, func(_ metrics.Series, points []metrics.Point) error {
		got = append(got, points...)
		record(t, s, []metrics.Sample{{Series: up, At: got[len(got)-1].At - 1, Value: -1}})
		seal(t, s)
		return nil
	}))
	for i, p := range got {
		if i > 0 && p.At <= got[i-1].At {
			t.Fatalf("after %v comes %v", got[i-1], p)
		}
	}
	if len(got) != len(even) {
		t.Errorf("got %d samples, want %d", len(got), len(even))
	}
}
