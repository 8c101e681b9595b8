package data

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
	"github.com/prometheus/common/model"

	"liveboard/metrics"
)

// maxTextBytes bounds a line of text, maxProseBytes a text of several.
const (
	maxTextBytes  = 500
	maxProseBytes = 64 << 10
)

// text reads one line of text.
func (r *boardReader) text(to *string) reads {
	return func(n ast.Node) {
		if text, ok := r.line(n); ok {
			*to = text
		}
	}
}

// prose reads text of several lines.
func (r *boardReader) prose(to *string) reads {
	return func(n ast.Node) {
		if text, ok := r.lines(n); ok {
			*to = text
		}
	}
}

// line returns one line of text. A number is text too, as it is written.
func (r *boardReader) line(n ast.Node) (text string, ok bool) {
	text, ok = r.scalar(n)
	return text, ok && r.fits(n, text, text, maxTextBytes)
}

func (r *boardReader) lines(n ast.Node) (text string, ok bool) {
	text, ok = r.scalar(n)
	return text, ok && r.fits(n, text, strings.ReplaceAll(text, "\n", " "), maxProseBytes)
}

// fits reports whether text is short enough and whether line, its text as one line, is harmless.
func (r *boardReader) fits(n ast.Node, text, line string, limit int) bool {
	if len(text) > limit {
		r.fail(placeOf(n), "this text has %d bytes, at most %d are allowed", len(text), limit)
		return false
	}
	if err := textError(line); err != nil {
		r.fail(placeOf(n), "%w", err)
		return false
	}
	return true
}

// textError returns nil, or an error that names the first character of line that is refused.
func textError(line string) error {
	at := strings.IndexFunc(line, refused)
	if at < 0 {
		return nil
	}
	c, _ := utf8.DecodeRuneInString(line[at:])
	if c == utf8.RuneError {
		return errors.New("this is not UTF-8; save the file as UTF-8")
	}
	return fmt.Errorf("the character %U is not allowed (control and format characters are refused); remove it", c)
}

// refused reports whether c could forge or disturb what people see. A tab does not.
func refused(c rune) bool { return c != '\t' && metrics.CheckText(string(c)) != nil }

func (r *boardReader) scalar(n ast.Node) (text string, ok bool) {
	switch x := r.see(n).(type) {
	case nil:
	case *ast.StringNode:
		return x.Value, true
	case *ast.LiteralNode:
		return x.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return x.GetToken().Value, true
	default:
		r.fail(placeOf(x), "a text is needed here")
	}
	return "", false
}

func (r *boardReader) number(to *float64) reads {
	return func(n ast.Node) {
		n = r.see(n)
		v, ok := numberValue(n)
		if !ok {
			r.mismatch(n, "a number is needed here, such as 80 or 0.5")
			return
		}
		*to = v
	}
}

// optional reads a number that may be left out.
func (r *boardReader) optional(to **float64) reads {
	return func(n ast.Node) {
		v := math.NaN()
		if r.number(&v)(n); !math.IsNaN(v) {
			*to = &v
		}
	}
}

func numberValue(n ast.Node) (v float64, ok bool) {
	switch x := n.(type) {
	case *ast.IntegerNode:
		v = integerValue(x)
	case *ast.FloatNode:
		v = x.Value
	case *ast.StringNode: // 1e3 is a number in YAML 1.2, to the parser it is text
		v, _ = strconv.ParseFloat(x.Value, 64)
		return v, x.Token.Type == token.StringType && exponent.MatchString(x.Value) && !math.IsInf(v, 0)
	default:
		return 0, false
	}
	return v, !math.IsInf(v, 0)
}

var exponent = regexp.MustCompile(`^[-+]?[0-9]+[eE][-+]?[0-9]+$`)

func integerValue(n *ast.IntegerNode) float64 {
	if i, ok := n.Value.(int64); ok {
		return float64(i)
	}
	u, _ := n.Value.(uint64)
	return float64(u)
}

func (r *boardReader) integer(to *int, low, high int) reads {
	return func(n ast.Node) {
		n = r.see(n)
		x, ok := n.(*ast.IntegerNode)
		if !ok || integerValue(x) < float64(low) || integerValue(x) > float64(high) {
			r.mismatch(n, "a whole number from %d to %d is needed here", low, high)
			return
		}
		*to = int(integerValue(x))
	}
}

func (r *boardReader) flag(to *bool) reads {
	return func(n ast.Node) {
		n = r.see(n)
		x, ok := n.(*ast.BoolNode)
		if !ok {
			r.mismatch(n, "true or false is needed here")
			return
		}
		*to = x.Value
	}
}

// span reads a duration as Prometheus writes it: 500ms, 15m, 1h30m, 7d.
func (r *boardReader) span(to *time.Duration, low, high time.Duration) reads {
	return func(n ast.Node) {
		text, ok := r.scalar(n)
		if !ok {
			return
		}
		d, err := model.ParseDuration(text)
		if err != nil || time.Duration(d) < low || time.Duration(d) > high {
			r.fail(placeOf(n), "%q is no duration from %s to %s; write it with its unit, such as %s",
				text, model.Duration(low), model.Duration(high), examples(low, high))
			return
		}
		*to = time.Duration(d)
	}
}

// examples are durations from low to high, as text.
func examples(low, high time.Duration) string {
	const day = 24 * time.Hour
	texts := []string{model.Duration(low).String()}
	for _, d := range []time.Duration{500 * time.Millisecond, 10 * time.Second, 15 * time.Minute, 6 * time.Hour, 7 * day, 365 * day} {
		if low < d && d <= high {
			texts = append(texts, model.Duration(d).String())
		}
	}
	return strings.Join(texts, ", ")
}

// word reads one of a few words.
func word[T ~string](r *boardReader, to *T, words ...T) reads {
	return func(n ast.Node) {
		text, ok := r.scalar(n)
		if !ok {
			return
		}
		if !slices.Contains(words, T(text)) {
			r.fail(placeOf(n), "%q is not understood here; %s", text, oneOf(words))
			return
		}
		*to = T(text)
	}
}

func oneOf[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return "it is one of " + strings.Join(texts, ", ")
}
