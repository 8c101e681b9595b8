package collect

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"

	"liveboard/metrics"
)

// sums adds up the values of each metric over its labels.
func sums(all map[string]float64) map[string]float64 {
	out := map[string]float64{}
	for series, v := range all {
		name, _, _ := strings.Cut(series, "{")
		out[name] += v
	}
	return out
}

func TestHostReadsThisMachine(t *testing.T) {
	got := sums(collected(t, open(t, metrics.CollectorConfig{Kind: "host"}, quiet()), time.Now()))
	for _, test := range []struct {
		name      string
		low, high float64
	}{
		{"host_cpu_seconds_total", 1, 1e12},
		{"host_load1", 0, 1e6},
		{"host_load15", 0, 1e6},
		{"host_memory_total_bytes", 1 << 24, 1 << 50},
		{"host_memory_used_bytes", 1 << 20, got["host_memory_total_bytes"]},
		{"host_memory_available_bytes", 1 << 20, got["host_memory_total_bytes"]},
		{"host_swap_used_bytes", 0, got["host_swap_total_bytes"]},
		{"host_filesystem_size_bytes", 1 << 20, 1 << 60},
		{"host_filesystem_used_bytes", 1, got["host_filesystem_size_bytes"]},
		{"host_filesystem_free_bytes", 0, got["host_filesystem_size_bytes"]},
		{"host_network_receive_bytes_total", 0, 1e18},
		{"host_uptime_seconds", 1, 1e10},
		{"host_boot_time_seconds", 1e9, float64(time.Now().Unix())},
		{"host_info", 1, 1},
	} {
		if v, found := got[test.name]; !found || v < test.low || v > test.high {
			t.Errorf("%s: got %v (found: %v), want between %v and %v", test.name, v, found, test.low, test.high)
		}
	}
}

func TestHostInfoNamesTheMachine(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for series := range collected(t, open(t, metrics.CollectorConfig{Kind: "host"}, quiet()), time.Now()) {
		if strings.HasPrefix(series, "host_info{") {
			if !strings.Contains(series, `hostname="`+name+`"`) || !strings.Contains(series, `os="`+runtime.GOOS+`"`) {
				t.Errorf("got %s, want the hostname %s and the system %s", series, name, runtime.GOOS)
			}
			return
		}
	}
	t.Error("there is no host_info")
}

func TestHostCPUBetweenRuns(t *testing.T) {
	c := open(t, metrics.CollectorConfig{Kind: "host"}, quiet())
	first := collected(t, c, time.Now())
	if _, found := first["host_cpu_busy_ratio"]; found {
		t.Error("the first run knows a busy ratio, with nothing to compare")
	}
	second := first
	// Until the clock of the CPUs has moved. Half its tick is more than what the order of a sum of floats makes.
	for sums(second)["host_cpu_seconds_total"] < sums(first)["host_cpu_seconds_total"]+0.005 {
		second = collected(t, c, time.Now())
	}
	for series, v := range second {
		switch {
		case strings.HasPrefix(series, "host_cpu_busy_ratio"), strings.HasPrefix(series, "host_cpu_core_busy_ratio"):
			if v < 0 || v > 1 {
				t.Errorf("%s = %v, want 0 to 1", series, v)
			}
		case strings.Contains(series, `mode="iowait"`): // Linux lets it fall back
		case strings.Contains(series, "_total{") && v < first[series]:
			t.Errorf("%s fell from %v to %v", series, first[series], v)
		}
	}
	if _, found := second["host_cpu_busy_ratio"]; !found {
		t.Error("there is no host_cpu_busy_ratio in the second run")
	}
}

func TestBusyTimeOfACore(t *testing.T) {
	for _, test := range []struct {
		name        string
		a, b        cpu.TimesStat
		busy, total float64
	}{
		{"idle", cpu.TimesStat{Idle: 1}, cpu.TimesStat{Idle: 2}, 0, 1},
		{"half", cpu.TimesStat{}, cpu.TimesStat{User: 1, System: 1, Idle: 1, Iowait: 1}, 2, 4},
		{"guest is user time", cpu.TimesStat{}, cpu.TimesStat{User: 1, Guest: 1, Idle: 1}, 1, 2},
		{"iowait fell back", cpu.TimesStat{Iowait: 5}, cpu.TimesStat{User: 1, Iowait: 3}, 1, 1},
		{"no time", cpu.TimesStat{User: 1}, cpu.TimesStat{User: 1}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if busy, total := since(test.a, test.b); busy != test.busy || total != test.total {
				t.Errorf("got %v of %v, want %v of %v", busy, total, test.busy, test.total)
			}
		})
	}
}

func TestHostPartThatFailsLeavesTheOthers(t *testing.T) {
	parts := hostParts
	t.Cleanup(func() { hostParts = parts })
	failing := slices.Clone(parts)
	failing[0].read = func(*host, context.Context, *harvest) error { return errors.New("no such sensor") }
	hostParts = failing
	var log bytes.Buffer
	deps := quiet()
	deps.Log = slog.New(slog.NewTextHandler(&log, nil))
	c := open(t, metrics.CollectorConfig{Kind: "host"}, deps)
	for range 3 {
		if got := sums(collected(t, c, time.Now())); got["host_memory_total_bytes"] == 0 {
			t.Errorf("got %v, want the memory", slices.Sorted(maps.Keys(got)))
		}
	}
	if n := strings.Count(log.String(), "no such sensor"); n != 1 {
		t.Errorf("the trouble is %d times in the log, want once: %s", n, log.String())
	}
	hostParts = failing[:1]
	if _, err := c.Collect(t.Context(), time.Now()); err == nil {
		t.Error("got nil where every part fails, want an error")
	}
}

func TestRealFilesystems(t *testing.T) {
	mount := func(point, device, fstype string) disk.PartitionStat {
		return disk.PartitionStat{Mountpoint: point, Device: device, Fstype: fstype}
	}
	for _, test := range []struct {
		name string
		in   []disk.PartitionStat
		want []string
	}{
		{"each device once, by its shortest mount point",
			[]disk.PartitionStat{mount("/srv/data", "/dev/sdb", "xfs"), mount("/srv", "/dev/sdb", "xfs"), mount("/", "/dev/sda", "ext4")},
			[]string{"/", "/srv"}},
		{"no images",
			[]disk.PartitionStat{mount("/", "/dev/sda", "ext4"), mount("/snap/core/1", "/dev/loop0", "squashfs"), mount("/cd", "/dev/sr0", "iso9660")},
			[]string{"/"}},
		{"the root of a container",
			[]disk.PartitionStat{mount("/data", "/dev/sda", "ext4"), mount("/", "overlay", "overlay")},
			[]string{"/", "/data"}},
		{"a root that is an image", []disk.PartitionStat{mount("/", "/dev/root", "squashfs")}, []string{"/"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, p := range realFilesystems(test.in) {
				got = append(got, p.Mountpoint)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestMinorDevicesAreLeftOutUnlessThereAreNoOthers(t *testing.T) {
	for _, test := range []struct {
		name     string
		minor    func(string) bool
		in, want []string
	}{
		{"partitions", minorDisk.MatchString, []string{"sda", "sda1", "vdb", "vdb12", "nvme0n1", "nvme0n1p2", "mmcblk0", "mmcblk0p1", "dm-0", "md0"},
			[]string{"dm-0", "md0", "mmcblk0", "nvme0n1", "sda", "vdb"}},
		{"memory and loops", minorDisk.MatchString, []string{"loop7", "ram0", "zram0", "sr0", "xvda"}, []string{"xvda"}},
		{"a partition alone", minorDisk.MatchString, []string{"xvda1"}, []string{"xvda1"}},
		{"other systems", minorDisk.MatchString, []string{"disk0", "C:"}, []string{"C:", "disk0"}},
		{"loopback", loopback, []string{"lo", "eth0"}, []string{"eth0"}},
		{"loopback elsewhere", loopback, []string{"lo0", "en0", "Loopback Pseudo-Interface 1"}, []string{"en0"}},
		{"loopback alone", loopback, []string{"lo"}, []string{"lo"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			all := map[string]float64{}
			for _, name := range test.in {
				all[name] = math.Pi
			}
			if got := slices.Sorted(maps.Keys(significant(all, test.minor))); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func BenchmarkHost(b *testing.B) {
	c := &host{notes: newNotes(slog.New(slog.DiscardHandler), "host")}
	for b.Loop() {
		if _, err := c.Collect(context.Background(), time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
