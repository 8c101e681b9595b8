// Package panels makes and shows the panels of dashboards. Each kind of panel is one .templ file
// that holds its model, the maker of the model and its view, and that registers itself: the kind
// goes when its file goes. What several kinds share (the article around a panel, charts, names of
// lines) stands in the other files.
package panels

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

// Data says what the queries of a kind must be asked for.
type Data int

// The sorts of data.
const (
	None    Data = iota // the kind has no queries
	Instant             // the values at the end of the window
	Range               // the values at every instant of the window's grid
)

// Input is all that a panel's print depends on.
type Input struct {
	Dashboard string
	Panel     *metrics.Panel   // checked by Check
	Results   []metrics.Result // one for each of Panel.Queries
	Window    metrics.Window
	Now       time.Time // its location is the zone of all times shown

	Ranking    *rank.Page // of Panel.Leaderboard; nil for a panel without, and beside RankingErr
	RankingErr error      // why there is no Ranking
}

// following reports whether the window ends now, and its panels therefore age.
func (in Input) following() bool {
	return in.Now.UnixMilli()-in.Window.To <= in.Window.Step
}

// content is what a kind makes of an answer.
type content struct {
	body  templ.Component
	level metrics.State // the worst of the values shown
	chart *Chart        // nil without

	ranking *Ranking // nil without
}

// kind is one sort of panel.
type kind struct {
	data          Data
	width, height int                          // where the board file gives none
	check         func(p *metrics.Panel) error // nil where any panel with the right data will do
	make          func(in Input, prev *Chart) content
}

var kinds = map[string]kind{}

func register(name string, k kind) { kinds[name] = k }

// Kinds returns the names of all kinds, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// Needs returns what the queries of that kind must be asked for; None for an unknown kind.
func Needs(name string) Data { return kinds[name].data }

// defaultStaleAfter lets a collector that runs once in half a minute miss one run.
const defaultStaleAfter = time.Minute

// Check returns nil, or an error of kind Invalid that says what p lacks or what its kind has no use
// for. It fills in the size and the stale-after that p leaves zero.
func Check(p *metrics.Panel) error {
	k, ok := kinds[p.Kind]
	if !ok {
		return metrics.Errorf(metrics.Invalid, "unknown kind %q (known are %s)", p.Kind, strings.Join(Kinds(), ", "))
	}
	if err := checkFields(p, k.data); err != nil {
		return err
	}
	if k.check != nil {
		if err := k.check(p); err != nil {
			return err
		}
	}
	fill(&p.Width, k.width)
	fill(&p.Height, k.height)
	if k.data != None {
		fill(&p.StaleAfter, defaultStaleAfter)
	}
	return nil
}

func checkFields(p *metrics.Panel, data Data) error {
	switch {
	case data != None && len(p.Queries) == 0:
		return refuse(p, "needs a query")
	case data == None && len(p.Queries) > 0:
		return refuse(p, "takes no query")
	case p.Text != "" && p.Kind != "text":
		return refuse(p, "takes no text")
	case p.Zone != "" && p.Kind != "clock":
		return refuse(p, "takes no zone")
	case (p.Leaderboard != "" || p.Period != "") && p.Kind != "leaderboard":
		return refuse(p, "takes no leaderboard")
	case p.Min != nil && p.Max != nil && *p.Min >= *p.Max:
		return refuse(p, "needs a min below its max")
	}
	return nil
}

func refuse(p *metrics.Panel, why string) error {
	return metrics.Errorf(metrics.Invalid, "a panel of kind %s %s", p.Kind, why)
}

func fill[T comparable](field *T, value T) {
	if *field == *new(T) {
		*field = value
	}
}

// Make prints the panel. prev is the last print of the same panel in the same range, or nil; the
// new print keeps to its scale, so that charts do not jump. The kind must be known.
func Make(in Input, prev *Print) *Print {
	k := kinds[in.Panel.Kind]
	p := newPrint(in)
	if i, err := failure(in.Results); err != nil {
		p.State, p.body = Failed, failed(newFailure(in.Panel.Queries[i].Expr, err))
		return p
	}
	if in.RankingErr != nil {
		p.State, p.body = Failed, failed(newFailure(in.Panel.Leaderboard, in.RankingErr))
		return p
	}
	if k.data != None && empty(in.Results) {
		fresh := p.At > 0 && p.State == Fresh
		p.State, p.body = Empty, nothing(newNothing(in, fresh))
		return p
	}
	var chart *Chart
	if prev != nil {
		chart = prev.Chart
	}
	if in.Ranking != nil && len(in.Ranking.Rows) == 0 {
		p.State = Empty
	}
	c := k.make(in, chart)
	p.body, p.Level, p.Chart, p.Ranking = c.body, c.level, c.chart, c.ranking
	return p
}

// failure returns the first error among the results, and which query it answers.
func failure(results []metrics.Result) (int, error) {
	for i, r := range results {
		if r.Err != nil {
			return i, r.Err
		}
	}
	return 0, nil
}

func empty(results []metrics.Result) bool {
	for _, r := range results {
		if slices.ContainsFunc(r.Lines, func(l metrics.Line) bool { return len(l.Points) > 0 }) {
			return false
		}
	}
	return true
}
