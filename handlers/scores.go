package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

// Ledger takes scores and what staff do to them; *rank.Ledger does.
type Ledger interface {
	Submit(ctx context.Context, s rank.Submission) (a rank.Answer, again bool, err error)
	Moderate(ctx context.Context, a rank.Action) (rank.Entry, error)
	Audit(ctx context.Context, board string, before uint64, limit int) ([]rank.Entry, error)
}

// maxScoreBytes bounds the body of a submission.
const maxScoreBytes = 1 << 20

// maxKeyBytes bounds an Idempotency-Key.
const maxKeyBytes = 255

// oneAnswer is what a request with a single score is told: the outcome, without a list around it.
type oneAnswer struct {
	Leaderboard string `json:"leaderboard"`
	Frozen      bool   `json:"frozen,omitempty"`
	rank.Outcome
}

// submit answers POST /api/leaderboards/{board}/scores: 201 once every score is durable and ranked,
// or a problem and none is recorded.
func (s *Server) submit(w http.ResponseWriter, r *http.Request) {
	submission, list, err := s.readSubmission(w, r)
	if err != nil {
		fail(w, r, err)
		return
	}
	answer, again, err := s.Ledger.Submit(r.Context(), submission)
	if err != nil {
		fail(w, r, err)
		return
	}
	if again {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	if list {
		tell(w, r, http.StatusCreated, answer)
		return
	}
	tell(w, r, http.StatusCreated, oneAnswer{answer.Leaderboard, answer.Frozen, answer.Results[0]})
}

// readSubmission checks everything about a submission that is no matter of the ledger's.
func (s *Server) readSubmission(w http.ResponseWriter, r *http.Request) (in rank.Submission, list bool, err error) {
	in = rank.Submission{Board: pathParam(r, "board"), Key: r.Header.Get("Idempotency-Key")}
	if len(in.Key) > maxKeyBytes || !visible(in.Key) {
		return in, false, metrics.Errorf(metrics.Invalid, "Idempotency-Key must be 1 to %d visible ASCII characters.", maxKeyBytes)
	}
	body, err := readBody(w, r, maxScoreBytes)
	if err != nil {
		return in, false, err
	}
	who, err := s.scorerOf(r, in.Board, body)
	if err != nil {
		return in, false, err
	}
	in.By = who.name()
	if err := s.takesScores(r, in.Board); err != nil {
		return in, false, err
	}
	if in.Staff, err = s.asStaff(r, in.Board); err != nil {
		return in, false, err
	}
	if in.Key != "" {
		in.Hash = sha256.Sum256(body)
	}
	in.Scores, list, err = readScores(body, time.Now())
	return in, list, err
}

// takesScores returns nil, or why the leaderboard takes no score by such a request.
func (s *Server) takesScores(r *http.Request, name string) error {
	board, err := s.Boards.Board(r.Context(), name)
	if err != nil {
		return err
	}
	switch spec := board.Spec(); {
	case spec.Query != nil:
		return metrics.Errorf(metrics.Refused, "The leaderboard %q is fed by a query: it takes no scores.", name)
	case spec.Signed && r.Header.Get(signatureHeader) == "":
		return metrics.Errorf(metrics.Unauthorized, "The leaderboard %q takes signed scores only: send the headers %s, %s, %s and %s.",
			name, keyHeader, timeHeader, nonceHeader, signatureHeader)
	}
	return nil
}

// readBody reads a JSON body of at most that many bytes.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, metrics.Errorf(metrics.Unsupported, "Content-Type must be application/json, not %q; with curl: --json instead of --data", r.Header.Get("Content-Type"))
	}
	if err := plainBody(r); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err != nil {
		return nil, bodyError(err, most)
	}
	return body, nil
}

// tell answers with JSON that nobody may keep.
func tell(w http.ResponseWriter, r *http.Request, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		writeWhole(w, r, status, body)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone needs no answer
}
