package press

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"
)

// decoded reads a stream that has no end of its own.
func decoded(t interface{ Fatalf(string, ...any) }, e Encoding, stream []byte) string {
	var r io.Reader = bytes.NewReader(stream)
	var err error
	switch e {
	case Gzip:
		r, err = gzip.NewReader(r)
	case Zstd:
		r, err = zstd.NewReader(r)
	}
	if err != nil {
		t.Fatalf("%v: %v", e, err)
	}
	text, err := io.ReadAll(r)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("%v: reading = %v", e, err)
	}
	return string(text)
}

// frameOf returns a tick that differs from another in a few of its bytes.
func frameOf(i int) *Frame {
	row := func(k int) string {
		return fmt.Sprintf(`<li id="r%d"><span class="name">player %x</span> <data value="%d">%d</data></li>`, k, k*7919, k*k*31, k*k*31)
	}
	var b strings.Builder
	for k := range 25 {
		b.WriteString(row(k))
	}
	return &Frame{plain: fmt.Appendf(nil, "event: datastar-patch-elements\ndata: elements <ol data-n=\"%d\">%s</ol>\n\nid: e-%d\n\n", i, b.String(), i)}
}

// logOf makes a page's log of frames.
func logOf(frames ...*Frame) *Page {
	p := &Page{watches: map[*Watch]struct{}{}}
	for _, f := range frames {
		p.append(entry{frame: f})
	}
	return p
}

// Whatever a viewer gets in whatever order, what it reads is what was said: the log's frames with or without what went
// before, private frames in between, skipped ticks, whole states.
func TestEveryWayThroughALogIsOneStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var frames []*Frame
		for i := range rapid.IntRange(1, 30).Draw(t, "ticks") {
			frames = append(frames, frameOf(i))
			if n := rapid.IntRange(-15*window, 3*window).Draw(t, "noise"); n > 0 {
				noise := make([]byte, n)
				_, _ = rand.NewChaCha8([32]byte{byte(i)}).Read(noise)
				frames[i].plain = append(frames[i].plain, noise...)
			}
		}
		logOf(frames...)
		e := Encoding(rapid.IntRange(0, int(Encodings)-1).Draw(t, "encoding"))
		stream, want := bytes.Clone(e.Head()), ""
		last := -2 // number of the frame that was read last, if it was one of the log
		send := func(f *Frame, number int) {
			stream = append(stream, f.Encoded(e, number == last+1)...)
			want += string(f.Plain())
			last = number
		}
		for i, f := range frames {
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0: // skipped
			case 1:
				send(Bye(Turnover, "", 0), -2)
			default:
				send(f, i)
			}
		}
		if got := decoded(t, e, stream); got != want {
			t.Fatalf("%v: read %q, want %q", e, got, want)
		}
	})
}

// What a viewer takes, however seldom it comes, is one stream: a whole state follows on nothing, even where it stands in
// the log as well, as when a kiosk turns.
func TestWhatAViewerTakesIsOneStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := logOf(frameOf(0))
		v := p.Lead()
		e := Encoding(rapid.IntRange(0, int(Encodings)-1).Draw(t, "encoding"))
		stream, want := bytes.Clone(e.Head()), ""
		for i := range rapid.IntRange(1, 40).Draw(t, "ticks") {
			tick, whole := frameOf(i), frameOf(1000+i)
			if rapid.Bool().Draw(t, "turn") {
				tick = whole
			}
			p.full, p.fullLen = whole, len(whole.plain)
			p.append(entry{frame: tick, from: uint64(i), to: uint64(i + 1)})
			if rapid.Bool().Draw(t, "waits") {
				continue
			}
			follows := v.Fed()
			d, err := v.Take()
			if err != nil {
				t.Fatal(err)
			}
			stream = append(stream, bytes.Join(d.Append(nil, e, follows), nil)...)
			for _, f := range d.Frames {
				want += string(f.Plain())
			}
		}
		if got := decoded(t, e, stream); got != want {
			t.Fatalf("%v: read %q, want %q", e, got, want)
		}
	})
}

func TestFramesAreEncodedOnce(t *testing.T) {
	p := logOf(frameOf(0), frameOf(1))
	f := p.log[1].frame
	for _, e := range []Encoding{Identity, Gzip, Zstd} {
		for _, follows := range []bool{false, true} {
			if first, second := f.Encoded(e, follows), f.Encoded(e, follows); &first[0] != &second[0] {
				t.Errorf("%v, follows %v: encoded twice", e, follows)
			}
		}
	}
}

// A small change in what was said before costs a viewer in step at most 5 % of its bytes.
func TestFrameThatFollowsIsSmall(t *testing.T) {
	p := logOf(frameOf(0), frameOf(1))
	f := p.log[1].frame
	plain, whole, follow := len(f.Plain()), len(f.Encoded(Gzip, false)), len(f.Encoded(Gzip, true))
	t.Logf("of %d bytes, %d alone and %d behind the frame before", plain, whole, follow)
	if follow*20 > plain || whole*4 > plain {
		t.Errorf("of %d bytes, %d alone and %d behind the frame before: want at most 25 %% and 5 %%", plain, whole, follow)
	}
}
