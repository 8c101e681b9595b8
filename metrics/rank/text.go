package rank

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"liveboard/metrics"
)

// Limits of what players bring along.
const (
	maxNameGraphemes = 64
	maxNameBytes     = 512
	maxMarks         = 8 // combining marks in one grapheme; more pile up over the lines around
	maxIDBytes       = 128
	maxWordBytes     = 64
)

// cleanName returns a name as it is kept: in NFC, without white space at its ends. It refuses, with an error of
// kind Invalid, what is empty, longer than 64 graphemes or 512 bytes, invisible, or could forge or
// disturb what people see.
func cleanName(name string) (string, error) {
	if len(name) > maxNameBytes {
		return "", metrics.Errorf(metrics.Invalid, "the name has %d bytes, at most %d are allowed", len(name), maxNameBytes)
	}
	if err := checkVisible(name); err != nil {
		return "", metrics.Errorf(metrics.Invalid, "the name: %w", err)
	}
	clean := strings.TrimSpace(norm.NFC.String(name))
	if clean == "" {
		return "", metrics.Errorf(metrics.Invalid, "the name is empty")
	}
	if len(clean) > maxNameBytes {
		return "", metrics.Errorf(metrics.Invalid, "the name has %d bytes in NFC, at most %d are allowed", len(clean), maxNameBytes)
	}
	if n := graphemes(clean); n > maxNameGraphemes {
		return "", metrics.Errorf(metrics.Invalid, "the name has %d characters, at most %d are allowed", n, maxNameGraphemes)
	}
	if err := checkMarks(clean); err != nil {
		return "", metrics.Errorf(metrics.Invalid, "the name: %w", err)
	}
	return clean, nil
}

// cleanID returns a player's id as it is kept, in NFC. It refuses, with an error of kind Invalid, what is empty,
// longer than 128 bytes, has white space at its ends or characters that names must not have.
func cleanID(id string) (string, error) {
	clean := norm.NFC.String(id)
	switch {
	case id == "":
		return "", metrics.Errorf(metrics.Invalid, "the player's id is missing")
	case max(len(id), len(clean)) > maxIDBytes:
		return "", metrics.Errorf(metrics.Invalid, "the player's id has %d bytes, at most %d are allowed", max(len(id), len(clean)), maxIDBytes)
	case strings.TrimSpace(id) != id:
		return "", metrics.Errorf(metrics.Invalid, "the player's id has white space at its ends")
	}
	if err := checkVisible(id); err != nil {
		return "", metrics.Errorf(metrics.Invalid, "the player's id: %w", err)
	}
	if err := checkMarks(clean); err != nil {
		return "", metrics.Errorf(metrics.Invalid, "the player's id: %w", err)
	}
	return clean, nil
}

// checkWord refuses, with an error of kind Invalid, what is no name of a sub-score or of an attribute:
// 1 to 64 letters, digits, _, - and points. what names it in the error.
func checkWord(what, word string) error {
	if word == "" {
		return metrics.Errorf(metrics.Invalid, "a %s is missing", what)
	}
	if len(word) > maxWordBytes {
		return metrics.Errorf(metrics.Invalid, "a %s has %d bytes, at most %d are allowed", what, len(word), maxWordBytes)
	}
	for i, r := range word {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-', r == '.':
		default:
			return metrics.Errorf(metrics.Invalid, "%s %+q: the character %U at byte %d is not allowed, only letters, digits, _, - and points are", what, word, r, i)
		}
	}
	return nil
}

// checkVisible refuses what metrics.CheckText does, and the characters of other kinds that show nothing.
func checkVisible(text string) error {
	if err := metrics.CheckText(text); err != nil || ascii(text) {
		return err
	}
	before := rune(0)
	for i, r := range text {
		if invisible(r) && !(selector(r) && selectable(before)) {
			return metrics.Errorf(metrics.Invalid, "the character %U at byte %d is not allowed (it is invisible)", r, i)
		}
		before = r
	}
	return nil
}

// invisible reports whether r shows nothing, white space aside: the default ignorable code points of Unicode that
// are no format characters, and two that are blank by their drawing.
func invisible(r rune) bool {
	const braille, nullNotehead = '\u2800', '\U0001D159'
	return r == braille || r == nullNotehead ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Noncharacter_Code_Point)
}

// selector reports whether r asks for the text or the emoji form of the character before it.
func selector(r rune) bool { return r == '\uFE0E' || r == '\uFE0F' }

// selectable reports whether r has both forms: emoji that are symbols, and the few that are not.
// https://www.unicode.org/Public/emoji/latest/emoji-variation-sequences.txt
func selectable(r rune) bool {
	return unicode.IsSymbol(r) || strings.ContainsRune("#*0123456789‼⁉〰", r)
}

// graphemes counts what people take for the characters of a text that has no control characters.
func graphemes(text string) int {
	if ascii(text) {
		return len(text)
	}
	return uniseg.GraphemeClusterCount(text)
}

// ascii reports whether a text can be spared what only others need.
func ascii(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// checkMarks refuses a text whose combining marks have nothing to stand on, or pile up.
func checkMarks(text string) error {
	if ascii(text) {
		return nil
	}
	if r, _ := utf8.DecodeRuneInString(text); unicode.IsMark(r) {
		return metrics.Errorf(metrics.Invalid, "the character %U at byte 0 is not allowed (it combines with one before it)", r)
	}
	for clusters := uniseg.NewGraphemes(text); clusters.Next(); {
		marks := 0
		for _, r := range clusters.Runes() {
			if unicode.IsMark(r) {
				marks++
			}
		}
		if marks > maxMarks {
			from, _ := clusters.Positions()
			return metrics.Errorf(metrics.Invalid, "the character at byte %d has %d combining marks, at most %d are allowed", from, marks, maxMarks)
		}
	}
	return nil
}

// look returns what a name looks like: names with equal looks are the same to people, whatever their
// case, their compatible forms (NFKC) and the width of their spaces.
func look(name string) string {
	folded := norm.NFKC.String(foldCase(norm.NFKC.String(name)))
	folded = strings.Map(func(r rune) rune {
		if selector(r) {
			return -1
		}
		return r
	}, folded)
	return strings.Join(strings.Fields(folded), " ")
}

// foldCase returns text without the difference of upper and lower case. Fold alone swaps the cases of Cherokee.
func foldCase(text string) string { return strings.ToLower(cases.Fold().String(text)) }
