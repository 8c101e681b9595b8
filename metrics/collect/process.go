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

// processes finds the top processes by CPU and the top ones by memory; both samples are
// there for each of either list. Labels are pid and name, the name made printable.
//
//	top_process_cpu_ratio              CPU use since the run before; 1 is one core all the time
//	top_process_resident_memory_bytes  physical memory in use
//
// A run reads CPU and memory of every process and asks only the winners for their names.
type processes struct {
	top  int
	read time.Time // when all were read last
	all  map[int32]usage
}

// usage is what a process has used.
type usage struct {
	pid      int32
	cpu      float64 // seconds since its start
	resident float64 // bytes
	ratio    float64 // of one core since the run before; 0 where it is new
}

func (p *processes) Collect(ctx context.Context, now time.Time) ([]metrics.Sample, error) {
	pids, err := gopsutil.PidsWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	list := p.update(ctx, pids)
	h := &harvest{at: now.UnixMilli()}
	for _, u := range winners(list, p.top) {
		name, err := (&gopsutil.Process{Pid: u.pid}).NameWithContext(ctx)
		if err != nil {
			continue // it has just ended
		}
		labels := []metrics.Label{{Name: "pid", Value: strconv.Itoa(int(u.pid))}, {Name: "name", Value: printable(name)}}
		h.add("top_process_cpu_ratio", u.ratio, labels...)
		h.add("top_process_resident_memory_bytes", u.resident, labels...)
	}
	return h.samples, h.err
}

// update reads every process, remembers it for the next run, and returns all of them.
// One that ends meanwhile or that we may not look at is left out.
func (p *processes) update(ctx context.Context, pids []int32) []usage {
	before, all, list := p.all, make(map[int32]usage, len(pids)), make([]usage, 0, len(pids))
	elapsed := time.Since(p.read).Seconds()
	p.read = time.Now()
	for _, pid := range pids {
		u, err := readUsage(ctx, pid)
		if err != nil {
			continue
		}
		// Less CPU than before is another process under the same pid.
		if old, known := before[pid]; known && u.cpu >= old.cpu {
			u.ratio = (u.cpu - old.cpu) / elapsed
		}
		all[pid] = u
		list = append(list, u)
	}
	p.all = all
	return list
}

// winners returns the top processes by CPU, idle ones left out, and the top ones by
// memory, each once. It sorts list.
func winners(list []usage, top int) []usage {
	slices.SortFunc(list, func(a, b usage) int { return cmp.Or(cmp.Compare(b.resident, a.resident), cmp.Compare(a.pid, b.pid)) })
	won := slices.Clone(list[:min(top, len(list))])
	slices.SortFunc(list, func(a, b usage) int { return cmp.Or(cmp.Compare(b.ratio, a.ratio), cmp.Compare(a.pid, b.pid)) })
	for _, u := range list[:min(top, len(list))] {
		if u.ratio > 0 && !slices.Contains(won, u) {
			won = append(won, u)
		}
	}
	return won
}

// readUsage reads CPU and memory of a process. On Linux one file has both, at half the
// cost of asking gopsutil, which also reads the boot time for each process.
func readUsage(ctx context.Context, pid int32) (usage, error) {
	if runtime.GOOS == "linux" {
		proc := cmp.Or(os.Getenv("HOST_PROC"), "/proc") // as gopsutil finds the pids
		stat, err := os.ReadFile(proc + "/" + strconv.Itoa(int(pid)) + "/stat")
		if err != nil {
			return usage{}, err
		}
		return parseStat(pid, stat)
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
	return usage{pid: pid, cpu: times.User + times.System, resident: float64(memory.RSS)}, nil
}

// userHertz is the unit of CPU time in /proc, the same on every architecture that Go runs on.
const userHertz = 100

// parseStat reads /proc/PID/stat as proc_pid_stat(5) describes it. The name in the second
// field may hold anything, parentheses too, so fields are counted after the last ")".
func parseStat(pid int32, stat []byte) (usage, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 22 {
		return usage{}, errors.New("stat of a process is cut short")
	}
	number := func(field int) (n float64) { // counted from 1, as in the manual page
		n, _ = strconv.ParseFloat(string(fields[field-3]), 64)
		return n
	}
	return usage{
		pid:      pid,
		cpu:      (number(14) + number(15)) / userHertz,
		resident: number(24) * float64(os.Getpagesize()),
	}, nil
}
