//go:build linux

package fan

import (
	"fmt"
	"testing"
)

// BenchmarkTick is a tick of a small page that is written to all of a loop's streams, by both senders: the allocations
// are the print's, however many look.
func BenchmarkTick(b *testing.B) {
	for _, noRing := range []bool{false, true} {
		for _, viewers := range []int{1, 100, 1000} {
			b.Run(fmt.Sprintf("ring=%v/viewers=%d", !noRing, viewers), func(b *testing.B) {
				r := newRoom(b, noRing)
				r.seat(b, viewers)
				b.ReportAllocs()
				for b.Loop() {
					r.tick()
					r.read(viewers)
				}
			})
		}
	}
}
