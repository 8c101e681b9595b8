package metrics

import (
	"fmt"
	"slices"
	"testing"
)

func arrival(t *testing.T, name, shop string, from Origin, at int64) Arrival {
	t.Helper()
	s, err := NewSeries(name, Label{"shop", shop})
	if err != nil {
		t.Fatal(err)
	}
	return Arrival{s, from, at}
}

func TestArrivalsListTheNewestMetricFirst(t *testing.T) {
	push, statsd := Origin{"", "text", "127.0.0.1"}, Origin{"", "statsd", "127.0.0.1"}
	var a Arrivals
	a.Add(arrival(t, "old", "", Origin{}, 0), arrival(t, "orders", "se", push, 10), arrival(t, "visits", "", statsd, 20),
		arrival(t, "orders", "no", statsd, 30), arrival(t, "orders", "fi", push, 40))
	list, total := a.List(2, func(*ArrivedMetric) bool { return true })
	if total != 3 || len(list) != 2 || list[0].Name != "orders" || list[1].Name != "visits" {
		t.Fatalf("got %v of %d, want orders and visits of 3", list, total)
	}
	o := list[0]
	if o.Series != 3 || o.FirstAt != 10 || o.LastAt != 40 || o.Newest.String() != `orders{shop="fi"}` || !slices.Equal(o.Origins, []Origin{push, statsd}) {
		t.Errorf("got %+v", o)
	}
	old, _ := a.List(9, func(m *ArrivedMetric) bool { return m.Name == "old" })
	if len(old) != 1 || len(old[0].Origins) != 0 || old[0].FirstAt != 0 {
		t.Errorf("got %+v, want one metric of unknown origin", old)
	}
}

func TestArrivalsKeepTheNewestOrigins(t *testing.T) {
	var a Arrivals
	for i := range 2 * maxOrigins {
		a.Add(arrival(t, "orders", string(rune('a'+i)), Origin{Sender: string(rune('a' + i))}, int64(i)))
	}
	list, _ := a.List(1, func(*ArrivedMetric) bool { return true })
	if got := list[0].Origins; len(got) != maxOrigins || got[0].Sender != "p" {
		t.Errorf("got %v, want the %d newest", got, maxOrigins)
	}
}

// Finding the place of one label among a million, for each of a million, would stop everything that is recorded.
func TestArrivalsKeepAFewVaryingLabels(t *testing.T) {
	var a Arrivals
	for i := range 2 * maxVarying {
		s, err := NewSeries("orders", Label{fmt.Sprintf("l%02d", i), "x"})
		if err != nil {
			t.Fatal(err)
		}
		a.Add(Arrival{s, Origin{}, int64(i)})
	}
	list, _ := a.List(1, func(*ArrivedMetric) bool { return true })
	if got := list[0].Varying; len(got) != maxVarying || got[0] != "l00" {
		t.Errorf("got %v, want the %d that were found first", got, maxVarying)
	}
}

func TestArrivalsForgetAMetricWithTheLastOfItsSeries(t *testing.T) {
	push := Origin{"", "text", "127.0.0.1"}
	se, no := arrival(t, "orders", "se", push, 10), arrival(t, "orders", "no", push, 20)
	var a Arrivals
	a.Add(se, no, arrival(t, "visits", "", push, 30))
	all := func(*ArrivedMetric) bool { return true }
	a.Forget(no, arrival(t, "never", "", push, 0))
	if list, total := a.List(9, all); total != 2 || list[1].Name != "orders" || list[1].Series != 1 {
		t.Errorf("got %v, want orders with one series", list)
	}
	a.Forget(se)
	if list, total := a.List(9, all); total != 1 || list[0].Name != "visits" {
		t.Errorf("got %v, want visits alone", list)
	}
	a.Add(no)
	if list, _ := a.List(9, all); len(list) != 2 || list[1].Series != 1 || list[1].FirstAt != 20 {
		t.Errorf("got %v, want that orders came again", list)
	}
}
