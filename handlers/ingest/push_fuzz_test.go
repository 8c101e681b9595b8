package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

func FuzzPushText(f *testing.F) {
	for _, body := range []string{
		"orders 42", "# x\n\n a{b=\"c\"} 1 2\r\n", `a{b="\\\"\n",c="}",} -1e-3`, "a{", "a{b", `a{b="`, `a{b="\`, "a NaN", "a 0x1p-2", "\xff 1", "a\r1", "{} 1", "a{}",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) { readAndWriteBack(t, readText, body) })
}

// A line must be split where its series ends, and a series that is none alone must be none in its line.
func FuzzSplitSeries(f *testing.F) {
	for _, line := range []string{"a 1", "a", "a{} 1", "a {b=\"c\"}1 2", `a{b="\\",c="}{\"", } 1`, `a{b}="c"} 1`, `a{b"}="c"} 1`, `a{b="c`, `a{b="c\`, "a\t{", "{ 1"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		want, follows, wrong := metrics.ParseSeries(line)
		text, rest := splitSeries([]byte(line))
		got, err := spellText(text)
		if (err == nil) != (wrong == nil) || got != want || err == nil && strings.TrimLeft(string(rest), " \t") != strings.TrimLeft(follows, " \t") {
			t.Fatalf("%q: got %v, %v and %q left, want %v, %v and %q", line, got, err, rest, want, wrong, follows)
		}
	})
}

func FuzzPushJSON(f *testing.F) {
	for _, body := range []string{
		`{"samples":[{"name":"a","labels":{"b":"c"},"value":1,"at":1}]}`, `{"samples":[{"name":"a","value":1e999}]}`, `null`, `[]`, `{"samples":[null]}`,
		`{"samples":[{"name":"a","labels":{"b":"c","b":1},"value":-0}]}`, `{"samples":[{"labels":null}]} {`, "\xff", `{"SAMPLES":[{"Name":"a","value":1}]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) { readAndWriteBack(t, readJSON, body) })
}

// What is read fast must be what is read with care, whether its series are known or not.
func FuzzGoodJSON(f *testing.F) {
	for _, body := range []string{
		`{"samples":[{"name":"a","labels":{"b":"c"},"value":1,"at":1}]}`, " {\"samples\" :\t[ {\"at\":-7 ,\"value\":-0.5e+3,\"labels\":{ },\"name\":\"a\" }\r\n, {\"name\":\"a\",\"value\":0} ] } ",
		`{"samples":[{"name":"\u0061","labels":{"b":"\\","c":"}\"{"},"value":1}]}`, `{"samples":[{"name":"a","name":"b","value":01}]}`, `{"samples":[{"name":"a","labels":{"b":"c","b":"c"},"value":+1}]}`,
		`{"samples":[{"name":"a","value":1.,"at":1.0}]}`, `{"samples":[{"name":"a","labels":null,"value":1},]}`, "{\"samples\":[{\"name\":\"a\",\"labels\":{\"b\":\"\xff\"},\"value\":1}]}", `{"samples":[{"value":1}]}{`,
		`{"samples":[{"name":"a","labels":{"b":["}"]},"value":1e400}]}`, `{"samples":[{"name":"a","labels":{"b" "c"},"value":.1}]}`, `{"samples":[]}`, `{"samples":[{"name":"a","value":1e999}]}`,
	} {
		f.Add([]byte(body))
	}
	known := newSeriesCache()
	f.Fuzz(func(t *testing.T, body []byte) {
		now := time.Now()
		for range 2 {
			good, ok := readGoodJSON(body, now, known)
			if !ok {
				return
			}
			if want, err := readAnyJSON(body, now); err != nil || fmt.Sprint(good) != fmt.Sprint(want) {
				t.Fatalf("%q: got %v, want %v, %v", body, good, want, err)
			}
		}
	})
}

type reader = func(body []byte, now time.Time, known *seriesCache) (metrics.Batch, error)

// readAndWriteBack reads a body and holds what was accepted to the rules of samples; written in either
// format it must read as the same.
func readAndWriteBack(t *testing.T, read reader, body []byte) {
	now := time.Now()
	batch, err := read(body, now, newSeriesCache())
	if err != nil {
		if metrics.KindOf(err) != metrics.Invalid || strings.ContainsAny(err.Error(), "\n\r") {
			t.Fatalf("%q: got the error %v of kind %v", body, err, metrics.KindOf(err))
		}
		return
	}
	for _, s := range batch.Samples {
		if _, err := metrics.ParseKey(s.Series.Key()); err != nil || math.IsNaN(s.Value) || math.IsInf(s.Value, 0) {
			t.Fatalf("%q: the sample %v was accepted: %v", body, s, err)
		}
	}
	if batch.Check(now) != nil {
		return // a time that the recorder refuses, of JSON
	}
	for name, again := range map[string]struct {
		read reader
		body []byte
	}{"text": {readText, inText(batch)}, "JSON": {readJSON, inJSON(t, batch)}} {
		got, err := again.read(again.body, now, newSeriesCache())
		if err != nil || fmt.Sprint(got) != fmt.Sprint(batch) {
			t.Fatalf("%q written as %s is %q, which reads as %v, %v, want %v", body, name, again.body, got, err, batch)
		}
	}
}

func inText(batch metrics.Batch) []byte {
	var b bytes.Buffer
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	for _, s := range batch.Samples {
		b.WriteString(s.Series.Name() + "{")
		for _, l := range s.Series.Labels() {
			if l.Name != metrics.NameLabel {
				b.WriteString(l.Name + `="` + escape.Replace(l.Value) + `",`)
			}
		}
		fmt.Fprintf(&b, "} %s %d\n", strconv.FormatFloat(s.Value, 'g', -1, 64), s.At)
	}
	return b.Bytes()
}

func inJSON(t *testing.T, batch metrics.Batch) []byte {
	samples := []map[string]any{}
	for _, s := range batch.Samples {
		labels := map[string]string{}
		for _, l := range s.Series.Labels() {
			if l.Name != metrics.NameLabel {
				labels[l.Name] = l.Value
			}
		}
		samples = append(samples, map[string]any{"name": s.Series.Name(), "labels": labels, "value": s.Value, "at": s.At})
	}
	text, err := json.Marshal(map[string]any{"samples": samples})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
