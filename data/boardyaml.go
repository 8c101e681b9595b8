package data

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a board file. They bound what reading it can cost: the YAML parser recurses, and an
// alias may stand for a list of aliases.
const (
	maxBoardBytes  = 1 << 20
	maxBoardTokens = 100_000
	maxBoardDepth  = 50      // brackets inside brackets
	maxBoardValues = 100_000 // values read, aliases followed
)

// boardReader reads YAML nodes into Go values. A node that does not fit is reported with its
// place and leaves the value as it was, so one pass finds every mistake.
type boardReader struct {
	boardSource
	anchors map[string]ast.Node
	left    int // values that may still be read
}

// reads puts what a node says where it belongs, or reports why it cannot.
type reads func(ast.Node)

// fields are the keys that a mapping may have.
type fields map[string]reads

// found holds the values of a mapping by key, as they stand in the file.
type found map[string]ast.Node

func newBoardReader(name string, src []byte) *boardReader {
	text := strings.ReplaceAll(strings.TrimPrefix(string(src), "\ufeff"), "\r\n", "\n")
	return &boardReader{
		boardSource: boardSource{name: name, source: strings.Split(text, "\n")},
		anchors:     map[string]ast.Node{},
		left:        maxBoardValues,
	}
}

// root parses the file and returns its one document, or nil after a mistake that hides the rest.
func (r *boardReader) root() ast.Node {
	if !r.checkLines() {
		return nil
	}
	tokens := lexer.Tokenize(strings.Join(r.source, "\n"))
	if !r.checkTokens(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.failSyntax(err)
		return nil
	}
	return r.document(file)
}

func (r *boardReader) document(file *ast.File) ast.Node {
	bodies := []ast.Node{}
	for _, d := range file.Docs {
		if d.Body != nil {
			bodies = append(bodies, d.Body)
		}
	}
	switch {
	case len(bodies) == 0:
		r.fail(place{1, 1}, "the file is empty; `liveboard check --default` prints a board to begin with")
		return nil
	case bodies[0].Type() == ast.DirectiveType:
		r.fail(placeOf(bodies[0]), "a board file has no %% directives; remove this line")
		return nil
	case len(bodies) > 1:
		r.fail(placeOf(bodies[1]), "a board file is one YAML document; remove the --- before this one")
		return nil
	}
	ast.Walk(anchorVisitor{r}, bodies[0])
	return bodies[0]
}

// checkLines refuses what could forge an excerpt or hide in a diff, comments included.
func (r *boardReader) checkLines() bool {
	for i, line := range r.source {
		if at := strings.IndexFunc(line, refused); at >= 0 {
			r.fail(place{i + 1, utf8.RuneCountInString(line[:at]) + 1}, "%w", textError(line[at:]))
			return false
		}
	}
	return true
}

// checkTokens refuses files on which the parser would take its time.
func (r *boardReader) checkTokens(tokens token.Tokens) bool {
	depth := 0
	for i, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
		if i >= maxBoardTokens || depth > maxBoardDepth {
			r.fail(place{t.Position.Line, t.Position.Column}, "the file is too large or too deeply nested for a board")
			return false
		}
	}
	return true
}

func (r *boardReader) failSyntax(err error) {
	where := place{1, 1}
	if e := yaml.Error(nil); errors.As(err, &e) {
		if t := e.GetToken(); t != nil && t.Position != nil {
			where = place{t.Position.Line, t.Position.Column}
		}
		err = errors.New(e.GetMessage())
	}
	r.fail(where, "this is not valid YAML: %w", err)
}

// anchorVisitor collects the anchors of a document.
type anchorVisitor struct{ *boardReader }

func (v anchorVisitor) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok {
		name := a.Name.GetToken().Value
		if v.anchors[name] != nil {
			v.fail(placeOf(a), "the anchor &%s is defined twice; rename one", name)
		}
		v.anchors[name] = a.Value
	}
	return v
}

// see follows anchors and aliases to the value that n stands for, or reports why there is none
// and returns nil.
func (r *boardReader) see(n ast.Node) ast.Node {
	if r.left--; r.left == 0 {
		r.fail(placeOf(n), "the file has more than %d values, aliases counted; make it smaller", maxBoardValues)
	}
	if r.left <= 0 {
		return nil
	}
	switch x := n.(type) {
	case *ast.AnchorNode:
		return r.see(x.Value)
	case *ast.AliasNode:
		return r.follow(x)
	case *ast.TagNode:
		r.fail(placeOf(n), "tags such as %s are not understood; write the value alone", x.Start.Value)
		return nil
	}
	return n
}

func (r *boardReader) follow(alias *ast.AliasNode) ast.Node {
	name := alias.Value.GetToken().Value
	target := r.anchors[name]
	if target == nil {
		r.fail(placeOf(alias), "there is no anchor &%s in this file", name)
		return nil
	}
	return r.see(target)
}

// mapping reads the keys of n by fields. what names the thing in errors.
func (r *boardReader) mapping(n ast.Node, what string, fields fields) found {
	found := found{}
	ok := r.pairs(n, what+" is written as keys and values, such as title: CPU", func(name string, key ast.MapKeyNode, value ast.Node) {
		read, known := fields[name]
		if !known {
			r.fail(placeOf(key), "%s has no key %q; %s", what, name, suggestion(name, fields))
			return
		}
		found[name] = value
		read(value)
	})
	if !ok {
		return nil
	}
	return found
}

// pairs calls read with each key of n, its text and itself, and its value. It reports need, and false, where n is no mapping.
func (r *boardReader) pairs(n ast.Node, need string, read func(name string, key ast.MapKeyNode, value ast.Node)) bool {
	n = r.see(n)
	m, ok := n.(ast.MapNode)
	if !ok {
		r.mismatch(n, "%s", need)
		return false
	}
	seen := map[string]bool{}
	for it := m.MapRange(); it.Next(); {
		key := it.Key()
		name := key.GetToken().Value
		switch {
		case key.IsMergeKey():
			r.fail(placeOf(key), "merge keys (<<) are not understood; repeat the keys")
		case seen[name]:
			r.fail(placeOf(key), "the key %q stands here twice; remove one", name)
		default:
			seen[name] = true
			read(name, key, it.Value())
		}
	}
	return true
}

// list returns what calls read for each element of a list of at most limit.
func (r *boardReader) list(limit int, read reads) reads {
	return func(n ast.Node) {
		n = r.see(n)
		list, ok := n.(*ast.SequenceNode)
		if !ok {
			r.mismatch(n, "a list is needed here: [a, b] or a line with - for each")
			return
		}
		if len(list.Values) > limit {
			r.fail(placeOf(n), "this list has %d elements, at most %d are allowed", len(list.Values), limit)
			return
		}
		for _, v := range list.Values {
			read(v)
		}
	}
}

// mismatch reports a value of a wrong kind, unless see has reported it already.
func (r *boardReader) mismatch(n ast.Node, format string, args ...any) {
	if n != nil {
		r.fail(placeOf(n), format, args...)
	}
}
