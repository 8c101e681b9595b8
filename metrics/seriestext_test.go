package metrics

import "testing"

func TestSeriesIsReadAsItIsWritten(t *testing.T) {
	for _, c := range []struct {
		text, rest string
		want       string // as AppendSeries writes it
	}{
		{"up", "", "up"},
		{"up 1", "1", "up"},
		{`up{} 1`, " 1", "up"},
		{`up{b="2", a="1",}1`, "1", `up{a="1",b="2"}`},
		{`up { a = "1" } 1`, " 1", `up{a="1"}`},
		{`up{a="C:\\x \"y\""} 1`, " 1", `up{a="C:\\x \"y\""}`},
		{"up{a=\"\u00a0, } =\"}", "", "up{a=\"\u00a0, } =\"}"},
		{`up{a=""}`, "", "up"},
	} {
		s, rest, err := ParseSeries(c.text)
		if err != nil || rest != c.rest {
			t.Errorf("%q: got the rest %q and error %v, want the rest %q", c.text, rest, err, c.rest)
		}
		if got := string(AppendSeries(nil, s)); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
		if again, rest, err := ParseSeries(c.want); again != s || rest != "" || err != nil {
			t.Errorf("%q: got %v, the rest %q and error %v, want %v", c.want, again, rest, err, s)
		}
	}
	for _, text := range []string{"", " ", "{", "up{", `up{a`, `up{a="`, `up{a="\`, `up{a="\x"}`, `up{a=1}`, `up{a="1" b="2"}`, `up{a="1",a="2"}`, "1up", `up{"a"="1"}`} {
		if s, _, err := ParseSeries(text); KindOf(err) != Invalid || err == nil {
			t.Errorf("%q: got %v and error %v, want one of kind Invalid", text, s, err)
		}
	}
}

func FuzzParseSeries(f *testing.F) {
	for _, text := range []string{"up 1", `a{b="\\\"\n",c="}",} 1`, "a{", `a{b="\`, "\xff", "a\r1", "{}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, _, err := ParseSeries(text)
		if err != nil {
			return
		}
		written := string(AppendSeries(nil, s))
		if again, rest, err := ParseSeries(written); again != s || rest != "" || err != nil {
			t.Fatalf("%q is written as %q, which reads as %v, the rest %q, %v", text, written, again, rest, err)
		}
	})
}
