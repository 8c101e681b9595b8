package data

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"liveboard/metrics"
)

func (r *boardParser) embed(to *metrics.Embed) reads {
	return func(n ast.Node) {
		r.mapping(n, "embed", fields{
			"origins": r.list(maxOrigins, func(n ast.Node) { to.Origins = append(to.Origins, r.origin(n)) }),
		})
	}
}

// origin reads who may frame the board, as a source of the CSP directive frame-ancestors.
func (r *boardReader) origin(n ast.Node) string {
	text, ok := r.line(n)
	if !ok {
		return ""
	}
	source, ok := cspSource(text)
	if !ok {
		r.fail(placeOf(n), "%q is no origin; write https://host, https://host:port, https://*.example.com or self, without a path (http only for localhost)", text)
	}
	return source
}

// originPattern has the scheme, the wildcard, the host and the port. A host cannot smuggle in a
// space, a comma or a semicolon, with which another source or directive would begin.
var originPattern = regexp.MustCompile(`^(https?)://(\*\.)?([a-z0-9]+(?:[-.][a-z0-9]+)*)(?::([1-9]\d{0,4}))?$`)

// cspSource returns origin as a CSP source: https://www.w3.org/TR/CSP3/#source-lists.
func cspSource(origin string) (source string, ok bool) {
	origin = strings.ToLower(origin)
	if origin == "self" || origin == "'self'" {
		return "'self'", true
	}
	m := originPattern.FindStringSubmatch(origin)
	if m == nil {
		return "", false
	}
	scheme, wildcard, host := m[1], m[2], m[3]
	port, _ := strconv.Atoi(m[4])
	local := host == "localhost" || host == "127.0.0.1"
	switch {
	case port > 65535, wildcard != "" && !strings.Contains(host, "."), scheme == "http" && (wildcard != "" || !local):
		return "", false
	}
	return origin, true
}
