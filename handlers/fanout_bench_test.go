//go:build linux

package handlers

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

// fanSizes are how much BenchmarkFanout does.
type fanSizes struct {
	viewers int
	idle    []int // viewers held at once
	storms  []int // viewers dropped at once
	rounds  int
	ticks   int           // of a round
	rung    time.Duration // each rate on the way to saturation is held for so long
	rungs   int           // at most
}

// sizesOf returns small sizes for -benchtime 1x, which only shows that a benchmark works.
func sizesOf() fanSizes {
	if flag.Lookup("test.benchtime").Value.String() == "1x" {
		return fanSizes{viewers: 500, idle: []int{500}, storms: []int{500}, rounds: 1, ticks: 5, rung: time.Second / 2, rungs: 2}
	}
	return fanSizes{viewers: 10_000, idle: []int{10_000, 19_000}, storms: []int{5_000, 19_000}, rounds: 5, ticks: 25, rung: 3 * time.Second, rungs: 20}
}

const (
	fanRate    = 5.0 // ticks a second
	fanGap     = 100 * time.Millisecond
	fanNoGap   = time.Millisecond // where the benchmark sets the pace
	fanWarm    = 5                // ticks before anything is measured
	fanSlow    = 2.0              // ticks a second, the first rate on the way to saturation
	fanStep    = 1.25             // from a rate to the next
	fanFar     = 0.6              // a side that delivers less than this part of a rate cannot follow it
	fanPatient = 250.0            // milliseconds: the p99 up to which a rate counts as held
)

// BenchmarkFanout measures what viewers cost and how soon a change reaches them. The server, its clients, the
// floor and the floor's clients are a process each. The two pairs take turns, the one stopped by signal
// while the other is measured, so that the machine's moods meet both; figures are the medians of the
// rounds, and so are those called …-x-floor: what the server took for what the floor took next to it. A latency
// runs from before the request that publishes until the client has the tick, to the millisecond. CPU is the
// serving process's alone, the storing and printing of the ticks with it.
func BenchmarkFanout(b *testing.B) {
	sizes := sizesOf()
	for _, n := range sizes.idle {
		b.Run(fmt.Sprintf("idle/%d", n), func(b *testing.B) { benchmarkIdle(b, n) })
	}
	b.Run("paced/ring", func(b *testing.B) { benchmarkPaced(b, sizes, fanOrder{Gap: fanGap}) })
	b.Run("paced/write", func(b *testing.B) { benchmarkPaced(b, sizes, fanOrder{Gap: fanGap, NoRing: true}) })
	b.Run("paced/gzip", func(b *testing.B) { benchmarkPaced(b, sizes, fanOrder{Gap: fanGap, Gzip: true}) })
	b.Run("stalled", func(b *testing.B) { benchmarkStalled(b, sizes) })
	b.Run("stop", func(b *testing.B) { benchmarkStop(b, sizes) })
	b.Run("saturated", func(b *testing.B) { benchmarkSaturated(b, sizes) })
	for _, n := range sizes.storms {
		b.Run(fmt.Sprintf("storm/%d", n), func(b *testing.B) { benchmarkStorm(b, sizes, n) })
	}
}

// benchmarkIdle holds so many viewers to whom nothing happens, then sees that a tick reaches them all.
func benchmarkIdle(b *testing.B, viewers int) {
	m := newFanMatch(b, fanOrder{Gap: fanGap})
	var kib [2]float64
	for i, side := range []*fanSide{m.server, m.floor} {
		side.turn(func(s *fanSide) {
			before := s.server.ask(fanOrder{Do: "memory"}).KiB
			s.open(viewers)
			kib[i] = (s.server.ask(fanOrder{Do: "memory"}).KiB - before) / float64(viewers)
			s.round(fanRate, 1)
		})
	}
	b.ReportMetric(kib[0], "KiB/viewer")
	b.ReportMetric(kib[1], "floor-KiB/viewer")
	b.ReportMetric(0, "ns/op") // it says nothing
}

// benchmarkPaced publishes at a steady rate that leaves time to spare.
func benchmarkPaced(b *testing.B, sizes fanSizes, how fanOrder) {
	m := newFanMatch(b, how)
	m.open(sizes.viewers)
	figures := fanFigures{}
	for b.Loop() {
		for range sizes.rounds {
			s, f := m.round(fanRate, sizes.ticks)
			figures.add("deliveries", "deliveries/s", s.deliveries, f.deliveries)
			figures.add("cpu", "cpu-s/Mdeliveries", s.cpu, f.cpu)
			figures.add("p50", "p50-ms", s.p50, f.p50)
			figures.add("p99", "p99-ms", s.p99, f.p99)
			figures.add("bytes", "B/delivery", s.bytes, f.bytes)
		}
	}
	figures.report(b)
}

// benchmarkSaturated raises the rate until neither side can follow. Its figures are those of the rate with the most
// deliveries at a p99 that is still good, and the most deliveries whatever the p99.
func benchmarkSaturated(b *testing.B, sizes fanSizes) {
	m := newFanMatch(b, fanOrder{Gap: fanNoGap})
	m.open(sizes.viewers)
	figures := fanFigures{}
	for b.Loop() {
		var server, floor fanPeak
		rate := fanSlow
		for range sizes.rungs {
			ticks := max(int(rate*sizes.rung.Seconds()), 1)
			server.climb(m.server, rate, ticks, sizes.viewers)
			floor.climb(m.floor, rate, ticks, sizes.viewers)
			rate *= fanStep
		}
		figures.add("deliveries", "deliveries/s", server.held.deliveries, floor.held.deliveries)
		figures.add("cpu", "cpu-s/Mdeliveries", server.held.cpu, floor.held.cpu)
		figures.add("p99", "p99-ms", server.held.p99, floor.held.p99)
		figures.add("most", "most-deliveries/s", server.most, floor.most)
	}
	figures.report(b)
}

// benchmarkStalled lets a tenth of the viewers read nothing any more, and compares the others' latencies, and the
// server's memory, with those before.
func benchmarkStalled(b *testing.B, sizes fanSizes) {
	s := newFanSide(b, "server", fanOrder{Gap: fanGap})
	s.turn(func(s *fanSide) {
		stalled := sizes.viewers / 10
		s.open(sizes.viewers)
		s.round(fanRate, fanWarm)
		before, held := s.round(fanRate, sizes.ticks), s.server.ask(fanOrder{Do: "memory"}).KiB
		s.clients.ask(fanOrder{Do: "stall", Clients: stalled})
		s.round(fanRate, 3*sizes.ticks) // their buffers are full then
		after := s.round(fanRate, sizes.ticks)
		b.ReportMetric(after.p99/before.p99, "p99-x-before")
		b.ReportMetric((s.server.ask(fanOrder{Do: "memory"}).KiB-held)/float64(stalled), "KiB/stalled")
	})
	b.ReportMetric(0, "ns/op") // it says nothing
}

// benchmarkStop says goodbye to all viewers at once.
func benchmarkStop(b *testing.B, sizes fanSizes) {
	newFanSide(b, "server", fanOrder{Gap: fanGap}).turn(func(s *fanSide) {
		s.open(sizes.viewers)
		s.round(fanRate, fanWarm)
		b.ReportMetric(s.server.ask(fanOrder{Do: "stop"}).Seconds, "seconds")
	})
	b.ReportMetric(0, "ns/op") // it says nothing
}

// fanPeak looks for the most deliveries of a side.
type fanPeak struct {
	held fanRound // with a p99 that was good
	most float64  // whatever the p99
	over int      // rates in a row that the side could not follow
}

// climb tries a rate, unless the two before it were far too much. A p99 that is too high ends nothing: on a busy
// machine it may be good again at a higher rate.
func (p *fanPeak) climb(s *fanSide, rate float64, ticks, viewers int) {
	if p.over == 2 {
		return
	}
	s.turn(func(s *fanSide) {
		r := s.round(rate, ticks)
		p.most = max(p.most, r.deliveries)
		if r.p99 <= fanPatient && r.deliveries > p.held.deliveries {
			p.held = r
		}
		p.over++
		if r.deliveries >= fanFar*rate*float64(viewers) {
			p.over = 0
		}
	})
}

// benchmarkStorm drops all viewers at once, publishes a tick, and lets them come back with their cursors,
// each loop of the clients waiting for at most fanWaiting answers, until every one has that tick. Then one
// more tick is published. Nobody may miss one of the two, or see one twice.
func benchmarkStorm(b *testing.B, sizes fanSizes, viewers int) {
	m := newFanMatch(b, fanOrder{Gap: fanGap})
	m.open(viewers)
	figures := fanFigures{}
	for b.Loop() {
		for range sizes.rounds {
			var server, floor fanStorm
			m.server.turn(func(s *fanSide) { server = s.storm(viewers) })
			back, last := server.back, server.last
			if again := back.Repeated + last.Repeated; back.Deliveries != viewers || last.Deliveries != viewers || again > 0 {
				b.Fatalf("%d viewers saw %d ticks when they were back, then %d, and %d again", viewers, back.Deliveries, last.Deliveries, again)
			}
			m.floor.turn(func(s *fanSide) {
				s.server.ask(fanOrder{Do: "size", First: back.Bytes / viewers, Bytes: last.Bytes / viewers})
				floor = s.storm(viewers)
			})
			figures.add("seconds", "seconds", server.seconds, floor.seconds)
			figures["peak-x-before"] = append(figures["peak-x-before"], server.peak)
			figures["prints"] = append(figures["prints"], float64(server.prints))
			figures.add("bytes", "B/viewer", float64(back.Bytes)/float64(viewers), float64(floor.back.Bytes)/float64(viewers))
		}
	}
	figures.report(b)
}
