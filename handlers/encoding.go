package handlers

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"time"

	"liveboard/views/press"
)

// writeWhole sends an answer of known length, compressed where the client understands that.
func writeWhole(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.Header().Set("Vary", "Accept-Encoding")
	if acceptsGzip(r) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(body) // to memory
		_ = z.Close()
		body = b.Bytes()
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone needs no answer
}

// writeWithin is how long a client may take no bytes before it is let go.
const writeWithin = 15 * time.Second

// writeNow sends a part of an answer, and blocks until the client's side has taken it, at most writeWithin.
func writeNow(w http.ResponseWriter, part []byte) error {
	out := http.NewResponseController(w)
	if err := out.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	if _, err := w.Write(part); err != nil {
		return err
	}
	return out.Flush()
}

// encodingOf chooses the form of a stream: gzip before zstd, whose frames cannot refer to the ones before them.
func encodingOf(r *http.Request) press.Encoding {
	switch {
	case acceptsGzip(r):
		return press.Gzip
	case accepts(r, "zstd"):
		return press.Zstd
	}
	return press.Identity
}

func acceptsGzip(r *http.Request) bool {
	return accepts(r, "gzip") || accepts(r, "*") && !named(r, "gzip")
}

// accepts reads Accept-Encoding (RFC 9110, 12.5.3) as far as it matters here.
func accepts(r *http.Request, coding string) bool {
	params, ok := offer(r, coding)
	if !ok {
		return false
	}
	q := strings.TrimPrefix(strings.ReplaceAll(params, " ", ""), "q=")
	weight, err := strconv.ParseFloat(q, 64)
	return q == "" || err == nil && weight > 0
}

func named(r *http.Request, coding string) bool {
	_, ok := offer(r, coding)
	return ok
}

// offer returns what stands behind a coding in Accept-Encoding.
func offer(r *http.Request, coding string) (params string, ok bool) {
	for item := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(item), ";")
		if strings.TrimSpace(name) == coding {
			return params, true
		}
	}
	return "", false
}
