package press

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"liveboard/metrics"
)

// noNames are the tokens of a press without any.
type noNames struct{}

func (noNames) Names(context.Context) (map[string]string, error) { return nil, nil }

// newArrivalsWorld returns a world whose press shows what arrives in it.
func newArrivalsWorld(t testing.TB) (*world, *metrics.Arrivals) {
	w := newWorld(t)
	list := &metrics.Arrivals{}
	w.press.ShowArrivals(list, noNames{})
	return w, list
}

// arrive notes a series that somebody brings, and tells the hub.
func (w *world) arrive(list *metrics.Arrivals, names ...string) {
	w.t.Helper()
	for _, name := range names {
		series, err := metrics.NewSeries(name)
		if err != nil {
			w.t.Fatal(err)
		}
		list.Add(metrics.Arrival{Series: series, Origin: metrics.Origin{Format: "text", Sender: "10.0.0.1"}, At: time.Now().UnixMilli()})
	}
	w.hub.Touch(ArrivalsTopic)
}

func arrivalsView(limit int) View {
	return View{Surface: Arrivals, Arrivals: ArrivalsView{Limit: limit}}
}

func TestBurstOfArrivalsPrintsSeldomAndOnlyWhatIsShown(t *testing.T) {
	const groups, each, every = 100, 1000, 10 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		w, list := newArrivalsWorld(t)
		defer w.close()
		w.arrive(list, "first")
		page := w.page(arrivalsView(defaultArrivals))
		v := page.Join(page.Snapshot().Cursor)
		defer v.Leave()
		synctest.Wait()
		began := page.revision()
		for g := range groups {
			names := make([]string, each)
			for i := range names {
				names[i] = fmt.Sprintf("burst_%d_%d", g, i)
			}
			w.arrive(list, names...)
			time.Sleep(every)
		}
		time.Sleep(arrivalsPace)
		synctest.Wait()
		prints := page.revision() - began
		if most := uint64(groups*every/arrivalsPace) + 2; prints == 0 || prints > most {
			t.Errorf("%d prints, want 1 to %d", prints, most)
		}
		d, err := v.Take()
		if err != nil {
			t.Fatal(err)
		}
		if rows := strings.Count(text(d), "<li id="); rows == 0 || rows > int(prints)*defaultArrivals {
			t.Errorf("%d rows in %d prints, want at most %d in each", rows, prints, defaultArrivals)
		}
		if whole := string(page.Snapshot().shell()); strings.Count(whole, "<li id=") != defaultArrivals || !strings.Contains(whole, "25 of 100001 metrics") {
			t.Errorf("the page shows %s", whole)
		}
	})
}

// revision is how often the page has printed something that looks another way.
func (p *Page) revision() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rev
}

func TestArrivedValueMovesWithoutItsRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, list := newArrivalsWorld(t)
		defer w.close()
		for _, value := range []float64{50, 60, 55} {
			w.write("orders", value)
			time.Sleep(time.Second)
		}
		w.arrive(list, "orders")
		page := w.page(arrivalsView(defaultArrivals))
		v := page.Join(page.Snapshot().Cursor)
		defer v.Leave()
		w.write("orders", 52)
		got := news(t, v)
		if !strings.Contains(got, `<live-next for="arrivals-v-orders"><i data-v="1">52</i>`) || !strings.Contains(got, `<live-next for="p-arrivals-orders"`) {
			t.Errorf("got %s\nwant the value and the preview", got)
		}
		if strings.Contains(got, "<li id=") || strings.Contains(got, "<section") {
			t.Errorf("got %s\nwant no row", got)
		}
	})
}

func TestArrivedValueOfASilentSeriesIsItsLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, list := newArrivalsWorld(t)
		defer w.close()
		w.write("orders", 4321)
		w.arrive(list, "orders", "never")
		time.Sleep(20 * time.Hour)
		whole := string(w.page(arrivalsView(defaultArrivals)).Snapshot().shell())
		for name, want := range map[string]string{"orders": "4321", "never": metrics.Dash} {
			if !strings.Contains(whole, `id="arrivals-v-`+name+`"><b data-v="1">`+want+`</b>`) {
				t.Errorf("%s has not the value %s: %s", name, want, whole)
			}
		}
	})
}

func TestMetricOfVeryManySeriesHasNoPreview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, list := newArrivalsWorld(t)
		defer w.close()
		for i := range maxPreviewed + 1 {
			series, err := metrics.NewSeries("users", metrics.Label{Name: "id", Value: fmt.Sprint(i)})
			if err != nil {
				t.Fatal(err)
			}
			list.Add(metrics.Arrival{Series: series, Origin: metrics.Origin{Format: "text"}, At: time.Now().UnixMilli()})
		}
		whole := string(w.page(arrivalsView(1)).Snapshot().shell())
		if !strings.Contains(whole, "2,001 series") || !strings.Contains(whole, "topk(10, users)") || strings.Contains(whole, "<article") {
			t.Errorf("got %s\nwant a row without a preview", whole)
		}
	})
}

func TestPreviewsOfArrivalsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, list := newArrivalsWorld(t)
		defer w.close()
		for page := range maxPreviews/maxArrivals + 2 {
			view := arrivalsView(maxArrivals)
			view.Arrivals.Find = fmt.Sprintf("of%d_", page)
			for i := range maxArrivals {
				w.arrive(list, fmt.Sprintf("of%d_%d", page, i))
			}
			if got := strings.Count(string(w.page(view).Snapshot().shell()), "<article"); got != maxArrivals {
				t.Fatalf("page %d has %d previews, want %d", page, got, maxArrivals)
			}
		}
		if got := len(w.press.previews.printers); got != maxPreviews {
			t.Errorf("%d previews are kept, want %d", got, maxPreviews)
		}
		time.Sleep(2 * idleFor)
		w.page(arrivalsView(1))
		if got := len(w.press.previews.printers); got != 0 {
			t.Errorf("%d previews are kept that nobody looks at", got)
		}
	})
}

func BenchmarkArrivals(b *testing.B) {
	w, list := newArrivalsWorld(b)
	defer w.close()
	for i := range 100_000 {
		w.arrive(list, fmt.Sprintf("burst_%d", i))
	}
	x := w.page(arrivalsView(defaultArrivals)).screens[0].parts[0]
	for b.Loop() {
		w.arrive(list, "burst_0")
		x.sheet(b.Context(), forever)
	}
}
