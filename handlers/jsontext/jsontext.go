// Package jsontext helps to say what is wrong with a JSON body, and where.
package jsontext

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"liveboard/metrics"
)

// Strict returns a decoder to which an unknown field is an error: a misspelt one would be lost silently.
func Strict(text []byte) *json.Decoder {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d
}

// Plain says a decoder's error in the words of JSON instead of Go's.
func Plain(err error) error {
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return metrics.Errorf(metrics.Invalid, "%s cannot be %s", cmp.Or(wrong.Field, "it"), wrong.Value)
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return metrics.Errorf(metrics.Invalid, "unknown field %s", field)
	}
	return err
}

// Error says in which line of the body the decoder d stumbled. It is of kind Invalid.
func Error(body []byte, d *json.Decoder, err error) error {
	at := d.InputOffset()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		at = int64(len(body))
	}
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		at = syntax.Offset
	}
	return metrics.Errorf(metrics.Invalid, "line %d: %w", LineAt(body, at), Plain(err))
}

// LineAt returns the line, counted from 1, in which the offset lies.
func LineAt(body []byte, offset int64) int {
	return 1 + bytes.Count(body[:min(int(offset), len(body))], []byte("\n"))
}
