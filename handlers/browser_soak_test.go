package handlers

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/memory"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"liveboard/metrics"
)

// soakTicks is how many ticks the soak lasts, unless LIVEBOARD_SOAK says how many, behind those in which the browser
// compiles and caches what it needs.
const (
	soakTicks = 3000
	warmTicks = 2000
)

// pageHolds is what a page holds in the browser once its garbage is gone.
type pageHolds struct{ nodes, listeners, bytes int64 }

func TestPageHoldsNoMoreAfterManyTicks(t *testing.T) {
	ticks := soakTicks
	if text := os.Getenv("LIVEBOARD_SOAK"); text != "" {
		var err error
		if ticks, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t, nil, dashboard("d", "orders", "sum(orders)", "orders * 2"))
	series := func(i int) metrics.Label { return metrics.Label{Name: "shop", Value: fmt.Sprint(i % 7)} }
	for i := range 7 {
		w.record("orders", float64(i), series(i))
	}
	p := openTab(t, w.URL+"/d/d")
	p.do(chromedp.Evaluate[chromedp.Void](`window.ticks = 0; document.addEventListener('patched', () => ticks++)`))
	value := 0
	run := func(until int) {
		for shown := 0; shown < until; shown = eval[int](p, `ticks`) {
			for range 100 {
				value++
				w.record("orders", float64(value%900), series(value))
			}
		}
		last := 950 + until%50 // no other value is as great
		w.record("orders", float64(last), series(0))
		p.wait(soon, fmt.Sprintf(`document.body.textContent.includes('%d')`, last))
	}
	run(warmTicks)
	before := p.holds()
	run(warmTicks + ticks)
	after := p.holds()
	t.Logf("before %d ticks %+v, after them %+v", ticks, before, after)
	if after.nodes != before.nodes || after.listeners != before.listeners {
		t.Errorf("the page holds %+v, and held %+v: want as many nodes and listeners", after, before)
	}
	if after.bytes > before.bytes+before.bytes/20 {
		t.Errorf("the page's heap has grown from %d to %d bytes", before.bytes, after.bytes)
	}
}

// holds collects the page's garbage and counts what is left.
func (p *tab) holds() (h pageHolds) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for range 2 {
			if _, err := cdp.Call(ctx, t, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
				return err
			}
		}
		counters, err := cdp.Call(ctx, t, memory.GetDOMCounters, cdp.Empty{})
		if err != nil {
			return err
		}
		heap, err := cdp.Call(ctx, t, runtime.GetHeapUsage, cdp.Empty{})
		h = pageHolds{counters.Nodes, counters.JsEventListeners, int64(heap.UsedSize)}
		return err
	}))
	return h
}
