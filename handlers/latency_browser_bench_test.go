package handlers

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"liveboard/metrics"
)

// watching stamps, in the page, the moment at which the probe's score has come to be shown and the frame with it was
// drawn, in Unix milliseconds by the clock that the benchmark has too.
const watching = `
	window.seen = {}
	new MutationObserver(() => {
		for (const [, probe] of document.body.textContent.matchAll(/probe-(\d+)/g)) {
			if (probe in seen) continue
			seen[probe] = 0
			requestAnimationFrame(() => setTimeout(() => { seen[probe] = performance.timeOrigin + performance.now() }))
		}
	}).observe(document.body, { subtree: true, childList: true, characterData: true })`

// BenchmarkLatencyToPixels measures the time from the sending of a score by HTTP to the frame of a Chromium that shows it,
// while 1,000 other screens stream the same leaderboard, and 1,000 other scores a second come in or none. All of them
// share the machine.
func BenchmarkLatencyToPixels(b *testing.B) {
	b.Run("alone", func(b *testing.B) { benchmarkPixels(b, 0) })
	b.Run("crowd", func(b *testing.B) { benchmarkPixels(b, crowd) })
}

func benchmarkPixels(b *testing.B, crowd int) {
	board := &metrics.Board{Leaderboards: []metrics.Leaderboard{leaderboard("arcade", nil)}}
	w := pacedWorld(b, screensGap, func(c *Config) { c.Streams = StreamLimits{} }, board, filepath.Join(b.TempDir(), "x.db"))
	ctx, cancel := context.WithCancel(b.Context())
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	for range screens {
		conn := openScreen(b, w)
		work.Go(func() { _, _ = io.Copy(io.Discard, conn) })
		context.AfterFunc(ctx, func() { _ = conn.Close() })
	}
	p := openTab(b, w.URL+"/b/arcade")
	p.do(chromedp.Evaluate[chromedp.Void](watching))
	for i := range crowd {
		work.Go(func() { w.submitFrom(ctx, i) })
	}
	var latencies []float64
	for i := 0; b.Loop(); i++ {
		time.Sleep(rand.N(screensGap)) // real scores come at any time between two moves
		sent := time.Now()
		w.submitProbe(i)
		p.wait(backWithin, fmt.Sprintf("seen[%d] > 0", i))
		latencies = append(latencies, eval[float64](p, fmt.Sprintf("seen[%d]", i))-float64(sent.UnixMicro())/1000)
	}
	slices.Sort(latencies)
	b.ReportMetric(latencies[len(latencies)/2], "p50-ms")
	b.ReportMetric(latencies[len(latencies)*99/100], "p99-ms")
	b.ReportMetric(latencies[len(latencies)-1], "max-ms")
}
