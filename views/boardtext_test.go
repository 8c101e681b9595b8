package views

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"

	"liveboard/metrics/rank"
)

// named is a page of players with these names, the best first.
func named(names ...string) rank.Page {
	p := pageOf(0, 0, len(names))
	for i, name := range names {
		p.Rows = append(p.Rows, rank.Row{Rank: i + 1, Player: "id", Name: name, Score: float64(98120 - 1000*i), Move: rank.Move{Up: i - 1}})
	}
	return p
}

// strange names break a table that counts bytes, and a terminal that obeys them.
var strange = []string{
	"Ada", "李小龍", strings.Repeat("👨‍👩‍👧‍👦", 64), "e\u0301lan", "x\x1b[2J\x1b]0;owned\a", "two\nlines\r\ttab", "\xff\xfe", "\u202ertl\u202c", "<b>&amp;",
}

func TestTextIsAlignedByCells(t *testing.T) {
	for _, width := range []int{0, 40, 80, 400} {
		want := min(max(width, leastWidth), mostWidth)
		lines := strings.Split(strings.TrimSuffix(BoardText(named(strange...), false, width), "\n"), "\n")
		if len(lines) != 3+len(strange) {
			t.Fatalf("width %d: %d lines, want %d", width, len(lines), 3+len(strange))
		}
		for _, line := range lines[3:] {
			if got := uniseg.StringWidth(line); got != want {
				t.Errorf("width %d: %q is %d cells wide, want %d", width, line, got, want)
			}
		}
	}
}

func TestTextHasNoControlCharactersOfStrangers(t *testing.T) {
	page := named(strange...)
	for _, r := range BoardText(page, false, 80) {
		if unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Bidi_Control, r) {
			t.Errorf("the text has %q", r)
		}
	}
	coloured := BoardText(page, true, 80)
	for _, bad := range []string{"\x1b[2J", "\x1b]", "\a", "\r"} {
		if strings.Contains(coloured, bad) {
			t.Errorf("the coloured text has %q", bad)
		}
	}
	if !strings.Contains(coloured, "\x1b[1;93m") {
		t.Error("the first has no colour")
	}
}

func TestTextLooksAsReviewed(t *testing.T) {
	page := named("nova_kestrel", "Ada", "李小龍", "", strings.Repeat("long ", 20))
	page.Rows[3].Player = ""
	page.Rows[4].Move = rank.Move{New: true}
	page.FrozenAt = time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC)
	compareGolden(t, "board.txt", BoardText(page, false, 60))
	compareGolden(t, "board-empty.txt", BoardText(named(), false, 60))
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	golden := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
}

func TestPictureLooksAsReviewed(t *testing.T) {
	page := named("nova", "Ada")
	page.Rows[1].Player = ""
	compareGolden(t, "board-light.svg", render(t, BoardImage(Picture(page, Auto))))
	compareGolden(t, "board-dark.svg", render(t, BoardImage(Picture(named(), Dark))))
}

// An image is a document of its own: a name that ends it, or that XML has no place for, must not break it.
func TestPictureIsXMLWhateverTheNames(t *testing.T) {
	svg := render(t, BoardImage(Picture(named(append(strange, `</text><script>x</script>`, `" onload="x`)...), Light)))
	if strings.Contains(svg, "<script") || strings.Contains(svg, `" onload`) {
		t.Errorf("a name is more than text: %s", svg)
	}
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
