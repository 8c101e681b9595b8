package handlers

import (
	"cmp"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-chi/chi/v5/middleware"
)

// logRequests logs each request when it is answered, at the level of its status. URLs are logged without their query,
// which may bear what a person typed.
func logRequests(level func(status int) slog.Level) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			started := time.Now()
			ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			next.ServeHTTP(ww, r)
			status := cmp.Or(ww.Status(), http.StatusOK) // which net/http sends for a handler that has written nothing
			level := level(status)
			if !slog.Default().Enabled(r.Context(), level) {
				return
			}
			slog.LogAttrs(r.Context(), level, "request",
				slog.String("request", middleware.GetReqID(r.Context())),
				slog.String("method", r.Method),
				slog.String("path", r.URL.Path),
				slog.Int("status", status),
				slog.Int("bytes", ww.BytesWritten()),
				slog.Float64("seconds", time.Since(started).Seconds()),
				slog.Any("address", addressOf(r)))
		})
	}
}

// ofPages keeps scores that were recorded, which alone are answered with 201, out of the log: they may come thousands of
// times a second, and have been written down.
func ofPages(status int) slog.Level {
	if status == http.StatusCreated {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// ofSamples does so with everything that was taken in; /metrics counts it.
func ofSamples(status int) slog.Level {
	if status < http.StatusMultipleChoices {
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
