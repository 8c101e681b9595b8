package press

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/starfederation/datastar-go/datastar"
)

// Frame is a run of whole events of the wire, made once and sent to every viewer as it is.
// Its bytes must not be changed.
type Frame struct {
	plain   []byte
	deflate func() []byte
}

// Plain returns the events as text.
func (f *Frame) Plain() []byte { return f.plain }

// Deflated returns the events as one raw deflate run (RFC 1951) without history, ended by a
// sync flush: valid after GzipHeader and any number of other such runs. It is made at the first call.
func (f *Frame) Deflated() []byte { return f.deflate() }

// GzipHeader begins a gzip stream (RFC 1952) whose body is any number of Deflated runs. Once a connection.
var GzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}

func newFrame(plain []byte) *Frame {
	return &Frame{plain: plain, deflate: sync.OnceValue(func() []byte { return deflate(plain) })}
}

var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.DefaultCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

func deflate(plain []byte) []byte {
	var b bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&b)
	// Writes to a buffer cannot fail; Flush instead of Close leaves the stream open for the next run.
	_, _ = w.Write(plain)
	_ = w.Flush()
	return b.Bytes()
}

// composer gathers events into a frame. datastar-go spells them, so that the wire is the library's.
type composer struct {
	buf bytes.Buffer
	sse *datastar.ServerSentEventGenerator
}

// composing is the request that datastar-go wants to see: it reads nothing of it but the context.
var composing, _ = http.NewRequestWithContext(context.Background(), http.MethodGet, "/", http.NoBody)

func newComposer() *composer {
	c := &composer{}
	c.sse = datastar.NewSSE(sink{&c.buf}, composing)
	return c
}

// frame ends the composing.
func (c *composer) frame() *Frame { return newFrame(c.buf.Bytes()) }

// patch adds elements, each of which takes the place of the one with its id.
func (c *composer) patch(elements []byte) {
	// Neither the sink nor the background context can fail.
	_ = c.sse.PatchElements(lines(elements))
}

// feed adds elements that do their work when they arrive in the page, and vanish.
func (c *composer) feed(elements []byte) {
	_ = c.sse.PatchElements(lines(elements), datastar.WithSelectorID(FeedID), datastar.WithModeAppend())
}

// event adds an event of our own whose data is v as JSON.
func (c *composer) event(name string, v any, opts ...datastar.SSEEventOption) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // only this package's own types come here
	}
	_ = c.sse.Send(datastar.EventType(name), []string{string(data)}, opts...)
}

// cursor adds the cursor as an event of its own: a client takes an id when it parses the line, so an
// id inside a patch that is cut in the middle would lose that patch for good.
func (c *composer) cursor(cursor string) {
	c.buf.WriteString("id: " + cursor + "\n\n")
}

// render returns the component's HTML. Components are ours and write to a buffer: an error is a
// programmer's mistake.
func render(component templ.Component) []byte {
	var b bytes.Buffer
	if err := component.Render(context.Background(), &b); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// lines makes text safe for an event stream. A lone CR ends a line there too, and neither templ
// nor datastar-go escapes it: unreplaced, a label "x\rdata: mode remove" would write our protocol (CWE-93).
func lines(text []byte) string {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	return string(bytes.ReplaceAll(text, []byte("\r"), []byte("\n")))
}

// sink is the ResponseWriter that datastar-go writes events to.
type sink struct{ *bytes.Buffer }

func (sink) Header() http.Header { return http.Header{} }
func (sink) WriteHeader(int)     {}
func (sink) Flush()              {}

// Beat is the longest silence of a stream. A client that hears nothing for 2.5 beats reconnects.
const Beat = 10 * time.Second

// Hello returns the first frame of a connection: which build and epoch it speaks for, the server's
// time, how often it beats, and after how long an EventSource shall try again when it ends.
func Hello(build, epoch string, retry time.Duration) *Frame {
	c := newComposer()
	c.event("hello", struct {
		Build string `json:"build"`
		Epoch string `json:"epoch"`
		Now   int64  `json:"now"`
		Beat  int64  `json:"beat"` // seconds
	}{build, epoch, time.Now().UnixMilli(), int64(Beat / time.Second)}, datastar.WithSSERetryDuration(retry))
	return c.frame()
}

// Reason says why a stream ends.
type Reason string

// The reasons.
const (
	Turnover Reason = "turnover" // no stream lasts for ever; come back at once
	Stopping Reason = "stopping" // the server stops; come back after the retry time
	Gone     Reason = "gone"     // what the stream showed is no more; load the page again
)

// Bye returns the last frame of a connection, and when its client shall be back.
func Bye(why Reason, retry time.Duration) *Frame {
	c := newComposer()
	c.event("bye", struct {
		Why   Reason `json:"why"`
		Now   int64  `json:"now"`
		Retry int64  `json:"retry"` // milliseconds
	}{why, time.Now().UnixMilli(), retry.Milliseconds()}, datastar.WithSSERetryDuration(retry))
	return c.frame()
}

// beat returns a heartbeat. It carries the cursor too, so that one who joined between two ticks has one.
func beat(cursor string) *Frame {
	c := newComposer()
	c.event("beat", struct {
		Now int64 `json:"now"`
	}{time.Now().UnixMilli()})
	c.cursor(cursor)
	return c.frame()
}

// cursorOf spells the cursor of a page's revision.
func cursorOf(epoch string, rev uint64) string {
	return epoch + "-" + strconv.FormatUint(rev, 10)
}
