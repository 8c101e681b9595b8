package press

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"liveboard/metrics"
	"liveboard/views/panels"
)

func TestChangedAttributes(t *testing.T) {
	for _, c := range []struct {
		name, from, to, want string
		ok                   bool
	}{
		{"none", `a="1" b="2"`, `a="1" b="2"`, "", true},
		{"one", `a="1" b="2"`, `a="1" b="3"`, ` b="3"`, true},
		{"emptied", `a="1"`, `a=""`, ` a=""`, true},
		{"a name of SVG stands", `pathLength="100" d="M0 0"`, `pathLength="100" d="M1 0"`, ` d="M1 0"`, true},
		{"a name of SVG moves", `viewBox="0 0 1 1"`, `viewBox="0 0 2 1"`, "", false},
		{"came", `a="1"`, `a="1" b="2"`, "", false},
		{"went", `a="1" b="2"`, `a="1"`, "", false},
		{"renamed", `a="1"`, `b="1"`, "", false},
	} {
		got, ok := changed(leaf{attrs: c.from}, leaf{attrs: c.to})
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s: got %q, %v, want %q, %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

// A kind whose markup does not stand still would send itself whole each second.
func TestEveryKindMovesByNexts(t *testing.T) {
	d := metrics.Dashboard{Name: "d", Title: "D", Range: 5 * time.Minute}
	for _, kind := range panels.Kinds() {
		if panels.Needs(kind) == panels.None {
			continue
		}
		p := metrics.Panel{
			Name: kind, Title: kind, Kind: kind, Decimals: -1, Legend: true, Min: new(0.0), Max: new(100.0),
			Thresholds: []metrics.Threshold{{State: metrics.OK, Text: "up"}}, Queries: []metrics.Query{{Expr: "a"}},
		}
		if err := panels.Check(&p); err != nil {
			t.Fatal(err)
		}
		d.Panels = append(d.Panels, p)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, d)
		defer w.close()
		for i := range 60 {
			w.write("a", 20+float64(i%7))
			time.Sleep(time.Second)
		}
		page := w.page(View{Surface: Desk, Dashboards: "d"})
		v := page.Join(page.Snapshot().Cursor)
		defer v.Leave()
		for i := range 10 {
			time.Sleep(time.Second)
			w.write("a", 20+float64(i%5))
			tick := news(t, v)
			for _, p := range d.Panels {
				if !strings.Contains(tick, `<live-next for="p-d-`+p.Name+`"`) {
					t.Errorf("second %d: the panel of kind %s came whole: %q", i, p.Kind, tick)
				}
			}
			if strings.Contains(tick, `data-v="0"`) {
				t.Errorf("second %d: the tick has ages, which clients tell by themselves: %q", i, tick)
			}
		}
	})
}

func TestGonePagePrintsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dashboard("d", "a"))
		defer w.close()
		v := w.page(View{Surface: Desk, Dashboards: "d"}).Join("")
		defer v.Leave()
		synctest.Wait()
		w.press.SetBoard(&metrics.Board{})
		before := w.press.Prints().Count
		for i := range 5 {
			w.write("a", float64(i))
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
		}
		if got := w.press.Prints().Count - before; got != 0 {
			t.Errorf("%d prints of a page that is gone, want none", got)
		}
	})
}

func TestClosedPressHasNoPages(t *testing.T) {
	w := newWorld(t, dashboard("d", "a"))
	w.close()
	if _, err := w.press.Page(View{Surface: Desk, Dashboards: "d"}); metrics.KindOf(err) != metrics.Unavailable {
		t.Errorf("Page after Close = %v, want Unavailable", err)
	}
}
