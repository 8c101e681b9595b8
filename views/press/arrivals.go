package press

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/live"
	"liveboard/views"
	"liveboard/views/panels"
)

// ArrivalsTopic is the topic of the hub that moves when series come that are new.
const ArrivalsTopic = "arrivals:"

// How often the list of arrivals is printed: at most, while series come, and at least, for their values.
const (
	arrivalsPace  = 500 * time.Millisecond
	arrivalsEvery = 2 * time.Second
)

// previewSpan is what the charts in the list of arrivals show.
const previewSpan = 5 * time.Minute

// maxPreviewed is how many series of a metric a preview may read.
const maxPreviewed = 2000

// ArrivalsList tells what came in; *metrics.Arrivals is one.
type ArrivalsList interface {
	List(limit int, keep func(*metrics.ArrivedMetric) bool) (list []metrics.ArrivedMetric, total int)
}

// TokenNames tells what tokens are called.
type TokenNames interface {
	Names(ctx context.Context) (map[string]string, error)
}

// ShowArrivals lets the press print what came in. It is to be called before the first Page.
func (p *Press) ShowArrivals(list ArrivalsList, tokens TokenNames) {
	p.arrivals, p.tokens = list, tokens
}

// arrivals prints the list of what came in.
type arrivals struct {
	press *Press
	view  ArrivalsView
	own   map[string]bool // names of the collectors that tell of this machine and this program

	mu     sync.Mutex
	last   *sheet
	values map[string]arrivedValue // of the metrics in last
	found  arrivalsFound
}

// arrivalsFound is what a list shows, as of a revision and while tokens are called so.
type arrivalsFound struct {
	rev         live.Rev
	names       map[string]string // of tokens
	list        []metrics.ArrivedMetric
	total, left int // metrics that match; those besides that are left out because they are our own
}

// arrivalsSheet is what a sheet of the list was printed from.
type arrivalsSheet struct {
	print    *panels.Arrivals
	rest     views.ArrivalsRestModel
	previews map[string]*sheet
}

// arrivedValue is the newest value of a series, as of a revision.
type arrivedValue struct {
	series metrics.Series
	rev    live.Rev
	value  float64
}

// arrivalsScreen needs mu.
func (p *Press) arrivalsScreen(v View) *screen {
	a := &arrivals{press: p, view: v.Arrivals, own: map[string]bool{}}
	for _, c := range p.board.Collectors {
		a.own[c.Name] = c.Kind != "scrape"
	}
	return &screen{parts: []part{a, &arrivalsRest{a}}, topics: []string{ArrivalsTopic}, every: arrivalsEvery}
}

// arrivalsRest prints what the list does not show. It stands behind the list in the screen, and so is printed after it.
type arrivalsRest struct{ list *arrivals }

func (r *arrivalsRest) sheet(context.Context, time.Duration) *sheet {
	r.list.mu.Lock()
	s := r.list.last
	r.list.mu.Unlock()
	return &sheet{html: render(views.ArrivalsRest(s.arrivals.rest)), rev: s.rev, at: s.at}
}

func (a *arrivals) sheet(ctx context.Context, maxAge time.Duration) *sheet {
	a.mu.Lock()
	defer a.mu.Unlock()
	rev, now := a.press.hub.Rev(), time.Now()
	if s := a.last; s != nil && a.press.hub.Newest(ArrivalsTopic) <= s.rev && now.Sub(s.at) < min(maxAge, arrivalsEvery) {
		return s
	}
	s := a.print(ctx, now, maxAge)
	s.rev, s.at = rev, now
	a.last = s
	return s
}

// print needs mu.
func (a *arrivals) print(ctx context.Context, now time.Time, maxAge time.Duration) *sheet {
	found := a.find(ctx)
	made := &arrivalsSheet{rest: a.rest(found), previews: make(map[string]*sheet, len(found.list))}
	rows, values := make([]panels.ArrivedInput, len(found.list)), make(map[string]arrivedValue, len(found.list))
	for i, m := range found.list {
		values[m.Name] = a.value(ctx, m, now)
		rows[i] = a.row(m, values[m.Name].value, found.names)
		if s := a.preview(ctx, m, rows[i].Suggestion, maxAge); s != nil {
			made.previews[m.Name], rows[i].Preview = s, printed(s.html)
		}
	}
	a.values = values
	all := ArrivalsView{Own: a.view.Own, Limit: defaultArrivals}
	made.print = panels.MakeArrivals(rows, panels.ArrivalsEmpty{Nothing: a.view.Find == "" && a.view.From == "", Back: all.Href()}, now)
	return &sheet{html: render(panels.ArrivalsSection(made.print)), arrivals: made}
}

// find looks through all metrics where something may have changed; it needs mu.
func (a *arrivals) find(ctx context.Context) arrivalsFound {
	names, _ := a.press.tokens.Names(ctx) // where they cannot be read, ids do
	rev := a.press.hub.Rev()
	if a.last != nil && a.press.hub.Newest(ArrivalsTopic) <= a.found.rev && maps.Equal(names, a.found.names) {
		return a.found
	}
	a.found = arrivalsFound{rev: rev, names: names}
	a.found.list, a.found.total = a.press.arrivals.List(a.view.Limit, func(m *metrics.ArrivedMetric) bool {
		if !a.matches(m, names) {
			return false
		}
		if !a.view.Own && a.isOwn(m) {
			a.found.left++
			return false
		}
		return true
	})
	return a.found
}

func (a *arrivals) row(m metrics.ArrivedMetric, value float64, names map[string]string) panels.ArrivedInput {
	in := panels.ArrivedInput{Metric: m, Value: value, Suggestion: panels.Suggest(m, value)}
	for _, o := range m.Origins {
		who, format := a.view, a.view
		who.From, format.From = whoOf(o, names), o.Format
		in.From = append(in.From, panels.ArrivedFrom{Who: who.From, WhoHref: who.Href(), Format: o.Format, FormatHref: format.Href()})
	}
	return in
}

// preview prints what is suggested, nil where that would read too much.
func (a *arrivals) preview(ctx context.Context, m metrics.ArrivedMetric, s panels.Suggestion, maxAge time.Duration) *sheet {
	if m.Series > maxPreviewed {
		return nil
	}
	pr, err := a.press.previews.printer(a.press, s)
	if err != nil {
		return nil
	}
	return pr.sheet(ctx, maxAge)
}

// whoOf names who brings samples: by the token, if there is one. An import has neither that nor a sender.
func whoOf(o metrics.Origin, names map[string]string) string {
	switch name := names[o.Token]; {
	case o.Token == "":
		return cmp.Or(o.Sender, "this machine")
	case name == "":
		return "token " + o.Token
	default:
		return name
	}
}

func (a *arrivals) matches(m *metrics.ArrivedMetric, names map[string]string) bool {
	if a.view.Find != "" && !strings.Contains(strings.ToLower(m.Name), strings.ToLower(a.view.Find)) {
		return false
	}
	return a.view.From == "" || slices.ContainsFunc(m.Origins, func(o metrics.Origin) bool {
		return strings.EqualFold(o.Format, a.view.From) || strings.Contains(strings.ToLower(whoOf(o, names)), strings.ToLower(a.view.From))
	})
}

// isOwn reports whether the metric is no news: the collectors that look at this machine and this program bring it, or
// it came before it was kept who does.
func (a *arrivals) isOwn(m *metrics.ArrivedMetric) bool {
	if len(m.Origins) == 0 {
		return m.LastAt == 0
	}
	return !slices.ContainsFunc(m.Origins, func(o metrics.Origin) bool { return o.Format != "collector" || !a.own[o.Sender] })
}

// value returns the newest value of the newest series; it needs mu. Of one that is silent it looks back for a day, once.
func (a *arrivals) value(ctx context.Context, m metrics.ArrivedMetric, now time.Time) arrivedValue {
	rev := a.press.hub.Newest(m.Name)
	if v, ok := a.values[m.Name]; ok && v.series == m.Newest && rev <= v.rev {
		return v
	}
	v := arrivedValue{series: m.Newest, rev: a.press.hub.Rev(), value: math.NaN()}
	var labels []string
	for _, l := range m.Newest.Labels() {
		labels = append(labels, l.Name+"="+strconv.Quote(l.Value))
	}
	selector := "{" + strings.Join(labels, ",") + "}"
	for _, expr := range []string{selector, "last_over_time(" + selector + "[1d])"} {
		r := a.press.engine.Instant(ctx, expr, now)
		if len(r.Lines) > 0 {
			last, _ := r.Lines[0].Last()
			v.value = last.Value
			break
		}
	}
	return v
}

func (a *arrivals) rest(f arrivalsFound) views.ArrivalsRestModel {
	shown, total := len(f.list), f.total
	m := views.ArrivalsRestModel{Shown: plural(total, "metric")}
	if shown < total {
		m.Shown = strconv.Itoa(shown) + " of " + m.Shown
		if more := a.view; more.Limit < maxArrivals {
			more.Limit = maxArrivals
			m.More = views.Link{Text: "Show " + strconv.Itoa(min(total, maxArrivals)), Href: more.Href()}
		} else {
			m.Shown += ": find the others by their names"
		}
	}
	other := a.view
	other.Own = !other.Own
	switch {
	case a.view.Own:
		m.Own = views.Link{Text: "Leave out Liveboard's own collectors", Href: other.Href()}
	case f.left > 0:
		m.Own = views.Link{Text: "Show " + strconv.Itoa(f.left) + " of Liveboard's own collectors too", Href: other.Href()}
	}
	return m
}

// next returns how a viewer who holds from gets to s.
func (s *arrivalsSheet) next(from *arrivalsSheet) (elements []byte, ok bool) {
	return s.print.Next(from.print, func(name string) ([]byte, bool) {
		is, was := s.previews[name], from.previews[name]
		if is == nil || was == nil {
			return nil, is == was
		}
		return is.next(was)
	})
}

// maxPreviews is how many panels are kept for all lists of arrivals together.
const maxPreviews = 4 * maxArrivals

// previews are the printers of suggested panels, by what is suggested.
type previews struct {
	mu       sync.Mutex
	printers map[string]*preview
}

type preview struct {
	printer *printer
	asked   time.Time
}

// printer returns the one of the suggestion. It forgets the one not asked for for the longest time when there are too many.
func (ps *previews) printer(p *Press, s panels.Suggestion) (*printer, error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	key := s.Panel.Name + "\n" + s.YAML
	if found := ps.printers[key]; found != nil {
		found.asked = time.Now()
		return found.printer, nil
	}
	pr, err := p.newPrinter("arrivals", &s.Panel, metrics.Range{Span: previewSpan})
	if err != nil {
		return nil, err
	}
	if ps.printers == nil {
		ps.printers = make(map[string]*preview)
	}
	if len(ps.printers) >= maxPreviews {
		ps.forgetOldest()
	}
	ps.printers[key] = &preview{pr, time.Now()}
	return pr, nil
}

// forgetIdle forgets those that no list has shown for a while.
func (ps *previews) forgetIdle() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	maps.DeleteFunc(ps.printers, func(_ string, one *preview) bool { return time.Since(one.asked) > idleFor })
}

// forgetOldest needs mu.
func (ps *previews) forgetOldest() {
	oldest := ""
	for key, one := range ps.printers {
		if oldest == "" || one.asked.Before(ps.printers[oldest].asked) {
			oldest = key
		}
	}
	delete(ps.printers, oldest)
}
