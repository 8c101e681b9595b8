package collect

import (
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"liveboard/metrics"
)

func TestHarvestMeasuresWhatIsFinite(t *testing.T) {
	h := &harvest{at: 1}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), metrics.StaleMarker(), 7} {
		h.add("x", v)
	}
	if len(h.samples) != 1 || h.samples[0].Value != 7 {
		t.Errorf("got %v, want the 7 alone", h.samples)
	}
	h.addAt(1, "x", math.Inf(1))
	if len(h.samples) != 2 {
		t.Errorf("got %v, want the infinity that a source tells", h.samples)
	}
}

func TestHarvestRemembersTheFirstRefusal(t *testing.T) {
	h := &harvest{}
	h.add("good", 1)
	h.add("9bad", 1)
	h.add("worse!", 1)
	if len(h.samples) != 1 || h.err == nil || !strings.Contains(h.err.Error(), "9bad") {
		t.Errorf("got %v and %v, want one sample and an error that names 9bad", h.samples, h.err)
	}
}

func TestTakenLabelsAreExported(t *testing.T) {
	common := []metrics.Label{{Name: "job", Value: "j"}, {Name: "instance", Value: "i"}}
	for _, test := range []struct {
		name string
		own  []metrics.Label
		want []string
	}{
		{"none taken", []metrics.Label{{Name: "a", Value: "1"}}, []string{"a"}},
		{"one taken", []metrics.Label{{Name: "job", Value: "1"}, {Name: "a", Value: "2"}}, []string{"exported_job", "a"}},
		{"exported taken too", []metrics.Label{{Name: "exported_job", Value: "1"}, {Name: "job", Value: "2"}}, []string{"exported_job", "exported_exported_job"}},
		{"exported taken later", []metrics.Label{{Name: "job", Value: "2"}, {Name: "exported_job", Value: "1"}}, []string{"exported_exported_job", "exported_job"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, l := range (&harvest{common: common}).label(test.own)[len(common):] {
				got = append(got, l.Name)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestPrintable(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"plain", "sda1", "sda1"},
		{"letters of any script", "Größe 磁盘", "Größe 磁盘"},
		{"line ends", "a\r\ndata: x", "a??data: x"},
		{"text turned around", "a\u202eb\u200dc", "a?b?c"},
		{"invalid UTF-8", "a\xffb", "a?b"},
		{"a replacement that was there", "a\ufffdb", "a?b"},
		{"too long", strings.Repeat("x", 300), strings.Repeat("x", 200)},
		{"cut inside a letter", strings.Repeat("x", 199) + "ß", strings.Repeat("x", 199)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := printable(test.in); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("bash")
	f.Add("a\r\n\u202e\xff")
	f.Add(strings.Repeat("ß", 150))
	f.Fuzz(func(t *testing.T, text string) {
		got := printable(text)
		if _, err := metrics.NewSeries("x", metrics.Label{Name: "name", Value: got}); err != nil {
			t.Errorf("printable(%q) = %q, which is no label: %v", text, got, err)
		}
		if len(got) > maxTextBytes || !utf8.ValidString(got) {
			t.Errorf("printable(%q) = %q: %d bytes", text, got, len(got))
		}
		if utf8.ValidString(text) && metrics.CheckText(text) == nil && !strings.HasPrefix(text, got) {
			t.Errorf("printable(%q) = %q: good text was changed", text, got)
		}
	})
}
