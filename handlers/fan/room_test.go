//go:build linux

package fan

import (
	"context"
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

func newRoom(t testing.TB, noRing bool) *room {
	t.Helper()
	r := &room{hub: live.New(time.Nanosecond), head: head.New(nil), buf: make([]byte, 64<<10)}
	r.press = press.New(r.hub, query.New(r.head), nil, boardOf(t, time.Minute), "build")
	r.fan = New(r.press, metrics.NewHistogram(1), noRing)
	t.Cleanup(r.close)
	var err error
	if r.series, err = metrics.NewSeries("orders"); err != nil {
		t.Fatal(err)
	}
	return r
}

// boardOf has one dashboard, d, with that range of its own.
func boardOf(t testing.TB, span time.Duration) *metrics.Board {
	t.Helper()
	panel := metrics.Panel{Name: "p", Title: "p", Kind: "bars", Decimals: -1, Queries: []metrics.Query{{Expr: "orders"}}}
	if err := panels.Check(&panel); err != nil {
		t.Fatal(err)
	}
	return &metrics.Board{Dashboards: []metrics.Dashboard{{Name: "d", Title: "d", Range: span, Panels: []metrics.Panel{panel}}}}
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
func (r *room) seat(t testing.TB, viewers int) {
	t.Helper()
	for range viewers {
		r.sit(t, press.Gzip, ownRange)
	}
	r.read(viewers)
}

// Views of the one dashboard.
var (
	ownRange = press.View{Surface: press.Desk, Dashboards: "d"}
	anHour   = press.View{Surface: press.Desk, Dashboards: "d", Range: metrics.Range{Span: time.Hour}}
)

func (r *room) loop() *loop { return r.fan.loops.start()[0] }

// sit opens a stream of the views, whose client's end is the last of far.
func (r *room) sit(t testing.TB, e press.Encoding, views ...press.View) *conn {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(pair[0], true); err != nil {
		t.Fatal(err)
	}
	r.far = append(r.far, pair[1])
	q := Request{Encoding: e, For: time.Hour, Ended: func(int64, error) {}}
	for i, view := range views {
		page, err := r.press.Page(view)
		if err != nil {
			t.Fatal(err)
		}
		q.Shows = append(q.Shows, Show{Page: page, View: view, Name: string(rune('a' + i))})
	}
	c := &conn{fd: pair[0], stream: r.fan.newStream(q)}
	c.rest = c.begin(nil)
	l := r.loop()
	l.post(func() { l.admit(c) })
	return c
}

// on runs do on the loop's thread, and waits for it.
func (r *room) on(do func(l *loop)) {
	l, done := r.loop(), make(chan struct{})
	l.post(func() {
		defer close(done)
		do(l)
	})
	<-done
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
