package collect

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

func TestProcessFindsItself(t *testing.T) {
	c := open(t, metrics.CollectorConfig{Kind: "process", Top: 100}, quiet())
	me := `{name="` + filepath.Base(os.Args[0]) + `"}`
	var got map[string]float64
	for got["top_process_cpu_ratio"+me] == 0 { // until the clock that counts CPU time has moved
		got = collected(t, c, time.Now())
		if got["top_process_count"+me] < 1 {
			t.Fatalf("%s is not among %v", me, got)
		}
	}
	if memory := got["top_process_resident_memory_bytes"+me]; memory < 1<<20 || memory > 1<<40 {
		t.Errorf("memory: got %v bytes", memory)
	}
}

func TestProgramsAreSummedByName(t *testing.T) {
	got := programs(map[int32]usage{
		1: {name: "a", ratio: 0.5, resident: 10},
		2: {name: "a", ratio: 0.25, resident: 20},
		3: {name: "kworker/0:1-events", resident: 1},
		4: {name: "kworker/u8:0", resident: 1},
		5: {name: "x\ny", resident: 5},
	})
	slices.SortFunc(got, func(a, b program) int { return strings.Compare(a.name, b.name) })
	want := []program{{"a", 0.75, 30, 2}, {"kworker", 0, 2, 2}, {printable("x\ny"), 0, 5, 1}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestProcessGivesTheTopOfEach(t *testing.T) {
	list := []program{
		{name: "1", ratio: 0, resident: 10},
		{name: "2", ratio: 0.5, resident: 1},
		{name: "3", ratio: 1.5, resident: 5},
		{name: "4", ratio: 0, resident: 0},
		{name: "5", ratio: 0.1, resident: 10},
	}
	for _, test := range []struct {
		top  int
		want string
	}{
		{1, "13"},
		{2, "1532"},
		{9, "15324"},
	} {
		var got string
		for _, g := range winners(slices.Clone(list), test.top) {
			got += g.name
		}
		if got != test.want {
			t.Errorf("top %d: got %v, want %v", test.top, got, test.want)
		}
	}
}

func TestProcessComparesOnlyTheSameProcess(t *testing.T) {
	me := int32(os.Getpid())
	used, err := readUsage(t.Context(), me, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		before map[int32]usage
		known  bool
	}{
		{"new", nil, false},
		{"another under the same pid", map[int32]usage{me: {cpu: used.cpu + 1e6}}, false},
		{"the same", map[int32]usage{me: {cpu: used.cpu - 5}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &processes{top: 1, read: time.Now().Add(-10 * time.Second), all: test.before}
			p.update(t.Context(), []int32{me})
			if len(p.all) != 1 || (p.all[me].ratio > 0) != test.known {
				t.Errorf("got %+v, want a ratio: %v", p.all, test.known)
			}
		})
	}
}

func TestProcessThatIsGoneIsLeftOut(t *testing.T) {
	p := &processes{top: 1}
	if p.update(t.Context(), []int32{1 << 30}); len(p.all) != 0 {
		t.Errorf("got %+v, want none", p.all)
	}
}

func TestParseStat(t *testing.T) {
	// The name forges fields of its own.
	stat := "42 (a) R 1 9\n9 (b)) S 1 42 42 0 -1 4194560 7 0 0 0 150 50 0 0 20 0 1 0 99 12345 3 18446744073709551615 1 1\n"
	got, err := parseStat([]byte(stat))
	want := usage{name: "a) R 1 9\n9 (b)", cpu: 2, resident: 3 * float64(os.Getpagesize())}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, short := range []string{"", "42", "42 (a", "42 (a) R 1", "42 )a( R 1 42 42 0 -1 4194560 7 0 0 0 150 50 0 0 20 0 1 0 99 12345 3 18446744073709551615 1 1"} {
		if _, err := parseStat([]byte(short)); err == nil {
			t.Errorf("parseStat(%q): got nil, want an error", short)
		}
	}
}

func BenchmarkProcess(b *testing.B) {
	p := &processes{top: 10}
	for b.Loop() {
		if _, err := p.Collect(context.Background(), time.Now()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(p.all)), "processes")
}
