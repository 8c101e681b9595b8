package panels

import (
	"bytes"
	"context"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// A next takes a viewer from one print of a ranking to a later one, in few bytes:
//
//	<live-rows for="ranking" order="12 5 c0 7" total="18,402 players" said="Ada is now 2nd, with 91,899"><li id="r-12" …>…</li></live-rows>
//
// for is the section. order names its rows from the first to the last by what follows their ids' "r-"; it is missing
// where that has not changed. The <li>s are the rows that are new or look another way; rows that order
// does not name go. total and banner are new texts of these parts. said is a sentence for those who do
// not see the change. It is idempotent. The client's half is assets/js/rows.js.

// Next returns how one who is shown before gets to r: nothing where the two look the same. It is not ok
// where there is no such way, because what stands around the rows has changed; r is then to be sent
// whole. Ages and countdowns do not count: clients tell them by themselves.
func (r *Ranking) Next(before *Ranking) (elements []byte, ok bool) {
	if before == nil || r.frame != before.frame {
		return nil, false
	}
	var out bytes.Buffer
	out.WriteString(`<live-rows for="` + templ.EscapeString(r.frame.ID) + `"`)
	start := out.Len()
	for _, a := range []struct{ name, from, to string }{
		{"order", before.order(), r.order()},
		{"total", before.total, r.total},
		{"banner", before.banner, r.banner},
	} {
		if a.from != a.to {
			out.WriteString(" " + a.name + `="` + templ.EscapeString(a.to) + `"`)
		}
	}
	changed := r.changed(before)
	if out.Len() == start && len(changed) == 0 {
		return nil, true
	}
	if said := announcement(changed); said != "" {
		out.WriteString(` said="` + templ.EscapeString(said) + `"`)
	}
	out.WriteByte('>')
	for _, c := range changed {
		// Neither the buffer nor the background context can fail.
		_ = placeRow(c.now).Render(context.Background(), &out)
	}
	out.WriteString("</live-rows>")
	return out.Bytes(), true
}

func (r *Ranking) order() string {
	tokens := make([]string, len(r.places))
	for i, p := range r.places {
		tokens[i] = p.Token
	}
	return strings.Join(tokens, " ")
}

// rowChange is a row that is new or looks another way; was is the zero place for a new one.
type rowChange struct{ was, now place }

// changed returns the rows of r that one who is shown before does not have as they are, the best first.
func (r *Ranking) changed(before *Ranking) []rowChange {
	had := make(map[string]place, len(before.places))
	for _, p := range before.places {
		had[p.Token] = p
	}
	var changes []rowChange
	for _, p := range r.places {
		if was := had[p.Token]; !p.same(was) {
			changes = append(changes, rowChange{was, p})
		}
	}
	return changes
}

// announcement is one sentence about the best row that has another score than before: who reads with
// their ears wants to know what happened, and not every consequence of it. A row that only came into
// view is no news.
func announcement(changes []rowChange) string {
	for _, c := range changes {
		if c.now.Covered || c.now.Value == c.was.Value || c.was.Token == "" && c.now.Move != "new" {
			continue
		}
		score := strings.TrimSpace(c.now.Score + " " + c.now.Unit)
		if c.was.Number == c.now.Number {
			return c.now.Name + " stays " + ordinal(c.now.Number) + ", with " + score
		}
		return c.now.Name + " is now " + ordinal(c.now.Number) + ", with " + score
	}
	return ""
}

// ordinal writes 1 as 1st. Its argument is a whole number.
func ordinal(number string) string {
	n, _ := strconv.Atoi(number)
	suffix := "th"
	if n/10%10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return count(n) + suffix
}
