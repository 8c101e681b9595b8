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
		level := levelOf(ww.Status())
		if !slog.Default().Enabled(r.Context(), level) {
			return
		}
		slog.LogAttrs(r.Context(), level, "request",
			slog.String("request", middleware.GetReqID(r.Context())),
			slog.String("method", r.Method),
			slog.String("path", r.URL.Path),
			slog.Int("status", ww.Status()),
			slog.Int("bytes", ww.BytesWritten()),
			slog.Float64("seconds", time.Since(started).Seconds()),
			slog.Any("address", addressOf(r)))
	})
}

// levelOf keeps what may come thousands of times a second, and has been written down, out of the log: scores that
// were recorded, which alone are answered with 201.
func levelOf(status int) slog.Level {
	if status == http.StatusCreated {
		return slog.LevelDebug
	}
	return slog.LevelInfo
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
