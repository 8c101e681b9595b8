package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"

	"liveboard/handlers/jsontext"
	"liveboard/metrics"
)

func init() { forms["application/json"] = form{"json", readJSON} }

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
	d := jsontext.Strict(body)
	if err := d.Decode(&in); err != nil {
		return metrics.Batch{}, jsontext.Error(body, d, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return metrics.Batch{}, metrics.Errorf(metrics.Invalid, "line %d: there is more after the JSON value", jsontext.LineAt(body, d.InputOffset()))
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

func readSample(raw []byte, now time.Time) (metrics.Sample, error) {
	var js jsonSample
	if err := jsontext.Strict(raw).Decode(&js); err != nil {
		return metrics.Sample{}, jsontext.Plain(err)
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
