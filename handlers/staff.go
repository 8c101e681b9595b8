package handlers

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/rank"
	"liveboard/views"
	"liveboard/views/panels"
)

const (
	staffRows  = 20 // of each of the standings that the staff's page shows
	staffDeeds = 50
	deedTime   = "2 Jan 15:04:05"
)

// deeds are what the staff's forms do, by the value of their button.
var deeds = map[string]rank.Kind{
	"hide": rank.Hidden, "ban": rank.Banned, "rename": rank.Renamed, "remove": rank.Removed,
	"undo": rank.Undone, "freeze": rank.Froze, "reveal": rank.Revealed, "thaw": rank.Thawed,
}

// staffPage answers GET /b/{board}/staff: a sign-in for who is none of the leaderboard's staff.
func (s *Server) staffPage(w http.ResponseWriter, r *http.Request) { s.showStaff(w, r, nil) }

// staffDeed answers POST /b/{board}/staff, which the page's forms send.
func (s *Server) staffDeed(w http.ResponseWriter, r *http.Request) {
	board := pathParam(r, "board")
	who, err := s.staffOf(r, board)
	if err == nil {
		err = s.readMarkedForm(w, r)
	}
	if err == nil {
		err = s.do(r, board, who)
	}
	if err != nil {
		s.showStaff(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, staffURL(board, r.PostForm.Get("player")), http.StatusSeeOther)
}

func staffURL(board, player string) string {
	address := "/b/" + board + "/staff"
	if player != "" {
		address += "?" + url.Values{"player": {player}}.Encode()
	}
	return address
}

func (s *Server) do(r *http.Request, board string, who caller) error {
	form := r.PostForm
	a := rank.Action{
		Board: board, Kind: deeds[form.Get("do")], Player: form.Get("player"), Name: form.Get("name"),
		By: who.name(), Reason: form.Get("reason"),
	}
	if a.Kind == 0 {
		return metrics.Errorf(metrics.Invalid, "This form is not one of ours. Load the page again.")
	}
	if number := form.Get("entry"); number != "" {
		var err error
		if a.Target, err = strconv.ParseUint(number, 10, 64); err != nil {
			return metrics.Errorf(metrics.Invalid, "%q is no entry: entries have numbers.", number)
		}
	}
	b, err := s.Boards.Board(r.Context(), board)
	if b != nil && b.Spec().Query != nil {
		return metrics.Errorf(metrics.Conflict, "The leaderboard %q is fed by its query: there is nothing to moderate.", board)
	}
	if err == nil {
		_, err = s.Ledger.Moderate(r.Context(), a)
	}
	return err
}

// showStaff shows the page, and why what was asked for was not done; wrong may be nil.
func (s *Server) showStaff(w http.ResponseWriter, r *http.Request, wrong error) {
	board, err := s.Boards.Board(r.Context(), pathParam(r, "board"))
	if err != nil {
		s.problem(w, r, err)
		return
	}
	spec := board.Spec()
	_, denied := s.staffOf(r, spec.Name)
	title := spec.Title
	if denied != nil && spec.Visibility == metrics.StaffOnly {
		title = spec.Name // which whoever asks knows
	}
	m := views.StaffModel{
		Page:   page(r, "Staff · "+title),
		Topbar: boardTopbar(r),
		Up:     views.Link{Text: title, Href: "/b/" + spec.Name},
		Action: "/b/" + spec.Name + "/staff",
		Mark:   s.sessions.mark(r),
	}
	if _, open := s.sessions.token(r); open {
		m.SignOut = "/staff/logout?board=" + spec.Name
	}
	status := http.StatusOK
	if metrics.KindOf(denied) == metrics.Forbidden {
		wrong = cmp.Or(wrong, denied)
	}
	if wrong != nil {
		status, m.Problem = explain(r, wrong)
	}
	switch kind := metrics.KindOf(denied); {
	case denied == nil:
		err = s.fillStaff(r, board, &m)
	case kind == metrics.Unauthorized || kind == metrics.Forbidden:
		m.SignIn = "/staff/session?board=" + spec.Name
		status = max(status, http.StatusUnauthorized)
	default:
		err = denied
	}
	if err != nil {
		s.problem(w, r, err)
		return
	}
	s.show(w, r, status, views.Staff(m))
}

// fillStaff puts in what only staff see.
func (s *Server) fillStaff(r *http.Request, board *rank.Board, m *views.StaffModel) error {
	now, ctx := time.Now().In(board.Spec().Zone), r.Context()
	public, err := board.Page(ctx, rank.Ask{Limit: staffRows, Staff: board.Spec().Visibility == metrics.StaffOnly})
	if err != nil {
		return err
	}
	real, err := board.Page(ctx, rank.Ask{Limit: staffRows, Staff: true})
	if err != nil {
		return err
	}
	real.FrozenAt, real.Stepping = time.Time{}, false // they do not stand still
	input := panels.RankingInput{Page: real, Base: "/b/" + board.Spec().Name, Staff: true, Now: now}
	m.Real = panels.RankingSection(panels.MakeRanking(input))
	if board.Spec().Query != nil {
		m.State, m.Fed = "Fed by its query: there is nothing to freeze or to moderate", true
		return nil
	}
	m.State, m.Steps = freezeSteps(public, now)
	if !public.FrozenAt.IsZero() {
		input.Page, input.ID = public, "public-ranking"
		m.Public = panels.RankingSection(panels.MakeRanking(input))
	}
	if m.Player = r.URL.Query().Get("player"); m.Player != "" {
		if m.Scores, err = scoresOf(r, board, m.Player); err != nil {
			_, sentence := explain(r, err)
			m.Problem = cmp.Or(m.Problem, sentence)
		}
	}
	return s.fillAudit(r, board.Spec(), m)
}

// freezeSteps tells how it stands with the freeze, and what can be done about it.
func freezeSteps(public rank.Page, now time.Time) (state string, steps []views.Step) {
	thaw := views.Step{Do: "thaw", Text: "End the freeze"}
	switch since := public.FrozenAt; {
	case since.IsZero():
		return "Open: everyone sees every score at once", []views.Step{{Do: "freeze", Text: "Freeze"}}
	case public.Stepping:
		return "Reveal: " + covered(public.Covered),
			[]views.Step{{Do: "reveal", Text: "Reveal rank " + strconv.Itoa(public.Covered)}, thaw}
	default:
		return "Frozen since " + since.In(now.Location()).Format(deedTime), []views.Step{{Do: "reveal", Text: "Begin the reveal"}, thaw}
	}
}

func covered(n int) string {
	if n == 1 {
		return "one rank is covered"
	}
	return strconv.Itoa(n) + " ranks are covered"
}

// scoresOf lists a player's scores, the newest first.
func scoresOf(r *http.Request, board *rank.Board, player string) ([]views.Deed, error) {
	profile, err := board.Player(r.Context(), rank.Ask{Staff: true}, player)
	if err != nil {
		return nil, err
	}
	spec := board.Spec()
	var list []views.Deed
	for _, past := range profile.History {
		list = append(list, views.Deed{
			Entry: strconv.FormatUint(past.Entry, 10),
			At:    time.UnixMilli(past.At).Format(deedTime),
			Text:  spec.ScoreText(past.Value),
			Done:  past.Removed,
		})
	}
	return list, nil
}

// fillAudit lists what was done, newest first. What has been undone since stands among the newer entries.
func (s *Server) fillAudit(r *http.Request, spec *metrics.Leaderboard, m *views.StaffModel) error {
	before, err := wholeParam(r, "before", 0, 64)
	if err != nil {
		return err
	}
	entries, err := s.Ledger.Audit(r.Context(), spec.Name, 0, maxAuditRows)
	if err != nil {
		return err
	}
	undone := map[uint64]bool{}
	for _, e := range entries {
		if e.Kind == rank.Undone {
			undone[e.Target] = true
		}
		if before != 0 && e.Number >= before {
			continue
		}
		if len(m.Audit) == staffDeeds {
			m.Continue = staffURL(spec.Name, "") + "?before=" + m.Audit[staffDeeds-1].Entry
			return nil
		}
		m.Audit = append(m.Audit, deedOf(spec, e, undone[e.Number]))
	}
	return nil
}

func deedOf(spec *metrics.Leaderboard, e rank.Entry, undone bool) views.Deed {
	text := deedText(spec, e) + " by " + e.By
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	back := e.Kind == rank.Removed || e.Kind == rank.Hidden || e.Kind == rank.Banned || e.Kind == rank.Renamed
	return views.Deed{
		Entry: strconv.FormatUint(e.Number, 10),
		At:    time.UnixMilli(e.Received).Format(deedTime),
		Text:  text,
		Done:  undone || !back,
	}
}

func deedText(spec *metrics.Leaderboard, e rank.Entry) string {
	switch e.Kind {
	case rank.Flagged:
		return e.ID + " was refused " + spec.ScoreText(e.Value)
	case rank.Removed:
		return strings.TrimSpace(e.ID + " score " + strconv.FormatUint(e.Target, 10) + " was removed")
	case rank.Renamed:
		return e.ID + " was renamed to " + e.Name
	case rank.Undone:
		return "entry " + strconv.FormatUint(e.Target, 10) + " was undone"
	case rank.Froze:
		return "frozen"
	case rank.Revealed:
		return "a step of the reveal"
	case rank.Thawed:
		return "the freeze was ended"
	}
	return e.ID + " was " + kindNames[e.Kind]
}
