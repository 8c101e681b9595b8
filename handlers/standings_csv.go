package handlers

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

// csvRows is how many rows of a CSV file are read at once.
const csvRows = 1000

// standingsCSV answers GET /api/leaderboards/{board}.csv with all rows of a window (RFC 4180). They
// are read in parts: who climbs past one of them meanwhile is missing, and nobody is in it twice.
func (s *Server) standingsCSV(w http.ResponseWriter, r *http.Request) {
	board, ask, err := s.ask(r)
	var page rank.Page
	if err == nil {
		ask.Offset, ask.Limit = 0, csvRows
		page, err = board.Page(r.Context(), ask)
	}
	if err != nil {
		fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", `attachment; filename="`+fileName(page)+`"`)
	if r.Method == http.MethodHead {
		return
	}
	out := csvWriter{csv.NewWriter(w), page.Spec, make(map[uint32]bool)}
	out.UseCRLF = true
	out.head()
	out.page(page)
	for ask.Window = page.Window.Key; ask.Offset+csvRows < page.Total && out.Error() == nil; {
		ask.Offset += csvRows
		if page, err = board.Page(r.Context(), ask); err != nil {
			panic(http.ErrAbortHandler) // a file that is cut off must not look whole
		}
		out.page(page)
	}
	out.Flush()
}

// fileName is made of characters that every file system takes.
func fileName(p rank.Page) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '.' {
			return c
		}
		return '-'
	}, p.Spec.Name+"-"+p.Window.Key+".csv")
}

type csvWriter struct {
	*csv.Writer
	spec    *metrics.Leaderboard
	written map[uint32]bool
}

// head writes the names of the columns. Those of sub-scores that break ties and of group attributes stand behind.
func (c csvWriter) head() {
	cells := []string{"rank", "player", "name", "score", "at"}
	for _, tie := range c.spec.TieBreaks {
		if tie.Sub != "" {
			cells = append(cells, safeCell(tie.Sub))
		}
	}
	for _, group := range c.spec.Groups {
		cells = append(cells, safeCell(group))
	}
	_ = c.Write(cells) // Error tells
}

func (c csvWriter) page(p rank.Page) {
	for _, row := range p.Rows {
		if row.Player == "" {
			_ = c.Write([]string{strconv.Itoa(row.Rank), "", "", "", ""})
			continue
		}
		if !c.written[row.Key] {
			c.written[row.Key] = true
			_ = c.Write(c.cells(row))
		}
	}
}

func (c csvWriter) cells(row rank.Row) []string {
	cells := []string{
		strconv.Itoa(row.Rank), safeCell(row.Player), safeCell(row.Name), numberCell(row.Score),
		time.UnixMilli(row.At).UTC().Format("2006-01-02T15:04:05.000Z07:00"),
	}
	subs := metrics.Score{Subs: row.Subs}
	for _, tie := range c.spec.TieBreaks {
		if tie.Sub != "" {
			cells = append(cells, numberCell(subs.Sub(tie.Sub)))
		}
	}
	for _, group := range c.spec.Groups {
		cells = append(cells, safeCell(row.Attributes.Get(group)))
	}
	return cells
}

func numberCell(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// safeCell keeps spreadsheets from running a stranger's text as a formula:
// https://owasp.org/www-community/attacks/CSV_Injection
func safeCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20", []rune(text)[0]) {
		return "'" + text
	}
	return text
}
