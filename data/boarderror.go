package data

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"liveboard/metrics"
)

// BoardError is one mistake in a board file.
type BoardError struct {
	File    string
	Line    int    // from 1
	Column  int    // in characters, from 1
	Excerpt string // the lines before the mistake and its own, with a mark under the place
	Err     error  // what is wrong and what to do, of kind metrics.Invalid
}

// Error returns file:line:column, the sentence and the excerpt.
func (e *BoardError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %v\n%s", e.File, e.Line, e.Column, e.Err, e.Excerpt)
}

// Unwrap returns Err.
func (e *BoardError) Unwrap() error { return e.Err }

// maxBoardErrors is how many mistakes are worth reading before a file is mended.
const maxBoardErrors = 10

// BoardErrors are the mistakes in one board file, first line first, at most 10.
type BoardErrors []*BoardError

// Error returns all mistakes, with an empty line between two.
func (es BoardErrors) Error() string {
	texts := make([]string, len(es))
	for i, e := range es {
		texts[i] = e.Error()
	}
	return strings.Join(texts, "\n\n")
}

// Unwrap returns each mistake.
func (es BoardErrors) Unwrap() []error {
	errs := make([]error, len(es))
	for i, e := range es {
		errs[i] = e
	}
	return errs
}

// place is a line and a column of a board file, both from 1.
type place struct{ line, column int }

// boardSource is the text of a board file with the mistakes found in it so far.
type boardSource struct {
	name   string
	source []string
	errors BoardErrors
}

func (s *boardSource) fail(at place, format string, args ...any) {
	at.line = min(max(at.line, 1), len(s.source))
	at.column = min(max(at.column, 1), utf8.RuneCountInString(s.source[at.line-1])+1)
	s.errors = append(s.errors, &BoardError{
		File:   s.name,
		Line:   at.line,
		Column: at.column,
		Err:    metrics.Errorf(metrics.Invalid, format, args...),
	})
}

// err returns the first mistakes as BoardErrors, or nil. One that several aliases lead to is one.
func (s *boardSource) err() error {
	if len(s.errors) == 0 {
		return nil
	}
	slices.SortStableFunc(s.errors, func(a, b *BoardError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	errs := slices.CompactFunc(s.errors, func(a, b *BoardError) bool {
		return a.Line == b.Line && a.Column == b.Column && a.Err.Error() == b.Err.Error()
	})
	errs = errs[:min(len(errs), maxBoardErrors)]
	lines := concealed(s.source)
	for _, e := range errs {
		e.Excerpt = excerpt(lines, place{e.Line, e.Column})
	}
	return errs
}

// linesBefore is how many lines an excerpt shows above the mistake.
const linesBefore = 2

// excerpt returns the line of the mistake and some before it.
func excerpt(lines []string, at place) string {
	var b strings.Builder
	for n := max(1, at.line-linesBefore); n < at.line; n++ {
		text, _ := window(lines[n-1], 1)
		fmt.Fprintf(&b, "%6d | %s\n", n, text)
	}
	text, column := window(lines[at.line-1], at.column)
	fmt.Fprintf(&b, ">%5d | %s\n", at.line, text)
	fmt.Fprintf(&b, "       | %s^", strings.Repeat(" ", column-1))
	return b.String()
}

// excerptWidth is how many characters of a line an excerpt shows.
const excerptWidth = 100

// window cuts line to the characters around column, and returns column's place in the rest.
// What would disturb a terminal or a page becomes a space or U+FFFD, one character for one.
func window(line string, column int) (string, int) {
	text := []rune(line)
	for i, r := range text {
		if r == '\t' {
			text[i] = ' '
		} else if refused(r) {
			text[i] = utf8.RuneError
		}
	}
	if len(text) <= excerptWidth {
		return string(text), column
	}
	from := min(max(0, column-excerptWidth/2), len(text)-excerptWidth)
	return string(text[from : from+excerptWidth]), column - from
}
