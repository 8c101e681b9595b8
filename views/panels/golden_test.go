package panels

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liveboard/metrics"
)

var update = flag.Bool("update", false, "write the golden files")

const short = 12 * time.Second

// states are the situations every kind with queries has a design for.
var states = map[string]func(p *metrics.Panel, e example) Input{
	"normal": func(p *metrics.Panel, e example) Input { return input(p, noon, short, e.normal) },
	"empty":  func(p *metrics.Panel, e example) Input { return input(p, noon, short, none) },
	"error": func(p *metrics.Panel, e example) Input {
		in := input(p, noon, short, none)
		in.Results[0] = metrics.Result{Err: errors.New("1:6: parse error: unexpected identifier")}
		return in
	},
	"stale": func(p *metrics.Panel, e example) Input {
		in := input(p, noon, short, e.normal)
		in.Results[0].At = noon.Add(-5 * time.Minute).UnixMilli()
		return in
	},
	"threshold": func(p *metrics.Panel, e example) Input {
		p.Thresholds = high
		return input(p, noon, short, e.high)
	},
}

func TestEveryKindInEveryStateLooksAsReviewed(t *testing.T) {
	for kind, e := range examples {
		for state, in := range states {
			if Needs(kind) == None && state != "normal" {
				continue
			}
			t.Run(kind+"/"+state, func(t *testing.T) {
				got := html(t, Make(in(panel(t, e.panel), e), nil))
				compareGolden(t, filepath.Join("testdata", kind+"-"+state+".html"), got)
			})
		}
	}
}

// compareGolden breaks lines between tags, for the reader of a diff.
func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	got = strings.ReplaceAll(got, "><", ">\n<") + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestEveryKindHasAnExample(t *testing.T) {
	for _, kind := range Kinds() {
		if _, ok := examples[kind]; !ok {
			t.Errorf("kind %s has no example", kind)
		}
	}
}
