package press

import (
	"bytes"
	"html"
	"strings"
)

// FeedID is the id of the hidden element of every page into which nexts are fed.
const FeedID = "next"

// A next takes a viewer from one print of a panel to a later one, in few bytes:
//
//	<live-next for="p-host-cpu" data-at="1763777777000" step="…"><i data-v="3" width="42">97.1</i></live-next>
//
// for is the article; data-* attributes are its new ones; step is for the article's <live-chart>;
// each child bears the new text and the changed attributes of the article's leaf of the same
// data-v. It is idempotent. The client's half is assets/js/next.js.

// next returns how to get from the article a to b, empty where they are the same, and
// whether there is such a way: both must be alike outside their leaves and their chart.
func next(a, b anatomy, step string) (elements []byte, ok bool) {
	if !bytes.Equal(a.skeleton, b.skeleton) || len(a.leaves) != len(b.leaves) || len(a.leaves) == 0 {
		return nil, false
	}
	var out bytes.Buffer
	root, ok := changed(a.leaves[0], b.leaves[0])
	if !ok {
		return nil, false
	}
	moved := root != "" || step != ""
	out.WriteString(`<live-next for="` + b.leaves[0].attr("id") + `"` + root)
	if step != "" {
		out.WriteString(` step="` + html.EscapeString(step) + `"`)
	}
	out.WriteByte('>')
	for i, leaf := range b.leaves[1:] {
		attrs, ok := changed(a.leaves[i+1], leaf)
		if !ok {
			return nil, false
		}
		if attrs == "" && a.leaves[i+1].text == leaf.text {
			continue
		}
		moved = true
		out.WriteString(`<i data-v="` + leaf.attr("data-v") + `"` + attrs + ">" + leaf.text + "</i>")
	}
	out.WriteString("</live-next>")
	if !moved {
		return nil, true
	}
	return out.Bytes(), true
}

// anatomy is an article taken apart: what stands still and what moves.
type anatomy struct {
	skeleton []byte
	leaves   []leaf // the first is the article itself
}

// leaf is a start tag's attributes as written, and the escaped text that follows it.
type leaf struct{ attrs, text string }

// dissect takes apart HTML as templ writes it: every < begins a tag, every attribute value is
// quoted and free of < and >.
func dissect(article []byte) anatomy {
	var a anatomy
	rest := string(article)
	for {
		i := strings.IndexByte(rest, '<')
		end := strings.IndexByte(rest, '>')
		if i < 0 || end < i {
			a.skeleton = append(a.skeleton, rest...)
			return a
		}
		a.skeleton = append(a.skeleton, rest[:i]...)
		tag := rest[i+1 : end]
		rest = rest[end+1:]
		name, attrs, _ := strings.Cut(tag, " ")
		a.skeleton = append(append(a.skeleton, '<'), name...)
		switch {
		case name == "live-chart": // moves by its own steps
			_, rest, _ = strings.Cut(rest, "</live-chart>")
		case name == "section": // a ranking: moves by its own rows
			_, rest, _ = strings.Cut(rest, "</section>")
		case name == "article":
			a.leaves = append(a.leaves, leaf{attrs: attrs})
		case strings.Contains(attrs, `class="age"`): // told by the client's clock
			rest = rest[len(upTo(rest, '<')):]
		case strings.Contains(attrs, `data-v="`):
			text := upTo(rest, '<')
			rest = rest[len(text):]
			a.leaves = append(a.leaves, leaf{attrs, text})
		default:
			a.skeleton = append(append(a.skeleton, ' '), attrs...)
		}
	}
}

func upTo(s string, b byte) string {
	if i := strings.IndexByte(s, b); i >= 0 {
		return s[:i]
	}
	return s
}

// attr returns the value of the attribute, as written.
func (l leaf) attr(name string) string {
	for key, value := range l.each {
		if key == name {
			return value
		}
	}
	return ""
}

// each yields the attributes in order. One without a value has the value "".
func (l leaf) each(yield func(name, value string) bool) {
	rest := strings.TrimSuffix(strings.TrimSpace(l.attrs), "/")
	for rest != "" {
		name := rest[:strings.IndexAny(rest+" ", " =")]
		rest = rest[len(name):]
		value := ""
		if strings.HasPrefix(rest, `="`) {
			value = upTo(rest[2:], '"')
			rest = rest[min(len(rest), len(value)+3):]
		}
		rest = strings.TrimLeft(rest, " ")
		if !yield(name, value) {
			return
		}
	}
}

// changed returns the attributes of b that differ from a's, each with a space before it. It is
// not ok when one came, went or was renamed, or when the name of one that differs would not
// survive the HTML parser.
func changed(a, b leaf) (attrs string, ok bool) {
	if a.attrs == b.attrs {
		return "", true
	}
	var was []string
	for name, value := range a.each {
		was = append(was, name, value)
	}
	var out strings.Builder
	for name, value := range b.each {
		if len(was) < 2 || was[0] != name {
			return "", false
		}
		if was[1] != value {
			if strings.ToLower(name) != name {
				return "", false
			}
			out.WriteString(" " + name + `="` + value + `"`)
		}
		was = was[2:]
	}
	return out.String(), len(was) == 0
}
