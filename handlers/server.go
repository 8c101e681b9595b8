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

	"liveboard/metrics"
	"liveboard/views/press"
)

// Recorder makes a batch durable; *metrics.Recorder is one.
type Recorder interface {
	Record(ctx context.Context, b metrics.Batch) error
}

// Check is one of the things that must hold for the server to be ready.
type Check struct {
	Name string
	Run  func(context.Context) error
}

// Config is what a Server works with. All fields but PushToken are needed.
type Config struct {
	Press                *press.Press
	Recorder             Recorder
	Registry             *prometheus.Registry // what /metrics tells; the server adds its own to it
	Checks               []Check
	Build                string
	PushToken            string // what a push from another machine must bear; "" forbids those
	MaxStreamsPerAddress int
}

// Server answers every request of the program. Make it with New.
type Server struct {
	Config

	streams  *streams
	sent     *metrics.Histogram
	stopping context.Context // ends when Stop is called
	stop     context.CancelFunc
	handler  http.Handler
}

// maxHeaderBytes bounds a request's header, and so its URL.
const maxHeaderBytes = 16 << 10

// New returns a server, and registers its own metrics.
func New(c Config) *Server {
	s := &Server{Config: c, streams: newStreams(c.MaxStreamsPerAddress), sent: metrics.NewHistogram(sendBuckets...)}
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.handler = s.routes()
	s.register()
	return s
}

// HTTP returns an http.Server that serves s with time limits against slow senders. Streams and
// pushes set limits of their own.
func (s *Server) HTTP() *http.Server {
	return &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeaderBytes,
	}
}

// Stop says goodbye to every stream and poll, and refuses new ones. It does not wait: that is
// http.Server.Shutdown's part.
func (s *Server) Stop() { s.stop() }

func (s *Server) routes() http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.RequestID, recoverer, guard)
	r.NotFound(s.notFound)
	r.MethodNotAllowed(s.methodNotAllowed)

	r.Get("/live/", s.live)
	r.Get("/live/{dashboards}", s.live)
	r.Get("/healthz", healthz)
	r.Get("/readyz", s.readyz)
	r.Get("/assets/*", asset)

	r.Group(func(r chi.Router) {
		r.Use(logRequests)
		r.Get("/poll/", s.poll)
		r.Get("/poll/{dashboards}", s.poll)
		r.Post("/api/push", s.push)
		r.Method(http.MethodGet, "/metrics", promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{Registry: s.Registry}))
	})
	r.Group(func(r chi.Router) {
		r.Use(logRequests, middleware.Compress(5, "text/html"))
		r.Get("/", s.index)
		r.Get("/d/{dashboards}", s.desk)
		r.Get("/d/{dashboards}/{panel}", s.desk)
		r.Get("/kiosk/{dashboards}", s.kiosk)
		r.Get("/embed/{dashboards}", s.embed)
		r.Get("/embed/{dashboards}/{panel}", s.embed)
	})
	return r
}
