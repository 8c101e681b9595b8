package ingest

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

var noon = time.UnixMilli(1_800_000_000_000)

// readLines reads InfluxDB's lines that came at noon.
func readLines(u unit, body string) (samples []metrics.Sample, refused refusal, skipped int, err error) {
	r := influxReader{unit: u, now: noon, refused: &refused}
	err = r.read([]byte(body))
	return r.samples, refused, r.strings, err
}

// inWords returns samples as their series, value and how many milliseconds after noon.
func inWords(samples []metrics.Sample) string {
	var b strings.Builder
	for _, s := range samples {
		fmt.Fprintf(&b, "%v %v %d\n", s.Series, s.Value, s.At-noon.UnixMilli())
	}
	return b.String()
}

func TestInfluxLinesBecomeSamples(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"fields", "cpu,host=a usage=0.5,idle=99i,total=7u,up=true,down=F", `cpu_usage{host="a"} 0.5 0
cpu_idle{host="a"} 99 0
cpu_total{host="a"} 7 0
cpu_up{host="a"} 1 0
cpu_down{host="a"} 0 0
`},
		{"the field value", "orders value=3", "orders 3 0\n"},
		{"a time", "orders value=3 1799999999000000000", "orders 3 -1000\n"},
		{"a time between milliseconds", "orders value=3 1799999999000999999", "orders 3 -1000\n"},
		{"names", `my\ cpu.1,the-host=a\,b\ c\=d per\ cent=1`, `my_cpu_1_per_cent{the_host="a,b c=d"} 1 0` + "\n"},
		{"a digit in front", "5min,1st=x 1m=2", `_5min_1m{_1st="x"} 2 0` + "\n"},
		{"strings", `log text="a, b=1 \"c\"",level=3i`, "log_level 3 0\n"},
		{"a string over lines", "log text=\"a\n\n# b\",level=3i\nlog level=4i", "log_level 3 0\nlog_level 4 0\n"},
		{"remarks and empty lines", "# a\n\n  \r\n  # b\r\norders value=1\r\n#c", "orders 1 0\n"},
		{"nothing", "", ""},
		{"remarks only", "# a", ""},
	} {
		samples, refused, _, err := readLines(1, c.body)
		if got := inWords(samples); got != c.want || err != nil || refused.n != 0 {
			t.Errorf("%s: got %s and %v, %v, want %s", c.name, got, refused, err, c.want)
		}
	}
	if _, _, skipped, _ := readLines(1, `log a="x",b="y",c=1`); skipped != 2 {
		t.Errorf("%d strings were skipped, want 2", skipped)
	}
}

func TestTimesWithoutAPrecisionAreOfTheseYears(t *testing.T) {
	for _, body := range []string{"a value=1 1799999999", "a value=1 1799999999000", "a value=1 1799999999000000", "a value=1 1799999999000000000"} {
		samples, refused, _, err := readLines(0, body)
		if got := inWords(samples); got != "a 1 -1000\n" || refused.n != 0 || err != nil {
			t.Errorf("%s: got %q, %v, %v, want a second before noon", body, got, refused, err)
		}
	}
	for _, n := range []int64{math.MinInt64, math.MaxInt64, -1, 0} {
		if at := unitOf(n).milliseconds(n); at <= noon.UnixMilli() && at >= noon.UnixMilli()-metrics.MaxPast.Milliseconds() {
			t.Errorf("%d is taken to be now", n)
		}
	}
}

func TestInfluxLinesThatAreWrongAreLeftOut(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"no field", "cpu", "line 3: "},
		{"no value", "cpu usage=", "line 3: "},
		{"no number", "cpu usage=many", "line 3: "},
		{"too large", "cpu usage=99999999999999999999i", "line 3: cannot parse value for field key \"usage\""},
		{"NaN", "cpu usage=NaN", "line 3: "},
		{"no time", "cpu usage=1 now", "line 3: invalid timestamp"},
		{"a time beyond 64 bits", "cpu usage=1 99999999999999999999", `line 3: "99999999999999999999" is not a time`},
		{"too old", "cpu usage=1 1", "line 3: cpu_usage: the time is more than 7 days ago"},
		{"ahead", "cpu usage=1 9000000000000000000", "line 3: cpu_usage: the time is more than 10 minutes ahead"},
		{"a tag twice", "cpu,a=1,a=2 usage=1", `line 3: cpu_usage has the label "a" twice`},
		{"two tags of one name", "cpu,a.b=1,a-b=2 usage=1", `line 3: cpu_usage has the label "a_b" twice`},
		{"bidi", "cpu,a=\u202ex usage=1", "line 3: the value of label a: the character U+202E"},
		{"no UTF-8", "cpu,a=\xfe usage=1", "line 3: invalid utf-8"},
		{"long", "cpu,a=" + strings.Repeat("x", 1001) + " usage=1", "line 3: the value of label a has 1001 bytes"},
		{"the second field", "cpu usage=1,idle=x", "line 3: "},
	} {
		samples, refused, _, err := readLines(1, "# a\nbefore value=1\n"+c.line+"\nafter value=2\n")
		if got := inWords(samples); got != "before 1 0\nafter 2 0\n" || err != nil {
			t.Errorf("%s: got %s and %v, want the lines before and after", c.name, got, err)
		}
		if refused.n != 1 || !strings.HasPrefix(refused.first.Error(), c.want) || metrics.KindOf(refused.first) != metrics.Invalid {
			t.Errorf("%s: got %v, want one that begins with %q, of kind Invalid", c.name, refused, c.want)
		}
	}
}

func TestInfluxLinesAreCountedHoweverLongTheyAre(t *testing.T) {
	_, refused, _, _ := readLines(1, "log text=\""+strings.Repeat("x", 100_000)+"\"\n\nbroken")
	if refused.n != 1 || !strings.HasPrefix(refused.first.Error(), "line 3: ") {
		t.Errorf("got %v, want line 3", refused)
	}
}

func TestInfluxPrecisions(t *testing.T) {
	for _, c := range []struct {
		precision string
		time      int64
	}{
		{"", 1_800_000_000_000_000_000}, {"ns", 1_800_000_000_000_000_000}, {"n", 1_800_000_000_000_000_000},
		{"us", 1_800_000_000_000_000}, {"u", 1_800_000_000_000_000}, {"µ", 1_800_000_000_000_000},
		{"ms", 1_800_000_000_000}, {"s", 1_800_000_000}, {"m", 30_000_000}, {"h", 500_000},
	} {
		u, err := influxUnit(c.precision)
		if got := u.milliseconds(c.time); got != noon.UnixMilli() || err != nil {
			t.Errorf("%q: %d is %d, %v, want %d", c.precision, c.time, got, err, noon.UnixMilli())
		}
	}
	if _, err := influxUnit("d"); metrics.KindOf(err) != metrics.Invalid {
		t.Errorf("a precision of days: got %v, want an error of kind Invalid", err)
	}
	for _, n := range []int64{math.MaxInt64, math.MinInt64} {
		if got := influxUnits["h"].milliseconds(n); got != math.MaxInt64 {
			t.Errorf("%d hours are %d ms, want more than any time allowed", n, got)
		}
	}
}

func TestInfluxEntriesAreBounded(t *testing.T) {
	_, _, _, err := readLines(1, "a value=1\nlog text=\""+strings.Repeat("x\n", maxEntryBytes))
	if metrics.KindOf(err) != metrics.Invalid || !strings.Contains(err.Error(), "the entry is longer than 1 MiB") {
		t.Errorf("got %v, want an error of kind Invalid", err)
	}
}

func FuzzInflux(f *testing.F) {
	for _, body := range []string{
		"cpu,host=a usage=0.5,idle=99i,t=\"x\ny\" 1800000000000000000\n\n# x\r\nm value=true", "a,b=c", "a b=\"", "a b=1 -", "\r", "a\\ b,c\\=d=e f=1", "a,__name__=b c=1", "# \x00\na b=1",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		samples, refused, _, err := readLines(1, string(body))
		for _, err := range []error{err, refused.first} {
			if err != nil && metrics.KindOf(err) != metrics.Invalid {
				t.Fatalf("%q: got the error %v of kind %v", body, err, metrics.KindOf(err))
			}
		}
		for _, s := range samples {
			if _, err := metrics.ParseKey(s.Series.Key()); err != nil || s.Check(noon) != nil || math.IsNaN(s.Value) {
				t.Fatalf("%q: the sample %v was read: %v, %v", body, s, err, s.Check(noon))
			}
		}
	})
}

func BenchmarkInflux(b *testing.B) {
	var body strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&body, "cpu,cpu=cpu%d,host=server01 usage_user=%d.5,usage_system=2.25,usage_idle=80.1,usage_iowait=0 1800000000000000000\n", i, i)
	}
	b.ReportAllocs()
	b.SetBytes(int64(body.Len()))
	for b.Loop() {
		if samples, _, _, _ := readLines(1, body.String()); len(samples) != 4000 {
			b.Fatalf("%d samples were read, want 4000", len(samples))
		}
	}
}
