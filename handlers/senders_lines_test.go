package handlers

import (
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// nodeScript prepares a script that uses packages of npm.
func nodeScript(t *testing.T, script string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", append([]string{filepath.Join("testdata", "senders", script)}, args...)...)
	cmd.Env = append(os.Environ(), "NODE_PATH="+nodeModules(t))
	return cmd
}

func TestInfluxClientOfNodeLosesNothingAndRepeatsHarmlessly(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	f := newFront(t, s.URL)
	f.down.Store(true)
	out := new(strings.Builder)
	cmd := nodeScript(t, "influxdb-client.js", f.URL, s.token(t, "ingest"))
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its requests are refused", func() bool { return f.refused.Load() > 0 })
	f.down.Store(false)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for query, want := range map[string]string{
		`count_over_time(js_load{host="a, b"}[1m])`: "10",
		`sum_over_time(js_load{host="a, b"}[1m])`:   "50",
		`sum_over_time(js_n[1m])`:                   "45",
		`sum_over_time(js_up[1m])`:                  "10",
	} {
		if got := s.values(query); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %v, want %s: %s", query, got, want, out)
		}
	}
}

// The shell of InfluxDB 1 inserts a point, and imports others.
func TestShellOfInfluxDBWritesHere(t *testing.T) {
	t.Parallel()
	p := start(t)
	host, port, _ := net.SplitHostPort(strings.TrimPrefix(p.URL, "http://"))
	file := filepath.Join(t.TempDir(), "points")
	if err := os.WriteFile(file, []byte("# DDL\nCREATE DATABASE cli\n\n# DML\n# CONTEXT-DATABASE: cli\n\ncli,host=b load=1.5,n=3i\ncli,host=c load=2.5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-database", "cli", "-execute", `INSERT cli,host=a load=0.5,up=true,text="x"`}, {"-import", "-path", file}} {
		args = append([]string{"-host", host, "-port", port}, args...)
		if out, err := exec.CommandContext(t.Context(), "influx", args...).CombinedOutput(); err != nil || strings.Contains(string(out), "ERR") {
			t.Errorf("influx %q: %v: %s", args, err, out)
		}
	}
	p.holds(`{__name__=~"cli_.+"}`, map[string]float64{
		`cli_load{host="a"}`: 0.5, `cli_up{host="a"}`: 1, `cli_load{host="b"}`: 1.5, `cli_n{host="b"}`: 3, `cli_load{host="c"}`: 2.5})
}

func TestStatsDClientOfNodeBringsWhatItShould(t *testing.T) {
	t.Parallel()
	p := start(t, append(allSockets, "--statsd-flush=1h")...)
	host, port, _ := net.SplitHostPort(p.taking("statsd"))
	want := make(map[string]float64)
	for _, protocol := range []string{"udp", "tcp"} {
		if out, err := nodeScript(t, "hot-shots.js", host, port, protocol).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", protocol, err, out)
		}
		maps.Copy(want, map[string]float64{
			`hot_orders_total{till="4",via="` + protocol + `"}`: 4, `hot_load{via="` + protocol + `"}`: 3.5, `hot_users{via="` + protocol + `"}`: 2,
			`hot_wait_seconds_count{via="` + protocol + `"}`: 1, `hot_wait_seconds_sum{via="` + protocol + `"}`: 0.02,
			`hot_size_count{via="` + protocol + `"}`: 1, `hot_size_sum{via="` + protocol + `"}`: 7,
		})
	}
	p.counts(`liveboard_ingest_skipped_total{format="statsd"}`, 2) // the events, which came last
	p.holds(`{__name__=~"hot_.+",quantile=""}`, want)
}
