// Package doctor judges what lies between a client and the server by what it does to streams. The page and the
// command measure; what that means, and what cures it, stands here alone.
package doctor

import "fmt"

// Verdict is how a check ends.
type Verdict string

// The verdicts.
const (
	Good    Verdict = "good"
	Warn    Verdict = "warn" // it works; something could be better
	Bad     Verdict = "bad"
	Unknown Verdict = "unknown" // could not be told
)

// Finding is the outcome of a check.
type Finding struct {
	Check   string  `json:"check"`
	Title   string  `json:"title"`
	Verdict Verdict `json:"verdict"`
	Text    string  `json:"text"`            // one sentence
	Cures   []Cure  `json:"cures,omitempty"` // each for another program
}

// Cure is what to write into a program's configuration.
type Cure struct {
	Program string `json:"program"` // "nginx"
	Where   string `json:"where"`   // "in the location"
	Lines   string `json:"lines"`
}

// Check is one thing that is looked at. A client measures what the check's judge reads of Seen.
type Check struct {
	Name  string
	Title string
	judge func(Seen) Finding
}

// Checks are all checks, in the order in which they are shown.
var Checks = []Check{
	{"answer", "Answers", answer},
	{"version", "HTTP version", version},
	{"clock", "Clocks", clock},
	{"live", "Stream of a page", liveStream},
	{"steady", "Buffering", steady},
	{"late", "Buffering after silence", late},
	{"gzip", "Compression", compression},
	{"parallel", "Streams at once", parallel},
	{"limit", "Streams per address", limit},
	{"files", "Open files", files},
	{"idle", "Silence", idle},
}

// Judge returns the finding of the check called name; ok is false where there is no such check.
func Judge(name string, seen Seen) (f Finding, ok bool) {
	for _, c := range Checks {
		if c.Name == name {
			f = c.judge(seen)
			f.Check, f.Title = c.Name, c.Title
			return f, true
		}
	}
	return Finding{}, false
}

// finding returns one whose sentence is made of format and args.
func finding(v Verdict, format string, args ...any) Finding {
	return Finding{Verdict: v, Text: fmt.Sprintf(format, args...)}
}

// curedBy returns f with those of the cures that suit the proxies on the way.
func (f Finding) curedBy(cures []Cure, s Seen) Finding {
	f.Cures = suiting(cures, s)
	return f
}
