package data

import (
	"regexp"
	"time"

	"github.com/goccy/go-yaml/ast"

	"liveboard/metrics"
)

// Limits of a leaderboard.
const (
	maxLeaderboards = 100
	maxTieBreaks    = 10
	maxGroups       = 10
	maxReveal       = 100
	maxPerMinute    = 1_000_000
)

// What a leaderboard is where the file does not say.
const (
	defaultPerMinute = 600
	defaultReveal    = 10
)

// leaderboards reads a mapping of names to leaderboards.
func (r *boardParser) leaderboards(to *[]metrics.Leaderboard) reads {
	return func(n ast.Node) {
		r.pairs(n, "leaderboards are written by name, such as arcade: {title: Arcade}", func(_ string, key ast.MapKeyNode, value ast.Node) {
			if len(*to) == maxLeaderboards {
				r.fail(placeOf(key), "at most %d leaderboards are allowed; remove this one", maxLeaderboards)
				return
			}
			*to = append(*to, r.leaderboard(key, value))
		})
	}
}

func (r *boardParser) leaderboard(key ast.MapKeyNode, n ast.Node) metrics.Leaderboard {
	l := metrics.Leaderboard{
		Decimals:   -1,
		Order:      metrics.Desc,
		Keep:       metrics.KeepBest,
		Ties:       metrics.Competition,
		TieBreaks:  []metrics.TieBreak{{Order: metrics.Asc}},
		Periods:    []metrics.Period{{Kind: metrics.AllTime, Name: string(metrics.AllTime), Title: periodTitles[metrics.AllTime]}},
		Zone:       time.Local,
		Limits:     metrics.ScoreLimits{PerMinute: defaultPerMinute},
		Visibility: metrics.Public,
		Freeze:     metrics.Freeze{Reveal: defaultReveal},
		Moves:      metrics.Hour,
	}
	r.name(&l.Name)(key)
	found := r.mapping(n, "a leaderboard", r.leaderboardFields(&l))
	if l.Title == "" {
		l.Title = l.Name
	}
	r.timed(&l, found)
	r.checkFed(&l, found)
	return l
}

func (r *boardParser) leaderboardFields(l *metrics.Leaderboard) fields {
	later := func(ast.Node) {} // read by timed, once the zone is known
	return fields{
		"title":        r.text(&l.Title),
		"text":         r.text(&l.Text),
		"unit":         r.unit(&l.Unit),
		"decimals":     r.integer(&l.Decimals, 0, maxDecimals),
		"order":        word(r.boardReader, &l.Order, metrics.Desc, metrics.Asc),
		"keep":         word(r.boardReader, &l.Keep, metrics.KeepBest, metrics.KeepLast, metrics.KeepSum, metrics.KeepCount, metrics.KeepMin, metrics.KeepMax, metrics.KeepAverage),
		"ties":         word(r.boardReader, &l.Ties, metrics.Competition, metrics.Dense, metrics.Ordinal),
		"tie-breaks":   r.tieBreaks(&l.TieBreaks),
		"zone":         r.location(&l.Zone),
		"windows":      later,
		"freeze":       later,
		"groups":       r.groups(&l.Groups),
		"limits":       r.limits(&l.Limits),
		"unique-names": r.flag(&l.UniqueNames),
		"signed":       r.flag(&l.Signed),
		"visibility":   word(r.boardReader, &l.Visibility, metrics.Public, metrics.Unlisted, metrics.StaffOnly),
		"moves":        word(r.boardReader, &l.Moves, metrics.Hour, metrics.Day),
		"query":        func(n ast.Node) { l.Query = &metrics.Query{Expr: r.expr(n)} },
		"legend":       later, // read by checkFed, once it is known whether there is a query
	}
}

// ofScores are the keys that say what becomes of submitted scores.
var ofScores = []string{"freeze", "groups", "keep", "limits", "signed", "tie-breaks", "unique-names", "windows"}

// checkFed reads the legend, and reports keys that a leaderboard fed by a query, or one that is not, has no use for.
func (r *boardParser) checkFed(l *metrics.Leaderboard, found found) {
	if l.Query == nil {
		if n := found["legend"]; n != nil {
			r.fail(placeOf(n), "a legend names what a query finds; add query: or remove this line")
		}
		return
	}
	l.Periods = []metrics.Period{{Kind: metrics.AllTime, Name: string(metrics.AllTime), Title: "Now"}} // a query answers for no other time
	if n := found["legend"]; n != nil {
		r.text(&l.Query.Legend)(n)
	}
	for _, key := range ofScores {
		if n := found[key]; n != nil {
			r.fail(placeOf(n), "this leaderboard is fed by its query, so %s: means nothing; remove it, or the query", key)
		}
	}
}

// tieBreaks reads earliest, latest and {sub: deaths, order: asc}.
func (r *boardParser) tieBreaks(to *[]metrics.TieBreak) reads {
	return func(n ast.Node) {
		*to = nil
		r.list(maxTieBreaks, func(n ast.Node) {
			t := r.tieBreak(n)
			for _, before := range *to {
				if before.Sub == t.Sub {
					r.fail(placeOf(n), "ties are broken by this already; remove one")
					break
				}
			}
			*to = append(*to, t)
		})(n)
	}
}

func (r *boardParser) tieBreak(n ast.Node) metrics.TieBreak {
	t := metrics.TieBreak{Order: metrics.Asc}
	if _, ok := r.see(n).(ast.MapNode); !ok {
		var first string
		word(r.boardReader, &first, "earliest", "latest")(n)
		if first == "latest" {
			t.Order = metrics.Desc
		}
		return t
	}
	found := r.mapping(n, "a tie-breaker", fields{
		"sub":   r.attribute(&t.Sub),
		"order": word(r.boardReader, &t.Order, metrics.Desc, metrics.Asc),
	})
	if found != nil && found["sub"] == nil {
		r.fail(placeOf(n), "this tie-breaker has no sub; name the sub-score to compare, such as {sub: deaths, order: asc}")
	}
	return t
}

func (r *boardParser) groups(to *[]string) reads {
	names := map[string]bool{}
	return r.list(maxGroups, func(n ast.Node) {
		var name string
		r.attribute(&name)(n)
		if name != "" && names[name] {
			r.fail(placeOf(n), "the group %s stands here twice; remove one", name)
		}
		names[name] = true
		*to = append(*to, name)
	})
}

var attributePattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// attribute reads the name of an attribute of players, or of a sub-score.
func (r *boardParser) attribute(to *string) reads {
	return func(n ast.Node) {
		text, ok := r.line(n)
		if !ok {
			return
		}
		if !attributePattern.MatchString(text) {
			r.fail(placeOf(n), "%q cannot be the name of an attribute or a sub-score: 1 to 64 letters, digits, _, - and . are allowed", text)
			return
		}
		*to = text
	}
}

func (r *boardParser) limits(to *metrics.ScoreLimits) reads {
	return func(n ast.Node) {
		found := r.mapping(n, "limits", fields{
			"min":        r.optional(&to.Min),
			"max":        r.optional(&to.Max),
			"max-step":   r.optional(&to.MaxStep),
			"per-minute": r.integer(&to.PerMinute, 0, maxPerMinute),
		})
		if to.Min != nil && to.Max != nil && *to.Min >= *to.Max {
			r.fail(placeOf(found["max"]), "max must be above min")
		}
		if to.MaxStep != nil && *to.MaxStep <= 0 {
			r.fail(placeOf(found["max-step"]), "max-step is a distance, which must be above 0")
		}
	}
}
