package handlers

import (
	"net/http"

	"liveboard/assets"
	"liveboard/views"
	"liveboard/views/press"
)

// arrivals answers GET /arrivals: the list of what came in.
func (s *Server) arrivals(w http.ResponseWriter, r *http.Request) {
	snap, err := s.snapshot(r, press.Arrivals)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	parts, view := snap.Parts(), snap.View.Arrivals
	m := views.ArrivalsModel{
		Page:   page(r, "Arrivals"),
		Topbar: topbar(r, false),
		Feed:   snap.Feed(),
		Notice: snap.Notice,
		Find:   view.Find,
		From:   view.From,
		List:   parts[0],
		Rest:   parts[1],
	}
	for _, name := range []string{"from", "own", "limit"} {
		if value := r.URL.Query().Get(name); value != "" {
			m.Kept = append(m.Kept, views.Parameter{Name: name, Value: value})
		}
	}
	m.Page.Assets.Own = assets.URL("js/copy.js")
	m.Topbar.Arrivals = true
	view.From = ""
	m.Back = view.Href()
	s.show(w, r, http.StatusOK, views.Arrivals(m))
}
