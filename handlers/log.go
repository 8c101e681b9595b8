package handlers

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-chi/chi/v5/middleware"
)

// logRequests logs each request when it is answered. URLs are logged without their query, which may bear what a person typed.
func logRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(ww, r)
		slog.Info("request",
			"request", middleware.GetReqID(r.Context()),
			"method", r.Method,
			"path", r.URL.Path,
			"status", ww.Status(),
			"bytes", ww.BytesWritten(),
			"seconds", time.Since(started).Seconds(),
			"address", addressOf(r))
	})
}

// recoverer keeps one request's panic from ending the process.
func recoverer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch fault := recover(); fault {
			case nil:
			case http.ErrAbortHandler:
				panic(fault)
			default:
				slog.Error("request panicked", "request", middleware.GetReqID(r.Context()), "path", r.URL.Path,
					"panic", fault, "stack", string(debug.Stack()))
				w.WriteHeader(http.StatusInternalServerError) // too late where the answer has begun
			}
		}()
		next.ServeHTTP(w, r)
	})
}
