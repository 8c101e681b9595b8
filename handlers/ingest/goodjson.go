package ingest

import (
	"bytes"
	"strconv"
	"time"

	"liveboard/handlers/jsontext"
	"liveboard/metrics"
)

// goodJSON reads a body in which nothing is wrong or unusual, at a small part of what it costs to be able to say what is.
type goodJSON struct {
	body  []byte
	at    int // what comes next
	known *seriesCache
	last  *spelt // the series before
	text  []byte // of a series
}

// mostSpelt bounds what one series can cost: longer ones than may be are left to readJSON.
const mostSpelt = metrics.MaxLabels * (metrics.MaxNameBytes + metrics.MaxLabelValueBytes)

// readGoodJSON returns false where readJSON has to find out what a body says.
func readGoodJSON(body []byte, now time.Time, known *seriesCache) (batch metrics.Batch, ok bool) {
	g := goodJSON{body: body, known: known, last: new(spelt)}
	if !g.take('{') || string(g.quoted()) != `"samples"` || !g.take(':') || !g.take('[') {
		return batch, false
	}
	for more := true; more; more = g.take(',') {
		s, ok := g.sample(now)
		if !ok || len(batch.Samples) == metrics.MaxBatchSamples {
			return metrics.Batch{}, false
		}
		batch.Samples = append(batch.Samples, s)
	}
	if !g.take(']') || !g.take('}') {
		return metrics.Batch{}, false
	}
	g.space()
	return batch, g.at == len(body)
}

// sample reads a jsonSample, each of whose fields is there once at most.
func (g *goodJSON) sample(now time.Time) (s metrics.Sample, ok bool) {
	if !g.take('{') {
		return s, false
	}
	var name, labels, value, at []byte
	for more := true; more; more = g.take(',') {
		field := g.quoted()
		if !g.take(':') {
			return s, false
		}
		switch string(field) {
		case `"name"`:
			ok = once(&name, g.quoted())
		case `"labels"`:
			ok = once(&labels, g.object())
		case `"value"`:
			ok = once(&value, g.number())
		case `"at"`:
			ok = once(&at, g.number())
		default:
			ok = false
		}
		if !ok {
			return s, false
		}
	}
	if name == nil || value == nil || !g.take('}') {
		return s, false
	}
	return g.sampleOf(name, labels, value, at, now)
}

func once(field *[]byte, text []byte) bool {
	first := *field == nil
	*field = text
	return first && text != nil
}

// sampleOf makes a sample of the texts of its fields; labels and at may be nil.
func (g *goodJSON) sampleOf(name, labels, value, at []byte, now time.Time) (s metrics.Sample, ok bool) {
	g.text = append(append(append(g.text[:0], `{"name":`...), name...), `,"labels":`...)
	if labels == nil {
		labels = []byte(`{}`)
	}
	g.text = append(append(g.text, labels...), '}')
	if len(g.text) > mostSpelt {
		return s, false
	}
	spelt, err := g.known.after(g.last, g.text, spellJSON)
	if err != nil {
		return s, false
	}
	g.last = spelt
	s.Series, s.At = spelt.series, now.UnixMilli()
	if s.Value, err = strconv.ParseFloat(string(value), 64); err == nil && at != nil {
		s.At, err = strconv.ParseInt(string(at), 10, 64)
	}
	return s, err == nil
}

// spellJSON reads the series of a jsonSample.
func spellJSON(text []byte) (metrics.Series, error) {
	var js jsonSample
	if err := jsontext.Strict(text).Decode(&js); err != nil {
		return metrics.Series{}, err
	}
	return metrics.NewSeries(js.Name, js.Labels...)
}

func (g *goodJSON) space() {
	for g.at < len(g.body) && (g.body[g.at] == ' ' || g.body[g.at] == '\n' || g.body[g.at] == '\r' || g.body[g.at] == '\t') {
		g.at++
	}
}

// take goes behind c if that comes next.
func (g *goodJSON) take(c byte) bool {
	g.space()
	return g.one(c, c)
}

// one goes behind one byte from a to z if such comes next.
func (g *goodJSON) one(a, z byte) bool {
	ok := g.at < len(g.body) && a <= g.body[g.at] && g.body[g.at] <= z
	if ok {
		g.at++
	}
	return ok
}

// quoted returns the string that comes next, with its quotes. Its escapes may be wrong. Like the other texts it is nil where
// something else comes.
func (g *goodJSON) quoted() []byte {
	if !g.take('"') {
		return nil
	}
	begin := g.at
	for {
		n := bytes.IndexByte(g.body[g.at:], '"')
		if n < 0 {
			return nil
		}
		inner := g.body[begin : g.at+n]
		g.at += n + 1
		if slashes := len(inner) - len(bytes.TrimRight(inner, `\`)); slashes%2 == 0 {
			return g.body[begin-1 : g.at]
		}
	}
}

// object returns the object that comes next, which may be none inside. It holds no others.
func (g *goodJSON) object() []byte {
	if !g.take('{') {
		return nil
	}
	begin := g.at - 1
	for g.at < len(g.body) {
		switch g.body[g.at] {
		case '"':
			if g.quoted() == nil {
				return nil
			}
		case '}':
			g.at++
			return g.body[begin:g.at]
		case '{':
			return nil
		default:
			g.at++
		}
	}
	return nil
}

// number returns the number that comes next: strconv takes more than JSON does.
func (g *goodJSON) number() []byte {
	g.space()
	begin := g.at
	g.one('-', '-')
	if !g.one('0', '0') && !g.digits() {
		return nil
	}
	if g.one('.', '.') && !g.digits() {
		return nil
	}
	if g.one('e', 'e') || g.one('E', 'E') {
		if !g.one('-', '-') {
			g.one('+', '+')
		}
		if !g.digits() {
			return nil
		}
	}
	return g.body[begin:g.at]
}

func (g *goodJSON) digits() bool {
	begin := g.at
	for g.one('0', '9') {
	}
	return g.at > begin
}
