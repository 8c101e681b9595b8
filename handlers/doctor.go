package handlers

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"liveboard/assets"
	"liveboard/handlers/doctor"
	"liveboard/metrics"
	"liveboard/views"
)

// routeDoctor routes the page that examines the way to the server, and what it and the command doctor measure by.
func (s *Server) routeDoctor(r chi.Router) {
	get(r, "/doctor", s.doctorPage)
	r.Get("/doctor/echo", s.doctorEcho)
	r.Get("/doctor/finding/{check}", s.doctorFinding)
	r.Get("/doctor/stream/{probe}", s.doctorStream)
}

// doctorPage answers GET /doctor.
func (s *Server) doctorPage(w http.ResponseWriter, r *http.Request) {
	m := views.DoctorModel{Page: page(r, "Doctor"), Topbar: topbar(r, false), Command: "liveboard doctor " + s.publicURL(r)}
	m.Page.Assets.Own = assets.URL("js/doctor.js")
	for _, c := range doctor.Checks {
		m.Checks = append(m.Checks, views.CheckModel{Name: c.Name, Title: c.Title})
	}
	s.show(w, r, http.StatusOK, views.Doctor(m))
}

// doctorEcho answers GET /doctor/echo with what has arrived here of the request.
func (s *Server) doctorEcho(w http.ResponseWriter, r *http.Request) {
	addr := addressOf(r)
	echo := doctor.Echo{
		Build:    s.Build,
		Now:      time.Now().UnixMilli(),
		Request:  middleware.GetReqID(r.Context()),
		Protocol: r.Proto,
		Address:  addr.String(),
		Gzip:     acceptsGzip(r),
		Proxy:    proxyHeaders(r),
		Streams:  doctor.Streams{Address: s.streams.of(neighbourhood(addr)), Most: s.Streams.PerAddress},
	}
	if echo.Trusted = s.local(r); echo.Trusted {
		echo.Files = s.files()
	}
	tell(w, r, http.StatusOK, echo)
}

// toldHeaders are the headers of proxies whose values are told. Others that begin alike may bear what a proxy means
// for the server alone, such as X-Forwarded-Access-Token.
var toldHeaders = []string{"Forwarded", "Via", "X-Real-Ip", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-Server"}

func proxyHeaders(r *http.Request) map[string][]string {
	found := map[string][]string{}
	for name, values := range r.Header {
		switch {
		case slices.Contains(toldHeaders, name):
			found[name] = values
		case strings.HasPrefix(name, "X-Forwarded-"):
			found[name] = []string{"(not shown)"}
		}
	}
	return found
}

// files counts the open ones; it returns nil on systems that do not tell.
func (s *Server) files() *doctor.Files {
	families, err := s.Registry.Gather()
	if err != nil {
		return nil
	}
	found := map[string]int{}
	for _, f := range families {
		if name := f.GetName(); name == "process_open_fds" || name == "process_max_fds" {
			found[name] = int(f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	if found["process_max_fds"] == 0 {
		return nil
	}
	return &doctor.Files{
		Open: found["process_open_fds"], Limit: found["process_max_fds"], Streams: s.streams.count(), MostStreams: s.Streams.All,
	}
}

// doctorFinding answers GET /doctor/finding/{check} with what the measurements in the parameter seen mean.
func (s *Server) doctorFinding(w http.ResponseWriter, r *http.Request) {
	var seen doctor.Seen
	if err := json.Unmarshal([]byte(r.URL.Query().Get("seen")), &seen); err != nil {
		fail(w, r, metrics.Errorf(metrics.Invalid, "The parameter seen is no JSON of measurements: %v", err))
		return
	}
	name := pathParam(r, "check")
	finding, ok := doctor.Judge(name, seen)
	if !ok {
		fail(w, r, metrics.Errorf(metrics.NotFound, "There is no check named %q.", name))
		return
	}
	tell(w, r, http.StatusOK, finding)
}
