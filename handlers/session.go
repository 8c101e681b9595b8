package handlers

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync"
	"time"
)

const (
	sessionCookie = "staff"
	sessionFor    = 12 * time.Hour
	maxSessions   = 1000
)

// sessions are the staff who have shown their token to a browser. They live in memory: a restart
// ends them all, and each ends when its token does.
type sessions struct {
	key []byte // of the marks in forms

	mu   sync.Mutex
	byID map[string]session
}

type session struct {
	token string
	until time.Time
}

func newSessions() *sessions {
	s := &sessions{key: make([]byte, sha256.Size), byID: make(map[string]session)}
	_, _ = rand.Read(s.key) // never fails
	return s
}

// open starts a session and returns its id. Where there are too many, the oldest ends.
func (s *sessions) open(token string) string {
	id := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byID) >= maxSessions {
		delete(s.byID, s.oldest())
	}
	s.byID[id] = session{token, time.Now().Add(sessionFor)}
	return id
}

func (s *sessions) oldest() (oldest string) {
	var until time.Time
	for id, session := range s.byID {
		if until.IsZero() || session.until.Before(until) {
			oldest, until = id, session.until
		}
	}
	return oldest
}

// token returns the token of the request's session; found is false where it has none.
func (s *sessions) token(r *http.Request) (token string, found bool) {
	id := sessionID(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	open, found := s.byID[id]
	if found && time.Now().After(open.until) {
		delete(s.byID, id)
		return "", false
	}
	return open.token, found
}

func (s *sessions) end(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, sessionID(r))
}

func sessionID(r *http.Request) string {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// mark returns what the forms of a page must send back in their field "mark", so that nobody
// else's page can send them. It belongs to the request's session.
func (s *sessions) mark(r *http.Request) string {
	h := hmac.New(sha256.New, s.key)
	if _, found := s.token(r); found {
		h.Write([]byte(sessionID(r)))
	}
	return hex.EncodeToString(h.Sum(nil))
}
