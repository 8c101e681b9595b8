package rank

import (
	"cmp"
	"reflect"
	"slices"

	"liveboard/metrics"
)

// model ranks the players of a leaderboard's log in the simplest way that is right.
type model struct {
	spec    metrics.Leaderboard
	entries []Entry
}

// rowOf is what the model says of a row.
type rowOf struct {
	Rank   int
	Player string
	Score  float64
	At     int64
	Scores int
	Subs   []metrics.Sub

	number uint32
}

func (r rowOf) equal(o rowOf) bool {
	subs := slices.Equal(r.Subs, o.Subs)
	r.Subs, o.Subs = nil, nil
	return subs && reflect.DeepEqual(r, o)
}

// rows returns all rows of a window and a team, in order.
func (m *model) rows(w Window, team string) []rowOf {
	removed, hidden := m.staff()
	ids, teams := m.players()
	var rows []rowOf
	for number, id := range ids {
		var scores []Entry
		for _, e := range m.entries {
			if e.Kind == Scored && e.Player == uint32(number) && !removed[e.Number] && m.within(w, e.At) {
				scores = append(scores, e)
			}
		}
		if len(scores) > 0 && !hidden[uint32(number)] && (team == "" || teams[number] == team) {
			row := m.kept(scores)
			row.Player, row.number, row.Scores = id, uint32(number), len(scores)
			rows = append(rows, row)
		}
	}
	return m.ranked(rows)
}

func (m *model) within(w Window, at int64) bool {
	return (w.From.IsZero() || at >= w.From.UnixMilli()) && (w.To.IsZero() || at < w.To.UnixMilli())
}

// staff returns what is removed and who is hidden.
func (m *model) staff() (removed map[uint64]bool, hidden map[uint32]bool) {
	removed, hidden = map[uint64]bool{}, map[uint32]bool{}
	undone := map[uint64]bool{}
	for _, e := range m.entries {
		if e.Kind == Undone {
			undone[e.Target] = true
		}
	}
	for _, e := range m.entries {
		switch {
		case undone[e.Number]:
		case e.Kind == Removed:
			removed[e.Target] = true
		case e.Kind == Hidden, e.Kind == Banned:
			hidden[e.Player] = true
		}
	}
	return removed, hidden
}

// players returns the ids and teams by number.
func (m *model) players() (ids, teams []string) {
	for _, e := range m.entries {
		if e.Kind == Joined {
			ids, teams = append(ids, e.ID), append(teams, "")
		}
		if team := e.Attributes.Get("team"); team != "" {
			teams[e.Player] = team
		}
	}
	return ids, teams
}

// kept is what the scores, in the order of the log, come to.
func (m *model) kept(scores []Entry) rowOf {
	sums := func(per float64) rowOf {
		row := m.row(Entry{})
		for _, e := range scores {
			row.Score += e.Value
			row.At = max(row.At, e.At)
			for i := range row.Subs {
				row.Subs[i].Value += subOf(e.Subs, row.Subs[i].Name)
			}
		}
		row.Score /= per
		for i := range row.Subs {
			row.Subs[i].Value /= per
		}
		return row
	}
	value := func(order metrics.Order) rowOf {
		return m.row(slices.MinFunc(scores, func(a, b Entry) int {
			return cmp.Or(m.better(a.Value, b.Value, order), m.breaks(m.row(a), m.row(b)), cmp.Compare(a.At, b.At), cmp.Compare(a.Number, b.Number))
		}))
	}
	switch m.spec.Keep {
	case metrics.KeepSum:
		return sums(1)
	case metrics.KeepAverage:
		return sums(float64(len(scores)))
	case metrics.KeepCount:
		row := sums(1)
		row.Score = float64(len(scores))
		return row
	case metrics.KeepMin:
		return value(metrics.Asc)
	case metrics.KeepMax:
		return value(metrics.Desc)
	case metrics.KeepLast:
		return m.row(slices.MaxFunc(scores, func(a, b Entry) int {
			return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Number, b.Number))
		}))
	}
	return value(m.spec.Order)
}

func (m *model) row(e Entry) rowOf {
	row := rowOf{Score: e.Value, At: e.At}
	for _, t := range m.spec.TieBreaks {
		if t.Sub != "" {
			row.Subs = append(row.Subs, metrics.Sub{Name: t.Sub, Value: subOf(e.Subs, t.Sub)})
		}
	}
	slices.SortFunc(row.Subs, func(a, b metrics.Sub) int { return cmp.Compare(a.Name, b.Name) })
	return row
}

func (m *model) better(a, b float64, order metrics.Order) int {
	if order == metrics.Desc {
		a, b = b, a
	}
	return cmp.Compare(a, b)
}

func (m *model) breaks(a, b rowOf) int {
	for _, t := range m.spec.TieBreaks {
		x, y := float64(a.At), float64(b.At)
		if t.Sub != "" {
			x, y = subOf(a.Subs, t.Sub), subOf(b.Subs, t.Sub)
		}
		if c := m.better(x, y, t.Order); c != 0 {
			return c
		}
	}
	return 0
}

// ranked sorts the rows and numbers them.
func (m *model) ranked(rows []rowOf) []rowOf {
	compare := func(a, b rowOf) int { return cmp.Or(m.better(a.Score, b.Score, m.spec.Order), m.breaks(a, b)) }
	slices.SortFunc(rows, func(a, b rowOf) int { return cmp.Or(compare(a, b), cmp.Compare(a.number, b.number)) })
	distinct := 0
	for i := range rows {
		tied := i > 0 && compare(rows[i-1], rows[i]) == 0
		if !tied {
			distinct++
		}
		switch {
		case m.spec.Ties == metrics.Dense:
			rows[i].Rank = distinct
		case m.spec.Ties == metrics.Competition && tied:
			rows[i].Rank = rows[i-1].Rank
		default:
			rows[i].Rank = i + 1
		}
	}
	return rows
}
