// Package metrics is the domain: series and their samples, dashboards and their panels,
// the answers of queries, and the Recorder that makes samples durable. It knows neither
// SQL nor HTTP nor HTML, and imports the standard library only.
package metrics

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a series' identity. They bound what one sample can cost.
const (
	MaxNameBytes       = 200  // of a metric name or a label name
	MaxLabels          = 32   // a series
	MaxLabelValueBytes = 1000 // a label value
)

// NameLabel is the label under which queries see the metric name, as in Prometheus.
const NameLabel = "__name__"

// separator cannot occur in valid UTF-8, so a key splits without escapes.
const separator = "\xff"

// Label is one dimension of a series.
type Label struct{ Name, Value string }

// Labels are sorted by name, without duplicates and without empty values.
type Labels []Label

// Get returns the value of the label called name, or "" where there is none.
func (ls Labels) Get(name string) string {
	for _, l := range ls {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

// String formats the labels as PromQL does: {a="1",b="2"}; the metric name stands before the brace.
func (ls Labels) String() string {
	var b strings.Builder
	b.WriteString(ls.Get(NameLabel))
	n := 0
	for _, l := range ls {
		if l.Name == NameLabel {
			continue
		}
		b.WriteByte("{,"[min(n, 1)])
		b.WriteString(l.Name)
		b.WriteByte('=')
		b.WriteString(strconv.Quote(l.Value))
		n++
	}
	if n > 0 {
		b.WriteByte('}')
	}
	return b.String()
}

// Series is the identity of a stream of samples: a metric name and its labels. It is
// comparable, and valid by construction: NewSeries is the only door. The zero Series is none.
type Series struct{ key string }

// NewSeries returns the series of that name and those labels, in any order. A label with an
// empty value is the same as no label. The error is of kind Invalid and names what is wrong.
func NewSeries(name string, labels ...Label) (Series, error) {
	if err := checkName("metric name", name, true); err != nil {
		return Series{}, err
	}
	kept := make([]Label, 0, len(labels))
	for _, l := range labels {
		if err := checkLabel(l); err != nil {
			return Series{}, err
		}
		if l.Value != "" {
			kept = append(kept, l)
		}
	}
	if len(kept) > MaxLabels {
		return Series{}, Errorf(Invalid, "%s has %d labels, at most %d are allowed", name, len(kept), MaxLabels)
	}
	slices.SortFunc(kept, func(a, b Label) int { return cmp.Compare(a.Name, b.Name) })
	var b strings.Builder
	b.WriteString(name)
	for i, l := range kept {
		if i > 0 && kept[i-1].Name == l.Name {
			return Series{}, Errorf(Invalid, "%s has the label %q twice", name, l.Name)
		}
		b.WriteString(separator + l.Name + separator + l.Value)
	}
	return Series{b.String()}, nil
}

// ParseKey returns the series that Key described. It checks what NewSeries checks.
func ParseKey(key string) (Series, error) {
	parts := strings.Split(key, separator)
	if len(parts)%2 == 0 {
		return Series{}, Errorf(Invalid, "series key %q has a label without a value", key)
	}
	labels := make([]Label, 0, len(parts)/2)
	for i := 1; i < len(parts); i += 2 {
		labels = append(labels, Label{parts[i], parts[i+1]})
	}
	return NewSeries(parts[0], labels...)
}

// Key is the series as one string, unique and stable: the name, then each label's name and
// value in order, separated by the byte 0xff.
func (s Series) Key() string { return s.key }

// Name is the metric name.
func (s Series) Name() string {
	name, _, _ := strings.Cut(s.key, separator)
	return name
}

// Labels returns a new slice of the labels, the metric name among them as NameLabel.
func (s Series) Labels() Labels {
	parts := strings.Split(s.key, separator)
	ls := make(Labels, 0, len(parts)/2+1)
	ls = append(ls, Label{NameLabel, parts[0]})
	for i := 1; i < len(parts); i += 2 {
		ls = append(ls, Label{parts[i], parts[i+1]})
	}
	slices.SortFunc(ls, func(a, b Label) int { return cmp.Compare(a.Name, b.Name) })
	return ls
}

// String formats the series as PromQL does.
func (s Series) String() string { return s.Labels().String() }

// CheckText refuses text that could forge or disturb what people see: invalid UTF-8,
// control characters, and format characters (bidirectional overrides, zero-width joiners).
// It returns nil or an error of kind Invalid that names the character and its byte offset.
func CheckText(text string) error {
	if i := strings.IndexFunc(text, forbidden); i >= 0 {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			return Errorf(Invalid, "invalid UTF-8 at byte %d", i)
		}
		return Errorf(Invalid, "the character %U at byte %d is not allowed (control and format characters are refused)", r, i)
	}
	return nil
}

func forbidden(r rune) bool {
	return r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

func checkLabel(l Label) error {
	if err := checkName("label name", l.Name, false); err != nil {
		return err
	}
	if strings.HasPrefix(l.Name, "__") {
		return Errorf(Invalid, "label name %q: names that begin with __ are reserved", l.Name)
	}
	if len(l.Value) > MaxLabelValueBytes {
		return Errorf(Invalid, "the value of label %s has %d bytes, at most %d are allowed", l.Name, len(l.Value), MaxLabelValueBytes)
	}
	if err := CheckText(l.Value); err != nil {
		return Errorf(Invalid, "the value of label %s: %w", l.Name, err)
	}
	return nil
}

// checkName holds a name to the alphabet that PromQL reads without quotes:
// https://prometheus.io/docs/concepts/data_model/
func checkName(what, name string, colon bool) error {
	if name == "" {
		return Errorf(Invalid, "a %s is missing", what)
	}
	if len(name) > MaxNameBytes {
		return Errorf(Invalid, "a %s has %d bytes, at most %d are allowed", what, len(name), MaxNameBytes)
	}
	for i, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		case c >= '0' && c <= '9' && i > 0:
		case c == ':' && colon:
		default:
			return Errorf(Invalid, "%s %s: only letters, digits and _ are allowed, and no digit first", what, strconv.QuoteToASCII(name))
		}
	}
	return nil
}
