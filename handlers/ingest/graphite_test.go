package ingest

import (
	"math"
	"strings"
	"testing"

	"liveboard/metrics"
)

func TestGraphiteLinesBecomeSamples(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"servers.web1.cpu.user 0.5 1799999999", "servers_web1_cpu_user 0.5 -1000\n"},
		{"servers.web-1.cpu  42\t1800000000", "servers_web_1_cpu 42 0\n"},
		{"load 1e3", "load 1000 0\n"},
		{"load -1 -1", "load -1 0\n"},
		{"load 1 N", "load 1 0\n"},
		{"load 1 1799999999.25", "load 1 -750\n"},
		{"load nan 1800000000", "load NaN 0\n"},
		{"disk.used;rack=2;data-center=north 7 1800000000", `disk_used{data_center="north",rack="2"} 7 0` + "\n"},
		{".95percentile. 1", "_95percentile 1 0\n"},
	} {
		s, err := graphiteSample(c.line, noon)
		if got := inWords([]metrics.Sample{s}); got != c.want || err != nil {
			t.Errorf("%q: got %s and %v, want %s", c.line, got, err, c.want)
		}
	}
}

func TestGraphiteLinesThatAreWrongAreRefused(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"load", "want a path, a value and perhaps a time"},
		{"load 1 2 3", "want a path, a value and perhaps a time"},
		{"load many 1800000000", `"many" is not a number`},
		{"load 1 today", `"today" is not a time in Unix seconds`},
		{"load 1 nan", `"nan" is not a time in Unix seconds`},
		{"load 1 1800000000000", `"1800000000000" is not a time in Unix seconds`},
		{"... 1", "a metric name is missing"},
		{";a=b 1", "a metric name is missing"},
		{"load;a 1", `the tag "a" has no value`},
		{"load;=b 1", "a label name is missing"},
		{"load;a=1;a=2 1", `load has the label "a" twice`},
		{strings.Repeat("a", 201) + " 1", "a metric name has 201 bytes"},
	} {
		if s, err := graphiteSample(c.line, noon); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, %v, want an error that says %q", c.line, s, err, c.want)
		}
	}
}

func FuzzGraphite(f *testing.F) {
	for _, line := range []string{"a.b;c=d 1 1800000000", "a 1 N", "a 1 -1", "a nan", ";= 1", "a;b=\u202e 1", "a 1 1e18"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		s, err := graphiteSample(line, noon)
		if err != nil || s.Check(noon) != nil {
			return
		}
		if _, err := metrics.ParseKey(s.Series.Key()); err != nil || math.IsNaN(s.Value) && !strings.Contains(strings.ToLower(line), "nan") {
			t.Errorf("%q became %v: %v", line, s, err)
		}
	})
}
