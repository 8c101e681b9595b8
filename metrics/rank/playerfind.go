package rank

import (
	"iter"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// find yields the numbers in [from, to) of players whose name or id holds the text, whatever its case, in order. to may
// lie beyond the end. So that no writer waits until millions of players are looked at, ask in parts.
func (p *players) find(text string, from, to int) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		wanted := newNeedle(text)
		for n := from; n < min(to, len(p.places)); n++ {
			id, name := p.texts.record(p.places[n])
			if (wanted.in(name) || wanted.in(id)) && !yield(uint32(n)) {
				return
			}
		}
	}
}

// needle is a text that is looked for in others, whatever its case.
type needle struct {
	folded string
	ascii  bool
}

func newNeedle(text string) needle {
	folded := foldCase(norm.NFC.String(text))
	return needle{folded, ascii(folded)}
}

// in reports whether text, which is in NFC, holds the needle.
func (s needle) in(text string) bool {
	if ascii(text) {
		return s.ascii && s.inASCII(text)
	}
	return strings.Contains(foldCase(text), s.folded)
}

func (s needle) inASCII(text string) bool {
	for i := range max(len(text)-len(s.folded)+1, 0) {
		if s.at(text[i:]) {
			return true
		}
	}
	return false
}

// at reports whether text, which is ASCII and not shorter, begins with the needle.
func (s needle) at(text string) bool {
	for i := range len(s.folded) {
		c := text[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != s.folded[i] {
			return false
		}
	}
	return true
}
