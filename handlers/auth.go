package handlers

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"liveboard/handlers/ingest"
	"liveboard/metrics"
)

// Tokens tells what a bearer token is good for; *data.Tokens does.
type Tokens interface {
	// Check returns the token of that secret, or an error of kind Unauthorized.
	Check(ctx context.Context, secret string) (metrics.Token, error)
}

// caller is who sent a request. The zero caller is a stranger.
type caller struct {
	metrics.Token      // what they bear
	local         bool // sent from this machine, bearing nothing: may do everything, as much as it likes
}

// name is what stands in audits.
func (c caller) name() string {
	if c.local {
		return "local"
	}
	return cmp.Or(c.Name, c.ID)
}

// need returns nil, or an error that says which right is missing.
func (c caller) need(verb, board string) error {
	switch {
	case c.local || c.Allows(verb, board):
		return nil
	case c.ID == "":
		return metrics.Errorf(metrics.Unauthorized, "This needs a token: Authorization: Bearer lb_…; “liveboard token create --scope %s:%s” makes one.", verb, board)
	default:
		return metrics.Errorf(metrics.Forbidden, "The token %q may not do this: it has no scope %s:%s.", c.name(), verb, board)
	}
}

// callerOf finds out who sent the request: by its token, else by the session of its cookie, else
// by where it comes from. A token that is not good is an error of kind Unauthorized, wherever it comes from.
func (s *Server) callerOf(r *http.Request) (caller, error) {
	if token, found := bearer(r); found {
		return s.checkToken(r.Context(), token)
	}
	if token, found := s.sessions.token(r); found {
		who, err := s.checkToken(r.Context(), token)
		if metrics.KindOf(err) != metrics.Unauthorized {
			return who, err
		}
		s.sessions.end(r) // with its token
	}
	if s.local(r) {
		return caller{local: true}, nil
	}
	return caller{}, nil
}

// bearer returns what stands in the header Authorization; found is false where there is none. A
// scheme other than Bearer has the token "", which is good for nothing.
func bearer(r *http.Request) (token string, found bool) {
	header := r.Header.Get("Authorization")
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	return token, header != ""
}

func (s *Server) checkToken(ctx context.Context, token string) (caller, error) {
	t, err := s.Tokens.Check(ctx, token)
	return caller{Token: t}, err
}

// scorerOf returns who submits the body's scores, if that is allowed: bearing a token, signed, or
// from this machine.
func (s *Server) scorerOf(r *http.Request, board string, body []byte) (caller, error) {
	if err := sameOrigin(r); err != nil {
		return caller{}, err
	}
	who, err := s.signerOf(r, board, body)
	if err == nil && who.ID == "" {
		who, err = s.callerOf(r)
	}
	if err == nil {
		err = who.need(metrics.VerbScore, board)
	}
	return who, s.limit(r, who, err)
}

// staffOf returns who sent the request, if they are staff of the leaderboard.
func (s *Server) staffOf(r *http.Request, board string) (caller, error) {
	if err := sameOrigin(r); err != nil {
		return caller{}, err
	}
	who, err := s.callerOf(r)
	if err == nil {
		err = who.need(metrics.VerbStaff, board)
	}
	return who, s.limit(r, who, err)
}

// asStaff reports whether the request asks for what only staff see, with ?view=staff. The error is
// that of staffOf: staff who ask for nothing see what everyone sees.
func (s *Server) asStaff(r *http.Request, board string) (bool, error) {
	switch view := r.URL.Query().Get("view"); view {
	case "", "public":
		return false, nil
	case "staff":
		_, err := s.staffOf(r, board)
		return err == nil, err
	default:
		return false, metrics.Errorf(metrics.Invalid, "view is public or staff, not %q.", view)
	}
}

// senderOf returns who brings samples, if that is allowed: bearing a token, or from this machine.
func (s *Server) senderOf(r *http.Request, secret string, found bool) (ingest.Sender, error) {
	if err := sameOrigin(r); err != nil {
		return ingest.Sender{}, err
	}
	who, err := caller{local: !found && s.local(r)}, error(nil)
	if found {
		who, err = s.checkToken(r.Context(), secret)
	}
	switch {
	case err != nil || who.local || who.MayIngest():
	case found:
		err = metrics.Errorf(metrics.Forbidden, "The token %q may not bring samples: it has no scope ingest.", who.name())
	default:
		err = metrics.Errorf(metrics.Unauthorized, "Samples from elsewhere need a token: Authorization: Bearer lb_…; “liveboard token create --scope ingest” makes one.")
	}
	return ingest.Sender{Token: who.Token, Local: who.local}, s.limit(r, who, err)
}

// originGuard refuses what a page of another site makes a browser send.
var originGuard = http.NewCrossOriginProtection()

// sameOrigin refuses what a page of another site makes a browser send.
func sameOrigin(r *http.Request) error {
	if originGuard.Check(r) != nil {
		return metrics.Errorf(metrics.Forbidden, "A page of another site may not do this.")
	}
	return nil
}
