package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"liveboard/data"
	"liveboard/metrics"
	"liveboard/metrics/live"
	"liveboard/metrics/query"
	"liveboard/metrics/rank"
	"liveboard/views/panels"
	"liveboard/views/press"
)

// world is the whole program but its command line and its collectors, served over real HTTP.
type world struct {
	t        testing.TB
	path     string // of the database
	store    *data.Store
	recorder *metrics.Recorder
	ledger   *rank.Ledger
	press    *press.Press
	arrivals metrics.Arrivals
	server   *Server
	http     *httptest.Server
	URL      string

	once   sync.Once
	broken bool // the store is closed already
}

// newWorld serves the dashboards; without any it serves one named "d" with a panel "orders". change may be nil.
func newWorld(t testing.TB, change func(*Config), dashboards ...metrics.Dashboard) *world {
	t.Helper()
	if len(dashboards) == 0 {
		dashboards = []metrics.Dashboard{dashboard("d", "orders")}
	}
	board := &metrics.Board{Dashboards: dashboards, Embed: metrics.Embed{Origins: []string{"https://intranet.example"}}}
	return worldOf(t, change, board, filepath.Join(t.TempDir(), "x.db"))
}

// worldOf serves a board from a database. Its screens may move a thousand times a second.
func worldOf(t testing.TB, change func(*Config), board *metrics.Board, path string) *world {
	t.Helper()
	return pacedWorld(t, time.Millisecond, change, board, path)
}

// pacedWorld is worldOf with the shortest time between two moves of the screens.
func pacedWorld(t testing.TB, gap time.Duration, change func(*Config), board *metrics.Board, path string) *world {
	t.Helper()
	w := &world{t: t, path: path, store: openStore(t, path)}
	hub, engine := live.New(gap), query.New(w.store.Head())
	w.recorder = metrics.NewRecorder(metrics.RecorderConfig{
		Log: w.store, Applier: w.store.Head(), MaxSeries: 20,
		Bell: func(names []string) { hub.Touch(names...) },
		Arrived: func(arrivals []metrics.Arrival) {
			w.arrivals.Add(arrivals...)
			hub.Touch(press.ArrivalsTopic)
		},
	})
	boards := w.openLedger(hub, engine, board)
	w.press = press.New(hub, engine, boards, board, "build")
	w.press.ShowArrivals(&w.arrivals, w.store.Tokens())
	config := Config{
		Press: w.press, Prometheus: query.NewPrometheus(w.store.Head()), Catalog: metrics.NewCatalog(), Recorder: w.recorder, Registry: prometheus.NewRegistry(),
		Boards: boards, Ledger: w.ledger, Tokens: w.store.Tokens(), Keys: w.store.Keys(),
		Store: w.store, Backups: data.NewBackups(path, data.BackupPlan{}, slog.New(slog.DiscardHandler)),
		Checks: []Check{{"store", w.store.Ping}}, Build: "build", Streams: StreamLimits{PerAddress: 64},
	}
	if change != nil {
		change(&config)
	}
	w.server = New(config)
	w.http = httptest.NewUnstartedServer(nil)
	w.http.Config = w.server.HTTP()
	w.http.Start()
	w.URL = w.http.URL
	t.Cleanup(w.close)
	return w
}

// openLedger rebuilds the leaderboards.
func (w *world) openLedger(hub *live.Hub, engine *query.Engine, board *metrics.Board) *query.Boards {
	w.t.Helper()
	bell := func(names []string) {
		for _, name := range names {
			hub.Touch(query.Topic(name))
		}
	}
	var err error
	w.ledger, err = rank.NewLedger(w.t.Context(), rank.LedgerConfig{Log: w.store.Scores(), Bell: bell}, query.Submitted(board.Leaderboards))
	if err != nil {
		w.t.Fatal(err)
	}
	boards, err := query.NewBoards(w.ledger, engine, hub, board.Leaderboards)
	if err != nil {
		w.t.Fatal(err)
	}
	return boards
}

// close stops everything as main does.
func (w *world) close() {
	w.once.Do(func() {
		w.server.Stop()
		w.http.Close()
		if err := w.server.Wait(context.Background()); err != nil {
			w.t.Error(err)
		}
		w.recorder.Close()
		w.ledger.Close()
		w.press.Close()
		if !w.broken {
			w.breakStore()
		}
	})
}

// breakStore closes the store under those who use it.
func (w *world) breakStore() {
	w.t.Helper()
	w.broken = true
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

func openStore(t testing.TB, path string) *data.Store {
	t.Helper()
	store, err := data.Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// dashboard returns one with a panel of bars for each query, all named after it.
func dashboard(name string, queries ...string) metrics.Dashboard {
	d := metrics.Dashboard{Name: name, Title: strings.ToUpper(name), Range: 5 * time.Minute}
	for _, q := range queries {
		p := metrics.Panel{Name: q, Title: q, Kind: "bars", Decimals: -1, Queries: []metrics.Query{{Expr: q}}}
		if err := panels.Check(&p); err != nil {
			panic(err)
		}
		d.Panels = append(d.Panels, p)
	}
	return d
}

// record makes a sample of now durable and visible.
func (w *world) record(name string, value float64, labels ...metrics.Label) {
	w.t.Helper()
	series, err := metrics.NewSeries(name, labels...)
	if err != nil {
		w.t.Fatal(err)
	}
	b := metrics.Batch{Samples: []metrics.Sample{{Series: series, At: time.Now().UnixMilli(), Value: value}}}
	if err := w.recorder.Record(w.t.Context(), b); err != nil {
		w.t.Fatal(err)
	}
}

// stored asks a store for the newest value of every series that expr selects, spelt as PromQL does.
func stored(store *data.Store, expr string) map[string]float64 {
	values := map[string]float64{}
	for _, line := range query.New(store.Head()).Instant(context.Background(), expr, time.Now()).Lines {
		values[line.Labels.String()] = line.Points[0].Value
	}
	return values
}

// answer is an HTTP answer with its body read.
type answer struct {
	*http.Response
	body string
}

// do sends a request with a body and headers, given as name, value, name, value. The header Host is the
// request's host. Redirects are not followed.
func do(t testing.TB, method, url, body string, headers ...string) answer {
	t.Helper()
	return doBy(t, http.DefaultTransport, method, url, body, headers...)
}

// doBy is do over connections of that client.
func doBy(t testing.TB, client http.RoundTripper, method, url, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client.RoundTrip(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return answer{resp, string(b)}
}

func get200(t testing.TB, url string, headers ...string) answer {
	t.Helper()
	a := do(t, "GET", url, "", headers...)
	if a.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: status %d, want 200: %s", url, a.StatusCode, a.body)
	}
	return a
}

// wantProblem holds an answer to RFC 9457, and its detail to a text.
func wantProblem(t testing.TB, a answer, status int, detail string) {
	t.Helper()
	var p struct {
		Title, Detail, Request string
		Status                 int
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Errorf("the answer %q is no JSON: %v", a.body, err)
	}
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type = %q, want application/problem+json", got)
	}
	if a.StatusCode != status || p.Status != status || p.Title != http.StatusText(status) || p.Request == "" {
		t.Errorf("got status %d and %s, want %d, the same in the problem, its name and a request id", a.StatusCode, a.body, status)
	}
	if !strings.Contains(p.Detail, detail) {
		t.Errorf("detail = %q, want it to say %q", p.Detail, detail)
	}
}

// logs collects what is logged until the test ends.
func logs(t testing.TB) func() string {
	var mu sync.Mutex
	var b bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return b.Write(p)
	}), nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return b.String()
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// eventually waits for what happens soon, but on another goroutine.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	within(t, patience, what, holds)
}

// within is eventually for what may take its time.
func within(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come true that %s", what)
		}
	}
}
