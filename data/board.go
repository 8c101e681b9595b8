package data

import (
	_ "embed"
	"fmt"
	"io"
	"os"
	"time"

	// The zones that a board may name are the same on every machine.
	_ "time/tzdata"

	"github.com/goccy/go-yaml/ast"

	"liveboard/metrics"
)

// BoardCheck is what ParseBoard cannot know by itself. A nil func allows everything.
type BoardCheck struct {
	// Panel checks a panel against its kind and fills in Width, Height and StaleAfter, which are 0
	// where the file leaves them out. An error that begins with a key ("unit: …") is shown at
	// that key, any other at the kind.
	Panel func(*metrics.Panel) error
	// Expr checks a PromQL expression. An error that begins with line:column, in bytes from
	// 1:1 of the expression, is shown at that place.
	Expr func(expr string) error
	// Collector checks a collector beside those before it in the file, and returns it with
	// Interval, Timeout and Top filled in, which are 0 where the file leaves them out. Its
	// errors are placed as those of Panel.
	Collector func(c metrics.CollectorConfig, before []metrics.CollectorConfig) (metrics.CollectorConfig, error)
	// Relabel checks a rule. Its errors are placed as those of Panel, any other at the action.
	Relabel func(metrics.RelabelRule) error
}

// Limits of a board.
const (
	maxDashboards = 100
	maxPanels     = 100 // a dashboard
	maxCollectors = 100
	maxTargets    = 1000 // a collector
	maxOrigins    = 100
)

// Ranges that a dashboard may show when it opens.
const (
	defaultRange = 15 * time.Minute
	minRange     = time.Minute
	maxRange     = 365 * 24 * time.Hour
)

//go:embed default.yaml
var defaultBoard []byte

// DefaultBoard returns the text of the built-in board, which shows this machine.
func DefaultBoard() []byte { return append([]byte(nil), defaultBoard...) }

// LoadBoard reads and checks the board file at path, as ParseBoard does. Where there is no file
// the error wraps fs.ErrNotExist.
func LoadBoard(path string, check BoardCheck) (*metrics.Board, error) {
	src, err := readBoard(path)
	if err != nil {
		return nil, err
	}
	return ParseBoard(path, src, check)
}

// readBoard returns the first bytes of a file, enough for ParseBoard to see that it is too large.
func readBoard(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the board file: %w", err)
	}
	defer file.Close()
	src, err := io.ReadAll(io.LimitReader(file, maxBoardBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the board file: %w", err)
	}
	return src, nil
}

// ParseBoard reads a board file of at most 1 MiB; name is what errors call it, and its folder is
// where relative paths begin. It is strict:
// whatever is unknown, doubtful or out of bounds is a mistake, and the error is BoardErrors
// with all of them, each with its place and its cure. A section that the file leaves out,
// dashboards, leaderboards or collectors, is that of the built-in board.
func ParseBoard(name string, src []byte, check BoardCheck) (*metrics.Board, error) {
	if len(src) > maxBoardBytes {
		s := boardSource{name: name, source: []string{""}}
		s.fail(place{1, 1}, "the file is larger than 1 MiB, which no board needs")
		return nil, s.err()
	}
	r := &boardParser{boardReader: newBoardReader(name, src), check: check}
	board := r.board()
	if err := r.err(); err != nil {
		return nil, err
	}
	return board, nil
}

// boardParser makes a board of what a boardReader reads.
type boardParser struct {
	*boardReader
	check BoardCheck
	refs  []boardRef
}

func (r *boardParser) board() *metrics.Board {
	root := r.root()
	if root == nil {
		return nil
	}
	b := &metrics.Board{Storage: metrics.DefaultStorage()}
	sections := r.mapping(root, "a board", fields{
		"dashboards":   r.dashboards(&b.Dashboards),
		"leaderboards": r.leaderboards(&b.Leaderboards),
		"collectors":   r.collectors(&b.Collectors),
		"webhooks":     r.webhooks(&b.Webhooks),
		"embed":        r.embed(&b.Embed),
		"storage":      r.storage(&b.Storage),
	})
	if len(r.errors) == 0 {
		r.complete(b, sections)
	}
	if len(r.errors) == 0 || sections["leaderboards"] != nil {
		r.checkRefs(b)
	}
	return b
}

// complete fills in the sections that the file left out.
func (r *boardParser) complete(b *metrics.Board, given found) {
	if given["dashboards"] != nil && given["leaderboards"] != nil && given["collectors"] != nil {
		return
	}
	builtIn, err := ParseBoard("built-in board", defaultBoard, r.check)
	if err != nil {
		r.fail(place{1, 1}, "the built-in board does not fit: %w", err)
		return
	}
	if given["dashboards"] == nil {
		b.Dashboards = builtIn.Dashboards
	}
	if given["leaderboards"] == nil {
		b.Leaderboards = builtIn.Leaderboards
	}
	if given["collectors"] == nil {
		b.Collectors = builtIn.Collectors
	}
}

func (r *boardParser) dashboards(to *[]metrics.Dashboard) reads {
	names := map[string]bool{}
	each := r.list(maxDashboards, func(n ast.Node) {
		*to = append(*to, r.dashboard(n, names))
	})
	return func(n ast.Node) {
		each(n)
		if len(*to) == 0 {
			r.fail(placeOf(n), "a board has at least one dashboard; leave the key out for the built-in one")
		}
	}
}

func (r *boardParser) dashboard(n ast.Node, names map[string]bool) metrics.Dashboard {
	d := metrics.Dashboard{Range: defaultRange}
	found := r.mapping(n, "a dashboard", fields{
		"name":   r.name(&d.Name),
		"title":  r.text(&d.Title),
		"text":   r.text(&d.Text),
		"range":  r.span(&d.Range, minRange, maxRange),
		"panels": r.panels(&d.Panels),
	})
	if found == nil {
		return d
	}
	if found["name"] == nil {
		r.fail(placeOf(n), "this dashboard has no name; add name: with what its address shall end in, such as host")
	}
	if found["panels"] == nil {
		r.fail(placeOf(n), "this dashboard has no panels; add panels: with a list")
	}
	r.unique(names, d.Name, placeOf(found.or("name", n)), "dashboards")
	if d.Title == "" {
		d.Title = d.Name
	}
	return d
}

// or returns the value of key, or n where the file has none.
func (f found) or(key string, n ast.Node) ast.Node {
	if f[key] != nil {
		return f[key]
	}
	return n
}

// unique reports a second thing of one name.
func (r *boardParser) unique(names map[string]bool, name string, where place, things string) {
	if name != "" && names[name] {
		r.fail(where, "two %s are named %q; give this one a name: of its own", things, name)
	}
	names[name] = true
}
