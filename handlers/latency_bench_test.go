package handlers

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"liveboard/metrics"
)

const (
	screens         = 1000
	crowd           = 10 // connections that submit scores meanwhile
	crowdEvery      = 10 * time.Millisecond
	crowdPlayers    = 5000
	screensGap      = 100 * time.Millisecond // as in the program
	probeName       = "probe-"
	mostScreenBytes = 1 << 20 // of one line of the stream
)

// BenchmarkLatency measures the time from the sending of a score by HTTP to its arrival at each of
// 1,000 screens that stream the leaderboard's first page, while 1,000 other scores a second come in.
// Server, screens and senders are one process: they all take their share of the machine.
func BenchmarkLatency(b *testing.B) {
	board := &metrics.Board{Leaderboards: []metrics.Leaderboard{leaderboard("arcade", nil)}}
	w := pacedWorld(b, screensGap, func(c *Config) { c.Streams.PerAddress = screens }, board, filepath.Join(b.TempDir(), "x.db"))
	ctx, cancel := context.WithCancel(b.Context())
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()

	p := &probes{seen: make(chan time.Duration, screens)}
	w.probe(p, 0)
	for range screens {
		conn := openScreen(b, w)
		work.Go(func() { p.watch(conn) })
		context.AfterFunc(ctx, func() { _ = conn.Close() })
	}
	p.gather(screens) // every screen shows the first probe
	for i := range crowd {
		work.Go(func() { w.submitFrom(ctx, i) })
	}

	var latencies []time.Duration
	i := 0
	for b.Loop() {
		i++
		time.Sleep(rand.N(screensGap)) // real scores come at any time between two moves
		w.probe(p, i)
		latencies = append(latencies, p.gather(screens)...)
	}
	slices.Sort(latencies)
	b.ReportMetric(milliseconds(latencies[len(latencies)/2]), "p50-ms")
	b.ReportMetric(milliseconds(latencies[len(latencies)*99/100]), "p99-ms")
	b.ReportMetric(milliseconds(latencies[len(latencies)-1]), "max-ms")
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// probes are submissions of the player who is always first, whose name tells the number of the probe.
type probes struct {
	sent sync.Map // time.Time by number
	seen chan time.Duration
}

func (w *world) probe(p *probes, number int) {
	w.t.Helper()
	p.sent.Store(number, time.Now())
	w.submitProbe(number)
}

func (w *world) submitProbe(number int) {
	w.t.Helper()
	a := w.post("/arcade/scores", fmt.Sprintf(`{"player":"probe","name":"%s%d","score":%d}`, probeName, number, 10_000_000+number))
	if a.StatusCode != http.StatusCreated {
		w.t.Fatal(a.body)
	}
}

// watch reads a screen's stream until it ends, and tells how long after its sending each probe came.
func (p *probes) watch(conn net.Conn) {
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, mostScreenBytes)
	for newest := -1; lines.Scan(); {
		_, after, found := bytes.Cut(lines.Bytes(), []byte(probeName))
		if !found {
			continue
		}
		digits := after[:len(after)-len(bytes.TrimLeft(after, "0123456789"))]
		number, err := strconv.Atoi(string(digits))
		if err != nil || number <= newest {
			continue
		}
		newest = number
		sent, _ := p.sent.Load(number)
		p.seen <- time.Since(sent.(time.Time))
	}
}

// gather waits until so many screens have seen a probe.
func (p *probes) gather(n int) []time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = <-p.seen
	}
	return all
}

func openScreen(b *testing.B, w *world) net.Conn {
	b.Helper()
	address := strings.TrimPrefix(w.URL, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET /live/b/arcade?limit=50 HTTP/1.1\r\nHost: %s\r\n\r\n", address); err != nil {
		b.Fatal(err)
	}
	return conn
}

// submitFrom submits a score of some player every so often until ctx ends.
func (w *world) submitFrom(ctx context.Context, seed int) {
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	tick := time.NewTicker(crowdEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		body := fmt.Sprintf(`{"player":"player-%d","score":%d}`, random.IntN(crowdPlayers), random.IntN(1_000_000))
		resp, err := http.Post(w.api("/arcade/scores"), jsonType, strings.NewReader(body))
		if err != nil {
			return // the world ends
		}
		_ = resp.Body.Close()
	}
}
