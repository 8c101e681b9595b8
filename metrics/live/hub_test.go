package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestHubMovesAtOnceThenOncePerGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(100 * time.Millisecond)
		defer h.Close()
		w := h.Watch("cpu")
		defer w.Close()
		ctx, cancel := context.WithCancel(t.Context())
		start, wakes := time.Now(), []time.Duration{}
		var reader sync.WaitGroup
		reader.Go(func() {
			for {
				if _, err := w.Wait(ctx); err != nil {
					return
				}
				wakes = append(wakes, time.Since(start))
			}
		})
		for range 1000 {
			h.Touch("cpu")
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		cancel()
		reader.Wait()
		if len(wakes) == 0 || wakes[0] != 0 {
			t.Fatalf("first wake came at %v, want at once", wakes)
		}
		if n := len(wakes); n < 10 || n > 12 {
			t.Errorf("1,000 touches in a second gave %d wakes, want 10 to 12", n)
		}
		if last := wakes[len(wakes)-1]; last < 999*time.Millisecond || last > 1100*time.Millisecond {
			t.Errorf("the last touch was told at %v, want within a gap of 999ms", last)
		}
	})
}

func TestHubWakesOnlyWhoWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(0)
		defer h.Close()
		cpu, both, any := h.Watch("cpu"), h.Watch("cpu", "load"), h.Watch(Any)
		h.Touch("load")
		synctest.Wait()
		for _, c := range []struct {
			name string
			w    *Watch
			want int
		}{{"cpu", cpu, 0}, {"cpu and load", both, 1}, {"any", any, 1}} {
			if got := len(c.w.moved); got != c.want {
				t.Errorf("the watch of %s has %d wakes, want %d", c.name, got, c.want)
			}
			c.w.Close()
		}
		if len(h.watches) != 0 {
			t.Errorf("%d topics are still watched after every Close", len(h.watches))
		}
	})
}

func TestHubRevisions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(time.Second)
		defer h.Close()
		h.Touch("a")
		h.Touch("b") // inside the gap: not yet
		if got := h.Newest("a", "b"); got != 1 {
			t.Errorf("Newest inside the gap = %d, want 1", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if a, b, rev := h.Newest("a"), h.Newest("b"), h.Rev(); a != 1 || b != 2 || rev != 2 {
			t.Errorf("a, b, newest = %d, %d, %d, want 1, 2, 2", a, b, rev)
		}
		if got := h.Newest("never"); got != 0 {
			t.Errorf("Newest of an untouched topic = %d, want 0", got)
		}
	})
}

func TestWatchTellsWhenTheFirstTouchCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(100 * time.Millisecond)
		defer h.Close()
		w := h.Watch("cpu")
		start := time.Now()
		h.Touch("other")
		time.Sleep(40 * time.Millisecond)
		h.Touch("cpu")
		time.Sleep(time.Second)
		since, err := w.Wait(t.Context())
		if err != nil || since.Sub(start) != 40*time.Millisecond {
			t.Errorf("Wait = %v after the start, %v, want 40ms", since.Sub(start), err)
		}
	})
}

func TestWaitEnds(t *testing.T) {
	h := New(0)
	w := h.Watch("cpu")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait with an ended context = %v", err)
	}
	h.Close()
	h.Close()
	for _, w := range []*Watch{w, h.Watch("cpu")} {
		if _, err := w.Wait(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("Wait on a closed hub = %v, want ErrClosed", err)
		}
		w.Close()
	}
	h.Touch("cpu")
	if rev := h.Rev(); rev != 0 {
		t.Errorf("a closed hub moved to %d", rev)
	}
}

func TestHubUnderRace(t *testing.T) {
	h := New(time.Microsecond)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 500 {
				h.Touch(fmt.Sprint(i % 3))
			}
		})
		all.Go(func() {
			w := h.Watch("0", "1")
			defer w.Close()
			for {
				if _, err := w.Wait(t.Context()); err != nil {
					return
				}
				if h.Newest("0", "1") == 0 {
					t.Error("woken before a topic moved")
				}
			}
		})
	}
	all.Go(func() {
		for h.Rev() < 100 {
			h.Touch("0")
		}
		h.Close()
	})
	all.Wait()
}

func BenchmarkTouch(b *testing.B) {
	for _, watches := range []int{0, 100} {
		b.Run(fmt.Sprintf("watches=%d", watches), func(b *testing.B) {
			h := New(0)
			defer h.Close()
			for range watches {
				defer h.Watch("cpu", "load").Close()
			}
			for b.Loop() {
				h.Touch("cpu", "load")
			}
		})
	}
}
