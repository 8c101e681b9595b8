package ingest

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

var web1 = netip.MustParseAddr("192.0.2.1")

func newStatsd() *statsd { return &statsd{stats: make(map[statKey]*tally)} }

// send takes in lines that come so long after noon, and holds them to have no error.
func (s *statsd) send(t *testing.T, after time.Duration, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if err := s.line(line, packet{from: web1, now: noon.Add(after)}); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// flushed returns what a flush so long after noon tells, a sample a line, in order.
func (s *statsd) flushed(after time.Duration) string {
	lines := strings.SplitAfter(inWords(s.added(noon.Add(after))[web1]), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func TestStatsdAddsUp(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"a counter", []string{"orders:1|c", "orders:4|c"}, "orders_total 0 0\norders_total 5 1000\n"},
		{"a counter that is named so", []string{"orders_total:1|c"}, "orders_total 0 0\norders_total 1 1000\n"},
		{"a sampled counter", []string{"orders:1|c|@0.1"}, "orders_total 0 0\norders_total 10 1000\n"},
		{"a meter", []string{"orders:2|m"}, "orders_total 0 0\norders_total 2 1000\n"},
		{"a gauge", []string{"load:1|g", "load:3.5|g"}, "load 3.5 1000\n"},
		{"a gauge that moves", []string{"load:10|g", "load:+5|g", "load:-7.5|g"}, "load 7.5 1000\n"},
		{"a set", []string{"users:ada|s", "users:bob|s", "users:ada|s"}, "users 2 1000\n"},
		{"tags", []string{"page.views:1|c|#env:prod,the-host:a:b,beta"}, `page_views_total{beta="true",env="prod",the_host="a:b"} 0 0
page_views_total{beta="true",env="prod",the_host="a:b"} 1 1000
`},
		{"tags in another order", []string{"load:1|g|#a:1,b:2", "load:+1|g|#b:2,a:1"}, `load{a="1",b="2"} 2 1000` + "\n"},
		{"a tag twice", []string{"load:1|g|#a:1,a:2"}, `load{a="2"} 1 1000` + "\n"},
		{"Datadog's other parts", []string{"load:1|g|@1|#a:1|c:ci-83|T1656581400"}, `load{a="1"} 1 1000` + "\n"},
		{"several values", []string{"orders:1:2:3|c|#a:1"}, `orders_total{a="1"} 0 0` + "\n" + `orders_total{a="1"} 6 1000` + "\n"},
		{"several kinds", []string{"orders:1|c:2|c|@0.5:7|g"}, "orders 7 1000\norders_total 0 0\norders_total 5 1000\n"},
		{"a timer", []string{"wait:100|ms", "wait:300|ms", "wait:200|ms|@0.5"}, `wait_seconds_count 0 0
wait_seconds_count 4 1000
wait_seconds_sum 0 0
wait_seconds_sum 0.8 1000
wait_seconds{quantile="0.5"} 0.2 1000
wait_seconds{quantile="0.9"} 0.3 1000
wait_seconds{quantile="0.99"} 0.3 1000
wait_seconds{quantile="1"} 0.3 1000
`},
		{"a histogram", []string{"size:100|h"}, `size_count 0 0
size_count 1 1000
size_sum 0 0
size_sum 100 1000
size{quantile="0.5"} 100 1000
size{quantile="0.9"} 100 1000
size{quantile="0.99"} 100 1000
size{quantile="1"} 100 1000
`},
	} {
		s := newStatsd()
		s.send(t, 0, c.lines...)
		if got := s.flushed(time.Second); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestStatsdFlushesTellWhatIsTrueNow(t *testing.T) {
	s := newStatsd()
	s.send(t, 0, "orders:1|c", "load:1|g", "users:ada|s", "size:7|d")
	s.flushed(time.Second)
	// Nothing came: the counts stand still, nobody was there, and there is no news of the gauge and the values.
	if got, want := s.flushed(2*time.Second), "orders_total 1 2000\nsize_count 1 2000\nsize_sum 7 2000\nusers 0 2000\n"; got != want {
		t.Errorf("an idle flush: got %s, want %s", got, want)
	}
	s.send(t, 2*time.Second, "orders:2|c", "load:+2|g", "users:ada|s")
	if got, want := s.flushed(3*time.Second), "load 3 3000\norders_total 3 3000\nsize_count 1 3000\nsize_sum 7 3000\nusers 1 3000\n"; got != want {
		t.Errorf("the next flush: got %s, want %s", got, want)
	}
}

func TestStatsdForgetsWhatNobodySends(t *testing.T) {
	s := newStatsd()
	s.send(t, 0, "orders:5|c", "load:1|g", "users:ada|s", "size:7|d")
	s.flushed(time.Second)
	s.send(t, time.Second, "visits:1|c")
	s.flushed(2 * time.Second)
	for _, sample := range s.added(noon.Add(statIdleFor))[web1] {
		if name := sample.Series.Name(); metrics.IsStale(sample.Value) == (name == "visits_total") {
			t.Errorf("%s has the value %v", name, sample.Value)
		}
	}
	s.send(t, statIdleFor, "orders:1|c")
	if got, want := s.flushed(statIdleFor+time.Millisecond), "orders_total 0 3600000\norders_total 1 3600001\nvisits_total 1 3600001\n"; got != want {
		t.Errorf("got %s, want it to begin again: %s", got, want)
	}
}

func manyTags(n int) string {
	var tags []string
	for i := range n {
		tags = append(tags, "t"+strconv.Itoa(i))
	}
	return strings.Join(tags, ",")
}

func TestStatsdRefusesWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"orders", "want name:value|kind"},
		{":1|c", "a metric name is missing"},
		{"orders:1", `"" is no kind of metric`},
		{"orders:1|x", `"x" is no kind of metric`},
		{"orders:|c", `"" is not a finite number`},
		{"orders:many|c", `"many" is not a finite number`},
		{"orders:NaN|g", `"NaN" is not a finite number`},
		{"orders:Inf|ms", `"Inf" is not a finite number`},
		{"orders:-1|c", "a counter does not go down"},
		{"orders:1|c|@0", `the rate "0" is not above 0`},
		{"orders:1|c|@2", `the rate "2" is not above 0`},
		{"orders:1|c|@nan", `the rate "nan" is not above 0`},
		{"orders:1|c|@", `the rate "" is not above 0`},
		{"orders:1|c|#:x", "a label name is missing"},
		{"orders:1|c|#a:\u202e", "the value of label a"},
		{strings.Repeat("a", 198) + ":1|c", "a metric name has 204 bytes"},
		{"orders:1|c|#" + manyTags(maxLabelsSent+1), "there are more than 128 tags"},
		{"orders:1|d|#quantile:0.5", `has the label "quantile" twice`},
	} {
		s := newStatsd()
		if err := s.line(c.line, packet{now: noon}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want an error that says %q", c.line, err, c.want)
		}
		if len(s.stats) != 0 {
			t.Errorf("%q is remembered", c.line)
		}
	}
}

func TestStatsdRemembersNoMoreThanItMay(t *testing.T) {
	s := newStatsd()
	for i := range maxStats {
		s.send(t, 0, fmt.Sprintf("m%d:1|g", i))
	}
	if err := s.line("one.more:1|g", packet{now: noon}); metrics.KindOf(err) != metrics.TooMany {
		t.Errorf("one more metric: got %v, want an error of kind TooMany", err)
	}
	s.send(t, 0, "m0:2|g")

	s.kept = maxKept
	s.stats = make(map[statKey]*tally)
	if err := s.line("users:ada|s", packet{now: noon}); metrics.KindOf(err) != metrics.TooMany {
		t.Errorf("one more member: got %v, want an error of kind TooMany", err)
	}
	s.send(t, 0, "wait:100|ms")
	if got, want := s.flushed(time.Second), "wait_seconds_count 0 0\nwait_seconds_count 1 1000\nwait_seconds_sum 0 0\nwait_seconds_sum 0.1 1000\n"; got != want {
		t.Errorf("a timer without room: got %s, want its count and sum %s", got, want)
	}
}

// A timer has more values than it keeps: the quantiles of those that it keeps are near those of all.
func TestStatsdQuantilesOfManyValues(t *testing.T) {
	s := newStatsd()
	const values = 20_000
	for i := range values {
		s.send(t, 0, fmt.Sprintf("wait:%d|d", i))
	}
	for _, sample := range s.added(noon.Add(time.Second))[web1] {
		q := sample.Series.Labels().Get("quantile")
		if want := map[string]float64{"0.5": .5, "0.9": .9}[q] * values; want > 0 && math.Abs(sample.Value-want) > values/10 {
			t.Errorf("the quantile %s is %v, want about %v", q, sample.Value, want)
		}
		if sample.Series.Name() == "wait_count" && sample.At > noon.UnixMilli() && sample.Value != values {
			t.Errorf("the count is %v, want %d", sample.Value, values)
		}
	}
}

func FuzzStatsd(f *testing.F) {
	for _, line := range []string{
		"orders:1|c|@0.1|#a:b,c", "a:1:2|ms", "a:1|c:2|g", "a:+1|g", "a:x|s|#x:\xff", ":|", "a:1|h|#quantile:1", "a:1e308|d", "a:1|c|@1e-300",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		s := newStatsd()
		if s.line(line, packet{from: web1, now: noon}) != nil {
			return
		}
		for _, sample := range s.added(noon.Add(time.Second))[web1] {
			if _, err := metrics.ParseKey(sample.Series.Key()); err != nil || sample.Check(noon) != nil || math.IsNaN(sample.Value) {
				t.Errorf("%q became %v: %v", line, sample, err)
			}
		}
	})
}

func BenchmarkStatsd(b *testing.B) {
	s := newStatsd()
	lines := []string{"orders:1|c|#shop:se", "wait:320|ms|@0.1|#shop:se", "load:1.5|g"}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := s.line(lines[i%len(lines)], packet{from: web1, now: noon}); err != nil {
			b.Fatal(err)
		}
	}
}
