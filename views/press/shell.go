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
	query := s.View.Query()
	return views.Feed{
		Stream: "/live/" + s.View.Dashboards + "?" + query,
		Poll:   "/poll/" + s.View.Dashboards + "?" + query,
		Cursor: s.Cursor,
		Build:  s.Build,
		Now:    strconv.FormatInt(time.Now().UnixMilli(), 10),
	}
}

// Heading names what the snapshot shows: its dashboard, or the one panel of it.
func (s Snapshot) Heading() views.HeadingModel {
	if panel, err := s.Dashboard.Panel(s.View.Panel); err == nil {
		return views.HeadingModel{Title: panel.Title}
	}
	return views.HeadingModel{Title: s.Dashboard.Title, Text: s.Dashboard.Text}
}

// Parts returns what stands in the shell: a dashboard's panels, or the list of dashboards.
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
		m.Turn = views.Turn{
			Seconds: strconv.Itoa(int(s.View.Turn.Seconds())),
			At:      strconv.FormatInt(s.TurnAt.Add(-s.View.Turn).UnixMilli(), 10),
		}
	}
	return m
}

// shell returns the elements that bring any page of the view to the snapshot.
func (s Snapshot) shell() []byte {
	var b bytes.Buffer
	add := func(c templ.Component) { b.Write(render(c)) }
	switch s.View.Surface {
	case Kiosk:
		add(views.KioskBody(s.KioskModel()))
	case Index:
		add(views.Notice(s.Notice))
		b.Write(s.sheets[0].html)
	case Desk:
		add(views.Notice(s.Notice))
		add(views.Heading(s.Heading()))
		fallthrough
	default:
		add(views.Grid(s.Dashboard.Name, s.Parts()))
	}
	return b.Bytes()
}
