package handlers

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

// promJSON writes what Prometheus's own encoder does, byte for byte, without a copy of the whole:
// https://github.com/prometheus/prometheus/blob/main/web/api/v1/json_codec.go
type promJSON struct {
	out io.Writer
	b   []byte // what is not written yet
	err error  // the first of out
}

// jsonPart is from which size on a part of an answer is written.
const jsonPart = 32 << 10

// maxNotes is how many warnings an answer has, and how many remarks.
const maxNotes = 10

// writeProm sends what write writes, compressed where the client understands that.
func writeProm(w http.ResponseWriter, r *http.Request, status int, write func(*promJSON)) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Encoding")
	out := io.Writer(w)
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // which exists
		defer z.Close()                                // a client that has gone needs no answer
		out = z
	}
	w.WriteHeader(status)
	j := promJSON{out: out}
	write(&j)
	j.flush()
}

func (j *promJSON) flush() {
	if j.err == nil {
		_, j.err = j.out.Write(j.b)
	}
	j.b = j.b[:0]
}

// raw writes text that is JSON already.
func (j *promJSON) raw(text string) {
	j.b = append(j.b, text...)
	if len(j.b) >= jsonPart {
		j.flush()
	}
}

func (j *promJSON) success(a promAnswer) {
	j.raw(`{"status":"success","data":`)
	j.data(a.data)
	warnings, infos := a.notes.AsStrings(a.query, maxNotes, maxNotes)
	j.strings(`,"warnings":`, warnings)
	j.strings(`,"infos":`, infos)
	j.raw("}")
}

func (j *promJSON) failure(name, text string) {
	j.raw(`{"status":"error","errorType":`)
	j.any(name)
	j.raw(`,"error":`)
	j.any(text)
	j.raw("}")
}

func (j *promJSON) strings(key string, all []string) {
	if len(all) > 0 {
		j.raw(key)
		j.any(all)
	}
}

// any writes what encoding/json can write.
func (j *promJSON) any(v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // a type that we should not have brought here
	}
	j.raw(string(text))
}

func (j *promJSON) data(v any) {
	switch v := v.(type) {
	case promReply:
		j.reply(v)
	case []labels.Labels:
		list(j, v, j.labels)
	default:
		j.any(v)
	}
}

func (j *promJSON) reply(r promReply) {
	j.raw(`{"resultType":"` + string(r.Value.Type()) + `","result":`)
	switch v := r.Value.(type) {
	case promql.Vector:
		list(j, v, j.sample)
	case promql.Matrix:
		list(j, v, j.series)
	default:
		j.any(v) // a scalar or a string
	}
	if r.stats != nil {
		j.raw(`,"stats":`)
		j.any(r.stats)
	}
	j.raw("}")
}

// list writes all in an array, until the client has gone.
func list[T any](j *promJSON, all []T, write func(T)) {
	j.raw("[")
	for i, v := range all {
		if i > 0 {
			j.raw(",")
		}
		if write(v); j.err != nil {
			return
		}
	}
	j.raw("]")
}

func (j *promJSON) sample(s promql.Sample) {
	j.raw(`{"metric":`)
	j.labels(s.Metric)
	j.raw(`,"value":`)
	j.point(promql.FPoint{T: s.T, F: s.F})
	j.raw("}")
}

func (j *promJSON) series(s promql.Series) {
	j.raw(`{"metric":`)
	j.labels(s.Metric)
	j.raw(`,"values":`)
	list(j, s.Floats, j.point)
	j.raw("}")
}

func (j *promJSON) labels(ls labels.Labels) {
	sep := "{"
	ls.Range(func(l labels.Label) {
		j.raw(sep)
		j.text(l.Name)
		j.raw(":")
		j.text(l.Value)
		sep = ","
	})
	if sep == "{" {
		j.raw(sep)
	}
	j.raw("}")
}

func (j *promJSON) point(p promql.FPoint) {
	j.b = append(j.b, '[')
	j.b = appendTime(j.b, p.T)
	j.b = append(j.b, `,"`...)
	j.b = appendFloat(j.b, p.F)
	j.raw(`"]`)
}

// appendTime writes Unix milliseconds as seconds.
func appendTime(b []byte, at int64) []byte {
	if at < 0 {
		b, at = append(b, '-'), -at
	}
	b = strconv.AppendInt(b, at/1000, 10)
	if at%1000 == 0 {
		return b
	}
	fraction := strconv.Itoa(int(1000 + at%1000))
	return append(append(b, '.'), fraction[1:]...)
}

func appendFloat(b []byte, f float64) []byte {
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, f, format, -1, 64)
}

// text writes a string. A query can make one that is no UTF-8, and so no JSON.
func (j *promJSON) text(s string) {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, string(utf8.RuneError))
	}
	j.b = append(j.b, '"')
	for _, c := range []byte(s) {
		j.b = appendByte(j.b, c)
	}
	j.raw(`"`)
}

func appendByte(b []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch {
	case c == '"' || c == '\\':
		return append(b, '\\', c)
	case c == '\n':
		return append(b, `\n`...)
	case c == '\r':
		return append(b, `\r`...)
	case c == '\t':
		return append(b, `\t`...)
	case c < ' ':
		return append(b, `\u00`+hex[c>>4:c>>4+1]+hex[c&15:c&15+1]...)
	}
	return append(b, c)
}
