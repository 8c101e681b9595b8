package press

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestViewersAreCountedByWhatTheyLookAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dashboard("d", "a"), dashboard("e", "a"))
		defer w.close()
		desk := w.page(View{Surface: Desk, Dashboards: "d"})
		viewers := []*Viewer{
			desk.Join(""),
			w.page(View{Surface: Embed, Dashboards: "d"}).Join(""),
			w.page(View{Surface: Kiosk, Dashboards: "d,e", Turn: time.Minute}).Join(""),
			w.page(View{Surface: Index}).Join(""),
		}
		if got := w.press.Viewers(); got["d"] != 3 || got["e"] != 1 || len(got) != 2 {
			t.Errorf("Viewers = %v, want 3 of d and 1 of e", got)
		}
		if got := desk.Snapshot().Viewers; got != 3 {
			t.Errorf("the page tells of %d viewers, want 3", got)
		}
		for _, v := range viewers {
			v.Leave()
		}
		if got := w.press.Viewers(); len(got) != 0 {
			t.Errorf("Viewers = %v when all have left", got)
		}
	})
}

// A thousand who come within a second are told of once.
func TestViewersAreToldOfOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dashboard("d", "a"))
		defer w.close()
		page := w.page(View{Surface: Desk, Dashboards: "d"})
		first := page.Join(page.Snapshot().Cursor)
		defer first.Leave()
		for range 999 {
			time.Sleep(time.Millisecond / 2)
			defer page.Join("").Leave()
		}
		time.Sleep(2 * tellEvery)
		synctest.Wait()
		if d, err := first.Take(); err != nil || len(d.Frames) != 1 || !d.Beats {
			t.Errorf("got %d frames, %v, want one beat", len(d.Frames), err)
		}
	})
}

func TestPollerIsOneViewerBetweenPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dashboard("d", "a"))
		defer w.close()
		page := w.page(View{Surface: Desk, Dashboards: "d"})
		ada, cursor := Poller{"192.0.2.1", "ada"}, page.Snapshot().Cursor
		page.JoinFor(ada, "").LeaveFor(ada)
		if got := w.press.Viewers()["d"]; got != 0 {
			t.Errorf("%d viewers, want none: who asks for the whole may have a stream", got)
		}
		for range 5 {
			v := page.JoinFor(ada, cursor)
			if got := w.press.Viewers()["d"]; got != 1 {
				t.Fatalf("%d viewers, want the one who polls", got)
			}
			v.LeaveFor(ada)
			time.Sleep(pollGrace - time.Second)
		}
		other := page.JoinFor(Poller{"192.0.2.1", "grace"}, cursor)
		if got := w.press.Viewers()["d"]; got != 2 {
			t.Errorf("%d viewers, want two who poll", got)
		}
		other.Leave()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := w.press.Viewers()["d"]; got != 0 || len(w.press.audience.absent) != 0 || w.press.audience.away != 0 {
			t.Errorf("%d viewers half a minute after the last poll, %d places kept", got, w.press.audience.away)
		}
	})
}

// Nobody can make up an audience: an address has but so many who are counted while they are away.
func TestOneAddressCannotMakeUpAnAudience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dashboard("d", "a"))
		defer w.close()
		page := w.page(View{Surface: Desk, Dashboards: "d"})
		for i := range 10 * maxAbsentOne {
			who := Poller{"192.0.2.1", fmt.Sprint("browser", i)}
			page.JoinFor(who, "1-1").LeaveFor(who)
		}
		other := Poller{"192.0.2.2", "ada"}
		page.JoinFor(other, "1-1").LeaveFor(other)
		if got := w.press.Viewers()["d"]; got != maxAbsentOne+1 {
			t.Errorf("%d viewers, want %d of one address and one of another", got, maxAbsentOne)
		}
		time.Sleep(2 * pollGrace)
		synctest.Wait()
		if len(w.press.audience.one) != 0 {
			t.Errorf("%v are still counted as away", w.press.audience.one)
		}
	})
}

func TestKioskCountsOnceForADashboard(t *testing.T) {
	w := newWorld(t, dashboard("d", "a"))
	defer w.close()
	defer w.page(View{Surface: Kiosk, Dashboards: "d,d,d", Turn: time.Minute}).Join("").Leave()
	if got := w.press.Viewers()["d"]; got != 1 {
		t.Errorf("%d viewers, want 1", got)
	}
}

func TestConnectionIsOneViewerOfADashboard(t *testing.T) {
	w := newWorld(t, dashboard("d", "a"))
	defer w.close()
	desk, kiosk := w.page(View{Surface: Desk, Dashboards: "d"}), w.page(View{Surface: Kiosk, Dashboards: "d"})
	first := desk.Join("")
	second := kiosk.JoinBeside([]*Viewer{first}, "")
	if got := w.press.Viewers()["d"]; got != 1 {
		t.Errorf("%d viewers, want 1", got)
	}
	second.Leave()
	first.Leave()
	if got := w.press.Viewers(); len(got) != 0 {
		t.Errorf("Viewers = %v when both have left", got)
	}
}
