package handlers

import (
	"bufio"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// event is one of a stream; the cursor has no name.
type event struct {
	name, id, data string
	through        int // bytes of the stream up to its end, as they came over the wire
}

// parse reads events as the standard says, and returns when the text ends or breaks off:
// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
func parse(r io.Reader, each func(event)) {
	var e event
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "":
			if e != (event{}) {
				each(e)
			}
			e = event{}
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data += value + "\n"
		}
	}
}

func parseAll(text string) (events []event) {
	parse(strings.NewReader(text), func(e event) { events = append(events, e) })
	return events
}

// stream is an open event stream.
type stream struct {
	t      testing.TB
	Header http.Header
	events chan event // closed at the end
	bytes  *counter
	cancel context.CancelFunc
}

// counter counts what is read through it.
type counter struct {
	io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

// open opens the stream at url, which must answer 200. Ask for gzip with the header Accept-Encoding.
func open(t testing.TB, url string, headers ...string) *stream {
	t.Helper()
	return openBy(t, http.DefaultTransport, url, headers...)
}

// openBy is open with connections of some kind.
func openBy(t testing.TB, by http.RoundTripper, url string, headers ...string) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	impatient := time.AfterFunc(patience, cancel)
	resp, err := by.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	impatient.Stop()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("GET %s: status %d: %s", url, resp.StatusCode, body)
	}
	s := &stream{t: t, Header: resp.Header, events: make(chan event, 1000), bytes: &counter{Reader: resp.Body}, cancel: cancel}
	go s.read(resp)
	return s
}

func (s *stream) read(resp *http.Response) {
	defer close(s.events)
	defer resp.Body.Close()
	var body io.Reader = s.bytes
	var err error
	switch resp.Header.Get("Content-Encoding") {
	case "gzip":
		body, err = gzip.NewReader(s.bytes)
	case "zstd":
		body, err = zstd.NewReader(s.bytes, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	}
	if err != nil {
		return
	}
	parse(body, func(e event) {
		e.through = s.bytes.n
		s.events <- e
	})
}

// next returns the next event; ok is false when the stream has ended.
func (s *stream) next() (e event, ok bool) {
	s.t.Helper()
	select {
	case e, ok = <-s.events:
		return e, ok
	case <-time.After(patience):
		s.t.Fatalf("the stream is silent for %v", patience)
		return e, false
	}
}

// until returns the events up to the first that is called name, which is the last. "" is the cursor of what is no
// heartbeat: those, which may come at any time, are left out unless one is asked for.
func (s *stream) until(name string) (events []event) {
	s.t.Helper()
	for {
		e, ok := s.next()
		if !ok {
			s.t.Fatalf("the stream ended before the event %q came: %v", name, events)
		}
		if e.name == "beat" && name != "beat" {
			s.next() // its cursor
			continue
		}
		if events = append(events, e); e.name == name {
			return events
		}
	}
}

// ended reports whether nothing more comes.
func (s *stream) ended() bool {
	_, ok := s.next()
	return !ok
}

func texts(events []event) string {
	var b strings.Builder
	for _, e := range events {
		b.WriteString(e.data)
	}
	return b.String()
}
