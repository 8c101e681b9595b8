package handlers

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"time"

	"liveboard/metrics"
)

func init() { formats["application/json"] = readJSON }

// jsonSample is a sample as {"name":"orders_total","labels":{"shop":"se"},"value":42,"at":1763777777000}.
type jsonSample struct {
	Name   string     `json:"name"`
	Labels jsonLabels `json:"labels"`
	Value  *float64   `json:"value"`
	At     *int64     `json:"at"` // Unix milliseconds; now where it is missing
}

// readJSON reads {"samples":[…]}. An unknown field is an error: a misspelt one would be lost silently.
func readJSON(body []byte, now time.Time) (metrics.Batch, error) {
	var in struct {
		Samples []json.RawMessage `json:"samples"`
	}
	d := strict(body)
	if err := d.Decode(&in); err != nil {
		return metrics.Batch{}, jsonError(body, d, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return metrics.Batch{}, metrics.Errorf(metrics.Invalid, "line %d: there is more after the JSON value", lineAt(body, d.InputOffset()))
	}
	batch := metrics.Batch{Samples: make([]metrics.Sample, len(in.Samples))}
	for i, raw := range in.Samples {
		s, err := readSample(raw, now)
		if err != nil {
			return metrics.Batch{}, metrics.Errorf(metrics.Invalid, "sample %d: %w", i+1, err)
		}
		batch.Samples[i] = s
	}
	return batch, nil
}

func strict(text []byte) *json.Decoder {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d
}

func readSample(raw []byte, now time.Time) (metrics.Sample, error) {
	var js jsonSample
	if err := strict(raw).Decode(&js); err != nil {
		return metrics.Sample{}, plain(err)
	}
	series, err := metrics.NewSeries(js.Name, js.Labels...)
	if err != nil {
		return metrics.Sample{}, err
	}
	if js.Value == nil {
		return metrics.Sample{}, errors.New("the value is missing")
	}
	s := metrics.Sample{Series: series, At: now.UnixMilli(), Value: *js.Value}
	if js.At != nil {
		s.At = *js.At
	}
	return s, nil
}

// jsonLabels is an object of strings. A map would keep one of two labels of the same name.
type jsonLabels []metrics.Label

// UnmarshalJSON reads what encoding/json has found to be valid JSON.
func (ls *jsonLabels) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	switch first, _ := d.Token(); first {
	case json.Delim('{'):
	case nil: // null
		return nil
	default:
		return errors.New("labels must be an object")
	}
	for d.More() {
		name, _ := d.Token()
		l := metrics.Label{Name: name.(string)}
		if d.Decode(&l.Value) != nil {
			return metrics.Errorf(metrics.Invalid, "the value of label %q must be a string", l.Name)
		}
		*ls = append(*ls, l)
	}
	return nil
}

// plain says a decoder's error in the words of JSON instead of Go's.
func plain(err error) error {
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return metrics.Errorf(metrics.Invalid, "%s cannot be %s", cmp.Or(wrong.Field, "it"), wrong.Value)
	}
	return err
}

// jsonError says in which line of the body the decoder stumbled.
func jsonError(body []byte, d *json.Decoder, err error) error {
	at := d.InputOffset()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		at = int64(len(body))
	}
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		at = syntax.Offset
	}
	return metrics.Errorf(metrics.Invalid, "line %d: %w", lineAt(body, at), plain(err))
}

func lineAt(body []byte, offset int64) int {
	return 1 + bytes.Count(body[:min(int(offset), len(body))], []byte("\n"))
}
