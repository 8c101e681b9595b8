package assets

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
)

func files() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"css/surfaces.css":     file("surfaces"),
		"css/layout.css":       file("layout"),
		"css/base.css":         file("base"),
		"css/tokens.css":       file("tokens"),
		"css/panels/stat.css":  file("stat"),
		"css/panels/gauge.css": file("gauge"),
		"js/live.js":           file(strings.Repeat("const live = true\n", 100)),
		"img/icon.svg":         file("<svg/>"),
		"img/mark.svg":         file("<svg/>"),
		"vendored/README.md":   file("not served"),
	}
}

func mustSet(t *testing.T, fsys fs.FS, client string) *set {
	t.Helper()
	s, err := newSet(fsys, []byte(client))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStylesheetsAreBundledInOrder(t *testing.T) {
	got := string(mustSet(t, files(), "").assets["app.css"].Plain)
	if want := "tokens\nbase\nlayout\ngauge\nstat\nsurfaces\n"; got != want {
		t.Errorf("app.css = %q, want %q", got, want)
	}
}

func TestBundleHoldsEveryStylesheet(t *testing.T) {
	bundled, err := bundle(embedded)
	if err != nil {
		t.Fatal(err)
	}
	sheets := map[string][]byte{}
	if err := readTree(embedded, "css", sheets); err != nil {
		t.Fatal(err)
	}
	for name, sheet := range sheets {
		if !bytes.Contains(bundled, sheet) {
			t.Errorf("app.css lacks %s: give it a place in stylesheets", name)
		}
	}
}

func TestSetHoldsWhatBrowsersAskFor(t *testing.T) {
	s := mustSet(t, files(), "client")
	want := map[string]string{
		"app.css":        "text/css; charset=utf-8",
		"js/live.js":     "text/javascript; charset=utf-8",
		"js/datastar.js": "text/javascript; charset=utf-8",
		"img/icon.svg":   "image/svg+xml",
		"img/mark.svg":   "image/svg+xml",
	}
	got := map[string]string{}
	for name, a := range s.assets {
		got[name] = a.Type
	}
	if !maps.Equal(got, want) {
		t.Errorf("names and types:\n got %v\nwant %v", got, want)
	}
}

func TestFileOfUnknownTypeIsRefused(t *testing.T) {
	fsys := files()
	fsys["img/notes.txt"] = &fstest.MapFile{}
	if _, err := newSet(fsys, nil); err == nil || !strings.Contains(err.Error(), "img/notes.txt") {
		t.Errorf("error = %v, want one that names img/notes.txt", err)
	}
}

func TestScriptsGoWithoutCommentsOfTheirOwn(t *testing.T) {
	fsys := files()
	fsys["js/live.js"].Data = []byte("// why\nconst a = 'http://x' // so\n\t// and\n\tb()\n")
	s := mustSet(t, fsys, "// license\nclient()\n")
	if got, want := string(s.assets["js/live.js"].Plain), "const a = 'http://x' // so\n\tb()\n"; got != want {
		t.Errorf("the script is %q, want %q", got, want)
	}
	if got, want := string(s.assets["js/datastar.js"].Plain), "// license\nclient()\n"; got != want {
		t.Errorf("the client is %q, want it as it came: %q", got, want)
	}
}

func TestGzipUnpacksToThePlainBytes(t *testing.T) {
	a := mustSet(t, files(), "").assets["js/live.js"]
	r, err := gzip.NewReader(bytes.NewReader(a.Gzip))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, a.Plain) {
		t.Errorf("gzip holds %d bytes that differ from the %d plain ones", len(got), len(a.Plain))
	}
}

func TestGzipIsLeftOutWhereItIsNoSmaller(t *testing.T) {
	if a := mustSet(t, files(), "").assets["img/icon.svg"]; a.Gzip != nil {
		t.Errorf("%q came out as %d compressed bytes, want none", a.Plain, len(a.Gzip))
	}
}

func TestHashFollowsContent(t *testing.T) {
	changes := map[string]func(fstest.MapFS){
		"a script's text":   func(f fstest.MapFS) { f["js/live.js"].Data = []byte("x") },
		"a panel's style":   func(f fstest.MapFS) { f["css/panels/stat.css"].Data = []byte("x") },
		"a new picture":     func(f fstest.MapFS) { f["img/new.svg"] = &fstest.MapFile{} },
		"a removed picture": func(f fstest.MapFS) { delete(f, "img/icon.svg") },
		"a renamed picture": func(f fstest.MapFS) { f["img/logo.svg"] = f["img/icon.svg"]; delete(f, "img/icon.svg") },
	}
	same := mustSet(t, files(), "client").hash
	if again := mustSet(t, files(), "client").hash; again != same {
		t.Errorf("hash of the same files = %q, then %q", same, again)
	}
	if other := mustSet(t, files(), "another client").hash; other == same {
		t.Errorf("hash %q stayed when the client changed", same)
	}
	for name, change := range changes {
		fsys := files()
		change(fsys)
		if got := mustSet(t, fsys, "client").hash; got == same {
			t.Errorf("hash %q stayed after %s", got, name)
		}
	}
}
