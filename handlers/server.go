// Package handlers is the HTTP side of the program: pages, the live stream and its long-poll
// twin, ingest and operations. It knows no SQL.
package handlers

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"liveboard/handlers/fan"
	"liveboard/handlers/ingest"
	"liveboard/metrics"
	"liveboard/metrics/query"
	"liveboard/views/press"
)

// Check is one of the things that must hold for the server to be ready.
type Check struct {
	Name string
	Run  func(context.Context) error
}

// Config is what a Server works with. All fields but PublicURL and the limits of a minute are needed.
type Config struct {
	Press            *press.Press
	Prometheus       *query.Prometheus
	Catalog          *metrics.Catalog
	Recorder         ingest.Recorder
	Past             ingest.Past // what Recorder had recorded before; may be empty
	Boards           Boards
	Ledger           Ledger
	Tokens           Tokens
	Keys             Keys
	Store            Store
	Backups          Backups
	Registry         *prometheus.Registry // what /metrics tells; the server adds its own to it
	Checks           []Check
	Build            string
	PublicURL        string // where people reach the server, without a slash at the end; "" is where each request came
	Streams          StreamLimits
	NoRing           bool // write streams without io_uring
	TokenPerMinute   int  // requests that one token may bear from elsewhere; 0 means 120,000
	AddressPerMinute int  // requests without a good token from one address elsewhere; 0 means 6,000
}

// Server answers every request of the program. Make it with New.
type Server struct {
	Config

	intake   *ingest.Intake
	streams  *streams
	fan      *fan.Fan
	polls    *streams
	probes   *streams // of the doctor
	sent     *metrics.Histogram
	stopping context.Context // ends when Stop is called
	stop     context.CancelFunc
	handler  chi.Router
	idle     newcomers
	sessions *sessions
	limits   *limits
	turns    turns
	nonces   nonces
	ahead    ahead
	started  time.Time
}

// maxHeaderBytes bounds a request's header, and so its URL.
const maxHeaderBytes = 16 << 10

// overHTTP2 lets a proxy carry many viewers on one connection, and closes one whose other end is gone.
var overHTTP2 = http.HTTP2Config{
	MaxConcurrentStreams: 1000,
	SendPingTimeout:      30 * time.Second,
	PingTimeout:          writeWithin,
	WriteByteTimeout:     writeWithin,
}

// New returns a server, and registers its own metrics.
func New(c Config) *Server {
	s := &Server{
		Config: c, streams: newStreams(c.Streams), polls: newStreams(StreamLimits{PerAddress: 4 * c.Streams.PerAddress}), probes: newStreams(StreamLimits{All: maxProbes, PerAddress: maxProbesPerAddress}), sent: metrics.NewHistogram(sendBuckets...),
		sessions: newSessions(), limits: newLimits(c), turns: newTurns(), started: time.Now(),
	}
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.fan = fan.New(c.Press, s.sent, c.NoRing)
	s.intake = ingest.New(ingest.Config{
		Recorder: c.Recorder, Past: c.Past, Catalog: c.Catalog,
		Admit: s.senderOf, Webhook: s.webhook, Fail: fail, Explain: explainTo,
	})
	s.Past = ingest.Past{} // which is large, and of no further use
	s.handler = s.routes()
	s.register()
	return s
}

// HTTP returns an http.Server that serves s with time limits against slow clients. Streams set
// limits of their own.
func (s *Server) HTTP() *http.Server {
	return &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute, // longer than a poll waits
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         s.idle.note,
		ConnContext:       fan.ConnContext,
		HTTP2:             &overHTTP2,
	}
}

// Intake is the way in for samples, for what does not come over HTTP.
func (s *Server) Intake() *ingest.Intake { return s.intake }

func (s *Server) webhook(name string) (*metrics.Webhook, error) {
	board, _ := s.Press.Board()
	return board.Webhook(name)
}

// Run does what protocols of samples do between requests, until ctx ends.
func (s *Server) Run(ctx context.Context) { s.intake.Run(ctx) }

// Stop says goodbye to every stream and poll, and refuses new ones. It does not wait: that is
// http.Server.Shutdown's part, and then Wait's.
func (s *Server) Stop() {
	s.stop()
	s.fan.Stop()
	s.idle.close()
}

// Wait waits, after Stop and http.Server.Shutdown, for the streams that are no longer the http.Server's to have taken
// their goodbye, at most until ctx ends.
func (s *Server) Wait(ctx context.Context) error { return s.fan.Wait(ctx) }

func (s *Server) routes() chi.Router {
	r := chi.NewRouter()
	r.Use(middleware.RequestID, recoverer, guard)
	r.NotFound(s.notFound)
	r.MethodNotAllowed(s.methodNotAllowed)

	r.Get("/live", s.live)
	r.Get("/live/", s.live)
	r.Get("/live/{dashboards}", s.live)
	r.Get("/live/b/{board}", s.live)
	get(r, "/healthz", healthz)
	get(r, "/readyz", s.readyz)
	get(r, "/assets/*", asset)

	r.Group(func(r chi.Router) {
		r.Use(logRequests(ofSamples))
		for _, route := range s.intake.Routes() {
			r.Method(route.Method, route.Path, route.Handler)
		}
	})
	r.Group(func(r chi.Router) {
		r.Use(logRequests(ofPages))
		r.Get("/poll", s.poll)
		r.Get("/poll/", s.poll)
		r.Get("/poll/{dashboards}", s.poll)
		get(r, "/metrics", promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{Registry: s.Registry}).ServeHTTP)
		get(r, "/", s.index)
		get(r, "/arrivals", s.arrivals)
		get(r, "/storage", s.storage)
		get(r, "/d/{dashboards}", s.desk)
		get(r, "/d/{dashboards}/{panel}", s.desk)
		get(r, "/kiosk/{dashboards}", s.kiosk)
		get(r, "/embed/{dashboards}", s.embed)
		get(r, "/embed/{dashboards}/{panel}", s.embed)
		r.Get("/poll/b/{board}", s.poll)
		s.routeBoards(r)
		s.routeLeaderboards(r)
		s.routeDoctor(r)
		s.routePrometheus(r)
	})
	return r
}

// get routes GET, and HEAD with it: net/http leaves out the body.
func get(r chi.Router, pattern string, h http.HandlerFunc) {
	r.Get(pattern, h)
	r.Head(pattern, h)
}
