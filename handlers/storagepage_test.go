package handlers

import (
	"context"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"liveboard/metrics"
)

// storageSays returns the text of /storage, and its meter, empty for none.
func (w *world) storageSays() (said string, meter *html.Node) {
	w.t.Helper()
	page := parsed(w.t, get200(w.t, w.URL+"/storage").body)
	return strings.Join(strings.Fields(text(find(page, "main"))), " "), find(page, "meter")
}

func wantIn(t *testing.T, said string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(said, part) {
			t.Errorf("the page says %q, want %q in it", said, part)
		}
	}
}

func TestStorageOfAnEmptyDatabase(t *testing.T) {
	w := newWorld(t, nil)
	said, meter := w.storageSays()
	wantIn(t, said, "no budget", "0/s", "--backup-keep is 0", "raw– ––all", "Too early to tell")
	if meter.Data != "" {
		t.Error("there is a meter of a budget that there is not")
	}
	w.store.SetStorage(metrics.DefaultStorage())
	said, meter = w.storageSays()
	wantIn(t, said, "of 2.00 GiB", "raw– ––7 d at most", "1h– ––10 y at most")
	if attr(meter, "value") == "" {
		t.Error("the file's share of its budget has no meter")
	}
	if strings.Contains(said, "budget:") || strings.Contains(said, "disk has") {
		t.Errorf("the page warns: %q", said)
	}
}

func TestStorageWarnsOfABudgetThatIsExceededOrTooLargeForTheDisk(t *testing.T) {
	w := newWorld(t, nil)
	w.store.SetStorage(metrics.Storage{Budget: 1})
	said, meter := w.storageSays()
	wantIn(t, said, "more than its budget", "of 1 B")
	if got := attr(meter, "value"); got != "1.0000" {
		t.Errorf("the meter stands at %s, want it full", got)
	}
	w.store.SetStorage(metrics.Storage{Budget: math.MaxInt64})
	said, _ = w.storageSays()
	wantIn(t, said, "The disk has", "may yet grow by 8.00 EiB")
}

func TestStorageTellsWhatTheBudgetBuys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	now := time.Now()
	fillDays(t, path, now)
	board := &metrics.Board{Dashboards: []metrics.Dashboard{dashboard("d", "orders")}}
	w := worldOf(t, nil, board, path)
	storage := metrics.DefaultStorage()
	w.store.SetStorage(storage)
	eventually(t, "the tiers are counted", func() bool {
		said, _ := w.storageSays()
		return strings.Contains(said, "7 d by age") && strings.Contains(said, now.AddDate(0, 0, -2).Format(time.DateOnly))
	})
	u, err := w.store.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	storage.Budget = u.Bytes // has room for what there is, and not for 7 days
	w.store.SetStorage(storage)
	said, _ := w.storageSays()
	wantIn(t, said, "The budget ends tier raw after", "before its age of 7 d", "by budget, not 7 d")
}

// fillDays gives a database two days of a series at 1 Hz, in the tiers that are due.
func fillDays(t *testing.T, path string, now time.Time) {
	t.Helper()
	store := openStore(t, path)
	series, err := metrics.NewSeries("orders")
	if err != nil {
		t.Fatal(err)
	}
	for from := now.AddDate(0, 0, -2); from.Before(now); from = from.Add(time.Hour) {
		var group []metrics.Sample
		for at := from; at.Before(from.Add(time.Hour)) && at.Before(now); at = at.Add(time.Second) {
			group = append(group, metrics.Sample{Series: series, At: at.UnixMilli(), Value: math.Sin(float64(at.Unix()))})
		}
		seq, err := store.Append(t.Context(), group, nil)
		if err != nil {
			t.Fatal(err)
		}
		store.Head().Apply(seq, group)
	}
	if err := store.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := store.Rollup(context.Background(), now); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestStorageIsLinkedFromTheIndexAndTellsOfADatabaseThatCannotBeRead(t *testing.T) {
	w := newWorld(t, nil)
	wantIn(t, get200(t, w.URL+"/").body, `href="/storage"`)
	w.breakStore()
	if a := do(t, "GET", w.URL+"/storage", ""); a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, "cannot be read") {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
}
