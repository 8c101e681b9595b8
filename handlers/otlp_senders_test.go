package handlers

import (
	"maps"
	"os"
	"os/exec"
	"testing"
)

// OpenTelemetry's own SDK sends three times; its first request is told 503.
func TestRealSendersOfOTLP(t *testing.T) {
	modules := os.Getenv("LIVEBOARD_OTEL_MODULES")
	if modules == "" {
		t.Fatal("LIVEBOARD_OTEL_MODULES is not set: .ci/test installs the senders and sets it")
	}
	for _, encoding := range []string{"http", "proto"} { // http is JSON
		for _, temporality := range []string{"delta", "cumulative"} {
			t.Run(encoding+" "+temporality, func(t *testing.T) {
				w := newWorld(t, nil)
				f := newFront(t, w.URL)
				f.once.Store(true)
				out, err := exec.CommandContext(t.Context(), "node", "testdata/otel/send.js", modules, encoding, f.URL+"/v1/metrics", temporality).CombinedOutput()
				if err != nil || f.refused.Load() != 1 {
					t.Fatalf("%v, %d refused: %s", err, f.refused.Load(), out)
				}
				got := stored(w.store, `{__name__=~".+",__name__!="wait_seconds_bucket"}`)
				want := map[string]float64{
					`shop_orders_total{instance="1",job="shop"}`:                         6,
					`wait_seconds_sum{instance="1",job="shop"}`:                          1.5,
					`wait_seconds_count{instance="1",job="shop"}`:                        3,
					`room_temperature_celsius{instance="1",job="shop",room_name="hall"}`: 21.5,
					`target_info{host_name="web",instance="1",job="shop"}`:               1,
				}
				if !maps.Equal(got, want) {
					t.Errorf("got %v, want %v: %s", got, want, out)
				}
			})
		}
	}
}
