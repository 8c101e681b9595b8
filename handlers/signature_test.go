package handlers

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

// signedRequest is a submission that each test spoils in its own way before it is sent.
type signedRequest struct {
	path, body  string
	id, secret  string
	at          int64
	nonce       string
	after       func(*signedRequest) // changes it once it is signed
	signature   string
	headersMore []string
}

// newSigner returns good requests to the leaderboard "arcade", each with a nonce of its own.
func (w *world) newSigner() func() signedRequest {
	w.t.Helper()
	secret, key, err := w.store.Keys().Create(w.t.Context(), "arcade")
	if err != nil {
		w.t.Fatal(err)
	}
	w.server.started = time.Now().Add(-time.Hour)
	n := 0
	return func() signedRequest {
		n++
		return signedRequest{
			path: "/api/leaderboards/arcade/scores", body: `{"player":"ada","score":1}`,
			id: key.ID, secret: secret, at: time.Now().Unix(), nonce: fmt.Sprintf("nonce-%010d", n),
		}
	}
}

func (w *world) sendSigned(s signedRequest) answer {
	w.t.Helper()
	if s.signature == "" {
		s.signature = hex.EncodeToString(Sign(s.secret, "POST", s.path, []byte(s.body), s.at, s.nonce))
	}
	if s.after != nil {
		s.after(&s)
	}
	headers := append([]string{
		"Content-Type", jsonType, keyHeader, s.id, timeHeader, strconv.FormatInt(s.at, 10), nonceHeader, s.nonce, signatureHeader, s.signature,
	}, s.headersMore...)
	return do(w.t, "POST", w.URL+s.path, s.body, headers...)
}

// The figure was made with another program:
// printf 'POST\n/api/leaderboards/arcade/scores\n%s\n1763777777\n0123456789abcdef' $(printf '{"player":"ada","score":1}' | sha256sum | cut -c-64) | openssl dgst -sha256 -hmac secret
func TestSignatureIsWhatOthersCompute(t *testing.T) {
	got := hex.EncodeToString(Sign("secret", "POST", "/api/leaderboards/arcade/scores", []byte(`{"player":"ada","score":1}`), 1763777777, "0123456789abcdef"))
	if want := "0f653fa4c428f2965acccb22499a2e95998d869c41696c10348fba8a7eca2f49"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSignatureAllowsToSubmitFromAnywhere(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", func(b *metrics.Leaderboard) { b.Signed = true }))
	next := w.newSigner()
	good := next()
	good.headersMore = elsewhere
	if a := w.sendSigned(good); a.StatusCode != http.StatusCreated {
		t.Fatalf("got %d %s, want 201", a.StatusCode, a.body)
	}
	wantProblem(t, w.post("/arcade/scores", `{"player":"bob","score":1}`), 401, "takes signed scores only")
	wantProblem(t, w.post("/arcade/scores", `{"player":"bob","score":1}`, bear(w.token("x", "staff:*"))...), 401, "takes signed scores only")
	wantPlaces(t, w.places("/arcade"), "1 ada 1")
}

func TestWrongSignaturesAreRefused(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil), leaderboard("chess", nil))
	next := w.newSigner()
	used := next()
	w.sendSigned(used)
	for _, c := range []struct {
		name   string
		spoil  func(*signedRequest)
		status int
		detail string
	}{
		{"another body", func(s *signedRequest) { s.after = func(s *signedRequest) { s.body = `{"player":"ada","score":2}` } }, 401, "signature is wrong"},
		{"another path", func(s *signedRequest) { s.after = func(s *signedRequest) { s.path = "/api/leaderboards/chess/scores" } }, 401, "signing key is unknown"},
		{"another nonce", func(s *signedRequest) { s.after = func(s *signedRequest) { s.nonce += "x" } }, 401, "signature is wrong"},
		{"another time", func(s *signedRequest) { s.after = func(s *signedRequest) { s.at++ } }, 401, "signature is wrong"},
		{"another secret", func(s *signedRequest) { s.secret += "x" }, 401, "signature is wrong"},
		{"another key", func(s *signedRequest) { s.id += "x" }, 401, "signing key is unknown"},
		{"no key", func(s *signedRequest) { s.id = "" }, 401, "signing key is unknown"},
		{"no hex", func(s *signedRequest) { s.signature = "signed, ada" }, 401, "signature is wrong"},
		{"half of it", func(s *signedRequest) { s.after = func(s *signedRequest) { s.signature = s.signature[:32] } }, 401, "signature is wrong"},
		{"nonce used", func(s *signedRequest) { s.nonce = used.nonce }, 401, "nonce has been used"},
		{"nonce short", func(s *signedRequest) { s.nonce = "123456789012345" }, 400, "16 to 64"},
		{"nonce long", func(s *signedRequest) { s.nonce = strings.Repeat("n", 65) }, 400, "16 to 64"},
		{"nonce with a space", func(s *signedRequest) { s.nonce = "12345678 12345678" }, 400, "16 to 64"},
		{"too old", func(s *signedRequest) { s.at -= 301 }, 401, "set the clock"},
		{"ahead", func(s *signedRequest) { s.at += 302 }, 401, "set the clock"},
		{"no time", func(s *signedRequest) { s.headersMore = []string{timeHeader, "now"} }, 400, "Unix seconds"},
		{"time without end", func(s *signedRequest) { s.headersMore = []string{timeHeader, "9223372036854775807"} }, 401, "set the clock"},
		{"from another site", func(s *signedRequest) { s.headersMore = []string{"Sec-Fetch-Site", "cross-site"} }, 403, "another site"},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := next()
			c.spoil(&request)
			wantProblem(t, w.sendSigned(request), c.status, c.detail)
		})
	}
	wantPlaces(t, w.places("/arcade"), "1 ada 1")
	for _, off := range []int64{-295, 295} {
		s := next()
		s.at += off
		if a := w.sendSigned(s); a.StatusCode != http.StatusCreated {
			t.Errorf("%d s off: got %d %s, want 201", off, a.StatusCode, a.body)
		}
	}
}

func TestSignatureFromBeforeTheStartIsRefused(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	next := w.newSigner()
	w.server.started = time.Now()
	wantProblem(t, w.sendSigned(next()), 401, "Sign it anew")
}

func TestSignatureGivesNoOtherRight(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil), leaderboard("chess", nil))
	s := w.newSigner()()
	s.path += "?view=staff"
	s.headersMore = elsewhere
	s.signature = hex.EncodeToString(Sign(s.secret, "POST", "/api/leaderboards/arcade/scores", []byte(s.body), s.at, s.nonce))
	wantProblem(t, w.sendSigned(s), 401, "staff:arcade")
}

func TestNoncesAreRememberedAsLongAsTheyAreGood(t *testing.T) {
	var n nonces
	start := time.Unix(1763777777, 0)
	if err := n.use("a", start); err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{0, time.Minute, 10 * time.Minute} {
		if err := n.use("a", start.Add(after)); metrics.KindOf(err) != metrics.Unauthorized {
			t.Errorf("after %v it may be used again: %v", after, err)
		}
	}
	if err := n.use("b", start.Add(11*time.Minute)); err != nil {
		t.Error(err)
	}
	if err := n.use("a", start.Add(12*time.Minute)); metrics.KindOf(err) != metrics.Unauthorized {
		t.Errorf("the older generation is forgotten too early: %v", err)
	}
	if err := n.use("c", start.Add(22*time.Minute)); err != nil || len(n.older) != 1 || len(n.newer) != 1 {
		t.Errorf("error %v, %d and %d nonces are kept, want 1 and 1", err, len(n.older), len(n.newer))
	}
}

func TestNoncesAreBounded(t *testing.T) {
	n := nonces{since: time.Unix(1763777777, 0), newer: make(map[[16]byte]struct{}, maxNonces)}
	for i := range maxNonces {
		n.newer[[16]byte{byte(i), byte(i >> 8), byte(i >> 16)}] = struct{}{}
	}
	if err := n.use("one more", n.since); metrics.KindOf(err) != metrics.Unavailable {
		t.Errorf("got the error %v, want one of kind Unavailable", err)
	}
}

// A restart forgets the nonces, and a clock that is ahead signs for a time after it.
func TestSignatureFromTheFutureIsNotUsedAgainAfterARestart(t *testing.T) {
	board := &metrics.Board{Leaderboards: []metrics.Leaderboard{leaderboard("arcade", nil)}}
	path := filepath.Join(t.TempDir(), "x.db")
	w := worldOf(t, nil, board, path)
	ahead := w.newSigner()()
	ahead.at += 200
	if a := w.sendSigned(ahead); a.StatusCode != http.StatusCreated {
		t.Fatalf("got %d %s, want 201", a.StatusCode, a.body)
	}
	w.close()
	w = worldOf(t, nil, board, path)
	wantProblem(t, w.sendSigned(ahead), http.StatusUnauthorized, "before the server's start")
	ahead.at++
	ahead.nonce += "x"
	if a := w.sendSigned(ahead); a.StatusCode != http.StatusCreated {
		t.Errorf("the next second's: %d %s, want 201", a.StatusCode, a.body)
	}
}
