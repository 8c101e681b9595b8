package data

import (
	"regexp"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"

	"liveboard/metrics"
)

// maxPeriods bounds the standings that are kept for each leaderboard.
const maxPeriods = 50

// periodTitles are the kinds that windows names by a word, as people read them.
var periodTitles = map[metrics.PeriodKind]string{
	metrics.AllTime: "All time",
	metrics.Hour:    "Hour",
	metrics.Day:     "Today",
	metrics.Week:    "Week",
	metrics.Month:   "Month",
}

// timed reads the keys with times in the leaderboard's zone.
func (r *boardParser) timed(l *metrics.Leaderboard, found found) {
	mistakes := len(r.errors)
	if n := found["windows"]; n != nil {
		l.Periods = nil
		r.periods(&l.Periods, l.Zone)(n)
	}
	n := found["freeze"]
	if n == nil {
		return
	}
	at := r.mapping(n, "freeze", fields{
		"at":     r.moment(&l.Freeze.At, l.Zone),
		"reveal": r.integer(&l.Freeze.Reveal, 1, maxReveal),
	})["at"]
	if at != nil && len(r.errors) == mistakes && !slices.ContainsFunc(l.Periods, func(p metrics.Period) bool { return runs(p, l.Freeze.At) }) {
		r.fail(placeOf(at), "no season runs at this time, so there is nothing to freeze; choose a time in one")
	}
}

// runs reports whether scores of that time can belong to a window of p.
func runs(p metrics.Period, at time.Time) bool {
	return p.Kind != metrics.Season || !at.Before(p.From) && !at.After(p.To)
}

func (r *boardParser) periods(to *[]metrics.Period, zone *time.Location) reads {
	names := map[string]bool{}
	each := r.list(maxPeriods, func(n ast.Node) {
		p, name := r.period(n, zone)
		if p.Name != "" && names[p.Name] {
			r.fail(placeOf(name), "two windows are named %q; remove one, or give this season another name", p.Name)
		}
		names[p.Name] = true
		*to = append(*to, p)
	})
	return func(n ast.Node) {
		mistakes := len(r.errors)
		each(n)
		if len(*to) == 0 && len(r.errors) == mistakes {
			r.fail(placeOf(n), "a leaderboard has at least one window; leave the key out for [all]")
		}
	}
}

// period reads a word such as day, or a season. It returns where the name stands, too.
func (r *boardParser) period(n ast.Node, zone *time.Location) (p metrics.Period, name ast.Node) {
	if _, ok := r.see(n).(ast.MapNode); ok {
		return r.season(n, zone)
	}
	word(r.boardReader, &p.Kind, metrics.AllTime, metrics.Hour, metrics.Day, metrics.Week, metrics.Month)(n)
	p.Name, p.Title = string(p.Kind), periodTitles[p.Kind]
	return p, n
}

// likeWindow matches what names a day or a month among the windows of a leaderboard.
var likeWindow = regexp.MustCompile(`^\d{4}-\d{2}(-\d{2})?$`)

func (r *boardParser) season(n ast.Node, zone *time.Location) (p metrics.Period, name ast.Node) {
	p.Kind = metrics.Season
	found := r.mapping(n, "a season", fields{
		"season": r.name(&p.Name),
		"title":  r.text(&p.Title),
		"from":   r.moment(&p.From, zone),
		"to":     r.moment(&p.To, zone),
	})
	name = found.or("season", n)
	_, word := periodTitles[metrics.PeriodKind(p.Name)]
	switch {
	case found == nil:
	case found["season"] == nil || found["from"] == nil || found["to"] == nil:
		r.fail(placeOf(n), "a season needs a name, a beginning and an end, such as {season: autumn, from: 2026-09-01, to: 2026-12-01}")
	case word || likeWindow.MatchString(p.Name):
		r.fail(placeOf(name), "a season cannot be named %q, which names other windows; choose another name", p.Name)
	case !p.From.IsZero() && !p.To.IsZero() && !p.From.Before(p.To):
		r.fail(placeOf(found["to"]), "a season ends after it begins; to: is the first day that is not part of it")
	}
	if p.Title == "" {
		p.Title = p.Name
	}
	return p, name
}

// momentLayouts are the ways to write a time, after RFC 3339 with its own offset.
var momentLayouts = []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05"}

// moment reads a day, which stands for its midnight in zone, or a time.
func (r *boardReader) moment(to *time.Time, zone *time.Location) reads {
	return func(n ast.Node) {
		text, ok := r.line(n)
		if !ok {
			return
		}
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			*to = at.In(zone)
			return
		}
		for _, layout := range momentLayouts {
			if at, err := time.ParseInLocation(layout, text, zone); err == nil {
				*to = at
				return
			}
		}
		r.fail(placeOf(n), "%q is no day or time; write 2026-11-01, 2026-11-01T18:00 (both in the leaderboard's zone) or 2026-11-01T18:00:00+01:00", text)
	}
}

// location reads an IANA time zone.
func (r *boardReader) location(to **time.Location) reads {
	return func(n ast.Node) {
		name := ""
		r.zone(&name)(n)
		if location, err := time.LoadLocation(name); err == nil && name != "" {
			*to = location
		}
	}
}
