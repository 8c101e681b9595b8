package client

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"liveboard/handlers/doctor"
)

// watch reads a stream to its end, or until enough says so of the number of events so far, or ctx ends. What went
// wrong stands in what it returns.
func (e *examination) watch(ctx context.Context, path string, zip bool, enough func(events int) bool) (s doctor.Stream) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	began := time.Now()
	defer func() { s.Ended = sinceMs(began) }()
	resp, err := e.get(ctx, path, zip)
	if err != nil {
		s.Fault = fault(ctx, cause(err))
		return s
	}
	defer resp.Body.Close()
	s.Opened, s.Status = sinceMs(began), resp.StatusCode
	s.Type, s.CacheControl, s.Encoding = resp.Header.Get("Content-Type"), resp.Header.Get("Cache-Control"), resp.Header.Get("Content-Encoding")
	if s.Status != http.StatusOK {
		return s
	}
	body := io.Reader(resp.Body)
	if s.Encoding == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			s.Fault = fault(ctx, err)
			return s
		}
		s.Remade, body = z.OS != ourGzip, z
	}
	s.Fault = fault(ctx, follow(&s, body, began, enough))
	return s
}

// ourGzip is the operating system in the server's gzip header: unknown. Proxies written in C say another.
const ourGzip = 255

// follow notes the events of a body.
func follow(s *doctor.Stream, body io.Reader, began time.Time, enough func(int) bool) error {
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), "data: ")
		var said struct {
			Now  int64
			Gzip bool
		}
		if !ok || json.Unmarshal([]byte(text), &said) != nil {
			continue
		}
		came := sinceMs(began)
		if len(s.Events) == 0 {
			s.First = came
		}
		s.Gzip = said.Gzip
		s.Events = append(s.Events, doctor.Event{Sent: float64(said.Now), Came: came})
		if enough(len(s.Events)) {
			return nil
		}
	}
	return lines.Err()
}

// fault says how a stream broke. A compressed one is never ended as gzip wants it, by the server either.
func fault(ctx context.Context, err error) string {
	switch {
	case err == nil || err == io.ErrUnexpectedEOF:
		return ""
	case ctx.Err() != nil:
		return "nothing more came"
	}
	return err.Error()
}

func sinceMs(t time.Time) float64 { return float64(time.Since(t).Microseconds()) / 1000 }
