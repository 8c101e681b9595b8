package panels

import "time"

// mark is a label on the time axis.
type mark struct {
	x    int
	text string
}

// interval is a distance between marks that people count in: so many hours, minutes and seconds,
// or days.
type interval struct {
	days, seconds int
}

var intervals = []interval{
	{0, 1}, {0, 2}, {0, 5}, {0, 10}, {0, 15}, {0, 30},
	{0, 60}, {0, 120}, {0, 180}, {0, 300}, {0, 600}, {0, 900}, {0, 1800},
	{0, 3600}, {0, 7200}, {0, 10800}, {0, 14400}, {0, 21600}, {0, 43200},
	{1, 0}, {2, 0}, {7, 0}, {14, 0}, {28, 0},
}

func (v interval) length() time.Duration {
	return time.Duration(v.days)*24*time.Hour + time.Duration(v.seconds)*time.Second
}

// after returns the next instant by the clock on the wall, where a day may have 23 or 25 hours.
func (v interval) after(t time.Time) time.Time {
	if v.days > 0 {
		return t.AddDate(0, 0, v.days)
	}
	year, month, day := t.Date()
	next := time.Date(year, month, day, t.Hour()+v.seconds/3600, 0, 0, 0, t.Location())
	if v.seconds < 3600 || !next.After(t) { // not After: where spring skips an hour
		next = t.Add(v.length())
	}
	return next
}

func (v interval) label(t time.Time) string {
	switch hour, minute, second := t.Clock(); {
	case v.days > 0, hour+minute+second == 0 && v.seconds >= 3600:
		return t.Format("2 Jan")
	case v.seconds%60 != 0:
		return t.Format("15:04:05")
	}
	return t.Format("15:04")
}

// The most marks that stand beside each other: on a phone, where every wide panel has the whole
// width, and in a narrow panel.
const (
	maxMarks    = 7
	narrowMarks = 4
	narrow      = 4 // columns
)

// timeMarks returns the marks of c's view, at instants that are round in zone.
func (c *Chart) timeMarks(zone *time.Location) []mark {
	from, to := time.UnixMilli(c.at(c.x0)).In(zone), time.UnixMilli(c.at(c.x1)).In(zone)
	most := maxMarks
	if c.panel.Width <= narrow {
		most = narrowMarks
	}
	v := intervals[len(intervals)-1]
	for _, candidate := range intervals {
		if to.Sub(from) <= time.Duration(most)*candidate.length() {
			v = candidate
			break
		}
	}
	var marks []mark
	for t := v.start(from); !t.After(to); t = v.after(t) {
		if !t.Before(from) {
			marks = append(marks, mark{c.x(t.UnixMilli()), v.label(t)})
		}
	}
	return marks
}

// start returns a mark's instant at or before from. Days count from a fixed Monday, so that marks of
// a sliding window stay where they are.
func (v interval) start(from time.Time) time.Time {
	year, month, day := from.Date()
	if v.days == 0 {
		if v.seconds < 3600 {
			_, minute, second := from.Clock()
			return from.Truncate(time.Second).Add(-time.Duration(60*minute+second) * time.Second)
		}
		return time.Date(year, month, day, 0, 0, 0, 0, from.Location())
	}
	since := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()/86400 - 4
	return time.Date(year, month, day-int(since)%v.days, 0, 0, 0, 0, from.Location())
}
