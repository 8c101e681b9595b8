package press

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/starfederation/datastar-go/datastar"
)

// Frame is a run of whole events of the wire, made once and sent to every viewer as it is. Each encoding of it is made
// when somebody first needs it, and kept. It is safe for use by many at once.
type Frame struct {
	plain   []byte
	before  []byte // what stands before it in its log, nil for what stands in none
	private bool   // for one viewer alone

	whole, follow, squeezed variant
}

// variant is one encoding of a frame.
type variant struct {
	once  sync.Once
	bytes []byte
}

func (v *variant) get(encode func() []byte) []byte {
	v.once.Do(func() { v.bytes = encode() })
	return v.bytes
}

// Plain returns the events as text. It must not be changed.
func (f *Frame) Plain() []byte { return f.plain }

// Encoded returns the events in an encoding; the bytes must not be changed. follows says that what its reader got last,
// with nothing in between, is the frame before it in the log: with Gzip it can then refer to that one, and is far
// smaller (a P frame; without, it is an I frame).
func (f *Frame) Encoded(e Encoding, follows bool) []byte {
	switch {
	case e == Identity:
		return f.plain
	case e == Zstd:
		return f.squeezed.get(func() []byte { return squeezer().EncodeAll(f.plain, nil) })
	case f.private:
		return f.whole.get(func() []byte { return store(f.plain) })
	case follows && f.before != nil:
		return f.follow.get(func() []byte { return deflate(f.plain, f.before) })
	}
	return f.whole.get(func() []byte { return deflate(f.plain, nil) })
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
func (c *composer) frame() *Frame { return &Frame{plain: c.buf.Bytes()} }

// private ends the composing of what one viewer alone gets.
func (c *composer) private() *Frame { return &Frame{plain: c.buf.Bytes(), private: true} }

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

// Hello returns the first frame of a connection: which build and epoch it speaks for, the server's time, how often it
// beats, how many look at the same, and after how long an EventSource shall try again when it ends. view is how the
// client calls the page where it asked for several, else "". A page that takes the place of another says hello anew.
func (p *Page) Hello(view string, retry time.Duration) *Frame {
	c := newComposer()
	c.event("hello", struct {
		Build   string `json:"build"`
		Epoch   string `json:"epoch"`
		Now     int64  `json:"now"`
		Beat    int64  `json:"beat"` // seconds
		Viewers int    `json:"viewers"`
		View    string `json:"view,omitempty"`
	}{p.press.build, p.epoch, time.Now().UnixMilli(), int64(Beat / time.Second), p.audience(), view}, datastar.WithSSERetryDuration(retry))
	return c.private()
}

// Reason says why a stream ends.
type Reason string

// The reasons.
const (
	Turnover Reason = "turnover" // no stream lasts for ever; come back at once
	Stopping Reason = "stopping" // the server stops; come back after the retry time
	Gone     Reason = "gone"     // what the stream showed is no more; load the page again
)

// Bye returns the last frame of a connection, and when its client shall be back; or, with a view, the last of that view
// on a connection that goes on with others.
func Bye(why Reason, view string, retry time.Duration) *Frame {
	c := newComposer()
	c.event("bye", struct {
		Why   Reason `json:"why"`
		Now   int64  `json:"now"`
		Retry int64  `json:"retry"` // milliseconds
		View  string `json:"view,omitempty"`
	}{why, time.Now().UnixMilli(), retry.Milliseconds(), view}, datastar.WithSSERetryDuration(retry))
	return c.private()
}

// beat returns a heartbeat. It carries the cursor too, so that one who joined between two ticks has one.
func beat(cursor string, viewers int) *Frame {
	c := newComposer()
	c.event("beat", struct {
		Now     int64 `json:"now"`
		Viewers int   `json:"viewers"`
	}{time.Now().UnixMilli(), viewers})
	c.cursor(cursor)
	return c.frame()
}

// cursorOf spells the cursor of a page's revision.
func cursorOf(epoch string, rev uint64) string {
	return epoch + "-" + strconv.FormatUint(rev, 10)
}
