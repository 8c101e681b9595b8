package handlers

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkReadWhileIngesting asks over HTTP for 15 minutes of each of 100 series, in turns 100 times while nobody writes and
// 100 times while 4 senders of remote write aim at 500,000 samples a second. Readers, senders and server are one process.
func BenchmarkReadWhileIngesting(b *testing.B) {
	w := newRoomyWorld(b)
	w.keepHour(100)
	path := w.URL + "/api/v1/query_range?" + form("query", "load", "start", fmt.Sprint(noon.Unix()+1800), "end", fmt.Sprint(noon.Unix()+2697), "step", "3")
	s := senders{post: sendTo(b, w.URL+"/api/v1/write", writtenBody)}
	for i := range benchSenders {
		s.all = append(s.all, newBench(b, i))
	}
	const every = benchSenders * benchSeries * time.Second / 500_000
	var idle, busy []time.Duration
	var sent int64
	var ingesting time.Duration
	for b.Loop() {
		idle = append(idle, readTimes(b, path)...)
		stop := make(chan struct{})
		var work sync.WaitGroup
		began := time.Now()
		work.Go(func() { sent += s.send(b, stop, every) })
		busy = append(busy, readTimes(b, path)...)
		close(stop)
		work.Wait()
		ingesting += time.Since(began)
	}
	b.ReportMetric(float64(sent*benchSeries)/ingesting.Seconds(), "samples/s")
	for name, took := range map[string][]time.Duration{"idle": idle, "ingesting": busy} {
		slices.Sort(took)
		b.ReportMetric(milliseconds(took[len(took)/2]), name+"-p50-ms")
		b.ReportMetric(milliseconds(took[len(took)*99/100]), name+"-p99-ms")
	}
}

// readTimes reads path 100 times, and returns how long that took.
func readTimes(b *testing.B, path string) (took []time.Duration) {
	for range 100 {
		began := time.Now()
		fetchAll(b, path, "identity")
		took = append(took, time.Since(began))
	}
	return took
}

// senders send together, each its own series.
type senders struct {
	all  []*bench
	post func(*bench) error
}

// send has each send a request every so often, and returns how many there were.
func (s senders) send(b *testing.B, stop <-chan struct{}, every time.Duration) int64 {
	var sent atomic.Int64
	var work sync.WaitGroup
	for _, sender := range s.all {
		work.Go(func() {
			pace := time.NewTicker(every)
			defer pace.Stop()
			for {
				select {
				case <-stop:
					return
				case <-pace.C:
				}
				sender.tick()
				if err := s.post(sender); err != nil {
					b.Error(err)
					return
				}
				sent.Add(1)
			}
		})
	}
	work.Wait()
	return sent.Load()
}
