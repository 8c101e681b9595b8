//go:build linux

package fan

import (
	"context"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"liveboard/metrics"
	"liveboard/metrics/head"
	"liveboard/metrics/live"
	"liveboard/metrics/query"
	"liveboard/views/panels"
	"liveboard/views/press"
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

// room is a page with viewers whose ends of the sockets are in the same process.
type room struct {
	hub    *live.Hub
	head   *head.Head
	press  *press.Press
	fan    *Fan
	series metrics.Series
	seq    uint64
	far    []int
	buf    []byte
}

func newRoom(b *testing.B, noRing bool) *room {
	b.Helper()
	panel := metrics.Panel{Name: "p", Title: "p", Kind: "bars", Decimals: -1, Queries: []metrics.Query{{Expr: "orders"}}}
	if err := panels.Check(&panel); err != nil {
		b.Fatal(err)
	}
	board := &metrics.Board{Dashboards: []metrics.Dashboard{{Name: "d", Title: "d", Range: time.Minute, Panels: []metrics.Panel{panel}}}}
	r := &room{hub: live.New(time.Nanosecond), head: head.New(nil), buf: make([]byte, 64<<10)}
	r.press = press.New(r.hub, query.New(r.head), nil, board, "build")
	r.fan = New(r.press, metrics.NewHistogram(1), noRing)
	b.Cleanup(r.close)
	var err error
	if r.series, err = metrics.NewSeries("orders"); err != nil {
		b.Fatal(err)
	}
	return r
}

func (r *room) close() {
	r.fan.Stop()
	for _, fd := range r.far {
		_ = unix.Close(fd)
	}
	_ = r.fan.Wait(context.Background())
	r.press.Close()
	r.hub.Close()
}

// seat lets so many look, and waits until each has the whole.
func (r *room) seat(b *testing.B, viewers int) {
	b.Helper()
	page, err := r.press.Page(press.View{Surface: press.Desk, Dashboards: "d"})
	if err != nil {
		b.Fatal(err)
	}
	l := r.fan.loops.start()[0]
	for range viewers {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			b.Fatal(err)
		}
		if err := unix.SetNonblock(pair[0], true); err != nil {
			b.Fatal(err)
		}
		r.far = append(r.far, pair[1])
		c := &conn{fd: pair[0], stream: r.fan.newStream(Request{
			Shows: []Show{{Page: page}}, Encoding: press.Gzip, For: time.Hour, Ended: func(int64, error) {},
		})}
		c.rest = c.begin(nil)
		l.post(func() { l.admit(c) })
	}
	r.read(viewers)
}

// tick writes a sample of now.
func (r *room) tick() {
	r.seq++
	r.head.Apply(r.seq, []metrics.Sample{{Series: r.series, At: time.Now().UnixMilli(), Value: float64(r.seq)}})
	r.hub.Touch("orders")
}

// read waits until each viewer has got something, and takes it.
func (r *room) read(viewers int) {
	for _, fd := range r.far[:viewers] {
		if n, err := unix.Read(fd, r.buf); n <= 0 {
			panic(err)
		}
	}
}
