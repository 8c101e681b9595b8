package handlers

import (
	"cmp"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"liveboard/handlers/jsontext"
	"liveboard/metrics"
	"liveboard/metrics/rank"
)

// kindNames are the kinds of entries as audits spell them.
var kindNames = map[rank.Kind]string{
	rank.Flagged: "flagged", rank.Removed: "removed", rank.Hidden: "hidden", rank.Banned: "banned", rank.Renamed: "renamed",
	rank.Undone: "undone", rank.Froze: "froze", rank.Revealed: "revealed", rank.Thawed: "thawed",
}

// entryJSON is what staff did, or a submission that was flagged.
type entryJSON struct {
	Entry  uint64             `json:"entry"`
	Kind   string             `json:"kind"`
	At     int64              `json:"at"` // Unix milliseconds
	By     string             `json:"by"`
	Reason string             `json:"reason,omitempty"`
	Player string             `json:"player,omitempty"`
	Name   string             `json:"name,omitempty"`
	Target uint64             `json:"target,omitempty"` // the entry that is removed or undone
	Score  *float64           `json:"score,omitempty"`  // of a flagged submission
	Sub    map[string]float64 `json:"sub,omitempty"`
}

func entryOf(e rank.Entry) entryJSON {
	entry := entryJSON{
		Entry: e.Number, Kind: kindNames[e.Kind], At: e.Received, By: e.By, Reason: e.Reason,
		Player: e.ID, Name: e.Name, Target: e.Target, Sub: subsOf(e.Subs),
	}
	if e.Kind == rank.Flagged {
		entry.Score = &e.Value
	}
	return entry
}

// maxModerationBytes bounds the body of a moderation.
const maxModerationBytes = 1 << 20

// moderate answers the requests by which staff do something of that kind: 200 and the entry once everyone sees it.
func (s *Server) moderate(kind rank.Kind) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		action, err := s.readAction(w, r, kind)
		var entry rank.Entry
		if err == nil {
			entry, err = s.Ledger.Moderate(r.Context(), action)
		}
		if err != nil {
			fail(w, r, err)
			return
		}
		tell(w, r, http.StatusOK, entryOf(entry))
	}
}

// readAction reads the path, and a body that may be left out but for the name of a Renamed:
// {"reason":"…","name":"…"}.
func (s *Server) readAction(w http.ResponseWriter, r *http.Request, kind rank.Kind) (rank.Action, error) {
	a := rank.Action{Board: pathParam(r, "board"), Kind: kind, Player: pathParam(r, "player")}
	who, err := s.staffOf(r, a.Board)
	if err != nil {
		return a, err
	}
	a.By = who.name()
	if number := chi.URLParam(r, "entry"); number != "" {
		if a.Target, err = strconv.ParseUint(number, 10, 64); err != nil {
			return a, metrics.Errorf(metrics.NotFound, "There is no entry %q: entries have numbers.", number)
		}
	}
	if r.ContentLength == 0 {
		return a, nil
	}
	body, err := readBody(w, r, maxModerationBytes)
	if err != nil {
		return a, err
	}
	return a, readWords(body, &a)
}

func readWords(body []byte, a *rank.Action) error {
	var words struct {
		Reason string `json:"reason"`
		Name   string `json:"name"`
	}
	d := jsontext.Strict(body)
	if err := d.Decode(&words); err != nil {
		return cmp.Or(syntaxError(body), metrics.Errorf(metrics.Invalid, "%w", jsontext.Plain(err)))
	}
	if words.Name != "" && a.Kind != rank.Renamed {
		return metrics.Errorf(metrics.Invalid, "a name is given to rename a player, and for nothing else")
	}
	a.Reason, a.Name = words.Reason, words.Name
	return endOf(body, d)
}

const (
	auditRows    = 100
	maxAuditRows = 1000
)

// audit answers GET /api/leaderboards/{board}/audit, the newest first.
func (s *Server) audit(w http.ResponseWriter, r *http.Request) {
	name := pathParam(r, "board")
	entries, err := s.readAudit(r, name)
	if err != nil {
		fail(w, r, err)
		return
	}
	list := make([]entryJSON, len(entries))
	for i, e := range entries {
		list[i] = entryOf(e)
	}
	tell(w, r, http.StatusOK, map[string]any{"leaderboard": name, "entries": list})
}

func (s *Server) readAudit(r *http.Request, board string) ([]rank.Entry, error) {
	if _, err := s.staffOf(r, board); err != nil {
		return nil, err
	}
	before, err := wholeParam(r, "before", 0, 64)
	if err != nil {
		return nil, err
	}
	limit, err := numberParam(r, "limit", auditRows)
	if err == nil && (limit == 0 || limit > maxAuditRows) {
		err = metrics.Errorf(metrics.Invalid, "limit is 1 to %d.", maxAuditRows)
	}
	if err != nil {
		return nil, err
	}
	return s.Ledger.Audit(r.Context(), board, before, limit)
}
