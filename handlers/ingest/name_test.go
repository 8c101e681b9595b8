package ingest

import (
	"strings"
	"testing"

	"liveboard/metrics"
)

func TestNamesBecomeThoseOfPrometheus(t *testing.T) {
	for _, c := range []struct{ name, metric, label string }{
		{"orders_total", "orders_total", "orders_total"},
		{"servers.web-1.cpu user", "servers_web_1_cpu_user", "servers_web_1_cpu_user"},
		{"job:rate5m", "job:rate5m", "job_rate5m"},
		{"5xx", "_5xx", "_5xx"},
		{"größe", "gr__e", "gr__e"},
		{"\xffa", "_a", "_a"},
		{"__name__", "__name__", "_name__"},
		{"..", "__", "_"},
		{"a\n\x00", "a__", "a__"},
	} {
		if got, err := cleanName(c.name); got != c.metric || err != nil {
			t.Errorf("cleanName(%q) = %q, %v, want %q", c.name, got, err, c.metric)
		}
		if got, err := cleanLabel(c.name); got != c.label || err != nil {
			t.Errorf("cleanLabel(%q) = %q, %v, want %q", c.name, got, err, c.label)
		}
	}
	for _, clean := range []func(string) (string, error){cleanName, cleanLabel} {
		if got, err := clean(""); metrics.KindOf(err) != metrics.Invalid {
			t.Errorf("an empty name became %q, %v, want an error of kind Invalid", got, err)
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, name := range []string{"a.b", "__", "1", "\xff", "é", ":"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" || len(name) > metrics.MaxNameBytes/2 {
			return
		}
		metric, err := cleanName(name)
		if err != nil {
			t.Fatal(err)
		}
		label, err := cleanLabel(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := metrics.NewSeries(metric, metrics.Label{Name: label, Value: "1"}); err != nil {
			t.Errorf("%q became %q and %q: %v", name, metric, label, err)
		}
		if again, _ := cleanName(metric); again != metric || strings.Contains(label, ":") {
			t.Errorf("%q became %q and then %q; the label is %q", name, metric, again, label)
		}
	})
}
