package data

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// Marks stand under characters, so a concealed line must be as long as it was.
func FuzzConcealed(f *testing.F) {
	f.Add("basic-auth: {password: a\n  b}\nx: 1")
	f.Add("- token: |\n    é\n\n    \xff\n  x: http://a:b@c/?d=e http://f@g")
	f.Add("\"secret\":[{\npwd: https://?")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "\n")
		for i, got := range concealed(lines) {
			if utf8.RuneCountInString(got) != utf8.RuneCountInString(lines[i]) {
				t.Errorf("line %d: %q became %q", i+1, lines[i], got)
			}
		}
	})
}
