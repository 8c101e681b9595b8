package handlers

import (
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"liveboard/metrics"
)

const collectdConfig = `
Hostname "web-1.example"
FQDNLookup false
Interval 1
BaseDir "FOLDER"
LoadPlugin cpu
LoadPlugin interface
LoadPlugin load
LoadPlugin memory
LoadPlugin write_graphite
LoadPlugin write_http
LoadPlugin write_influxdb_udp
LoadPlugin write_prometheus
<Plugin write_graphite>
  <Node "liveboard">
    Host "GRAPHITE_HOST"
    Port "GRAPHITE_PORT"
    UseTags true
  </Node>
</Plugin>
<Plugin write_http>
  <Node "liveboard">
    URL "TARGET/collectd"
    Format "JSON"
  </Node>
</Plugin>
<Plugin write_influxdb_udp>
  Server "INFLUX_HOST" "INFLUX_PORT"
</Plugin>
<Plugin write_prometheus>
  Host "127.0.0.1"
  Port "PROMETHEUS_PORT"
</Plugin>
`

// Three of its plugins write to us what it measures; a fourth tells what the third's would be called by collectd.
func TestCollectdBringsWhatItMeasures(t *testing.T) {
	t.Parallel()
	p := start(t, allSockets...)
	folder := t.TempDir()
	config := filepath.Join(folder, "collectd.conf")
	graphiteHost, graphitePort, _ := net.SplitHostPort(p.taking("graphite"))
	influxHost, influxPort, _ := net.SplitHostPort(p.taking("influx"))
	prometheus := freeAddress(t)
	_, prometheusPort, _ := net.SplitHostPort(prometheus)
	words := strings.NewReplacer("FOLDER", folder, "TARGET", p.URL, "GRAPHITE_HOST", graphiteHost, "GRAPHITE_PORT", graphitePort,
		"INFLUX_HOST", influxHost, "INFLUX_PORT", influxPort, "PROMETHEUS_PORT", prometheusPort)
	if err := os.WriteFile(config, []byte(words.Replace(collectdConfig)), 0o600); err != nil {
		t.Fatal(err)
	}
	log := new(strings.Builder)
	collectd := exec.Command(programPath(t, "collectd"), "-f", "-C", config)
	collectd.Stderr = log
	if err := collectd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = collectd.Process.Kill() }()
	for _, format := range []string{"graphite", "influx", "collectd"} {
		eventually(t, "what collectd sends as "+format+" is stored", func() bool { return p.metric(`liveboard_ingest_samples_total{format="`+format+`"}`) > 0 })
	}
	for _, name := range []string{"cpu_total", "interface_if_octets_rx_total", "load_midterm", "memory"} {
		eventually(t, "all that the plugin knows has come: it comes for a second time", func() bool {
			return len(p.values("count_over_time(collectd_"+name+"[1m]) > 1")) > 0
		})
	}
	named := namesOf(t, "http://"+prometheus)
	if err := collectd.Process.Signal(syscall.SIGTERM); err != nil { // upon which it sends what it has
		t.Fatal(err)
	}
	if err := collectd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, log)
	}
	if code := p.stop(); code != 0 {
		t.Fatalf("it ended with %d:\n%s", code, p.logged())
	}

	store := openStore(t, filepath.Join(p.cmd.Dir, "data", "liveboard.db"))
	defer store.Close()
	got := slices.Sorted(maps.Keys(stored(store, `{__name__=~"collectd_.+"}`)))
	if len(named) < 20 || !slices.Equal(got, named) {
		t.Errorf("write_http brings\n%s\nwant what write_prometheus tells\n%s", strings.Join(got, "\n"), strings.Join(named, "\n"))
	}
	for expr, want := range map[string]float64{
		`count({host="web-1.example",plugin="load"})`:                        3, // write_graphite
		`count({__name__=~"load_.+",host="web-1.example",plugin=""})`:        3, // write_influxdb_udp
		`count(collectd_load_midterm{instance="web-1.example"})`:             1,
		`count(collectd_memory{instance="web-1.example",memory="used"} > 0)`: 1,
	} {
		if got := stored(store, expr)[""]; got != want {
			t.Errorf("%s is %v, want %v: %s", expr, got, want, log)
		}
	}
	if strings.Contains(p.logged(), "lines were dropped") || strings.Contains(log.String(), "HTTP") {
		t.Errorf("something was refused:\n%s\n%s", p.logged(), log)
	}
}

// namesOf returns which series a target has of collectd.
func namesOf(t *testing.T, target string) (names []string) {
	t.Helper()
	for line := range strings.Lines(get200(t, target+"/metrics").body) {
		if !strings.HasPrefix(line, "collectd_") {
			continue
		}
		series, _, err := metrics.ParseSeries(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		names = append(names, fmt.Sprint(series))
	}
	slices.Sort(names)
	return names
}
