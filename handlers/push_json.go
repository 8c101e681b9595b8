package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"

	"liveboard/metrics"
)

func init() { formats["application/json"] = readJSON }

// jsonSample is a sample as {"name":"orders_total","labels":{"shop":"se"},"value":42,"at":1763777777000}.
type jsonSample struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
	Value  *float64          `json:"value"`
	At     *int64            `json:"at"` // Unix milliseconds; now where it is missing
}

// readJSON reads {"samples":[…]}. An unknown field is an error: a misspelt one would be lost silently.
func readJSON(body []byte, now time.Time) (metrics.Batch, error) {
	var in struct {
		Samples []jsonSample `json:"samples"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return metrics.Batch{}, jsonError(body, d, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return metrics.Batch{}, metrics.Errorf(metrics.Invalid, "line %d: there is more after the JSON value", lineAt(body, d.InputOffset()))
	}
	batch := metrics.Batch{Samples: make([]metrics.Sample, len(in.Samples))}
	for i, js := range in.Samples {
		s, err := js.sample(now)
		if err != nil {
			return metrics.Batch{}, metrics.Errorf(metrics.Invalid, "sample %d: %w", i+1, err)
		}
		batch.Samples[i] = s
	}
	return batch, nil
}

func (js jsonSample) sample(now time.Time) (metrics.Sample, error) {
	labels := make([]metrics.Label, 0, len(js.Labels))
	for name, value := range js.Labels {
		labels = append(labels, metrics.Label{Name: name, Value: value})
	}
	series, err := metrics.NewSeries(js.Name, labels...)
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

// jsonError says in which line of the body the decoder stumbled.
func jsonError(body []byte, d *json.Decoder, err error) error {
	at := d.InputOffset()
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		at = syntax.Offset
	}
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		at = wrong.Offset
	}
	return metrics.Errorf(metrics.Invalid, "line %d: %w", lineAt(body, at), err)
}

func lineAt(body []byte, offset int64) int {
	return 1 + bytes.Count(body[:min(int(offset), len(body))], []byte("\n"))
}
