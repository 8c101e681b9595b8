// Package ingest takes samples in: one file a protocol, and one way from all of them into the Recorder.
package ingest

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"liveboard/metrics"
)

// Recorder makes a batch durable; *metrics.Recorder is one.
type Recorder interface {
	Record(ctx context.Context, b metrics.Batch) error
}

// Sender is who sent a request. Its token says what it may bring; one on this machine may bring everything.
type Sender struct {
	metrics.Token
	Local bool
}

// Config is what an Intake works with. All fields are needed.
type Config struct {
	Recorder Recorder
	// Admit returns who sent the request, bearing that secret where found, or why they may bring nothing.
	Admit func(r *http.Request, secret string, found bool) (Sender, error)
	// Fail answers with the error as a problem.
	Fail func(w http.ResponseWriter, r *http.Request, err error)
	// Explain returns what a client may know of the error, and sets the headers that belong to it.
	Explain func(w http.ResponseWriter, r *http.Request, err error) (status int, sentence string)
}

// Intake is the way in for samples over HTTP. It is safe for concurrent use.
type Intake struct {
	Config
	room  room
	stats stats
}

// New returns an Intake.
func New(c Config) *Intake { return &Intake{Config: c, room: newRoom(), stats: newStats()} }

// protocol is one that comes over HTTP. Each file puts its own into protocols.
type protocol struct {
	format string   // as Origin calls it, unless read says otherwise
	routes []string // "POST /api/push"
	// check refuses a request before anything else is done; nil lets all pass.
	check func(d *delivery) error
	// read returns what the body says. The batch must keep nothing of the body. An error is of kind Invalid, says
	// where it stands, and means that nothing is recorded. What is left out of a Partial batch it adds to d.refused.
	read func(d *delivery) (metrics.Batch, error)
	// secret returns the token that stands in the body, "" where there is none; nil where the protocol has no such place.
	secret func(d *delivery) string
	// accept answers when everything is durable; nil answers 204.
	accept func(w http.ResponseWriter, d *delivery)
	// refuse answers an error in the protocol's own way; nil answers with a problem. Of a batch that was recorded in part
	// the error is a *metrics.PartialError.
	refuse func(i *Intake, w http.ResponseWriter, r *http.Request, err error)
}

var protocols []protocol

func register(p protocol) { protocols = append(protocols, p) }

// answers are what clients ask beside bringing samples, by route.
var answers = map[string]func(i *Intake, w http.ResponseWriter, r *http.Request){}

// delivery is a request on its way in.
type delivery struct {
	*http.Request
	body []byte    // decoded; gone once the request is answered
	now  time.Time // of its arrival: of samples without a time of their own
	from Sender

	refused refusal // what read left out
	skipped int     // what read passed over since it is no number
}

// refusal counts what is left out of a Partial batch.
type refusal struct {
	n     int
	first error // why the first of them is
}

func (r *refusal) add(n int, first error) {
	if r.n += n; r.first == nil {
		r.first = first
	}
}

// Route is one address.
type Route struct {
	Method, Path string
	Handler      http.HandlerFunc
}

// Routes returns where requests are to be led.
func (i *Intake) Routes() (routes []Route) {
	for _, p := range protocols {
		for _, route := range p.routes {
			method, path, _ := strings.Cut(route, " ")
			routes = append(routes, Route{method, path, i.handler(p)})
		}
	}
	for route, answer := range answers {
		method, path, _ := strings.Cut(route, " ")
		routes = append(routes, Route{method, path, func(w http.ResponseWriter, r *http.Request) { answer(i, w, r) }})
	}
	return routes
}

// handler answers 2xx once every sample is durable.
func (i *Intake) handler(p protocol) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d := &delivery{Request: r, now: time.Now()}
		err := i.take(p, w, d)
		i.stats.requests.WithLabelValues(p.format, outcomeOf(err)).Inc()
		switch {
		case err == nil && p.accept != nil:
			p.accept(w, d)
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case p.refuse != nil:
			p.refuse(i, w, r, err)
		default:
			i.Fail(w, r, err)
		}
	}
}

// take records what the request brings.
func (i *Intake) take(p protocol, w http.ResponseWriter, d *delivery) (err error) {
	if p.check != nil {
		if err := p.check(d); err != nil {
			return err
		}
	}
	if p.secret == nil { // strangers are turned away before their body is read
		if err := i.admit(d, ""); err != nil {
			return err
		}
	}
	free, err := i.room.read(w, d)
	if err != nil {
		return err
	}
	defer free()
	if p.secret != nil {
		if err := i.admit(d, p.secret(d)); err != nil {
			return err
		}
	}
	batch, err := p.read(d)
	if err != nil {
		return err
	}
	i.stats.skipped.WithLabelValues(p.format).Add(float64(d.skipped))
	if batch.Origin.Format == "" {
		batch.Origin.Format = p.format
	}
	batch.Origin.Token, batch.Origin.Sender = d.from.ID, addressOf(d.RemoteAddr)
	return i.record(d.Context(), d.from, batch, d.refused)
}

// admit notes who sent the request. A token in the headers goes before that of the body, "" for none.
func (i *Intake) admit(d *delivery, inBody string) (err error) {
	secret, found := secretOf(d.Request)
	if !found {
		secret, found = inBody, inBody != ""
	}
	d.from, err = i.Admit(d.Request, secret, found)
	return err
}

// secretOf returns the token that the headers bear, as any of the agents sends it: as a bearer token, as InfluxDB's
// “Token …”, or as the password of basic authentication, whose name is not looked at. found is false where there is no
// Authorization; another scheme has the token "", which is good for nothing.
func secretOf(r *http.Request) (secret string, found bool) {
	header := r.Header.Get("Authorization")
	if _, password, ok := r.BasicAuth(); ok {
		return password, true
	}
	scheme, secret, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "Token") {
		secret = ""
	}
	return secret, header != ""
}

// record records a batch, and of a Partial one what its sender may bring. What has been left out of it before is part of
// the answer.
func (i *Intake) record(ctx context.Context, from Sender, batch metrics.Batch, left refusal) error {
	if !from.Local {
		n, first := holdToPrefixes(from, &batch)
		if n > 0 && !batch.Partial {
			return first
		}
		left.add(n, first)
	}
	recorded, err := i.write(ctx, batch, &left)
	i.stats.samples.WithLabelValues(batch.Origin.Format).Add(float64(recorded))
	if err != nil {
		return err
	}
	i.stats.refused.WithLabelValues(batch.Origin.Format).Add(float64(left.n))
	if left.n > 0 {
		return &metrics.PartialError{Recorded: recorded, Refused: left.n, First: left.first}
	}
	return nil
}

// write hands a batch to the Recorder, a Partial one in parts that are not too large for it.
func (i *Intake) write(ctx context.Context, batch metrics.Batch, left *refusal) (recorded int, err error) {
	parts := [][]metrics.Sample{batch.Samples}
	if batch.Partial {
		parts = slices.Collect(slices.Chunk(batch.Samples, metrics.MaxBatchSamples))
	}
	for _, batch.Samples = range parts {
		err := i.Recorder.Record(ctx, batch)
		partial := (*metrics.PartialError)(nil)
		switch {
		case errors.As(err, &partial):
			left.add(partial.Refused, partial.First)
			recorded += partial.Recorded
		case err != nil:
			return recorded, err
		default:
			recorded += len(batch.Samples)
		}
	}
	return recorded, nil
}

// holdToPrefixes takes the samples out that the sender's token does not cover, and says how many those were and why.
func holdToPrefixes(from Sender, batch *metrics.Batch) (refused int, first error) {
	if from.Ingests("") {
		return 0, nil
	}
	kept := batch.Samples[:0]
	name, may := "", false
	for _, s := range batch.Samples {
		if n := s.Series.Name(); n != name { // senders bring the series of a metric in a row
			name, may = n, from.Ingests(n)
		}
		if may {
			kept = append(kept, s)
			continue
		}
		refused++
		if first == nil {
			first = metrics.Errorf(metrics.Forbidden, "The token may not bring %s: its scopes are %s.", name, strings.Join(from.Scopes, ", "))
		}
	}
	batch.Samples = kept
	return refused, first
}

// addressOf returns the host of an address such as http.Request.RemoteAddr.
func addressOf(remote string) string {
	addr, err := netip.ParseAddrPort(remote)
	if err != nil {
		return ""
	}
	return addr.Addr().Unmap().WithZone("").String()
}
