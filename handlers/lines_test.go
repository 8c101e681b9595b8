package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// allSockets have the program take every protocol of lines, at free ports.
var allSockets = []string{"--statsd-listen=127.0.0.1:0", "--graphite-listen=127.0.0.1:0", "--influx-udp-listen=127.0.0.1:0"}

// taking returns the address where the process takes the lines of a protocol, or "".
func (p *process) taking(protocol string) string {
	for text := range strings.Lines(p.logged()) {
		var line struct{ Msg, Protocol, Address string }
		if json.Unmarshal([]byte(text), &line) == nil && line.Msg == "taking lines" && line.Protocol == protocol {
			return line.Address
		}
	}
	return ""
}

// dial connects to where the process takes the lines of a protocol.
func (p *process) dial(network, protocol string) net.Conn {
	p.t.Helper()
	c, err := net.Dial(network, p.taking(protocol))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	return c
}

// send sends lines, over UDP as one datagram.
func send(t testing.TB, c net.Conn, lines string) {
	t.Helper()
	if _, err := io.WriteString(c, lines); err != nil {
		t.Fatal(err)
	}
}

// metric returns one of the numbers that the process tells of itself, 0 where it does not.
func (p *process) metric(name string) float64 {
	p.t.Helper()
	for line := range strings.Lines(get200(p.t, p.URL+"/metrics").body) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				p.t.Fatal(err)
			}
			return number
		}
	}
	return 0
}

// counts waits until the process has counted as many.
func (p *process) counts(name string, want float64) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%s is %v, and not %v", name, want, p.metric(name)), func() bool { return p.metric(name) == want })
}

// holds stops the process, and holds what its database has of a metric to what is wanted.
func (p *process) holds(expr string, want map[string]float64) {
	p.t.Helper()
	if code := p.stop(); code != 0 {
		p.t.Fatalf("it ended with %d:\n%s", code, p.logged())
	}
	store := openStore(p.t, filepath.Join(p.cmd.Dir, "data", "liveboard.db"))
	defer store.Close()
	if got := stored(store, expr); !maps.Equal(got, want) {
		p.t.Errorf("got %v, want %v", got, want)
	}
}

// A stop stores what was read: the next flush of StatsD's would be in an hour.
func TestLinesOverSocketsAreStored(t *testing.T) {
	t.Parallel()
	p := start(t, append(allSockets, "--statsd-flush=1h")...)
	for _, network := range []string{"udp", "tcp"} {
		send(t, p.dial(network, "statsd"), "sock.orders:1|c|#by:"+network+"\nsock.orders_both:2|c\n_e{1,1}:a|b\n")
		send(t, p.dial(network, "graphite"), fmt.Sprintf("sock.load.%s;rack=2 0.5 %d\nsock.unknown nan\n", network, time.Now().Unix()))
	}
	send(t, p.dial("udp", "influx"), "sock,host=a load=0.5,up=true,text=\"x\"")
	p.counts(`liveboard_ingest_samples_total{format="graphite"}`, 2)
	p.counts(`liveboard_ingest_samples_total{format="influx"}`, 2)
	for _, protocol := range []string{"statsd", "graphite"} { // the events and the unknowns came behind everything else
		p.counts(`liveboard_ingest_skipped_total{format="`+protocol+`"}`, 2)
	}
	p.holds(`{__name__=~"sock_.+"}`, map[string]float64{
		`sock_orders_total{by="udp"}`: 1, `sock_orders_total{by="tcp"}`: 1, "sock_orders_both_total": 4,
		`sock_load_udp{rack="2"}`: 0.5, `sock_load_tcp{rack="2"}`: 0.5,
		`sock_load{host="a"}`: 0.5, `sock_up{host="a"}`: 1,
	})
}

func TestSocketsAreOffAndKeptFromOthersUnlessThatIsMeant(t *testing.T) {
	t.Parallel()
	p := start(t)
	if p.taking("statsd")+p.taking("graphite")+p.taking("influx") != "" {
		t.Errorf("lines are taken without a flag:\n%s", p.logged())
	}
	free := "--listen=127.0.0.1:0"
	for _, flag := range []string{"--statsd-listen", "--graphite-listen", "--influx-udp-listen"} {
		wantRefusal(t, 1, flag+" 0.0.0.0:0 can be reached from other machines, and its protocol has no tokens", "serve", free, flag+"=0.0.0.0:0")
		wantRefusal(t, 1, flag+" :0 can be reached from other machines", "serve", free, flag+"=:0")
		wantRefusal(t, 1, flag+" nonsense", "serve", free, flag+"=nonsense")
	}
	wantRefusal(t, 1, "--statsd-flush must be at least 100ms", "serve", free, "--statsd-flush=10ms")
	wantRefusal(t, 1, strings.TrimPrefix(p.URL, "http://")+" is in use by another program", "serve", free, "--graphite-listen="+strings.TrimPrefix(p.URL, "http://"))
	open := start(t, "--insecure-open", "--statsd-listen=:0")
	if open.taking("statsd") == "" {
		t.Errorf("with --insecure-open no lines are taken:\n%s", open.logged())
	}
}

func TestWhatAreNoLinesIsCountedAndForgotten(t *testing.T) {
	t.Parallel()
	p := start(t, append(allSockets, "--statsd-flush=100ms")...)
	junk := make([]byte, 60_000)
	for i := range junk {
		junk[i] = byte(rand.Uint32())
	}
	for _, protocol := range []string{"statsd", "graphite", "influx"} {
		c := p.dial("udp", protocol)
		for size := range 200 {
			send(t, c, string(junk[:1+size]))
		}
		send(t, c, string(junk))
		send(t, c, "")
	}
	for _, protocol := range []string{"statsd", "graphite"} {
		c := p.dial("tcp", protocol)
		send(t, c, string(junk)+"\n"+strings.Repeat("long", 10_000)+"\nunfinished")
		c.Close()
		p.counts(`liveboard_ingest_dropped_total{format="`+protocol+`",why="long"}`, 1)
		p.counts(`liveboard_ingest_dropped_total{format="`+protocol+`",why="unfinished"}`, 1)
	}
	send(t, p.dial("udp", "statsd"), "good:1|g")
	send(t, p.dial("tcp", "graphite"), "good.two 2\n")
	send(t, p.dial("udp", "influx"), "good three=3")
	eventually(t, "good lines are stored", func() bool {
		return p.metric(`liveboard_ingest_samples_total{format="graphite"}`) >= 1 && p.metric(`liveboard_ingest_samples_total{format="influx"}`) >= 1 &&
			p.metric(`liveboard_ingest_samples_total{format="statsd"}`) >= 1
	})
	for _, protocol := range []string{"statsd", "graphite", "influx"} {
		if n := p.metric(`liveboard_ingest_dropped_total{format="` + protocol + `",why="malformed"}`); n < 100 {
			t.Errorf("%s: %v malformed lines are counted, want hundreds", protocol, n)
		}
		if n := strings.Count(p.logged(), `"msg":"lines were dropped","protocol":"`+protocol); n < 1 || n > 2 {
			t.Errorf("%s: %d lines in the log are about lines, want one in a minute", protocol, n)
		}
	}
	p.holds(`{__name__=~"good.*"}`, map[string]float64{"good": 1, "good_two": 2, "good_three": 3})
}

func TestConnectionsOfLinesAreBounded(t *testing.T) {
	t.Parallel()
	const most = 256
	p := start(t, allSockets...)
	var open []net.Conn
	for range most {
		open = append(open, p.dial("tcp", "graphite"))
	}
	extra := p.dial("tcp", "graphite")
	if _, err := extra.Read(make([]byte, 1)); err == nil {
		t.Error("one connection more was answered")
	}
	p.counts(`liveboard_ingest_dropped_total{format="graphite",why="connection"}`, 1)
	for _, c := range open {
		send(t, c, "load 1\n")
	}
	p.counts(`liveboard_ingest_samples_total{format="graphite"}`, most)
	for _, c := range open {
		c.Close()
	}
	eventually(t, "there is room for new connections", func() bool {
		send(t, p.dial("tcp", "graphite"), "load 1\n")
		return p.metric(`liveboard_ingest_samples_total{format="graphite"}`) > most
	})
}

// More comes than can be recorded at once: those who send over TCP are made to wait, and nothing is lost.
func TestPagesOfBrowsersBringNoLines(t *testing.T) {
	t.Parallel()
	p := start(t, allSockets...)
	for _, protocol := range []string{"graphite", "statsd"} {
		for _, path := range []string{"/", "/" + strings.Repeat("x", 9<<10)} { // the second is a line that is too long
			c := p.dial("tcp", protocol)
			send(t, c, "POST "+path+" HTTP/1.1\r\nHost: "+p.taking(protocol)+"\r\nOrigin: http://evil.example\r\nContent-Type: text/plain\r\n\r\nevil 1\nevil:1|g\n")
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err := io.ReadAll(c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: the connection is open still", protocol)
			}
		}
		p.counts(`liveboard_ingest_dropped_total{format="`+protocol+`",why="http"}`, 2)
	}
	p.holds("evil", map[string]float64{})
}

func TestFloodsOverTCPAreStoredWhole(t *testing.T) {
	t.Parallel()
	p := start(t, allSockets...)
	const clients, each = 8, 25_000
	var lines strings.Builder
	now := time.Now().Unix()
	for i := range each {
		fmt.Fprintf(&lines, "flood.n%d %d %d\n", i%100, i, now)
	}
	var sending sync.WaitGroup
	for range clients {
		c := p.dial("tcp", "graphite")
		sending.Go(func() {
			if _, err := io.WriteString(c, lines.String()); err != nil {
				t.Error(err)
			}
		})
	}
	sending.Wait()
	p.counts(`liveboard_ingest_samples_total{format="graphite"}`, clients*each)
}

// python is Debian's, which has the clients.
const python = "/usr/bin/python3"

func TestClientsOfPythonBringWhatTheyShould(t *testing.T) {
	t.Parallel()
	p := start(t, append(allSockets, "--statsd-flush=1h")...)
	host, port, err := net.SplitHostPort(p.taking("statsd"))
	if err != nil {
		t.Fatal(err)
	}
	script := `
import sys, statsd, influxdb
host, statsd_port, http_port, udp_port = sys.argv[1], *map(int, sys.argv[2:])
for c in statsd.StatsClient(host, statsd_port, prefix='py'), statsd.TCPStatsClient(host, statsd_port, prefix='py'):
    c.incr('orders', 3)
    c.gauge('load', 1.5)
    c.gauge('load', 2, delta=True)
    c.set('users', 'ada')
    with c.pipeline() as p:
        p.timing('wait', 20)
        p.decr('nothing', 0)
    c.close()
c = influxdb.InfluxDBClient(host, http_port, username=None, password=None, database='py')
assert c.ping() == '1.8.10'
c.create_database('py')
assert c.get_list_database() == [{'name': 'py'}]
assert c.write_points([{'measurement': 'py_cpu', 'tags': {'host': 'a'}, 'fields': {'usage': 0.5, 'n': 3, 'text': 'x', 'up': True}}], time_precision='ms')
try:
    c.write_points([{'measurement': 'py_old', 'time': 1, 'fields': {'value': 1}}, {'measurement': 'py_new', 'fields': {'value': 1}}])
    raise SystemExit('the old point was taken')
except influxdb.exceptions.InfluxDBClientError as e:
    assert e.code == 400 and 'partial write: ' in str(e) and 'dropped=1' in str(e), e
influxdb.InfluxDBClient(host, use_udp=True, udp_port=udp_port).write_points([{'measurement': 'py_udp', 'fields': {'value': 1}}])
`
	_, httpPort, _ := net.SplitHostPort(strings.TrimPrefix(p.URL, "http://"))
	_, udpPort, _ := net.SplitHostPort(p.taking("influx"))
	if out, err := exec.Command(python, "-c", script, host, port, httpPort, udpPort).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p.counts(`liveboard_ingest_samples_total{format="influx"}`, 5)
	p.holds(`{__name__=~"py_.+",quantile!~"0.9.*"}`, map[string]float64{
		"py_orders_total": 6, "py_load": 3.5, "py_users": 1, "py_nothing_total": 0,
		"py_wait_seconds_count": 2, "py_wait_seconds_sum": 0.04, `py_wait_seconds{quantile="0.5"}`: 0.02, `py_wait_seconds{quantile="1"}`: 0.02,
		`py_cpu_usage{host="a"}`: 0.5, `py_cpu_n{host="a"}`: 3, `py_cpu_up{host="a"}`: 1, "py_new": 1, "py_udp": 1,
	})
}
