package rank

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/text/unicode/norm"

	"liveboard/metrics"
)

func TestNamesAreKeptClean(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "Ada L.", "Ada L."},
		{"composed", "Ame\u0301lie", "Amélie"},
		{"trimmed", "\u00a0\u3000 Ada ", "Ada"},
		{"spaces inside stay", "Ada  L", "Ada  L"},
		{"right to left", "عائشة", "عائشة"},
		{"marks that write a language", "กำนั้น", "กำนั้น"},
		{"Devanagari", "निशा", "निशा"},
		{"Hangul", "\u1112\u1161\u11ab", "한"},
		{"emoji", "🚀🇸🇪👍🏽", "🚀🇸🇪👍🏽"},
		{"emoji form of a symbol", "I ❤\ufe0f Go", "I ❤\ufe0f Go"},
		{"keycap", "1\ufe0f\u20e3", "1\ufe0f\u20e3"},
		{"64 graphemes of two bytes and a mark", strings.Repeat("ẍ\u0323", 64), strings.Repeat("\u1e8d\u0323", 64)},
		{"markup is text", "<b>&amp;", "<b>&amp;"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := cleanName(tt.in)
			if want := norm.NFC.String(tt.want); err != nil || got != want {
				t.Errorf("got %+q and error %v, want %+q", got, err, want)
			}
		})
	}
}

func TestNamesThatDisturbAreRefused(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", "is empty"},
		{"white space", " \u00a0\u2003", "is empty"},
		{"65 graphemes", strings.Repeat("a", 65), "65 characters"},
		{"513 bytes", strings.Repeat("a", 513), "513 bytes"},
		{"NFC is longer", strings.Repeat("\U0001d160", 60), "bytes in NFC"},
		{"nine marks", "ab" + strings.Repeat("\u0301\u0316", 4) + "\u0301\u0316c", "at byte 1"},
		{"a mark without a letter", "\u0301a", "U+0301 at byte 0"},
		{"a mark behind trimmed space", " \u0301a", "U+0301 at byte 0"},
		{"invalid UTF-8", "a\xff", "byte 1"},
		{"NUL", "a\x00", "U+0000 at byte 1"},
		{"line feed", "a\nb", "U+000A at byte 1"},
		{"carriage return", "x\rdata: mode remove", "U+000D at byte 1"},
		{"bidirectional override", "a\u202eb", "U+202E at byte 1"},
		{"isolate", "a\u2067b", "U+2067 at byte 1"},
		{"zero-width space", "a\u200bb", "U+200B at byte 1"},
		{"zero-width joiner", "👩\u200d💻", "U+200D at byte 4"},
		{"soft hyphen", "a\u00adb", "U+00AD at byte 1"},
		{"byte order mark", "\ufeffa", "U+FEFF at byte 0"},
		{"tag", "a\U000e0041", "U+E0041 at byte 1"},
		{"line separator", "a\u2028b", "U+2028 at byte 1"},
		{"grapheme joiner", "a\u034fb", "U+034F at byte 1"},
		{"Hangul filler", "\u3164", "U+3164 at byte 0"},
		{"half-width Hangul filler", "a\uffa0", "U+FFA0 at byte 1"},
		{"Hangul initial filler", "\u115f", "U+115F at byte 0"},
		{"Hangul medial filler", "\u1160", "U+1160 at byte 0"},
		{"Khmer inherent vowel", "ក\u17b4", "U+17B4 at byte 3"},
		{"Mongolian variation selector", "ᠠ\u180b", "U+180B at byte 3"},
		{"Mongolian vowel separator", "ᠠ\u180e", "U+180E at byte 3"},
		{"braille blank", "\u2800", "U+2800 at byte 0"},
		{"null notehead", "\U0001d159", "U+1D159 at byte 0"},
		{"selector behind a letter", "a\ufe0f", "U+FE0F at byte 1"},
		{"two selectors", "❤\ufe0f\ufe0f", "U+FE0F at byte 6"},
		{"ideographic selector", "葛\U000e0100", "U+E0100 at byte 3"},
		{"no character", "a\uffff", "U+FFFF at byte 1"},
		{"replacement character", "a\ufffd", "U+FFFD at byte 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := cleanName(tt.in)
			if metrics.KindOf(err) != metrics.Invalid || !strings.Contains(fmt.Sprint(err), tt.want) {
				t.Errorf("got %+q and error %v, want one of kind Invalid with %q", got, err, tt.want)
			}
		})
	}
}

func TestPlayerIDs(t *testing.T) {
	good := map[string]string{
		"ada": "ada", "Ada@example.org": "Ada@example.org", "a b": "a b", "e\u0301": "é", "🚀": "🚀", strings.Repeat("x", 128): strings.Repeat("x", 128), "../?#%": "../?#%",
	}
	for in, want := range good {
		if got, err := cleanID(in); err != nil || got != want {
			t.Errorf("%q: got %q and error %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", " ada", "ada\u00a0", "a\tb", "a\u200b", "\u3164", "\u0301", "\xff", strings.Repeat("x", 129), strings.Repeat("\U0001d160", 30), "b" + strings.Repeat("\u0301", 9)} {
		if got, err := cleanID(in); metrics.KindOf(err) != metrics.Invalid || err == nil {
			t.Errorf("%q: got %q and error %v, want one of kind Invalid", in, got, err)
		}
	}
}

func TestWords(t *testing.T) {
	for _, word := range []string{"deaths", "a", "A-1_b.c", "9", strings.Repeat("w", 64)} {
		if err := checkWord("sub-score", word); err != nil {
			t.Errorf("%q: got error %v", word, err)
		}
	}
	for _, word := range []string{"", "a b", "ä", "a\n", "a:b", "a/b", strings.Repeat("w", 65), "\xff"} {
		err := checkWord("sub-score", word)
		if metrics.KindOf(err) != metrics.Invalid || !strings.Contains(fmt.Sprint(err), "sub-score") {
			t.Errorf("%q: got error %v, want one of kind Invalid about a sub-score", word, err)
		}
	}
}

func TestNamesLookTheSame(t *testing.T) {
	same := [][2]string{
		{"Ada", "ADA"}, {"Ada", "Ａｄａ"}, {"Straße", "STRASSE"}, {"ﬁt", "FIT"}, {"Ada L", "ada\u00a0\u2003l"}, {"Å", "\u212b"}, {"Σίσυφος", "ΣΊΣΥΦΟΣ"}, {"❤", "❤\ufe0f"}, {"K2", "\u212a2"}, {"\u13c4", "\uab94"},
	}
	for _, pair := range same {
		if a, b := look(pair[0]), look(pair[1]); a != b {
			t.Errorf("%q and %q look like %q and %q, want the same", pair[0], pair[1], a, b)
		}
	}
	for _, pair := range [][2]string{{"Ada", "Adam"}, {"Ada", "Äda"}, {"AdaL", "Ada L"}} {
		if look(pair[0]) == look(pair[1]) {
			t.Errorf("%q and %q look the same", pair[0], pair[1])
		}
	}
}

func FuzzName(f *testing.F) {
	for _, seed := range []string{"Ada", " e\u0301 ", "a\u202eb", "❤\ufe0f", "\u1112\u1161\u11ab", "\u0344", "Ada\xff", "\u2000\u0301", "ﷺ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if id, err := cleanID(in); err == nil {
			if again, err := cleanID(id); err != nil || again != id {
				t.Errorf("id %+q: cleaned again it is %+q, error %v", id, again, err)
			}
		}
		name, err := cleanName(in)
		if err != nil {
			return
		}
		if again, err := cleanName(name); err != nil || again != name {
			t.Errorf("%+q: cleaned again it is %+q, error %v", name, again, err)
		}
		if !utf8.ValidString(name) || !norm.NFC.IsNormalString(name) || len(name) > 512 || uniseg.GraphemeClusterCount(name) > 64 {
			t.Errorf("%+q is not what names are", name)
		}
		if !strings.ContainsFunc(name, visible) {
			t.Errorf("%+q cannot be seen", name)
		}
		if got := look(name); got == "" || look(got) != got {
			t.Errorf("%+q looks like %+q, and that like %+q", name, got, look(got))
		}
	})
}

// visible reports whether r shows something on its own.
func visible(r rune) bool {
	return !unicode.IsSpace(r) && !unicode.IsMark(r) && !invisible(r) && !unicode.In(r, unicode.Cc, unicode.Cf)
}
