package press

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"liveboard/metrics"
	"liveboard/views/panels"
)

// BenchmarkTick is one second in the life of a dashboard with 20 panels over 15 minutes of samples a
// second: the samples come, each panel is queried and printed, the difference to the second before is
// composed and compressed once, and every viewer takes it.
func BenchmarkTick(b *testing.B) {
	for _, viewers := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("viewers=%d", viewers), func(b *testing.B) {
			m := newMachine(b)
			defer m.close()
			page := m.page(View{Surface: Desk, Dashboards: "machine"})
			joined := make([]*Viewer, viewers)
			for i := range joined {
				joined[i] = page.Join("")
				defer joined[i].Leave()
			}
			m.second(page)
			collect(b, joined)
			bytes := 0
			b.ReportAllocs()
			for b.Loop() {
				m.second(page)
				bytes += collect(b, joined)
			}
			b.ReportMetric(float64(bytes)/float64(b.N), "gz-B/op")
		})
	}
}

// collect gives every viewer what is new, and returns the size of it for one of them.
func collect(b *testing.B, viewers []*Viewer) (bytes int) {
	for _, v := range viewers {
		bytes = 0
		d, err := v.Take()
		if err != nil || len(d.Frames) == 0 {
			b.Fatalf("a viewer got %d frames, %v", len(d.Frames), err)
		}
		for _, f := range d.Frames {
			bytes += len(f.Encoded(Gzip, true))
		}
	}
	return bytes
}

// machine is a world with the metrics of a computer, whose seconds pass when it is told so.
type machine struct {
	*world
	now    time.Time
	random *rand.Rand
	series []wave
}

// wave is a series whose values wander: a counter's only up.
type wave struct {
	metrics.Sample
	counter bool
}

// newMachine returns a machine that has been running for a quarter of an hour.
func newMachine(b *testing.B) *machine {
	m := &machine{world: newWorld(b, machineDashboard()), now: time.Now().Add(-15 * time.Minute), random: rand.New(rand.NewPCG(1, 2))}
	for core := range 8 {
		m.add("core_busy_ratio", false, "core", core)
	}
	for _, mode := range []string{"user", "system", "iowait", "irq", "softirq", "steal", "nice", "idle"} {
		m.add("cpu_seconds_total", true, "mode", mode)
	}
	for i := range 40 {
		m.add("process_cpu_ratio", false, "name", fmt.Sprint("process-", i))
		m.add("process_memory_bytes", false, "name", fmt.Sprint("process-", i))
	}
	for i := range 4 {
		for _, name := range []string{"receive_bytes_total", "transmit_bytes_total", "read_bytes_total", "written_bytes_total"} {
			m.add(name, true, "device", i)
		}
		m.add("used_ratio", false, "mountpoint", i)
		m.add("up", false, "target", i)
	}
	for range 15 * 60 {
		m.pass()
	}
	return m
}

func (m *machine) add(name string, counter bool, label string, value any) {
	series, err := metrics.NewSeries(name, metrics.Label{Name: label, Value: fmt.Sprint(value)})
	if err != nil {
		m.t.Fatal(err)
	}
	m.series = append(m.series, wave{metrics.Sample{Series: series, Value: m.random.Float64()}, counter})
}

// pass lets a second pass, in which each series gets a sample.
func (m *machine) pass() {
	m.now = m.now.Add(time.Second)
	samples := make([]metrics.Sample, len(m.series))
	for i := range m.series {
		w := &m.series[i]
		w.At = m.now.UnixMilli()
		if w.counter {
			w.Value += m.random.Float64()
		} else {
			w.Value = .9*w.Value + .1*m.random.Float64()
		}
		samples[i] = w.Sample
	}
	m.seq++
	m.head.Apply(m.seq, samples)
}

// second is what a page does when a second's samples have come; see Page.tick.
func (m *machine) second(page *Page) {
	m.pass()
	sheets := make([]*sheet, len(page.screens[0].printers))
	for i, pr := range page.screens[0].printers {
		sheets[i] = pr.print(m.press.ctx, m.now)
		pr.last = sheets[i]
	}
	page.publish(0, page.shown, sheets, m.now)
}

func machineDashboard() metrics.Dashboard {
	d := metrics.Dashboard{Name: "machine", Title: "Machine", Range: 15 * time.Minute}
	for _, p := range []struct{ kind, expr string }{
		{"stat", "avg(core_busy_ratio)"},
		{"stat", "sum(process_memory_bytes)"},
		{"stat", "8 * sum(rate(receive_bytes_total[15s]) + rate(transmit_bytes_total[15s]))"},
		{"stat", "max(used_ratio)"},
		{"stat", "count(up > 0)"},
		{"stat", "sum(rate(read_bytes_total[15s]))"},
		{"timeseries", `sum by (mode) (rate(cpu_seconds_total{mode!="idle"}[15s]))`},
		{"timeseries", "core_busy_ratio"},
		{"timeseries", "sum(rate(receive_bytes_total[15s]))"},
		{"timeseries", "sum(rate(transmit_bytes_total[15s]))"},
		{"timeseries", "rate(written_bytes_total[1m])"},
		{"timeseries", "avg_over_time(used_ratio[1m])"},
		{"bars", "topk(7, process_cpu_ratio)"},
		{"bars", "topk(7, sum by (name) (process_memory_bytes))"},
		{"gauge", "used_ratio"},
		{"gauge", "avg(core_busy_ratio)"},
		{"status", "up"},
		{"table", "topk(8, process_memory_bytes)"},
		{"table", "bottomk(8, process_cpu_ratio)"},
		{"clock", ""},
	} {
		panel := metrics.Panel{Name: fmt.Sprint("p", len(d.Panels)), Title: p.expr, Kind: p.kind, Decimals: -1, Legend: true}
		switch p.kind {
		case "gauge":
			panel.Max = new(1.0)
		case "status":
			panel.Thresholds = []metrics.Threshold{{State: metrics.Crit, Text: "down"}, {From: .3, State: metrics.OK, Text: "up"}}
		}
		if p.expr != "" {
			panel.Queries = []metrics.Query{{Expr: p.expr}}
		}
		if err := panels.Check(&panel); err != nil {
			panic(err)
		}
		d.Panels = append(d.Panels, panel)
	}
	return d
}
