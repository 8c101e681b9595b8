package views

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"

	"liveboard/metrics/rank"
)

// The bounds of a terminal's width, in columns.
const (
	leastWidth = 40
	mostWidth  = 120
)

// BoardText is the page of a leaderboard for a terminal of that width: a row a line, each column
// aligned by the cells that its characters take. Colour is ANSI's. Whatever a name holds, it brings no
// control character with it.
func BoardText(page rank.Page, color bool, width int) string {
	width = min(max(width, leastWidth), mostWidth)
	pen := pen(color)
	var b strings.Builder
	b.WriteString(pen.bold(clip(clean(page.Spec.Title), width)) + "\n")
	b.WriteString(pen.faint(clip(textSummary(page), width)) + "\n\n")
	for _, row := range page.Rows {
		b.WriteString(textRow(page, row, pen, width) + "\n")
	}
	if len(page.Rows) == 0 {
		b.WriteString("No scores yet.\n")
	}
	if more := page.Total - page.Offset - len(page.Rows); more > 0 {
		b.WriteString(pen.faint("… and "+count(more)+" more") + "\n")
	}
	return b.String()
}

func textSummary(page rank.Page) string {
	parts := []string{clean(page.Window.Title), plural(page.Total, "player")}
	if !page.FrozenAt.IsZero() {
		parts = append(parts, "frozen since "+page.FrozenAt.Format("2 Jan, 15:04 MST"))
	}
	return strings.Join(parts, " · ")
}

// The cells of the columns beside the name.
const (
	rankCells  = 6
	moveCells  = 6
	scoreCells = 16
)

func textRow(page rank.Page, row rank.Row, pen pen, width int) string {
	place := right(strconv.Itoa(row.Rank), rankCells)
	if row.Player == "" {
		return pen.faint(place + "  not revealed yet")
	}
	move, paint := textMove(row.Move, pen)
	score := clip(page.Spec.ScoreText(row.Score), scoreCells)
	room := width - rankCells - moveCells - scoreCells - 2
	name := clip(clean(row.Name), room)
	return pen.podium(row.Rank, place) + " " + paint(left(move, moveCells)) + " " + left(name, room) + pen.bold(right(score, scoreCells))
}

func textMove(m rank.Move, pen pen) (text string, paint func(string) string) {
	switch {
	case m.New:
		return " new", pen.faint
	case m.Up > 0:
		return " ▲ " + strconv.Itoa(m.Up), pen.good
	case m.Up < 0:
		return " ▼ " + strconv.Itoa(-m.Up), pen.bad
	}
	return "", pen.faint
}

// clean drops what is no character to be seen: a terminal would obey it.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\u200d' || unicode.IsGraphic(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, ""))
}

// clip cuts text to that many cells.
func clip(text string, cells int) string {
	if uniseg.StringWidth(text) <= cells {
		return text
	}
	var b strings.Builder
	taken := 1 // by the ellipsis
	for state, rest := -1, text; rest != ""; {
		var cluster string
		var wide int
		cluster, rest, wide, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if taken += wide; taken > cells {
			break
		}
		b.WriteString(cluster)
	}
	return b.String() + "…"
}

func left(text string, cells int) string  { return text + blanks(text, cells) }
func right(text string, cells int) string { return blanks(text, cells) + text }

func blanks(text string, cells int) string {
	return strings.Repeat(" ", max(cells-uniseg.StringWidth(text), 0))
}

// pen writes in colour, or not.
type pen bool

func (p pen) write(code, text string) string {
	if !p {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p pen) bold(text string) string  { return p.write("1", text) }
func (p pen) faint(text string) string { return p.write("2", text) }
func (p pen) good(text string) string  { return p.write("32", text) }
func (p pen) bad(text string) string   { return p.write("31", text) }

// podium writes the first three ranks in the colours of their medals.
func (p pen) podium(rank int, text string) string {
	switch rank {
	case 1:
		return p.write("1;93", text)
	case 2:
		return p.write("1;37", text)
	case 3:
		return p.write("1;33", text)
	}
	return text
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}
