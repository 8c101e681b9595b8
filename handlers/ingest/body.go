package ingest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/semaphore"

	"liveboard/metrics"
)

const (
	maxBodyBytes  = 8 << 20           // as sent, and again as decoded
	mostBodyBytes = 1 << 20           // that most bodies have
	roomBytes     = 16 * maxBodyBytes // of all bodies of known senders in memory together
	lobbyBytes    = 4 * maxBodyBytes  // and of those whose sender shows in the body
	waitForRoom   = 5 * time.Second
)

// room bounds the memory that bodies take.
type room struct {
	free    *semaphore.Weighted
	buffers *sync.Pool // of *bytes.Buffer
}

func newRoom(most int64) room {
	return room{semaphore.NewWeighted(most), &sync.Pool{New: func() any { return new(bytes.Buffer) }}}
}

// read reads and decodes the body, whose coding is that one where the headers say nothing. Whoever is done with it calls free.
func (m room) read(w http.ResponseWriter, d *delivery, coding string) (free func(), err error) {
	coding = cmp.Or(d.Header.Get("Content-Encoding"), coding, "identity")
	decode, ok := codings[coding]
	if !ok {
		return nil, metrics.Errorf(metrics.Unsupported, "Content-Encoding %q is not understood: send identity, gzip, zstd or snappy.", coding)
	}
	weight, err := weightOf(d.Request, decode != nil)
	if err != nil {
		return nil, err
	}
	if err := m.enter(d.Context(), weight); err != nil {
		return nil, err
	}
	buffers := []*bytes.Buffer{m.buffers.Get().(*bytes.Buffer), m.buffers.Get().(*bytes.Buffer)}
	free = func() {
		for _, b := range buffers {
			b.Reset()
			m.buffers.Put(b)
		}
		m.free.Release(weight)
	}
	sent, decoded := buffers[0], buffers[1]
	size := maxBodyBytes
	if d.ContentLength >= 0 {
		size = int(d.ContentLength)
	}
	if err = fill(sent, http.MaxBytesReader(w, d.Body, maxBodyBytes), size); err != nil {
		free()
		return nil, bodyError(err)
	}
	if d.body = sent.Bytes(); decode != nil {
		if err := decode(decoded, sent.Bytes()); err != nil {
			free()
			return nil, err
		}
		d.body = decoded.Bytes()
	}
	return free, nil
}

// weightOf returns how much memory a body may take at most.
func weightOf(r *http.Request, encoded bool) (int64, error) {
	if r.ContentLength > maxBodyBytes {
		return 0, errTooLarge
	}
	weight := r.ContentLength
	if weight < 0 {
		weight = maxBodyBytes
	}
	if encoded {
		weight += maxBodyBytes
	}
	return weight, nil
}

func (m room) enter(ctx context.Context, weight int64) error {
	ctx, cancel := context.WithTimeout(ctx, waitForRoom)
	defer cancel()
	if m.free.Acquire(ctx, weight) != nil {
		return metrics.Errorf(metrics.Unavailable, "Too many bodies are being read at once: come back in a few seconds.")
	}
	return nil
}

var errTooLarge = metrics.Errorf(metrics.TooLarge, "The body is larger than %d MiB (as sent or decoded). Send it in parts.", maxBodyBytes>>20)

func bodyError(err error) error {
	if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
		return errTooLarge
	}
	return metrics.Errorf(metrics.Invalid, "The body could not be read: %w", err)
}

// codings are the Content-Encodings. Snappy is the block format, as remote write sends it, whose length is checked
// before anything is allocated for it.
var codings = map[string]func(decoded *bytes.Buffer, sent []byte) error{
	"identity": nil,
	"gzip":     gunzip,
	"zstd":     unzstd,
	"snappy":   unsnap,
}

var gzips = sync.Pool{New: func() any { return new(gzip.Reader) }}

func gunzip(decoded *bytes.Buffer, sent []byte) error {
	z := gzips.Get().(*gzip.Reader)
	defer gzips.Put(z)
	err := z.Reset(bytes.NewReader(sent))
	if err == nil {
		err = fill(decoded, z, maxBodyBytes)
	}
	return badCoding("gzip", err)
}

var zstds = sync.Pool{New: func() any {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxBodyBytes), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic(err) // the options are constants
	}
	return z
}}

// unzstd decodes all at once: a stream would keep a window of as much again.
func unzstd(decoded *bytes.Buffer, sent []byte) error {
	z := zstds.Get().(*zstd.Decoder)
	defer zstds.Put(z)
	for _, most := range []int{mostBodyBytes, maxBodyBytes} {
		decoded.Grow(most)
		plain, err := z.DecodeAll(sent, decoded.AvailableBuffer()[:0:most])
		if err == nil {
			decoded.Write(plain)
			return nil
		}
		if !errors.Is(err, zstd.ErrDecoderSizeExceeded) {
			return badCoding("zstd", err)
		}
	}
	return errTooLarge
}

func unsnap(decoded *bytes.Buffer, sent []byte) error {
	n, err := s2.DecodedLen(sent)
	if err != nil {
		return badCoding("snappy", err)
	}
	if n > maxBodyBytes {
		return errTooLarge
	}
	decoded.Grow(n)
	plain, err := s2.Decode(decoded.AvailableBuffer()[:n], sent)
	if err != nil {
		return badCoding("snappy", err)
	}
	decoded.Write(plain)
	return nil
}

// fill reads as much as a body may have. What few bodies need, up to size, it takes at once: doubling would leave as much behind.
func fill(buffer *bytes.Buffer, from io.Reader, size int) error {
	n, err := buffer.ReadFrom(io.LimitReader(from, mostBodyBytes))
	if err != nil || n < mostBodyBytes {
		return err
	}
	buffer.Grow(max(size-mostBodyBytes, 0) + 1 + bytes.MinRead)
	n, err = buffer.ReadFrom(io.LimitReader(from, maxBodyBytes+1-mostBodyBytes))
	if mostBodyBytes+n > maxBodyBytes {
		return errTooLarge
	}
	return err
}

func badCoding(coding string, err error) error {
	if err == nil || errors.Is(err, errTooLarge) {
		return err
	}
	return metrics.Errorf(metrics.Invalid, "The body is no %s: %w", coding, err)
}
