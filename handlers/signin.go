package handlers

import (
	"crypto/hmac"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"liveboard/metrics"
)

// maxFormBytes bounds the body of a form.
const maxFormBytes = 1 << 20

// readForm reads a form that a page of ours has sent.
func (s *Server) readForm(w http.ResponseWriter, r *http.Request) error {
	if err := sameOrigin(r); err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
	if err := r.ParseForm(); err != nil {
		return bodyError(err, maxFormBytes)
	}
	return nil
}

// readMarkedForm reads a form that a page of ours has sent, made for the request's session.
func (s *Server) readMarkedForm(w http.ResponseWriter, r *http.Request) error {
	if err := s.readForm(w, r); err != nil {
		return err
	}
	if !hmac.Equal([]byte(r.PostForm.Get("mark")), []byte(s.sessions.mark(r))) {
		return metrics.Errorf(metrics.Forbidden, "This form is from before you signed in or out. Load the page again.")
	}
	return nil
}

// signIn answers POST /staff/session?board=, a form with a field "token".
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	err := s.readForm(w, r)
	if err == nil {
		err = s.openSession(w, r, strings.TrimSpace(r.PostForm.Get("token")))
	}
	if err != nil {
		s.problem(w, r, err)
		return
	}
	seeOther(w, r)
}

func (s *Server) openSession(w http.ResponseWriter, r *http.Request, token string) error {
	who, err := s.checkToken(r.Context(), token)
	if err == nil && !who.isStaff() {
		err = metrics.Errorf(metrics.Forbidden, "The token %q is none of staff: it has no scope staff:….", who.name())
	}
	if err := s.limit(r, who, err); err != nil {
		return err
	}
	s.setSession(w, r, s.sessions.open(token), sessionFor)
	return nil
}

// isStaff reports whether the caller is staff of some leaderboard.
func (c caller) isStaff() bool {
	return c.local || slices.ContainsFunc(c.Scopes, func(scope string) bool { return strings.HasPrefix(scope, metrics.VerbStaff+":") })
}

// signOut answers POST /staff/logout?board=, a marked form.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if err := s.readMarkedForm(w, r); err != nil {
		s.problem(w, r, err)
		return
	}
	s.sessions.end(r)
	s.setSession(w, r, "", -time.Second)
	seeOther(w, r)
}

// setSession sets the cookie, or takes it away where it lasts no time. The browser's own word for
// where the form came from tells whether the way here is encrypted, behind a proxy too.
func (s *Server) setSession(w http.ResponseWriter, r *http.Request, id string, lasts time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name:     sessionCookie,
		Value:    id,
		Path:     "/",
		MaxAge:   int(lasts.Seconds()),
		HttpOnly: true,
		Secure:   strings.HasPrefix(s.publicURL(r), "https:") || strings.HasPrefix(r.Header.Get("Origin"), "https:"),
		SameSite: http.SameSiteStrictMode,
	})
}

// seeOther leads back to the staff's page of the leaderboard in the query.
func seeOther(w http.ResponseWriter, r *http.Request) {
	address := "/"
	if board := r.URL.Query().Get("board"); board != "" {
		address = "/b/" + url.PathEscape(board) + "/staff"
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, address, http.StatusSeeOther)
}
