//go:build linux

package handlers

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"strings"

	"liveboard/views/press"
)

// fanGzip is where a client stands in a gzip stream.
type fanGzip struct {
	begun int    // bytes of the stream's header that came
	last  []byte // the text of the run before: the next may refer to it
}

// runEnd is how a flush ends a deflate run, and lastBlock what ends a deflate stream behind it (RFC 1951).
const (
	runEnd    = "\x00\x00\xff\xff"
	lastBlock = "\x01" + runEnd
)

// maxRuns is how many runs a loop knows by heart.
const maxRuns = 256

// fanRuns are the runs that clients had lately, with their text: a run is the same for all clients in step, so
// each is inflated once, and the client needs no more time than for plain text.
type fanRuns struct {
	texts    map[string][]byte
	inflater io.ReadCloser
}

// takeRuns reads the deflate runs that came, and returns the stamps in them.
func (c *fanClient) takeRuns(b []byte, runs *fanRuns) (stamps []int64, err error) {
	skip := min(len(press.Gzip.Head())-c.gzip.begun, len(b))
	c.gzip.begun += skip
	for whole := c.whole(b[skip:], runEnd); len(whole) > 0; {
		end := bytes.Index(whole, []byte(runEnd)) + len(runEnd)
		if c.gzip.last, err = runs.text(whole[:end], c.gzip.last); err != nil {
			return stamps, err
		}
		stamps = c.see(c.gzip.last, stamps)
		whole = whole[end:]
	}
	return stamps, nil
}

// text inflates a run that comes behind the text before.
func (f *fanRuns) text(run, before []byte) ([]byte, error) {
	if text, known := f.texts[string(run)]; known {
		return text, nil
	}
	source := io.MultiReader(bytes.NewReader(run), strings.NewReader(lastBlock))
	if f.inflater == nil {
		f.inflater = flate.NewReader(nil)
	}
	if err := f.inflater.(flate.Resetter).Reset(source, before); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(f.inflater)
	if err != nil {
		return nil, fmt.Errorf("inflate a run of %d bytes: %w", len(run), err)
	}
	if f.texts == nil || len(f.texts) >= maxRuns {
		f.texts = map[string][]byte{}
	}
	f.texts[string(run)] = text
	return text, nil
}
