package data

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// placeOf is where n begins. The token of a mapping is its first colon and that of a block scalar's
// text lies at its end, so both need a look at their parts.
func placeOf(n ast.Node) place {
	switch x := n.(type) {
	case *ast.MappingNode:
		if !x.IsFlowStyle && len(x.Values) > 0 {
			return placeOf(x.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return placeOf(x.Key)
	case *ast.LiteralNode:
		return place{x.Start.Position.Line, x.Start.Position.Column}
	}
	p := n.GetToken().Position
	return place{p.Line, p.Column}
}

// inside is where the byte at row and column (from 1) of text stands in the file, when n is the
// text's node. Folded and escaped text is not written as it reads: then it is where n begins.
func (r *boardReader) inside(n ast.Node, text string, row, column int) place {
	begin := placeOf(n)
	rows := strings.Split(text, "\n")
	if row < 1 || row > len(rows) || column < 1 || column > len(rows[row-1])+1 {
		return begin
	}
	line, from := begin.line+row, 0
	if n.Type() != ast.LiteralType {
		line, from = begin.line, byteOffset(r.source[begin.line-1], begin.column)
	}
	if line > len(r.source) {
		return begin
	}
	written := r.source[line-1]
	start := strings.Index(written[from:], rows[row-1])
	if start < 0 {
		return begin
	}
	return place{line, utf8.RuneCountInString(written[:from+start+column-1]) + 1}
}

// byteOffset is where the character of that column (from 1) begins in line.
func byteOffset(line string, column int) int {
	for i := range line {
		if column--; column == 0 {
			return i
		}
	}
	return len(line)
}

// suggestion names the key that was probably meant, or else every key.
func suggestion(name string, known fields) string {
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(known)), func(key string) bool { return slices.Contains(secretKeys, key) })
	nearest := slices.MinFunc(keys, func(a, b string) int { return distance(name, a) - distance(name, b) })
	if distance(name, nearest) <= min(max(1, len(nearest)/2), 3) {
		return fmt.Sprintf("did you mean %q?", nearest)
	}
	return "its keys are " + strings.Join(keys, ", ")
}

// distance is the number of bytes to insert, delete or replace to turn a into b (Levenshtein).
func distance(a, b string) int {
	if len(a) > 100 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
