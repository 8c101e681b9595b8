package metrics

import (
	"regexp"
	"strings"
	"time"
)

// Columns is the width of a dashboard's grid.
const Columns = 12

// Board is what the board file describes, checked and with every default filled in. It is never changed once made.
type Board struct {
	Dashboards   []Dashboard
	Leaderboards []Leaderboard
	Collectors   []CollectorConfig
	Webhooks     []Webhook
	Embed        Embed
	Storage      Storage
}

// Webhook returns the webhook called name.
func (b *Board) Webhook(name string) (*Webhook, error) {
	for i := range b.Webhooks {
		if b.Webhooks[i].Name == name {
			return &b.Webhooks[i], nil
		}
	}
	return nil, Errorf(NotFound, "There is no webhook named %q in the board file.", name)
}

// Dashboard returns the dashboard called name.
func (b *Board) Dashboard(name string) (*Dashboard, error) {
	for i := range b.Dashboards {
		if b.Dashboards[i].Name == name {
			return &b.Dashboards[i], nil
		}
	}
	return nil, Errorf(NotFound, "There is no dashboard named %q.", name)
}

// Embed says who may show the board inside a page of their own.
type Embed struct {
	Origins []string // CSP sources such as https://intranet.example or 'self'; none means nobody
}

// Dashboard is a page of panels.
type Dashboard struct {
	Name   string // in URLs: lower-case letters, digits and -
	Title  string
	Text   string // a line beside the title
	Range  time.Duration
	Panels []Panel
}

// Panel returns the panel called name.
func (d *Dashboard) Panel(name string) (*Panel, error) {
	for i := range d.Panels {
		if d.Panels[i].Name == name {
			return &d.Panels[i], nil
		}
	}
	return nil, Errorf(NotFound, "The dashboard %q has no panel named %q.", d.Name, name)
}

// Panel is one tile of a dashboard. Which fields a kind reads, the kind says.
type Panel struct {
	Name        string // unique in the dashboard; lower-case letters, digits and -
	Kind        string
	Title       string
	Queries     []Query
	Unit        Unit
	Decimals    int // digits after the point; -1 means as the size of the number asks
	Min, Max    *float64
	Thresholds  []Threshold // ascending
	Good        Direction   // which way is good news
	Fill        bool        // an area under the line
	Legend      bool
	Width       int           // columns, 1 to 12
	Height      int           // rows, 1 to 12
	StaleAfter  time.Duration // age of the newest sample from which on the panel counts as stale
	Text        string        // Markdown, for kind text
	Zone        string        // IANA time zone, for kind clock; "" is the server's
	Leaderboard string        // the name of one, for kind leaderboard
	Period      string        // of the leaderboard, by its name; "" is its first
}

// State is how good a value is. Its text stands in data-state attributes.
type State string

// The states, from best to worst. Neutral is that of a value without thresholds.
const (
	Neutral State = ""
	OK      State = "ok"
	Warn    State = "warn"
	Crit    State = "crit"
)

// Threshold gives the state of every value from From on, up to the next threshold.
type Threshold struct {
	From  float64
	State State
	Text  string // what the state is called, such as "up"; may be empty
}

// ThresholdOf returns the highest threshold that v has reached, or the zero Threshold.
func (p *Panel) ThresholdOf(v float64) Threshold {
	var reached Threshold
	for _, t := range p.Thresholds {
		if v >= t.From {
			reached = t
		}
	}
	return reached
}

// Direction tells which way of a change is good news.
type Direction string

// The directions.
const (
	NoDirection Direction = ""
	Up          Direction = "up"
	Down        Direction = "down"
)

// Query is one PromQL expression of a panel.
type Query struct {
	Expr   string
	Legend string // a name for each line, with {{label}} in it; "" means the label set
}

// Placeholder is {{label}} in a legend; its first group is the label.
var Placeholder = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// Name names the line with those labels by the legend, or other where that yields nothing.
func (q Query) Name(labels Labels, other string) string {
	name := Placeholder.ReplaceAllStringFunc(q.Legend, func(found string) string {
		return labels.Get(Placeholder.FindStringSubmatch(found)[1])
	})
	if strings.TrimSpace(name) == "" {
		return other
	}
	return name
}
