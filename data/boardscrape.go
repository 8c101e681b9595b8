package data

import (
	"cmp"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"liveboard/metrics"
)

// Limits of what a collector does with its samples.
const (
	maxScrapeSamples = 50_000
	maxRelabelRules  = 100
	maxSourceLabels  = 32
	maxModulus       = 1 << 30
)

// accessFields are the keys for a collector's requests.
func (r *boardParser) accessFields(to *metrics.Access) fields {
	return fields{
		"basic-auth": func(n ast.Node) {
			r.mapping(n, "basic-auth", fields{
				"username":      r.text(&to.Username),
				"password":      r.inClear(fileOrVariable("password")),
				"password-file": r.path(&to.Password.File),
				"password-env":  r.variable(&to.Password.Env),
			})
		},
		"bearer-token":      r.inClear(fileOrVariable("bearer-token")),
		"bearer-token-file": r.path(&to.Bearer.File),
		"bearer-token-env":  r.variable(&to.Bearer.Env),
		"tls": func(n ast.Node) {
			r.mapping(n, "tls", fields{
				"ca-file":              r.path(&to.TLS.CAFile),
				"cert-file":            r.path(&to.TLS.CertFile),
				"key-file":             r.path(&to.TLS.KeyFile),
				"server-name":          r.text(&to.TLS.ServerName),
				"insecure-skip-verify": r.flag(&to.TLS.InsecureSkipVerify),
			})
		},
	}
}

// scrapeFields are the keys for what Prometheus targets tell.
func (r *boardParser) scrapeFields(to *metrics.ScrapeConfig) fields {
	return fields{
		"honor-labels": r.flag(&to.HonorLabels),
		"honor-timestamps": func(n ast.Node) {
			honor := true
			r.flag(&honor)(n)
			to.IgnoreTimestamps = !honor
		},
		"labels":         r.labels(&to.Labels),
		"metric-relabel": r.list(maxRelabelRules, func(n ast.Node) { to.Relabel = append(to.Relabel, r.relabelRule(n)) }),
		"sample-limit":   r.integer(&to.SampleLimit, 1, maxScrapeSamples),
	}
}

// secretKeys are those that are known only to be refused by inClear.
var secretKeys = []string{"bearer-token", "password", "secret"}

// inClear refuses a secret in the file, which is copied, mailed and committed. instead says what to write.
func (r *boardReader) inClear(instead string) reads {
	return func(n ast.Node) {
		r.fail(placeOf(n), "a secret does not stand in a board file; remove it and write %s", instead)
	}
}

// fileOrVariable says where the secret of that key may stand.
func fileOrVariable(key string) string {
	return key + "-file: with the path of a file that holds it, or " + key + "-env: with the name of an environment variable"
}

// path reads the path of a file; a relative one begins in the board file's folder.
func (r *boardReader) path(to *string) reads {
	return func(n ast.Node) {
		text, ok := r.line(n)
		switch {
		case !ok:
		case text == "":
			r.fail(placeOf(n), "the path of a file is needed here")
		case filepath.IsAbs(text):
			*to = text
		default:
			*to = filepath.Join(filepath.Dir(r.boardSource.name), text)
		}
	}
}

var variablePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// variable reads the name of an environment variable. The mistake does not repeat the text: it may
// be the secret itself.
func (r *boardReader) variable(to *string) reads {
	return func(n ast.Node) {
		text, ok := r.scalar(n)
		switch {
		case !ok:
		case len(text) > maxTextBytes || !variablePattern.MatchString(text):
			r.fail(placeOf(n), "the name of an environment variable is needed here: letters, digits and _, without a $")
		default:
			*to = text
		}
	}
}

// labels reads a mapping of label names to values.
func (r *boardParser) labels(to *[]metrics.Label) reads {
	return func(n ast.Node) {
		r.pairs(n, "labels are written as names and values, such as env: prod", func(name string, key ast.MapKeyNode, value ast.Node) {
			l := metrics.Label{Name: name}
			r.text(&l.Value)(value)
			if _, err := metrics.NewSeries("x", l); err != nil {
				r.fail(placeOf(key), "%w", err)
				return
			}
			*to = append(*to, l)
		})
		slices.SortFunc(*to, func(a, b metrics.Label) int { return cmp.Compare(a.Name, b.Name) })
	}
}

func (r *boardParser) relabelRule(n ast.Node) metrics.RelabelRule {
	rule := metrics.DefaultRelabelRule()
	mistakes := len(r.errors)
	found := r.mapping(n, "a rule", fields{
		"action":        word(r.boardReader, &rule.Action, "replace", "keep", "drop", "labelmap", "labeldrop", "labelkeep", "keepequal", "dropequal", "hashmod", "lowercase", "uppercase"),
		"source-labels": r.list(maxSourceLabels, func(n ast.Node) { rule.SourceLabels = append(rule.SourceLabels, r.short(n)) }),
		"separator":     r.text(&rule.Separator),
		"regex":         r.text(&rule.Regex),
		"modulus":       r.integer(&rule.Modulus, 1, maxModulus),
		"target-label":  r.text(&rule.TargetLabel),
		"replacement":   r.text(&rule.Replacement),
	})
	if found != nil && len(r.errors) == mistakes && r.check.Relabel != nil {
		r.failAtKey(found, found.or("action", n), r.check.Relabel(rule))
	}
	return rule
}

func (r *boardReader) short(n ast.Node) string {
	text, _ := r.line(n)
	return text
}
