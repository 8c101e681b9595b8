package collect

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	gopsutil "github.com/shirou/gopsutil/v4/process"

	"liveboard/metrics"
)

func init() {
	register("process", kind{
		interval: 2 * time.Second,
		top:      10,
		maxTop:   100,
		open: func(cfg metrics.CollectorConfig, _ Deps) Collector {
			return &processes{top: cfg.Top}
		},
	})
}

// processes finds the top programs by CPU and the top ones by memory; all samples are there for
// each of either list. The label name is that of the program, made printable. Processes are
// summed by it: a label of their ids would make a new series for each that ever runs, without end.
//
//	top_process_cpu_ratio              CPU use since the run before; 1 is one core all the time
//	top_process_resident_memory_bytes  physical memory in use
//	top_process_count                  how many processes that is
type processes struct {
	top  int
	read time.Time // when all were read last
	all  map[int32]usage
}

// usage is what a process has used.
type usage struct {
	name     string
	cpu      float64 // seconds since its start
	resident float64 // bytes
	ratio    float64 // of one core since the run before; 0 where it is new
}

// program is all processes of one name.
type program struct {
	name                   string
	ratio, resident, count float64
}

func (p *processes) Collect(ctx context.Context, now time.Time) ([]metrics.Sample, error) {
	pids, err := gopsutil.PidsWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	p.update(ctx, pids)
	h := &harvest{at: now.UnixMilli()}
	for _, g := range winners(programs(p.all), p.top) {
		label := metrics.Label{Name: "name", Value: g.name}
		h.add("top_process_cpu_ratio", g.ratio, label)
		h.add("top_process_resident_memory_bytes", g.resident, label)
		h.add("top_process_count", g.count, label)
	}
	return h.samples, h.err
}

// update reads every process. One that ends meanwhile or that we may not look at is left out.
func (p *processes) update(ctx context.Context, pids []int32) {
	all := make(map[int32]usage, len(pids))
	elapsed := time.Since(p.read).Seconds()
	p.read = time.Now()
	for _, pid := range pids {
		old, known := p.all[pid]
		u, err := readUsage(ctx, pid, old.name)
		if err != nil {
			continue
		}
		// Less CPU than before is another process under the same pid.
		if known && u.cpu >= old.cpu {
			u.ratio = (u.cpu - old.cpu) / elapsed
		}
		all[pid] = u
	}
	p.all = all
}

// programs sums the processes by name.
func programs(all map[int32]usage) []program {
	byName := map[string]*program{}
	for _, u := range all {
		name := printable(programName(u.name))
		g := byName[name]
		if g == nil {
			g = &program{name: name}
			byName[name] = g
		}
		g.ratio += u.ratio
		g.resident += u.resident
		g.count++
	}
	list := make([]program, 0, len(byName))
	for _, g := range byName {
		list = append(list, *g)
	}
	return list
}

// programName makes one of the kernel's many workers, such as kworker/u8:3-events.
func programName(name string) string {
	if worker, _, ok := strings.Cut(name, "/"); ok && strings.HasPrefix(name, "kworker/") {
		return worker
	}
	return name
}

// winners returns the top programs by memory and the top ones by CPU, idle ones left out, each once. It sorts list.
func winners(list []program, top int) []program {
	slices.SortFunc(list, func(a, b program) int {
		return cmp.Or(cmp.Compare(b.resident, a.resident), cmp.Compare(a.name, b.name))
	})
	won := slices.Clone(list[:min(top, len(list))])
	slices.SortFunc(list, func(a, b program) int { return cmp.Or(cmp.Compare(b.ratio, a.ratio), cmp.Compare(a.name, b.name)) })
	for _, g := range list[:min(top, len(list))] {
		if g.ratio > 0 && !slices.Contains(won, g) {
			won = append(won, g)
		}
	}
	return won
}

// readUsage reads name, CPU and memory of a process; a name that is known need not be asked for
// again where that costs. On Linux one file has all three, at half the cost of asking gopsutil,
// which also reads the boot time for each process.
func readUsage(ctx context.Context, pid int32, name string) (usage, error) {
	if runtime.GOOS == "linux" {
		proc := cmp.Or(os.Getenv("HOST_PROC"), "/proc") // as gopsutil finds the pids
		stat, err := os.ReadFile(proc + "/" + strconv.Itoa(int(pid)) + "/stat")
		if err != nil {
			return usage{}, err
		}
		return parseStat(stat)
	}
	process := &gopsutil.Process{Pid: pid}
	times, err := process.TimesWithContext(ctx)
	if err != nil {
		return usage{}, err
	}
	memory, err := process.MemoryInfoWithContext(ctx)
	if err != nil {
		return usage{}, err
	}
	if name == "" {
		name, err = process.NameWithContext(ctx)
	}
	return usage{name: name, cpu: times.User + times.System, resident: float64(memory.RSS)}, err
}

// userHertz is the unit of CPU time in /proc, the same on every architecture that Go runs on.
const userHertz = 100

// parseStat reads /proc/PID/stat as proc_pid_stat(5) describes it. The name in the second
// field may hold anything, parentheses too, so it goes from the first "(" to the last ")".
func parseStat(stat []byte) (usage, error) {
	begin, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	fields := bytes.Fields(stat[end+1:])
	if begin < 0 || end < begin || len(fields) < 22 {
		return usage{}, errors.New("stat of a process is cut short")
	}
	number := func(field int) (n float64) { // counted from 1, as in the manual page
		n, _ = strconv.ParseFloat(string(fields[field-3]), 64)
		return n
	}
	return usage{
		name:     string(stat[begin+1 : end]),
		cpu:      (number(14) + number(15)) / userHertz,
		resident: number(24) * float64(os.Getpagesize()),
	}, nil
}
