package press

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/head"
	"liveboard/metrics/live"
	"liveboard/metrics/query"
	"liveboard/views"
	"liveboard/views/panels"
)

// world is a press over a real head and hub.
type world struct {
	t     testing.TB
	head  *head.Head
	hub   *live.Hub
	press *Press
	seq   uint64
}

func newWorld(t testing.TB, dashboards ...metrics.Dashboard) *world {
	t.Helper()
	w := &world{t: t, head: head.New(nil), hub: live.New(time.Millisecond)}
	w.press = New(w.hub, query.New(w.head), nil, &metrics.Board{Dashboards: dashboards}, "build")
	return w
}

func (w *world) close() {
	w.press.Close()
	w.hub.Close()
}

// write puts a sample of now into the head and tells the hub, as the recorder does.
func (w *world) write(name string, value float64, labels ...metrics.Label) {
	w.t.Helper()
	series, err := metrics.NewSeries(name, labels...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.seq++
	w.head.Apply(w.seq, []metrics.Sample{{Series: series, At: time.Now().UnixMilli(), Value: value}})
	w.hub.Touch(name)
}

func (w *world) page(v View) *Page {
	w.t.Helper()
	p, err := w.press.Page(v)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// dashboard returns one with a bars panel for each metric name.
func dashboard(name string, queries ...string) metrics.Dashboard {
	d := metrics.Dashboard{Name: name, Title: strings.ToUpper(name), Range: 5 * time.Minute}
	for _, q := range queries {
		p := metrics.Panel{
			Name: regexp.MustCompile(`\W+`).ReplaceAllString(q, "-"), Kind: "bars", Title: q, Decimals: -1,
			Queries: []metrics.Query{{Expr: q}},
		}
		if err := panels.Check(&p); err != nil {
			panic(err)
		}
		d.Panels = append(d.Panels, p)
	}
	return d
}

// nextOf is Viewer.Next for tests under synctest: it fails instead of waiting for more than a minute.
func nextOf(t testing.TB, v *Viewer) Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	d, err := v.Next(ctx)
	if err != nil {
		t.Fatalf("Next: %v", err)
	}
	return d
}

// news is nextOf without heartbeats.
func news(t testing.TB, v *Viewer) string {
	t.Helper()
	for {
		if d := nextOf(t, v); !d.Beats {
			return text(d)
		}
	}
}

func text(d Delivery) string {
	var b strings.Builder
	for _, f := range d.Frames {
		b.Write(f.Plain())
	}
	return b.String()
}

func TestViewerInStepGetsTheNextAndOthersTheWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dashboard("d", "a"))
		defer w.close()
		w.write("a", 1)
		page := w.page(View{Surface: Desk, Dashboards: "d"})
		at := page.Snapshot().Cursor
		inStep, foreign := page.Join(at), page.Join("elsewhere.1-1")
		defer inStep.Leave()
		defer foreign.Leave()

		if whole := text(nextOf(t, foreign)); !strings.Contains(whole, `<section class="grid" id="grid-d"`) || !strings.Contains(whole, `<div id="notice"`) {
			t.Errorf("a foreign cursor got %q, want the whole", whole)
		}
		time.Sleep(time.Second)
		w.write("a", 2)
		for name, v := range map[string]*Viewer{"in step": inStep, "who had the whole": foreign} {
			got := news(t, v)
			if !strings.Contains(got, "<live-next for=\"p-d-a\"") || strings.Contains(got, "<article") {
				t.Errorf("%s got %q, want a next alone", name, got)
			}
			if !strings.HasSuffix(got, "\n\nid: "+page.Snapshot().Cursor+"\n\n") {
				t.Errorf("%s got %q, want the cursor as the last event", name, got)
			}
		}
	})
}

func TestPanelIsPrintedOncePerRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dashboard("d", "a", "b"))
		defer w.close()
		w.write("a", 1)
		w.write("b", 1)
		var viewers []*Viewer
		for _, v := range []View{
			{Surface: Desk, Dashboards: "d"},
			{Surface: Kiosk, Dashboards: "d"},
			{Surface: Desk, Dashboards: "d", Panel: "a"},
		} {
			for range 10 {
				viewers = append(viewers, w.page(v).Join(""))
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		before := w.press.Prints().Count
		for i := range 5 {
			time.Sleep(time.Second)
			w.write("a", float64(i))
			synctest.Wait()
		}
		for _, v := range viewers {
			news(t, v)
			v.Leave()
		}
		if got := w.press.Prints().Count - before; got != 5 {
			t.Errorf("5 revisions of one of two panels, 30 viewers of 3 pages: %d prints, want 5", got)
		}
	})
}

func TestNobodyLooksNothingIsPrinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dashboard("d", "a"))
		defer w.close()
		v := w.page(View{Surface: Desk, Dashboards: "d"}).Join("")
		w.write("a", 1)
		synctest.Wait()
		v.Leave()
		time.Sleep(2 * linger)
		synctest.Wait()
		before := w.press.Prints().Count
		w.write("a", 2)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := w.press.Prints().Count - before; got != 0 {
			t.Errorf("%d prints after the last viewer left, want 0", got)
		}
	})
}

func TestCursorsOfOtherPagesAndTimesGetTheWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dashboard("d", "a"))
		defer w.close()
		w.write("a", 1)
		page := w.page(View{Surface: Desk, Dashboards: "d"})
		old := page.Snapshot().Cursor
		keeper := page.Join(old)
		defer keeper.Leave()
		for i := range maxLogEntries + 2 {
			time.Sleep(time.Second)
			w.write("a", float64(i))
			synctest.Wait()
		}
		newest := page.Snapshot().Cursor
		for _, c := range []struct {
			name, cursor string
			whole        bool
		}{
			{"the newest", newest, false},
			{"one that fell out of the log", old, true},
			{"of the future", page.Epoch() + "-99999", true},
			{"of revision zero", page.Epoch() + "-0", true},
			{"of another page", "x" + newest, true},
			{"negative", page.Epoch() + "--1", true},
			{"no number", page.Epoch() + "-one", true},
			{"empty", "", true},
		} {
			v := page.Join(c.cursor)
			if v.whole != c.whole {
				t.Errorf("a cursor that is %s: whole = %v, want %v", c.name, v.whole, c.whole)
			}
			v.Leave()
		}
		if got := text(nextOf(t, keeper)); !strings.Contains(got, "grid-d") {
			t.Errorf("a viewer that fell out of the log got %q, want the whole", got)
		}
	})
}

// A heartbeat can be the oldest entry of the log, its tick dropped: it must not pass for that tick.
func TestBeatAtTheLogsEndIsNoWayForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dashboard("d", "a"))
		defer w.close()
		page := w.page(View{Surface: Desk, Dashboards: "d"})
		page.rev, page.start = 8, 20
		page.log = []entry{{from: 7, to: 7}, {from: 7, to: 8}}
		for rev, want := range map[uint64]struct {
			at uint64
			ok bool
		}{6: {20, false}, 7: {21, true}, 8: {22, true}} {
			at, ok := page.place(cursorOf(page.epoch, rev))
			if ok != want.ok || ok && at != want.at {
				t.Errorf("place(%d) = %d, %v, want %d, %v", rev, at, ok, want.at, want.ok)
			}
		}
	})
}

func TestSilentPageBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dashboard("d", "a"))
		defer w.close()
		page := w.page(View{Surface: Desk, Dashboards: "d"})
		v := page.Join(page.Snapshot().Cursor)
		defer v.Leave()
		start := time.Now()
		if d := nextOf(t, v); !d.Beats || !strings.Contains(text(d), `"viewers":1}`) || time.Since(start) != tellEvery {
			t.Errorf("after %v came %q, want a beat that tells of the viewer after %v", time.Since(start), text(d), tellEvery)
		}
		for i := 1; i <= 3; i++ {
			d := nextOf(t, v)
			if !d.Beats || !strings.HasPrefix(text(d), "event: beat\ndata: {\"now\":") {
				t.Fatalf("got %q, want a beat", text(d))
			}
			if got, want := time.Since(start), time.Duration(i)*Beat; got != want {
				t.Errorf("beat %d came after %v, want %v", i, got, want)
			}
		}
	})
}

func TestNewBoardReplacesEveryPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dashboard("d", "a"), dashboard("e", "a"))
		defer w.close()
		kept, dropped := View{Surface: Desk, Dashboards: "d"}, View{Surface: Desk, Dashboards: "e"}
		before := w.page(kept)
		v := before.Join("")
		nextOf(t, v)
		w.press.SetBoard(&metrics.Board{Dashboards: []metrics.Dashboard{dashboard("d", "b")}})
		if _, err := v.Next(t.Context()); !errors.Is(err, ErrGone) {
			t.Errorf("Next after a new board = %v, want ErrGone", err)
		}
		v.Leave()
		after := w.page(kept)
		if before.Epoch() == after.Epoch() {
			t.Error("the new page has the old one's epoch")
		}
		if got := string(after.Snapshot().sheets[0].html); !strings.Contains(got, "p-d-b") {
			t.Errorf("the new page shows %q, want the new panel", got)
		}
		if _, err := w.press.Page(dropped); metrics.KindOf(err) != metrics.NotFound {
			t.Errorf("Page of a dashboard that is no more = %v, want NotFound", err)
		}
	})
}

func TestNoticeStandsOnDesksAlone(t *testing.T) {
	w := newWorld(t, dashboard("d", "a"))
	defer w.close()
	w.press.SetNotice(views.NoticeModel{Title: "broken <file>"})
	for surface, want := range map[Surface]bool{Desk: true, Index: true, Kiosk: false, Embed: false} {
		v := View{Surface: surface, Dashboards: "d"}
		if surface == Index {
			v.Dashboards = ""
		}
		viewer := w.page(v).Join("")
		got := text(nextOf(t, viewer))
		viewer.Leave()
		if strings.Contains(got, "broken &lt;file&gt;") != want {
			t.Errorf("%s: notice shown = %v, want %v", surface, !want, want)
		}
	}
}

func TestKioskTurnsByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dashboard("d", "a"), dashboard("e", "b"))
		defer w.close()
		w.write("a", 1)
		w.write("b", 1)
		page := w.page(View{Surface: Kiosk, Dashboards: "d,e", Turn: 30 * time.Second})
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute + 10*time.Second)))
		first := page.Snapshot()
		v := page.Join(first.Cursor)
		defer v.Leave()
		if want := time.Now().Add(20 * time.Second); !first.TurnAt.Equal(want) {
			t.Errorf("the next turn is at %v, want %v", first.TurnAt, want)
		}
		got := news(t, v)
		if d := time.Until(first.TurnAt); d != 0 {
			t.Errorf("the turn came %v before its time", d)
		}
		other := "p-e-b"
		if first.Dashboard.Name == "e" {
			other = "p-d-a"
		}
		if !strings.Contains(got, `<main id="kiosk"`) || !strings.Contains(got, other) {
			t.Errorf("the turn brought %q, want the other dashboard whole", got)
		}
		w.write("a", 2)
		w.write("b", 2)
		if got := news(t, v); !strings.Contains(got, other) || strings.Count(got, "<live-next") != 1 {
			t.Errorf("after the turn came %q, want a next of the screen that is on", got)
		}
		if name := w.page(page.view).Snapshot().Dashboard.Name; name == first.Dashboard.Name {
			t.Errorf("a page that is loaded now shows %s, which was on before", name)
		}
	})
}

func TestIndexCountsStates(t *testing.T) {
	d := dashboard("d", "a", "b")
	d.Panels[0].Thresholds = []metrics.Threshold{{From: 5, State: metrics.Crit}}
	w := newWorld(t, d)
	defer w.close()
	w.write("a", 7)
	w.write("b", 1)
	got := string(w.page(View{Surface: Index}).Snapshot().sheets[0].html)
	if !strings.Contains(got, "1 critical") || !strings.Contains(got, "2 panels") {
		t.Errorf("the index shows %q", got)
	}
}

func TestViewsThatMakeNoSense(t *testing.T) {
	w := newWorld(t, dashboard("d", "a"))
	defer w.close()
	for _, c := range []struct {
		view View
		want metrics.Kind
	}{
		{View{Surface: Desk, Dashboards: "x"}, metrics.NotFound},
		{View{Surface: Desk, Dashboards: "d", Panel: "x"}, metrics.NotFound},
		{View{Surface: Desk, Dashboards: "d,d"}, metrics.Invalid},
		{View{Surface: Kiosk, Dashboards: strings.Repeat("d,", maxScreens) + "d", Turn: defaultTurn}, metrics.Invalid},
	} {
		if _, err := w.press.Page(c.view); metrics.KindOf(err) != c.want {
			t.Errorf("Page(%+v) = %v, want kind %v", c.view, err, c.want)
		}
	}
}

func TestPagesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dashboard("d", "a"))
		defer w.close()
		view := func(i int) View {
			return View{Surface: Desk, Dashboards: "d", Range: metrics.Range{From: 1000, To: int64(20000 + i*1000)}}
		}
		var viewers []*Viewer
		for i := range maxPages {
			viewers = append(viewers, w.page(view(i)).Join(""))
		}
		if _, err := w.press.Page(view(maxPages)); metrics.KindOf(err) != metrics.TooMany {
			t.Errorf("one page too many = %v, want TooMany", err)
		}
		w.page(view(0)) // those that are there can be had
		for _, v := range viewers {
			v.Leave()
			time.Sleep(time.Millisecond)
		}
		w.page(view(maxPages)) // in the place of the first, which nobody has looked at for longest
		if _, kept := w.press.pages[view(0)]; kept || len(w.press.pages) != maxPages {
			t.Errorf("%d pages are kept, the oldest among them: %v", len(w.press.pages), kept)
		}
		time.Sleep(2 * idleFor)
		w.page(view(maxPages + 1))
		if len(w.press.pages) != 1 || len(w.press.printers) != 1 {
			t.Errorf("%d pages and %d printers are kept when the others were idle, want 1 and 1", len(w.press.pages), len(w.press.printers))
		}
	})
}

func TestPressUnderRace(t *testing.T) {
	w := newWorld(t, dashboard("d", "a", "b"))
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				page, err := w.press.Page(View{Surface: Desk, Dashboards: "d"})
				if err != nil {
					t.Error(err)
					return
				}
				v := page.Join(page.Snapshot().Cursor)
				for range 5 {
					if _, err := v.Next(ctx); err != nil {
						break
					}
				}
				v.Leave()
			}
		})
	}
	for i := range 200 {
		w.write("a", float64(i))
		w.write("b", float64(i))
		if i%50 == 49 {
			w.press.SetBoard(&metrics.Board{Dashboards: []metrics.Dashboard{dashboard("d", "a", "b")}})
		}
	}
	cancel()
	all.Wait()
	w.close()
}
