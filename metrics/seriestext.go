package metrics

import (
	"errors"
	"strings"
)

// AppendSeries appends the series to text as Prometheus's text format writes it, which ParseSeries reads.
func AppendSeries(text []byte, s Series) []byte {
	text = append(text, s.Name()...)
	opener := byte('{')
	for _, l := range s.Labels() {
		if l.Name == NameLabel {
			continue
		}
		text = append(append(append(text, opener), l.Name...), `="`...)
		text = append(append(text, escaper.Replace(l.Value)...), '"')
		opener = ','
	}
	if opener == ',' {
		text = append(text, '}')
	}
	return text
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// ParseSeries reads a series that text begins with, name{label="value",…}, and returns what follows it. The error is of kind Invalid.
// See https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format.
func ParseSeries(text string) (s Series, rest string, err error) {
	end := strings.IndexAny(text, "{ \t")
	if end < 0 {
		end = len(text)
	}
	name, rest := text[:end], strings.TrimLeft(text[end:], " \t")
	var labels []Label
	if after, ok := strings.CutPrefix(rest, "{"); ok {
		if labels, rest, err = parseLabels(after); err != nil {
			return Series{}, "", Errorf(Invalid, "%w", err)
		}
	}
	s, err = NewSeries(name, labels...)
	return s, rest, err
}

// parseLabels reads label="value" pairs, a comma between and perhaps one behind them, up to the closing brace.
func parseLabels(text string) (labels []Label, rest string, err error) {
	for {
		text = strings.TrimLeft(text, " \t")
		if after, ok := strings.CutPrefix(text, "}"); ok {
			return labels, after, nil
		}
		var l Label
		if l, text, err = parseLabel(text); err != nil {
			return nil, "", err
		}
		labels = append(labels, l)
		text = strings.TrimLeft(text, " \t")
		if after, ok := strings.CutPrefix(text, ","); ok {
			text = after
		} else if !strings.HasPrefix(text, "}") {
			return nil, "", Errorf(Invalid, "after label %q a comma or the closing brace is missing", l.Name)
		}
	}
}

func parseLabel(text string) (l Label, rest string, err error) {
	name, after, ok := strings.Cut(text, "=")
	if !ok {
		return l, "", errors.New("a label or the closing brace is missing")
	}
	l.Name = strings.TrimRight(name, " \t")
	if l.Value, rest, err = parseQuoted(strings.TrimLeft(after, " \t")); err != nil {
		return l, "", Errorf(Invalid, "label %q: %w", l.Name, err)
	}
	return l, rest, nil
}

// escapes are those that a quoted value may have, by the character behind the backslash.
var escapes = map[byte]byte{'n': '\n', '\\': '\\', '"': '"'}

func parseQuoted(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		return "", "", errors.New("the value must stand in double quotes")
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], nil
		case c == '\\' && i+1 < len(text):
			i++
			escaped, ok := escapes[text[i]]
			if !ok {
				return "", "", errors.New(`a backslash must be written as \\`)
			}
			b.WriteByte(escaped)
		default:
			b.WriteByte(c)
		}
	}
	return "", "", errors.New("the closing quote is missing")
}
