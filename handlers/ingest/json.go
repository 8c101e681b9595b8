package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"
	"unicode/utf8"

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

// What a jsonSample has at most, with the comma behind it.
const (
	sampleBraces = 2
	sampleCommas = 4 + metrics.MaxLabels
)

// readJSON reads {"samples":[…]}. An unknown field is an error: a misspelt one would be lost silently.
func readJSON(body []byte, now time.Time, known *seriesCache) (metrics.Batch, error) {
	if batch, ok := readGoodJSON(body, now, known); ok {
		return batch, nil
	}
	return readAnyJSON(body, now)
}

func readAnyJSON(body []byte, now time.Time) (metrics.Batch, error) {
	signs := countSigns(body)
	if signs['{'] > sampleBraces*metrics.MaxBatchSamples+1 || signs[','] > sampleCommas*metrics.MaxBatchSamples {
		return metrics.Batch{}, errManySamples
	}
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
		var js jsonSample
		err := jsontext.Strict(raw).Decode(&js)
		if err != nil {
			err = jsontext.Plain(err)
		} else {
			batch.Samples[i], err = js.sample(now)
		}
		if err != nil {
			return metrics.Batch{}, metrics.Errorf(metrics.Invalid, "sample %d: %w", i+1, err)
		}
	}
	return batch, nil
}

func (js jsonSample) sample(now time.Time) (metrics.Sample, error) {
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
	switch text[0] {
	case '{':
	case 'n': // null
		return nil
	default:
		return errors.New("labels must be an object")
	}
	for rest := skip(text[1:], ","); rest[0] != '}'; rest = skip(rest, ",") {
		var l metrics.Label
		l.Name, rest = jsonString(rest)
		rest = skip(rest, ":")
		if rest[0] != '"' {
			return metrics.Errorf(metrics.Invalid, "the value of label %q must be a string", l.Name)
		}
		l.Value, rest = jsonString(rest)
		if len(*ls) == maxLabelsSent {
			return metrics.Errorf(metrics.Invalid, "there are more than %d labels", maxLabelsSent)
		}
		*ls = append(*ls, l)
	}
	return nil
}

// skip passes over white space and what else stands between values.
func skip(text []byte, between string) []byte {
	return bytes.TrimLeft(text, " \t\r\n"+between)
}

// jsonString returns the string with which valid JSON begins, and what follows it.
func jsonString(text []byte) (s string, rest []byte) {
	end := 1
	for text[end] != '"' {
		if text[end] == '\\' {
			end++
		}
		end++
	}
	end++
	if inner := text[1 : end-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner), text[end:]
	}
	_ = json.Unmarshal(text[:end], &s) // it is valid
	return s, text[end:]
}
