package collect

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"liveboard/metrics"
)

// harvest is what one visit to a source brings in.
type harvest struct {
	at      int64           // Unix milliseconds
	common  []metrics.Label // of every sample
	honor   bool            // a sample's own label wins over a common one of its name
	samples []metrics.Sample
	said    map[string]metrics.About // what the source says of its metrics
	outside int                      // samples whose own time is too far from now; they are left out
	err     error                    // why the first refused series was refused
}

// say notes a part of what the source says of a metric.
func (h *harvest) say(name string, part func(*metrics.About)) {
	about := h.said[name]
	part(&about)
	if h.said == nil {
		h.said = make(map[string]metrics.About)
	}
	h.said[name] = about
}

// tell has the catalog learn what was said.
func (h *harvest) tell(c *metrics.Catalog) {
	for name, about := range h.said {
		c.Learn(name, about)
	}
}

// add puts in what was measured at the harvest's own instant. A value that is not finite is
// none: a ratio of nothing to nothing is NaN.
func (h *harvest) add(name string, value float64, labels ...metrics.Label) {
	if !math.IsNaN(value) && !math.IsInf(value, 0) {
		h.addAt(h.at, name, value, labels...)
	}
}

// addAt puts in what a source says, NaN and infinities too.
func (h *harvest) addAt(at int64, name string, value float64, labels ...metrics.Label) {
	h.addLabeled(at, name, value, h.label(labels))
}

// addLabeled puts in a sample that has the common labels already, or goes without.
func (h *harvest) addLabeled(at int64, name string, value float64, labels []metrics.Label) {
	if h.err != nil {
		return
	}
	series, err := metrics.NewSeries(name, labels...)
	if err != nil {
		h.err = err
		return
	}
	h.samples = append(h.samples, metrics.Sample{Series: series, At: at, Value: value})
}

// label joins the common labels and a sample's own. An own label whose name is taken
// becomes exported_*, as in Prometheus: who says where a sample comes from is us, unless own
// labels are honoured. An honoured label without a value takes the common one away.
func (h *harvest) label(own []metrics.Label) []metrics.Label {
	if h.honor {
		taken := func(l metrics.Label) bool { return named(own, l.Name) }
		return append(slices.DeleteFunc(slices.Clone(h.common), taken), own...)
	}
	all := slices.Concat(h.common, own)
	for i := len(h.common); i < len(all); i++ {
		if !named(h.common, all[i].Name) {
			continue
		}
		free := "exported_" + all[i].Name
		for named(all, free) {
			free = "exported_" + free
		}
		all[i].Name = free
	}
	return all
}

func named(labels []metrics.Label, name string) bool {
	return slices.ContainsFunc(labels, func(l metrics.Label) bool { return l.Name == name })
}

// truth is how a series says yes and no.
func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// maxTextBytes bounds a name that a machine gives to its parts.
const maxTextBytes = 200

// printable returns text fit for a label: what metrics.CheckText refuses becomes ?, and
// the end is cut off at maxTextBytes. Whoever starts a process or plugs in a disk names it.
func printable(text string) string {
	if metrics.CheckText(text) != nil {
		text = strings.Map(replaced, text)
	}
	if len(text) <= maxTextBytes {
		return text
	}
	end := maxTextBytes
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

func replaced(r rune) rune {
	if metrics.CheckText(string(r)) != nil {
		return '?'
	}
	return r
}
