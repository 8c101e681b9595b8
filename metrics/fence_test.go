package metrics_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "liveboard"

// floors are the picture of the rooms in the README: a package imports only from floors below its own.
var floors = map[string]int{
	"metrics":           1,
	"metrics/live":      1,
	"assets":            1,
	"assets/get":        2,
	"metrics/head":      2,
	"metrics/rank":      2,
	"data":              3,
	"metrics/bus":       3,
	"metrics/collect":   3,
	"metrics/query":     3,
	"views":             3,
	"views/panels":      3,
	"views/press":       4,
	"handlers/doctor":   3,
	"handlers/client":   4,
	"handlers/jsontext": 2,
	"handlers/ingest":   3,
	"handlers/fan":      5,
	"handlers":          6,
	"":                  7, // main.go
}

// reserved may be imported by one package only, with everything below that path.
var reserved = map[string]string{
	"database/sql":       "data",
	"modernc.org/sqlite": "data",
	"github.com/nats-io": "metrics/bus",
	"github.com/go-chi":  "handlers",
}

// standardOnly are the packages without a dependency.
var standardOnly = map[string]bool{"metrics": true, "metrics/live": true, "assets": true}

// pure are the packages that only turn models into HTML.
var pure = map[string]bool{"views": true, "views/panels": true}

// The walls stand in the source, not in what go list finds for one platform: files of every
// platform count, and go test runs this again when any of them changes.
func TestImportsKeepToTheWalls(t *testing.T) {
	seen := 0
	for _, file := range goFiles(t, "..") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		pkg := strings.TrimPrefix(path.Dir("/"+file), "/")
		if _, ok := floors[pkg]; !ok {
			t.Errorf("%s: package %q has no floor: give it one in floors", file, pkg)
			continue
		}
		for _, imported := range imports(t, filepath.Join("..", file)) {
			seen++
			if wall := broken(pkg, imported); wall != "" {
				t.Errorf("%s: package %q imports %q: %s", file, pkg, imported, wall)
			}
		}
	}
	if seen == 0 {
		t.Error("no import was found: the test looks in the wrong place")
	}
}

func TestWallsStopWhatTheyShould(t *testing.T) {
	tests := []struct{ pkg, imported, want string }{
		{"metrics", "strings", ""},
		{"metrics", "github.com/google/go-cmp/cmp", "it may import the standard library only"},
		{"metrics", "liveboard/metrics/live", "imports only go down, and floor 1 is not below floor 1"},
		{"metrics/head", "liveboard/metrics", ""},
		{"metrics/head", "liveboard/handlers", "imports only go down, and floor 6 is not below floor 2"},
		{"metrics/head", "liveboard/util", "it has no floor"},
		{"handlers", "database/sql", `only "data" may`},
		{"handlers", "database/sql/driver", `only "data" may`},
		{"handlers", "database/sqlite", ""},
		{"handlers", "github.com/go-chi/chi/v5", ""},
		{"views/press", "github.com/go-chi/chi/v5", `only "handlers" may`},
		{"views/press", "net/http", ""},
		{"views", "net/http", "views know no HTTP"},
		{"views/panels", "net/http/httputil", "views know no HTTP"},
		{"", "liveboard/handlers", ""},
	}
	for _, test := range tests {
		if got := broken(test.pkg, test.imported); got != test.want {
			t.Errorf("broken(%q, %q) = %q, want %q", test.pkg, test.imported, got, test.want)
		}
	}
}

func TestMainIsTheOnlyGoFileAtTheTop(t *testing.T) {
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); path.Ext(name) == ".go" && name != "main.go" {
			t.Errorf("%s stands beside main.go: it belongs into a package", name)
		}
	}
}

// broken returns the rule that the import breaks, or "".
func broken(pkg, imported string) string {
	if own, ok := strings.CutPrefix(imported, module+"/"); ok {
		return brokenFloor(pkg, own)
	}
	for root, owner := range reserved {
		if below(root, imported) && pkg != owner {
			return "only " + strconv.Quote(owner) + " may"
		}
	}
	domain, _, _ := strings.Cut(imported, "/")
	switch {
	case standardOnly[pkg] && strings.Contains(domain, "."):
		return "it may import the standard library only"
	case pure[pkg] && below("net/http", imported):
		return "views know no HTTP"
	}
	return ""
}

func brokenFloor(pkg, imported string) string {
	from, to := floors[pkg], floors[imported]
	switch {
	case to == 0:
		return "it has no floor"
	case to >= from:
		return "imports only go down, and floor " + strconv.Itoa(to) + " is not below floor " + strconv.Itoa(from)
	}
	return ""
}

func below(root, imported string) bool {
	return imported == root || strings.HasPrefix(imported, root+"/")
}

// goFiles returns the Go files under root that go build would look at, slash-separated and relative to it.
func goFiles(t *testing.T, root string) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := entry.Name(); entry.IsDir() && name != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata") {
			return fs.SkipDir
		}
		if path.Ext(name) == ".go" {
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func imports(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, imported)
	}
	return paths
}
