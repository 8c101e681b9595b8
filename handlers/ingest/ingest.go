// Package ingest takes samples in: one file a protocol, and one way from all of them into the Recorder.
package ingest

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"liveboard/metrics"
	"liveboard/metrics/head"
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

// mayBring returns nil, or why the sender may not bring samples of the metric called name.
func (s Sender) mayBring(name string) error {
	if s.Local || s.Ingests(name) {
		return nil
	}
	return metrics.Errorf(metrics.Forbidden, "The token may not bring %s: its scopes are %s.", name, strings.Join(s.Scopes, ", "))
}

// Past is what was stored before the program started. The zero Past is empty.
type Past struct {
	Arrivals []metrics.Arrival // of all series
	Stored   Source
}

// Source is where stored samples are read; *head.Head is one.
type Source interface {
	// Select returns the series that all matchers match, each with its samples from mint to maxt, Unix milliseconds.
	Select(ctx context.Context, mint, maxt int64, ms ...*labels.Matcher) ([]*head.Series, error)
}

// Config is what an Intake works with. All fields but Past and Catalog are needed.
type Config struct {
	Recorder Recorder
	Past     Past
	Catalog  *metrics.Catalog // learns what senders say of metrics
	// Admit returns who sent the request, bearing that secret where found, or why they may bring nothing.
	Admit func(r *http.Request, secret string, found bool) (Sender, error)
	// Webhook returns the webhook of that name in the board of now, or an error of kind NotFound.
	Webhook func(name string) (*metrics.Webhook, error)
	// Fail answers with the error as a problem.
	Fail func(w http.ResponseWriter, r *http.Request, err error)
	// Explain returns what a client may know of the error, and sets the headers that belong to it.
	Explain func(w http.ResponseWriter, r *http.Request, err error) (status int, sentence string)
}

// Intake is the way in for samples over HTTP. It is safe for concurrent use.
type Intake struct {
	Config
	room      room
	lobby     room // of bodies that tell who sent them
	stats     stats
	protocols []protocol
	runs      []func(ctx context.Context)
}

// New returns an Intake.
func New(c Config) *Intake {
	i := &Intake{Config: c, room: newRoom(roomBytes), lobby: newRoom(lobbyBytes), stats: newStats(), protocols: slices.Clone(protocols)}
	for _, open := range openers {
		opened, run := open(i)
		i.protocols = append(i.protocols, opened...)
		if run != nil {
			i.runs = append(i.runs, run)
		}
	}
	return i
}

// Run does what protocols do between requests. It returns once ctx has ended and they are done.
func (i *Intake) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, run := range i.runs {
		running.Go(func() { run(ctx) })
	}
	running.Wait()
}

// protocol is one that comes over HTTP. Each file puts its own into protocols.
type protocol struct {
	format string   // as Origin calls it, unless read says otherwise
	routes []string // "POST /api/push"
	coding string   // of bodies without a Content-Encoding; "" for identity
	// check refuses a request before anything else is done; nil lets all pass.
	check func(d *delivery) error
	// read returns what the body says. The batch must keep nothing of the body. An error is of kind Invalid, says
	// where it stands, and means that nothing is recorded. What is left out of a Partial batch it adds to d.refused.
	read func(d *delivery) (metrics.Batch, error)
	// take stands in the place of read where a protocol has to record what the body says by itself.
	take func(d *delivery) error
	// secret returns the token that stands in the body, "" where there is none; nil where the protocol has no such place.
	secret func(d *delivery) string
	// vouch reports who sent the body if that shows in another way than by a token; nil where there is no such way. An
	// error means that the proof is wrong, whatever else the request bears.
	vouch func(d *delivery) (from Sender, known bool, err error)
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

// openers make the protocols that keep something between requests: each Intake has its own of them. run, which may be
// nil, is what they do until ctx ends.
var openers []func(i *Intake) (opened []protocol, run func(ctx context.Context))

// delivery is a request on its way in.
type delivery struct {
	*http.Request
	body []byte    // decoded; gone once the request is answered
	now  time.Time // of its arrival: of samples without a time of their own
	from Sender

	refused  refusal // what read left out
	skipped  int     // what read passed over since it is no number
	recorded int     // samples, once all of them are durable
}

// leave leaves one out of a Partial batch. why makes an Error for the first.
func (d *delivery) leave(why func() error) {
	var first error
	if d.refused.n == 0 {
		first = why()
	}
	d.refused.add(1, first)
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

// origin says who brings what the request brings.
func (d *delivery) origin(format string) metrics.Origin {
	return metrics.Origin{Token: d.from.ID, Format: format, Sender: addressOf(d.RemoteAddr)}
}

// Route is one address.
type Route struct {
	Method, Path string
	Handler      http.HandlerFunc
}

// Routes returns where requests are to be led.
func (i *Intake) Routes() (routes []Route) {
	for _, p := range i.protocols {
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
	early, room := p.secret == nil && p.vouch == nil, i.lobby
	if early { // strangers are turned away before their body is read
		if err := i.admit(d, ""); err != nil {
			return err
		}
		room = i.room
	}
	free, err := room.read(w, d, p.coding)
	if err != nil {
		return err
	}
	defer free()
	if !early {
		if err := i.identify(p, d); err != nil {
			return err
		}
	}
	if p.take != nil {
		return p.take(d)
	}
	batch, err := p.read(d)
	if err != nil {
		return err
	}
	i.stats.skipped.WithLabelValues(p.format).Add(float64(d.skipped))
	batch.Origin = d.origin(cmp.Or(batch.Origin.Format, p.format))
	d.recorded = len(batch.Samples)
	return i.record(d.Context(), d.from, batch, d.refused)
}

// identify notes who sent the body.
func (i *Intake) identify(p protocol, d *delivery) error {
	if p.vouch != nil {
		from, known, err := p.vouch(d)
		if err != nil {
			return i.turnAway(d, err)
		}
		if known {
			d.from = from
			return nil
		}
	}
	if p.secret != nil {
		return i.admit(d, p.secret(d))
	}
	return i.admit(d, "")
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

// turnAway returns err, or that there were too many such: a proof that is wrong counts as a token that is.
func (i *Intake) turnAway(d *delivery, err error) error {
	if _, refused := i.Admit(d.Request, "", true); metrics.KindOf(refused) == metrics.TooMany {
		return refused
	}
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
	n, first := holdToPrefixes(from, &batch)
	if n > 0 && !batch.Partial {
		return first
	}
	left.add(n, first)
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

// holdToPrefixes takes the samples out that the sender may not bring, and says how many those were and why.
func holdToPrefixes(from Sender, batch *metrics.Batch) (refused int, first error) {
	if from.mayBring("") == nil {
		return 0, nil
	}
	kept := batch.Samples[:0]
	name, why := "", error(nil)
	for _, s := range batch.Samples {
		if n := s.Series.Name(); n != name { // senders bring the series of a metric in a row
			name, why = n, from.mayBring(n)
		}
		if why == nil {
			kept = append(kept, s)
			continue
		}
		refused++
		first = cmp.Or(first, why)
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
