package collect

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

func TestProcessFindsItself(t *testing.T) {
	c := open(t, metrics.CollectorConfig{Kind: "process", Top: 100}, quiet())
	me := fmt.Sprintf(`pid="%d"}`, os.Getpid())
	cpu, memory := 0.0, 0.0
	for cpu == 0 { // until the clock that counts CPU time has moved
		for series, v := range collected(t, c, time.Now()) {
			if !strings.HasSuffix(series, me) {
				continue
			}
			switch name, _, _ := strings.Cut(series, "{"); name {
			case "top_process_cpu_ratio":
				cpu = v
			case "top_process_resident_memory_bytes":
				memory = v
			}
			if !strings.Contains(series, `name="collect.test`) {
				t.Fatalf("got %s, want our own name", series)
			}
		}
	}
	if memory < 1<<20 || memory > 1<<40 {
		t.Errorf("memory: got %v bytes", memory)
	}
}

func TestProcessGivesTheTopOfEach(t *testing.T) {
	list := []usage{
		{pid: 1, ratio: 0, resident: 10},
		{pid: 2, ratio: 0.5, resident: 1},
		{pid: 3, ratio: 1.5, resident: 5},
		{pid: 4, ratio: 0, resident: 0},
		{pid: 5, ratio: 0.1, resident: 10},
	}
	for _, test := range []struct {
		top  int
		want []int32
	}{
		{1, []int32{1, 3}},
		{2, []int32{1, 5, 3, 2}},
		{9, []int32{1, 5, 3, 2, 4}},
	} {
		var got []int32
		for _, u := range winners(slices.Clone(list), test.top) {
			got = append(got, u.pid)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("top %d: got %v, want %v", test.top, got, test.want)
		}
	}
}

func TestProcessComparesOnlyTheSameProcess(t *testing.T) {
	me := int32(os.Getpid())
	used, err := readUsage(t.Context(), me)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		before map[int32]usage
		known  bool
	}{
		{"new", nil, false},
		{"another under the same pid", map[int32]usage{me: {pid: me, cpu: used.cpu + 1e6}}, false},
		{"the same", map[int32]usage{me: {pid: me, cpu: used.cpu - 5}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &processes{top: 1, read: time.Now().Add(-10 * time.Second), all: test.before}
			list := p.update(t.Context(), []int32{me})
			if len(list) != 1 || (list[0].ratio > 0) != test.known {
				t.Errorf("got %+v, want a ratio: %v", list, test.known)
			}
		})
	}
}

func TestProcessThatIsGoneIsLeftOut(t *testing.T) {
	p := &processes{top: 1}
	if list := p.update(t.Context(), []int32{1 << 30}); len(list) != 0 {
		t.Errorf("got %+v, want none", list)
	}
}

func TestParseStat(t *testing.T) {
	// The name forges fields of its own.
	stat := "42 (a) R 1 9\n9 (b)) S 1 42 42 0 -1 4194560 7 0 0 0 150 50 0 0 20 0 1 0 99 12345 3 18446744073709551615 1 1\n"
	got, err := parseStat(42, []byte(stat))
	want := usage{pid: 42, cpu: 2, resident: 3 * float64(os.Getpagesize())}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, short := range []string{"", "42", "42 (a", "42 (a) R 1"} {
		if _, err := parseStat(42, []byte(short)); err == nil {
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
