package handlers

import (
	"github.com/go-chi/chi/v5"

	"liveboard/metrics/rank"
)

// leaderboardsPath is where the API of the leaderboards is.
const leaderboardsPath = "/api/leaderboards"

// routeLeaderboards routes the API of the leaderboards, and the way in and out for staff.
func (s *Server) routeLeaderboards(r chi.Router) {
	const board, player = leaderboardsPath + "/{board}", leaderboardsPath + "/{board}/players/{player}"
	get(r, leaderboardsPath, s.leaderboards)
	get(r, board, s.standings)
	get(r, board+".csv", s.standingsCSV)
	get(r, board+"/windows", s.windows)
	get(r, board+"/around/{player}", s.around)
	get(r, board+"/players", s.find)
	get(r, player, s.player)

	r.Post(board+"/scores", s.submit)

	get(r, board+"/audit", s.audit)
	r.Post(player+"/hide", s.moderate(rank.Hidden))
	r.Post(player+"/ban", s.moderate(rank.Banned))
	r.Post(player+"/rename", s.moderate(rank.Renamed))
	r.Delete(board+"/scores/{entry}", s.moderate(rank.Removed))
	r.Post(board+"/audit/{entry}/undo", s.moderate(rank.Undone))
	r.Post(board+"/freeze", s.moderate(rank.Froze))
	r.Post(board+"/reveal", s.moderate(rank.Revealed))
	r.Post(board+"/thaw", s.moderate(rank.Thawed))

	r.Post("/staff/session", s.signIn)
	r.Post("/staff/logout", s.signOut)
}
