package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"liveboard/data"
	"liveboard/metrics"
	"liveboard/metrics/head"
	"liveboard/metrics/query"
)

// rig is an Intake before a real database, without a server: in a bubble of synctest a network would be outside.
type rig struct {
	t        testing.TB
	path     string
	store    *data.Store // nil in memory
	head     *head.Head
	recorder *metrics.Recorder
	intake   *Intake
	stop     func() // waits for Run
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, path: filepath.Join(t.TempDir(), "x.db")}
	r.open()
	return r
}

func (r *rig) open() {
	r.t.Helper()
	store, err := data.Open(r.path, slog.New(slog.DiscardHandler))
	if err != nil {
		r.t.Fatal(err)
	}
	r.store, r.head = store, store.Head()
	r.begin(store, Past{Arrivals: store.Arrivals(), Stored: r.head})
}

// newRigInMemory returns a rig for days of samples, which a disk would take its time for.
func newRigInMemory(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, head: head.New(nil)}
	r.begin(new(unwritten), Past{})
	return r
}

// unwritten is a log of groups that are kept nowhere.
type unwritten struct{ seq uint64 }

func (u *unwritten) Append(context.Context, []metrics.Sample, []metrics.Arrival) (uint64, error) {
	u.seq++
	return u.seq, nil
}

func (r *rig) begin(log metrics.Log, past Past) {
	r.recorder = metrics.NewRecorder(metrics.RecorderConfig{Log: log, Applier: r.head})
	r.intake = New(Config{
		Recorder: r.recorder,
		Past:     past,
		Admit:    admitTest,
		Fail: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), 1000+int(metrics.KindOf(err)))
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.intake.Run(ctx)
	}()
	r.stop = func() {
		cancel()
		<-done
	}
}

// admitTest admits this machine, and tokens whose secret is the prefix that they may bring.
func admitTest(_ *http.Request, secret string, found bool) (Sender, error) {
	if !found {
		return Sender{Local: true}, nil
	}
	if secret == "wrong" {
		return Sender{}, metrics.Errorf(metrics.Unauthorized, "The token is not good.")
	}
	return Sender{Token: metrics.Token{ID: secret, Scopes: []string{"ingest:" + secret}}}, nil
}

func (r *rig) close() {
	r.t.Helper()
	r.stop()
	r.recorder.Close()
	if r.store == nil {
		return
	}
	if err := r.store.Close(); err != nil {
		r.t.Error(err)
	}
}

// do sends a request, and returns the status and the text of the answer. A status from 1000 on is 1000 and the kind of the error.
func (r *rig) do(method, target, body string, headers ...string) (status int, text string) {
	r.t.Helper()
	request := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	i := slices.IndexFunc(r.intake.Routes(), func(route Route) bool {
		prefix, open := strings.CutSuffix(strings.NewReplacer("{id}", "*", "{name}", "*").Replace(route.Path), "*")
		return route.Method == method && (target == prefix || open && strings.HasPrefix(target, prefix))
	})
	if i < 0 {
		r.t.Fatalf("there is no route for %s %s", method, target)
	}
	answer := &wide{ResponseRecorder: httptest.NewRecorder()}
	r.intake.Routes()[i].Handler(answer, request)
	if answer.status == 0 {
		answer.status = http.StatusOK
	}
	return answer.status, answer.Body.String()
}

// wide takes statuses that HTTP does not have.
type wide struct {
	*httptest.ResponseRecorder
	status int
}

func (w *wide) WriteHeader(status int) { w.status = status }

// want sends a request and holds the answer to a status and to a part of its text.
func (r *rig) want(status int, part, method, target, body string, headers ...string) {
	r.t.Helper()
	if got, text := r.do(method, target, body, headers...); got != status || !strings.Contains(text, part) {
		r.t.Errorf("%s %s: got %d %q, want %d and %q", method, target, got, text, status, part)
	}
}

// values asks for what queries see now.
func (r *rig) values(expr string) map[string]float64 {
	r.t.Helper()
	values := map[string]float64{}
	for _, line := range query.New(r.head).Instant(r.t.Context(), expr, time.Now()).Lines {
		values[line.Labels.String()] = line.Points[0].Value
	}
	return values
}

// wantValues holds what queries see to want.
func (r *rig) wantValues(expr string, want map[string]float64) {
	r.t.Helper()
	if got := r.values(expr); fmt.Sprint(got) != fmt.Sprint(want) {
		r.t.Errorf("%s: got %v, want %v", expr, got, want)
	}
}
