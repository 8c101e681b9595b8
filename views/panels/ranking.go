package panels

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

// mainID is the element of the ranking that fills a page.
const mainID = "ranking"

// RankingInput is all that a ranking's print depends on.
type RankingInput struct {
	ID      string    // of its element; "" is "ranking"
	Page    rank.Page // its Spec included; the print keeps nothing of it
	Base    string    // where the leaderboard's pages are: "/b/arcade"
	You     string    // the id of the player to point out; "" for nobody
	Links   bool      // names lead to the players' pages
	Staff   bool      // names lead to what staff can do about the players
	Sparks  bool      // the newest scores are drawn, where the Page has them
	Plain   bool      // the rows alone, as for what a search has found
	Failure string    // why there is no Page: a sentence; "" where there is one
	Now     time.Time // its location is the zone of all times shown
}

// Ranking is a part of a leaderboard's standings, ready to be shown. It is never changed once made.
type Ranking struct {
	frame  frame
	total  string // "18,402 players"
	left   string // until the window ends, as a countdown
	banner string // why the standings stand still; may be empty
	places []place
}

// frame is what stands around the rows, and what Next cannot change.
type frame struct {
	ID            string
	Label         string // what screen readers call the one that fills a page; others stand under a heading
	Plain, Sparks bool
	Ends          string // "resets in", "ended"; "" for a window without an end
	Until         string // what Ends is about, Unix milliseconds; "" beside a fixed time
	Banner        string // frozen, reveal or nothing
	Empty         string // why there are no rows; "" where there are some
	Board         string // the leaderboard's name, where Empty shows how to submit to it
}

// place is one row. Its fields are texts as they are shown, so that two prints can be compared.
type place struct {
	Token            string // names it within the ranking: the player's key, or c and a position for a covered one
	ID               string
	Rank             string // as it is shown; Number as it is sorted by
	Number           string
	Covered, You     bool
	Move, Mark, Said string // "up", "▲ 2", "up 2 places"
	Face             face
	Name, Href       string
	Spark            spark
	When             moment
	Value            string // of the score, as JSON has it
	Score, Unit      string
}

// MakeRanking prints a part of the standings.
func MakeRanking(in RankingInput) *Ranking {
	if in.ID == "" {
		in.ID = mainID
	}
	r := &Ranking{frame: newFrame(in), total: plural(in.Page.Total, "player")}
	if !in.Plain {
		r.frame.Ends, r.frame.Until, r.left = ending(in.Page.Window, in.Now)
	}
	r.frame.Banner, r.banner = newBanner(in)
	for i, row := range in.Page.Rows {
		r.places = append(r.places, newPlace(in, i, row))
	}
	return r
}

func newFrame(in RankingInput) frame {
	f := frame{ID: in.ID, Plain: in.Plain, Sparks: in.Sparks}
	if in.ID == mainID {
		f.Label = strings.TrimSuffix("Standings, "+in.Page.Window.Title, ", ")
	}
	if len(in.Page.Rows) > 0 {
		return f
	}
	switch spec := in.Page.Spec; {
	case in.Failure != "":
		f.Empty = in.Failure
	case in.Plain:
		f.Empty = "Nobody by that name is in these standings."
	case in.Page.Total > 0:
		f.Empty = "The standings end before this place."
	case in.Page.Window.Closed:
		f.Empty = "Nobody scored in this time."
	case spec.Query != nil:
		f.Empty = "The query that feeds this leaderboard has found nothing yet."
	default:
		f.Empty, f.Board = "No scores yet. This brings the first:", spec.Name
	}
	return f
}

// ending says what becomes of the window, and at what time if that is yet to come: until, and what is left.
func ending(w rank.Window, now time.Time) (ends, until, left string) {
	in := func(ends string, t time.Time) (string, string, string) {
		return ends, strconv.FormatInt(t.UnixMilli(), 10), countdown(t.Sub(now))
	}
	switch {
	case w.To.IsZero():
		return "", "", ""
	case w.Closed || !now.Before(w.To):
		return "ended " + w.To.In(now.Location()).Format("2 Jan 2006, 15:04"), "", ""
	case now.Before(w.From):
		return in("begins in", w.From)
	case w.Period.Kind == metrics.Season:
		return in("ends in", w.To)
	}
	return in("resets in", w.To)
}

// newBanner returns why the standings stand still, in a word and in a sentence.
func newBanner(in RankingInput) (kind, text string) {
	p := in.Page
	switch {
	case in.Plain || p.FrozenAt.IsZero():
		return "", ""
	case p.Stepping && p.Covered == 1:
		return "reveal", "The reveal is under way: one rank is still covered"
	case p.Stepping:
		return "reveal", fmt.Sprintf("The reveal is under way: %d ranks are still covered", p.Covered)
	}
	return "frozen", "Frozen since " + clockTime(p.FrozenAt, in.Now) + ": the board stands still until the end"
}

// clockTime writes a time of today as 18:00, any other with its day.
func clockTime(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2 Jan, 15:04")
}

// newPlace makes the row that stands at index i of the page. A covered row has no player.
func newPlace(in RankingInput, i int, row rank.Row) place {
	p := place{Number: strconv.Itoa(row.Rank), Rank: count(row.Rank)}
	if row.Player == "" {
		p.Covered, p.Token = true, "c"+strconv.Itoa(in.Page.Offset+i)
		p.ID = p.id(in.ID)
		return p
	}
	spec := in.Page.Spec
	p.Token = strconv.FormatUint(uint64(row.Key), 10)
	p.ID = p.id(in.ID)
	p.You = in.You != "" && row.Player == in.You
	p.Move, p.Mark, p.Said = moveOf(row.Move)
	p.Face, p.Name = newFace(row.Key, row.Name), row.Name
	switch {
	case in.Links:
		p.Href = playerURL(in.Base, row.Player)
	case in.Staff:
		p.Href = in.Base + "/staff?" + playerQuery(row.Player)
	}
	if in.Sparks {
		p.Spark = newSpark(row.Spark)
	}
	p.When = newMoment(row.At, in.Now)
	p.Value = strconv.FormatFloat(row.Score, 'g', -1, 64)
	p.Score, p.Unit = spec.FormatScore(row.Score)
	return p
}

// id keeps rows of several rankings on a page apart, and is short in the one that fills it.
func (p place) id(ranking string) string {
	if ranking == mainID {
		return "r-" + p.Token
	}
	return ranking + "-r-" + p.Token
}

// moveOf returns a movement as a state, as a sign, and in words.
func moveOf(m rank.Move) (state, mark, said string) {
	switch {
	case m.New:
		return "new", "new", "new here"
	case m.Up > 0:
		return "up", "▲ " + count(m.Up), "up " + plural(m.Up, "place")
	case m.Up < 0:
		return "down", "▼ " + count(-m.Up), "down " + plural(-m.Up, "place")
	}
	return "", metrics.Dash, ""
}

// same reports whether the rows look the same but for their ages, which clients tell by themselves.
func (p place) same(q place) bool {
	p.When.Ago = q.When.Ago
	return p == q
}

func count(n int) string { return metrics.Count.Text(float64(n), -1) }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}
