package panels

import (
	"fmt"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"liveboard/metrics"
)

// Condition says how it stands with a panel's data.
type Condition string

// The conditions, as data-state attributes have them.
const (
	Fresh  Condition = "fresh"
	Stale  Condition = "stale" // the newest sample is older than the panel allows
	Empty  Condition = "empty" // the queries found nothing
	Failed Condition = "error" // a query could not be answered
)

// Print is a panel ready to be shown. It is never changed once made.
type Print struct {
	ID    string        // of the article element
	At    int64         // the newest sample, Unix milliseconds; 0 where there is none
	State Condition     // of the data, at the time of the print
	Level metrics.State // the worst of the values shown
	Chart *Chart        // nil without

	Ranking *Ranking // that stands in the article, and moves by its own Next; nil without

	kind, title, width, height string
	stamp, staleAfter, age     string
	body                       templ.Component
}

// Article is the whole panel: the <article> with its header and body.
func Article(p *Print) templ.Component { return article(p) }

func newPrint(in Input) *Print {
	p := &Print{
		ID:     "p-" + in.Dashboard + "-" + in.Panel.Name,
		State:  Fresh,
		kind:   in.Panel.Kind,
		title:  in.Panel.Title,
		width:  strconv.Itoa(in.Panel.Width),
		height: strconv.Itoa(in.Panel.Height),
	}
	for _, r := range in.Results {
		p.At = max(p.At, r.At)
	}
	if in.Ranking != nil {
		p.At = in.Ranking.NewestAt
	}
	if p.At == 0 {
		return p
	}
	p.stamp = strconv.FormatInt(p.At, 10)
	if in.following() {
		p.grow(in.Now, in.Panel.StaleAfter)
	}
	return p
}

// grow gives p its age. Panels of a fixed window have none: they cannot become stale.
func (p *Print) grow(now time.Time, staleAfter time.Duration) {
	age := now.Sub(time.UnixMilli(p.At))
	p.age = ageText(age)
	if staleAfter == 0 {
		return
	}
	p.staleAfter = strconv.FormatInt(staleAfter.Milliseconds(), 10)
	if age >= staleAfter {
		p.State, p.age = Stale, "stale "+p.age
	}
}

// ageText writes an age in one unit, so that it reads at a glance and seldom changes its width.
func ageText(age time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case age < time.Second:
		return "now"
	case age < 2*time.Minute:
		return fmt.Sprintf("%d s", age/time.Second)
	case age < 2*time.Hour:
		return fmt.Sprintf("%d min", age/time.Minute)
	case age < 2*day:
		return fmt.Sprintf("%d h", age/time.Hour)
	}
	return fmt.Sprintf("%d d", age/day)
}
