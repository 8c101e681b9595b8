//go:build linux

package handlers

import (
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// fanMatch is the server and the floor, which take turns.
type fanMatch struct{ server, floor *fanSide }

// newFanMatch starts all processes. Both sides have a first tick, and nobody watches them.
func newFanMatch(b *testing.B, how fanOrder) *fanMatch {
	b.Helper()
	floor := how
	floor.Gzip = false
	return &fanMatch{newFanSide(b, "server", how), newFanSide(b, "floor", floor)}
}

// open connects viewers to both sides and shows them some ticks. The floor then sends as many bytes as the server.
func (m *fanMatch) open(viewers int) {
	m.server.clients.b.Helper()
	var first, tick int
	m.server.turn(func(s *fanSide) {
		s.clients.ask(fanOrder{Do: "count"})
		s.open(viewers)
		first = s.clients.ask(fanOrder{Do: "count"}).Bytes / viewers
		tick = int(s.round(fanRate, fanWarm).bytes)
	})
	m.floor.turn(func(s *fanSide) {
		s.server.ask(fanOrder{Do: "size", First: first, Bytes: tick})
		s.publish()
		s.open(viewers)
		s.round(fanRate, fanWarm)
	})
}

// round measures both sides, one after the other.
func (m *fanMatch) round(rate float64, ticks int) (server, floor fanRound) {
	m.server.turn(func(s *fanSide) { server = s.round(rate, ticks) })
	m.floor.turn(func(s *fanSide) { floor = s.round(rate, ticks) })
	return server, floor
}

// fanSide is a server, or the floor, with its clients.
type fanSide struct {
	server, clients *fanChild
	address         string
	gzip            bool
	http            *http.Client
	stamp           int64 // of the newest tick
	ticks           int
}

// newFanSide starts the process of that name, publishes a tick, and stops it until its turn comes.
func newFanSide(b *testing.B, name string, how fanOrder) *fanSide {
	b.Helper()
	s := &fanSide{server: startFanChild(b, name), clients: startFanChild(b, "clients"), gzip: how.Gzip, http: &http.Client{}}
	b.Cleanup(func() {
		s.http.CloseIdleConnections()
		s.signal(syscall.SIGCONT)
	})
	how.Do, how.Path = "serve", filepath.Join(b.TempDir(), "x.db")
	s.address = s.server.ask(how).Address
	s.publish()
	s.signal(syscall.SIGSTOP)
	return s
}

// turn lets the side run while do does.
func (s *fanSide) turn(do func(*fanSide)) {
	s.signal(syscall.SIGCONT)
	do(s)
	s.signal(syscall.SIGSTOP)
}

func (s *fanSide) signal(signal syscall.Signal) {
	s.server.signal(signal)
	s.clients.signal(signal)
}

// publish publishes a tick. Its stamp is of now, and later than the one before.
func (s *fanSide) publish() {
	s.server.b.Helper()
	s.ticks++
	s.stamp = max(s.stamp+1, time.Now().UnixMilli())
	if err := publish(s.http, s.address, s.ticks, s.stamp); err != nil {
		s.server.b.Fatal(err)
	}
}

// open connects clients until there are so many, and waits until all have the newest tick.
func (s *fanSide) open(viewers int) fanReport {
	s.server.b.Helper()
	return s.clients.ask(fanOrder{Do: "open", Address: s.address, Clients: viewers, Gzip: s.gzip, Stamp: s.stamp})
}

// fanRound is what one side did in one round.
type fanRound struct {
	deliveries float64 // a second
	cpu        float64 // seconds of the serving process for a million deliveries
	p50, p99   float64 // milliseconds
	bytes      float64 // a delivery
}

// round publishes ticks at a rate, and waits until every client has the last of them.
func (s *fanSide) round(rate float64, ticks int) fanRound {
	s.server.b.Helper()
	s.clients.ask(fanOrder{Do: "count"})
	cpu, start := s.server.ask(fanOrder{Do: "cpu"}).CPU, time.Now()
	pace := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer pace.Stop()
	for range ticks {
		<-pace.C
		s.publish()
	}
	s.clients.ask(fanOrder{Do: "await", Stamp: s.stamp})
	seconds, used := time.Since(start).Seconds(), s.server.ask(fanOrder{Do: "cpu"}).CPU-cpu
	r := s.clients.ask(fanOrder{Do: "count"})
	n := float64(r.Deliveries)
	return fanRound{deliveries: n / seconds, cpu: used / n * 1e6, p50: r.P50, p99: r.P99, bytes: float64(r.Bytes) / n}
}

// fanStorm is what happened when all viewers were dropped and came back.
type fanStorm struct {
	seconds    float64   // until each had the tick that it had missed
	peak       float64   // most memory meanwhile, for what it was before
	prints     int       // of panels meanwhile
	back, last fanReport // of that tick, and of one more after it
}

// storm drops all viewers, publishes a tick, lets them come back, and publishes one more.
func (s *fanSide) storm(viewers int) (m fanStorm) {
	s.server.b.Helper()
	s.clients.ask(fanOrder{Do: "count"})
	before := s.server.ask(fanOrder{Do: "memory"}).KiB
	s.server.ask(fanOrder{Do: "peak"})
	prints := s.server.ask(fanOrder{Do: "prints"}).Prints
	s.clients.ask(fanOrder{Do: "drop"})
	s.publish()
	m.seconds = s.open(viewers).Seconds
	m.back = s.clients.ask(fanOrder{Do: "count"})
	m.peak = s.server.ask(fanOrder{Do: "peak"}).KiB / before
	m.prints = s.server.ask(fanOrder{Do: "prints"}).Prints - prints
	s.publish()
	s.clients.ask(fanOrder{Do: "await", Stamp: s.stamp})
	m.last = s.clients.ask(fanOrder{Do: "count"})
	return m
}

// fanFigures are those of all rounds, by name.
type fanFigures map[string][]float64

// add adds a round's figure of both sides, and how many times the floor's the server's is.
func (f fanFigures) add(name, unit string, server, floor float64) {
	f[unit] = append(f[unit], server)
	f["floor-"+unit] = append(f["floor-"+unit], floor)
	if server > 0 && floor > 0 { // a side that held no rate has no figures
		f[name+"-x-floor"] = append(f[name+"-x-floor"], server/floor)
	}
}

// report reports the medians.
func (f fanFigures) report(b *testing.B) {
	b.ReportMetric(0, "ns/op") // it says nothing
	for _, unit := range slices.Sorted(maps.Keys(f)) {
		values := slices.Sorted(slices.Values(f[unit]))
		b.ReportMetric(values[len(values)/2], unit)
	}
}
