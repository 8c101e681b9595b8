package press

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"liveboard/views"
	"liveboard/views/panels"
)

// Feed says how a page that shows the snapshot stays current.
func (s Snapshot) Feed() views.Feed {
	path, query := s.View.Dashboards, s.View.Query()
	if board := s.View.Ranking.Board; board != "" {
		path = "b/" + board
	}
	return views.Feed{
		Stream: "/live/" + path + "?" + query,
		Poll:   "/poll/" + path + "?" + query,
		Cursor: s.Cursor,
		Build:  s.Build,
		Now:    strconv.FormatInt(time.Now().UnixMilli(), 10),

		Viewers: viewersText(s.Viewers),
	}
}

// viewersText is "" for nobody: one who reads it is there, and counted in a moment.
func viewersText(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// Heading names what the snapshot shows: its dashboard, or the one panel of it.
func (s Snapshot) Heading() views.HeadingModel {
	if panel, err := s.Dashboard.Panel(s.View.Panel); err == nil {
		return views.HeadingModel{Title: panel.Title}
	}
	return views.HeadingModel{Title: s.Dashboard.Title, Text: s.Dashboard.Text}
}

// Parts returns what stands in the shell: a dashboard's panels; a ranking and what guides through it; or the lists
// of dashboards and of leaderboards.
func (s Snapshot) Parts() []templ.Component {
	panels := make([]templ.Component, len(s.sheets))
	for i, sh := range s.sheets {
		panels[i] = printed(sh.html)
	}
	return panels
}

// printed is HTML that our own components have written: every text in it is escaped already.
func printed(html []byte) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := w.Write(html)
		return err
	})
}

// KioskModel returns what a kiosk shows of the snapshot; its Page is the caller's to fill.
func (s Snapshot) KioskModel() views.KioskModel {
	now := time.Now()
	m := views.KioskModel{
		Time:   now.Format("15:04"),
		Zone:   panels.ZoneName(now),
		Feed:   s.Feed(),
		Name:   s.Dashboard.Name,
		Title:  s.Dashboard.Title,
		Rows:   views.Rows(s.Dashboard.Panels...),
		Panels: s.Parts(),
	}
	if n := len(s.Screens); n > 1 {
		m.Position = fmt.Sprintf("%d of %d · next: %s", s.Screen+1, n, s.Screens[(s.Screen+1)%n].Title)
		m.Turn = s.turn()
	}
	return m
}

// BoardKioskModel returns what a kiosk shows of a leaderboard; its Page and Join are the
// caller's to fill.
func (s Snapshot) BoardKioskModel() views.BoardKioskModel {
	now := time.Now()
	page, _ := s.Ranking()
	m := views.BoardKioskModel{
		Feed:    s.Feed(),
		Title:   s.Leaderboard.Title,
		Text:    headText(page),
		Time:    now.Format("15:04"),
		Zone:    panels.ZoneName(now),
		Ranking: s.Parts()[0],
		Join:    views.JoinModel{QR: "/b/" + s.Leaderboard.Name + "/qr.svg"},
	}
	if m.Position = positionText(page); m.Position != "" {
		m.Turn = s.turn()
	}
	return m
}

// turn is the time that the screen which is on has.
func (s Snapshot) turn() views.Turn {
	return views.Turn{
		Seconds: strconv.Itoa(int(s.View.Turn.Seconds())),
		At:      strconv.FormatInt(s.TurnAt.Add(-s.View.Turn).UnixMilli(), 10),
	}
}

// rankingShell is shell for a leaderboard.
func (s Snapshot) rankingShell() []byte {
	if s.View.Surface == Kiosk {
		return render(views.BoardKioskBody(s.BoardKioskModel()))
	}
	var b bytes.Buffer
	if s.View.Surface != Embed {
		b.Write(render(views.Notice(s.Notice)))
	}
	for _, sh := range s.sheets {
		b.Write(sh.html)
	}
	return b.Bytes()
}

// shell returns the elements that bring any page of the view to the snapshot.
func (s Snapshot) shell() []byte {
	var b bytes.Buffer
	add := func(c templ.Component) { b.Write(render(c)) }
	if s.View.Ranking.Board != "" {
		return s.rankingShell()
	}
	switch s.View.Surface {
	case Kiosk:
		add(views.KioskBody(s.KioskModel()))
	case Index, Arrivals:
		add(views.Notice(s.Notice))
		for _, sh := range s.sheets {
			b.Write(sh.html)
		}
	case Desk:
		add(views.Notice(s.Notice))
		add(views.Heading(s.Heading()))
		fallthrough
	default:
		add(views.Grid(s.Dashboard.Name, s.Parts()))
	}
	return b.Bytes()
}
