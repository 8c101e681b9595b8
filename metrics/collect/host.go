package collect

import (
	"cmp"
	"context"
	"errors"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	gopsutil "github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"
	"github.com/shirou/gopsutil/v4/sensors"

	"liveboard/metrics"
)

func init() {
	register("host", kind{
		interval: time.Second,
		open: func(cfg metrics.CollectorConfig, deps Deps) Collector {
			return &host{notes: newNotes(deps.Log, cfg.Name)}
		},
	})
}

// host reads this machine by gopsutil: Linux, macOS and Windows.
//
//	host_cpu_seconds_total{cpu,mode}                      counter; mode user, nice, system, idle, iowait, irq, softirq, steal
//	host_cpu_busy_ratio                                   0 to 1 of all cores since the run before; idle and iowait are not busy
//	host_cpu_core_busy_ratio{cpu}                         0 to 1 of one core
//	host_load1 host_load5 host_load15                     load averages
//	host_memory_{total,used,available,free,cached,buffers}_bytes
//	host_swap_{total,used,free}_bytes
//	host_filesystem_{size,used,free}_bytes{mountpoint,device,fstype}   free is what users without privilege may fill
//	host_disk_{read,written}_bytes_total{device}          counter
//	host_disk_{reads,writes}_completed_total{device}      counter
//	host_disk_io_seconds_total{device}                    counter; time with I/O under way
//	host_network_{receive,transmit}_{bytes,packets,errors}_total{device}   counter
//	host_uptime_seconds
//	host_boot_time_seconds                                Unix time
//	host_temperature_celsius{sensor}                      where the machine shows any
//	host_info{hostname,os,platform,kernel}                always 1
type host struct {
	notes *notes
	cpus  map[string]cpu.TimesStat // of the run before
	info  []metrics.Label          // nil until known
	boot  float64
}

// hostParts are read one after the other. One that fails, as sensors do in a container,
// leaves the others alone.
var hostParts = []struct {
	name string
	read func(*host, context.Context, *harvest) error
}{
	{"cpu", (*host).readCPU},
	{"load", (*host).readLoad},
	{"memory", (*host).readMemory},
	{"swap", (*host).readSwap},
	{"filesystem", (*host).readFilesystems},
	{"disk", (*host).readDisks},
	{"network", (*host).readNetwork},
	{"uptime", (*host).readUptime},
	{"temperature", (*host).readTemperatures},
	{"info", (*host).readInfo},
}

func (m *host) Collect(ctx context.Context, now time.Time) ([]metrics.Sample, error) {
	h := &harvest{at: now.UnixMilli()}
	var errs []error
	for _, part := range hostParts {
		err := part.read(m, ctx, h)
		m.notes.note(part.name, err)
		errs = append(errs, err)
	}
	if len(h.samples) == 0 {
		return nil, errors.Join(errs...)
	}
	return h.samples, h.err
}

func (m *host) readCPU(ctx context.Context, h *harvest) error {
	list, err := cpu.TimesWithContext(ctx, true)
	if err != nil {
		return err
	}
	cpus := make(map[string]cpu.TimesStat, len(list))
	var busy, total float64
	for _, t := range list {
		name := label("cpu", strings.TrimPrefix(t.CPU, "cpu"))
		addModes(h, name, t)
		cpus[t.CPU] = t
		if before, known := m.cpus[t.CPU]; known {
			b, all := since(before, t)
			h.add("host_cpu_core_busy_ratio", b/all, name)
			busy, total = busy+b, total+all
		}
	}
	h.add("host_cpu_busy_ratio", busy/total) // 0/0 is no sample
	m.cpus = cpus
	return nil
}

// addModes leaves out guest time, which Linux counts as user time as well.
func addModes(h *harvest, name metrics.Label, t cpu.TimesStat) {
	for _, m := range []struct {
		mode    string
		seconds float64
	}{
		{"user", t.User}, {"nice", t.Nice}, {"system", t.System}, {"idle", t.Idle},
		{"iowait", t.Iowait}, {"irq", t.Irq}, {"softirq", t.Softirq}, {"steal", t.Steal},
	} {
		h.add("host_cpu_seconds_total", m.seconds, name, metrics.Label{Name: "mode", Value: m.mode})
	}
}

// since returns the seconds that a core was busy, and all of them, between two readings.
func since(a, b cpu.TimesStat) (busy, total float64) {
	work := func(t cpu.TimesStat) float64 { return t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal }
	rest := func(t cpu.TimesStat) float64 { return t.Idle + t.Iowait }
	// Linux lets iowait fall back now and then: no time passes backwards.
	busy = max(0, work(b)-work(a))
	return busy, busy + max(0, rest(b)-rest(a))
}

func (m *host) readLoad(ctx context.Context, h *harvest) error {
	avg, err := load.AvgWithContext(ctx)
	if err != nil {
		return err
	}
	h.add("host_load1", avg.Load1)
	h.add("host_load5", avg.Load5)
	h.add("host_load15", avg.Load15)
	return nil
}

func (m *host) readMemory(ctx context.Context, h *harvest) error {
	v, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return err
	}
	h.add("host_memory_total_bytes", float64(v.Total))
	h.add("host_memory_used_bytes", float64(v.Used))
	h.add("host_memory_available_bytes", float64(v.Available))
	h.add("host_memory_free_bytes", float64(v.Free))
	h.add("host_memory_cached_bytes", float64(v.Cached))
	h.add("host_memory_buffers_bytes", float64(v.Buffers))
	return nil
}

func (m *host) readSwap(ctx context.Context, h *harvest) error {
	s, err := mem.SwapMemoryWithContext(ctx)
	if err != nil {
		return err
	}
	h.add("host_swap_total_bytes", float64(s.Total))
	h.add("host_swap_used_bytes", float64(s.Used))
	h.add("host_swap_free_bytes", float64(s.Free))
	return nil
}

func (m *host) readFilesystems(ctx context.Context, h *harvest) error {
	mounts, err := mounts(ctx)
	if err != nil {
		return err
	}
	for _, mount := range realFilesystems(mounts) {
		u, err := disk.UsageWithContext(ctx, mount.Mountpoint)
		if err != nil || u.Total == 0 {
			continue // an empty drive, or one that has just been taken out
		}
		labels := []metrics.Label{label("mountpoint", mount.Mountpoint), label("device", mount.Device), label("fstype", mount.Fstype)}
		h.add("host_filesystem_size_bytes", float64(u.Total), labels...)
		h.add("host_filesystem_used_bytes", float64(u.Used), labels...)
		h.add("host_filesystem_free_bytes", float64(u.Free), labels...)
	}
	return nil
}

// mounts returns the directories on which filesystems with a device are mounted, and /
// in any case: in a container that is an overlay without one.
func mounts(ctx context.Context) ([]disk.PartitionStat, error) {
	isRoot := func(p disk.PartitionStat) bool { return p.Mountpoint == "/" }
	list, err := disk.PartitionsWithContext(ctx, false)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(list, isRoot) {
		all, err := disk.PartitionsWithContext(ctx, true)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(all, isRoot); i >= 0 {
			list = append(list, all[i])
		}
	}
	// A container gets single files such as /etc/hosts by mounts of their own.
	return slices.DeleteFunc(list, func(p disk.PartitionStat) bool {
		info, err := os.Stat(p.Mountpoint)
		return err != nil || !info.IsDir()
	}), nil
}

// realFilesystems leaves out images, which are full by nature, and all but the shortest
// mount point of a device.
func realFilesystems(mounts []disk.PartitionStat) []disk.PartitionStat {
	slices.SortFunc(mounts, func(a, b disk.PartitionStat) int {
		return cmp.Or(len(a.Mountpoint)-len(b.Mountpoint), cmp.Compare(a.Mountpoint, b.Mountpoint))
	})
	seen := map[string]bool{}
	return slices.DeleteFunc(mounts, func(p disk.PartitionStat) bool {
		image := slices.Contains([]string{"squashfs", "iso9660", "udf", "cramfs", "erofs"}, strings.ToLower(p.Fstype))
		if image && p.Mountpoint != "/" || seen[p.Device] {
			return true
		}
		seen[p.Device] = true
		return false
	})
}

// minorDisk tells memory, loops, optical drives and the partitions of a disk that counts itself.
var minorDisk = regexp.MustCompile(`^(z?ram|loop|fd|sr)\d+$|^([hsv]|xv)d[a-z]+\d+$|^(nvme\d+n|mmcblk)\d+p\d+$`)

func (m *host) readDisks(ctx context.Context, h *harvest) error {
	all, err := disk.IOCountersWithContext(ctx)
	if err != nil {
		return err
	}
	for name, c := range significant(all, minorDisk.MatchString) {
		device := label("device", name)
		h.add("host_disk_read_bytes_total", float64(c.ReadBytes), device)
		h.add("host_disk_written_bytes_total", float64(c.WriteBytes), device)
		h.add("host_disk_reads_completed_total", float64(c.ReadCount), device)
		h.add("host_disk_writes_completed_total", float64(c.WriteCount), device)
		h.add("host_disk_io_seconds_total", float64(c.IoTime)/1000, device)
	}
	return nil
}

func (m *host) readNetwork(ctx context.Context, h *harvest) error {
	list, err := net.IOCountersWithContext(ctx, true)
	if err != nil {
		return err
	}
	all := make(map[string]net.IOCountersStat, len(list))
	for _, c := range list {
		all[c.Name] = c
	}
	for name, c := range significant(all, loopback) {
		device := label("device", name)
		h.add("host_network_receive_bytes_total", float64(c.BytesRecv), device)
		h.add("host_network_transmit_bytes_total", float64(c.BytesSent), device)
		h.add("host_network_receive_packets_total", float64(c.PacketsRecv), device)
		h.add("host_network_transmit_packets_total", float64(c.PacketsSent), device)
		h.add("host_network_receive_errors_total", float64(c.Errin), device)
		h.add("host_network_transmit_errors_total", float64(c.Errout), device)
	}
	return nil
}

func loopback(device string) bool {
	return device == "lo" || device == "lo0" || strings.HasPrefix(device, "Loopback")
}

// significant leaves out the devices whose name is minor, unless there are no others.
func significant[T any](all map[string]T, minor func(string) bool) map[string]T {
	major := make(map[string]T, len(all))
	for name, t := range all {
		if !minor(name) {
			major[name] = t
		}
	}
	if len(major) == 0 {
		return all
	}
	return major
}

func (m *host) readUptime(ctx context.Context, h *harvest) error {
	seconds, err := gopsutil.UptimeWithContext(ctx)
	if err != nil {
		return err
	}
	h.add("host_uptime_seconds", float64(seconds))
	return nil
}

func (m *host) readTemperatures(ctx context.Context, h *harvest) error {
	list, err := sensors.TemperaturesWithContext(ctx)
	for _, t := range list {
		h.add("host_temperature_celsius", t.Temperature, label("sensor", t.SensorKey))
	}
	if len(list) > 0 {
		return nil // a single sensor that cannot be read is asleep
	}
	return err
}

// readInfo asks once for what does not change while we run.
func (m *host) readInfo(ctx context.Context, h *harvest) error {
	if m.info == nil {
		if err := m.identify(ctx); err != nil {
			return err
		}
	}
	h.add("host_info", 1, m.info...)
	h.add("host_boot_time_seconds", m.boot)
	return nil
}

func (m *host) identify(ctx context.Context) error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	platform, _, version, err := gopsutil.PlatformInformationWithContext(ctx)
	if err != nil {
		return err
	}
	kernel, err := gopsutil.KernelVersionWithContext(ctx)
	if err != nil {
		return err
	}
	boot, err := gopsutil.BootTimeWithContext(ctx)
	if err != nil {
		return err
	}
	m.boot = float64(boot)
	m.info = []metrics.Label{
		label("hostname", name), label("os", runtime.GOOS),
		label("platform", strings.TrimSpace(platform+" "+version)), label("kernel", kernel),
	}
	return nil
}

// label makes a label of what the machine calls one of its parts.
func label(name, text string) metrics.Label {
	return metrics.Label{Name: name, Value: printable(text)}
}
