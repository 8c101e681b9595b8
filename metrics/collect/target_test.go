package collect

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"liveboard/metrics"
)

func TestEachKeepsTheOrderAndTheErrors(t *testing.T) {
	broken := errors.New("broken")
	samples, err := each([]string{"a", "b", "c"}, func(target string) ([]metrics.Sample, error) {
		switch target {
		case "b":
			return nil, broken
		case "c":
			panic("no target c")
		}
		h := &harvest{}
		h.add(target, 1)
		return h.samples, h.err
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "panic: no target c") {
		t.Errorf("got %v, want both errors", err)
	}
	if names := slices.Collect(func(yield func(string) bool) {
		for _, s := range samples {
			yield(s.Series.Name())
		}
	}); !slices.Equal(names, []string{"a"}) {
		t.Errorf("got %q, want a alone", names)
	}
}

func TestShownIsWithoutSecrets(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"https://a.example", "https://a.example"},
		{"http://me:pass@a.example:8080/x%2Fy/?key=1#part", "http://a.example:8080/x%2Fy/"},
		{"http://[::1]:9100/metrics", "http://[::1]:9100/metrics"},
	} {
		u, err := parseTarget(test.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(u); got != test.want {
			t.Errorf("shown(%s): got %s, want %s", test.in, got, test.want)
		}
	}
}
