package handlers

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"liveboard/metrics"
)

// arrivedRow returns the row of a metric on a page, nil for none.
func arrivedRow(page *html.Node, name string) *html.Node {
	for n := range page.Descendants() {
		if attr(n, "id") == "arrivals-r-"+name {
			return n
		}
	}
	return nil
}

// arrivedNames are the metrics that /arrivals lists with that query, in its order.
func (w *world) arrivedNames(query string) string {
	w.t.Helper()
	var names []string
	for n := range parsed(w.t, get200(w.t, w.URL+"/arrivals?"+query).body).Descendants() {
		if name, ok := strings.CutPrefix(attr(n, "id"), "arrivals-r-"); ok {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// bring records a sample of now as that origin does.
func (w *world) bring(from metrics.Origin, name string, labels ...metrics.Label) {
	w.t.Helper()
	series, err := metrics.NewSeries(name, labels...)
	if err != nil {
		w.t.Fatal(err)
	}
	b := metrics.Batch{Samples: []metrics.Sample{{Series: series, At: time.Now().UnixMilli(), Value: 1}}, Origin: from}
	if err := w.recorder.Record(w.t.Context(), b); err != nil {
		w.t.Fatal(err)
	}
}

func TestArrivalsTellWhatCameFromWhomAndWhen(t *testing.T) {
	w := newWorld(t, nil)
	before := time.Now().Truncate(time.Second)
	if a := w.push(textPlain, "disk_read_bytes_total{disk=\"sda\"} 1073741824\ndisk_read_bytes_total{disk=\"sdb\"} 2147483648"); a.StatusCode != http.StatusNoContent {
		t.Fatal(a.body)
	}
	row := arrivedRow(parsed(t, get200(t, w.URL+"/arrivals").body), "disk_read_bytes_total")
	if row == nil {
		t.Fatal("the metric has no row")
	}
	said := strings.Join(strings.Fields(text(row)), " ")
	for _, want := range []string{"disk_read_bytes_total", "2.00 GiB", "2 series", `{disk="sdb"}`, "text from 127.0.0.1", "came just now",
		"- title: Disk read kind: timeseries", "expr: sum by (disk) (rate(disk_read_bytes_total[5m]))", "unit: bytes/s"} {
		if !strings.Contains(said, want) {
			t.Errorf("the row says %q, want %q in it", said, want)
		}
	}
	at, err := time.Parse(time.RFC3339, attr(withAttr(row, "datetime"), "datetime"))
	if err != nil || at.Before(before) || at.After(time.Now()) {
		t.Errorf("it came at %v (%v), want a time between %v and now", at, err, before)
	}
	if got := attr(find(row, "article"), "id"); got != "p-arrivals-disk_read_bytes_total" {
		t.Errorf("the preview is %q", got)
	}
}

func TestArrivalsNameTheTokenAndKeepItsSecret(t *testing.T) {
	w := newWorld(t, nil)
	secret, token, err := w.store.Tokens().Create(t.Context(), "Till of the shop", []string{"ingest"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if a := w.push(textPlain, "orders 42", "Authorization", "Bearer "+secret); a.StatusCode != http.StatusNoContent {
		t.Fatal(a.body)
	}
	body := get200(t, w.URL+"/arrivals").body
	if said := text(arrivedRow(parsed(t, body), "orders")); !strings.Contains(said, "Till of the shop") || strings.Contains(said, "127.0.0.1") {
		t.Errorf("the row says %q, want the token's name alone", said)
	}
	if strings.Contains(body, secret) || strings.Contains(body, "lb_") {
		t.Error("the page has the secret, or a part of it")
	}
	if err := w.store.Tokens().Revoke(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the row names a revoked token by its id", func() bool {
		return strings.Contains(text(arrivedRow(parsed(t, get200(t, w.URL+"/arrivals").body), "orders")), "token "+token.ID)
	})
}

func TestArrivalsAreFoundByNameAndByWhoBroughtThem(t *testing.T) {
	w := newWorld(t, nil)
	w.bring(metrics.Origin{Format: "statsd", Sender: "10.0.0.1"}, "first")
	w.bring(metrics.Origin{Format: "influx", Sender: "10.0.0.2"}, "second")
	w.bring(metrics.Origin{Format: "influx", Sender: "10.0.0.1"}, "third")
	w.bring(metrics.Origin{Format: "statsd", Sender: "10.0.0.3"}, "second", metrics.Label{Name: "a", Value: "1"})
	for query, want := range map[string]int{"": 3, "q=SECON": 1, "from=influx": 2, "from=statsd": 2, "from=10.0.0.1": 2, "from=influx&q=third": 1, "q=nothing": 0, "limit=2": 2} {
		if got := strings.Fields(w.arrivedNames(query)); len(got) != want {
			t.Errorf("%q finds %q, want %d", query, got, want)
		}
	}
	page := parsed(t, get200(t, w.URL+"/arrivals?limit=2").body)
	if got := text(find(page, "main")); !strings.Contains(got, "2 of 3 metrics") {
		t.Errorf("the page says %q, want how many there are", got)
	}
	if got := text(find(parsed(t, get200(t, w.URL+"/arrivals?q=nothing").body), "main")); !strings.Contains(got, "No metric matches") || strings.Contains(got, "Nothing has come in") {
		t.Errorf("the page says %q, want that nothing was found", got)
	}
	for _, query := range []string{"limit=0", "limit=101", "q=" + strings.Repeat("x", 257), "q=%ff"} {
		if a := do(t, "GET", w.URL+"/arrivals?"+query, ""); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%.20q: status %d, want 400", query, a.StatusCode)
		}
	}
}

func TestArrivalsLeaveOutWhatLiveboardTellsOfItself(t *testing.T) {
	board := &metrics.Board{
		Dashboards: []metrics.Dashboard{dashboard("d", "orders")},
		Collectors: []metrics.CollectorConfig{{Kind: "host", Name: "machine"}, {Kind: "scrape", Name: "nodes"}},
	}
	w := worldOf(t, nil, board, filepath.Join(t.TempDir(), "x.db"))
	w.bring(metrics.Origin{Format: "collector", Sender: "machine"}, "host_load1")
	if got := text(find(parsed(t, get200(t, w.URL+"/arrivals").body), "main")); !strings.Contains(got, "Nothing has come in yet") || !strings.Contains(got, `orders_total{shop="se"} 42`) {
		t.Errorf("the page says %q, want how to send something", got)
	}
	w.bring(metrics.Origin{Format: "collector", Sender: "nodes"}, "node_load1")
	w.bring(metrics.Origin{Format: "text", Sender: "10.0.0.1"}, "orders")
	eventually(t, "the list has what others bring", func() bool { return w.arrivedNames("") == "orders node_load1" })
	if got := len(strings.Fields(w.arrivedNames("own=1"))); got != 3 {
		t.Errorf("with own=1 there are %d metrics, want 3", got)
	}
}

func TestArrivalsShowHostileTextAsText(t *testing.T) {
	w := newWorld(t, nil)
	w.bring(metrics.Origin{Format: hostile, Sender: hostile}, "orders", metrics.Label{Name: "shop", Value: hostile})
	w.bring(metrics.Origin{Format: hostile, Sender: hostile + "2"}, "orders", metrics.Label{Name: "shop", Value: hostile + "2"})
	page := parsed(t, get200(t, w.URL+"/arrivals?q=orders&from=%3C%2Fscript%3E").body)
	for n := range page.Descendants() {
		if n.Type == html.ElementNode && n.Data != "form" {
			checkElement(t, "/arrivals", n)
		}
	}
	row := arrivedRow(page, "orders")
	if row == nil {
		t.Fatal("the metric has no row")
	}
	if got := text(row); strings.Count(got, hostile) < 2 {
		t.Errorf("the row says %q, want who brought it as they call themselves", got)
	}
	if script := find(row, "script"); script.Data != "" {
		t.Error("a name has become a script")
	}
}

func TestArrivalTakesItsPlaceOnOpenPages(t *testing.T) {
	w := newWorld(t, nil)
	w.bring(metrics.Origin{Format: "text", Sender: "10.0.0.1"}, "orders")
	feed := withAttr(parsed(t, get200(t, w.URL+"/arrivals").body), "data-live-url")
	s := open(t, w.URL+attr(feed, "data-live-url")+"&cursor="+attr(feed, "data-cursor"))
	s.until("hello")
	polled := make(chan answer, 1)
	go func() {
		polled <- do(t, "GET", w.URL+attr(feed, "data-poll-url")+"&cursor="+attr(feed, "data-cursor"), "")
	}()
	w.bring(metrics.Origin{Format: "text", Sender: "10.0.0.1"}, "visits")
	for name, got := range map[string]string{"stream": texts(s.until("")), "poll": (<-polled).body} {
		if !strings.Contains(got, `<live-rows for="arrivals" order="visits orders">`) || strings.Count(got, "<li id=") != 1 || !strings.Contains(got, `<li id="arrivals-r-visits">`) {
			t.Errorf("the %s brings %s\nwant the new row alone, and the order", name, got)
		}
	}
	w.bring(metrics.Origin{Format: "text", Sender: "10.0.0.2"}, "orders", metrics.Label{Name: "shop", Value: "se"})
	for got := ""; !strings.Contains(got, `order="orders visits"`); got = texts(s.until("")) {
		if strings.Contains(got, `id="arrivals-r-visits"`) {
			t.Errorf("the stream brings again what has not changed: %s", got)
		}
	}
}

func TestArrivalsAreOneSubjectOfAStreamAmongOthers(t *testing.T) {
	w := newWorld(t, nil)
	w.record("orders", 1)
	s := open(t, w.URL+"/live?view=%3Fsurface%3Darrivals&view=d")
	w.bring(metrics.Origin{Format: "text", Sender: "10.0.0.1"}, "visits")
	for got := ""; !strings.Contains(got, `id="arrivals-r-visits"`); got = texts(s.until("")) {
	}
	for _, query := range []string{"limit=x", "limit=101"} {
		wantProblem(t, do(t, "GET", fmt.Sprintf("%s/live/?surface=arrivals&%s", w.URL, query), ""), http.StatusBadRequest, "limit must be")
	}
}
