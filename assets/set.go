package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
)

// stylesheets go into app.css in this order: the layers are declared by the first, and later
// surfaces re-set the tokens of all.
var stylesheets = []string{"css/tokens.css", "css/base.css", "css/layout.css", "css/panels/*.css", "css/surfaces.css"}

// contentTypes is fixed because package mime asks the machine, and machines differ.
var contentTypes = map[string]string{
	".css":         "text/css; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".ico":         "image/x-icon",
	".webmanifest": "application/manifest+json",
}

// comment is a line of a script that holds nothing else. It stays at home, so that it may be as long as
// it needs to be; no script has such a line within a text.
var comment = regexp.MustCompile(`(?m)^[ \t]*//.*\n`)

// set is all assets of one build.
type set struct {
	hash   string
	assets map[string]Asset
}

// newSet reads css, js and img of fsys and adds client as js/datastar.js.
func newSet(fsys fs.FS, client []byte) (*set, error) {
	files := map[string][]byte{}
	for _, dir := range []string{"js", "img"} {
		if err := readTree(fsys, dir, files); err != nil {
			return nil, err
		}
	}
	for name, content := range files {
		if path.Ext(name) == ".js" {
			files[name] = comment.ReplaceAll(content, nil)
		}
	}
	files["js/datastar.js"] = client // whose license is in a comment
	css, err := bundle(fsys)
	if err != nil {
		return nil, err
	}
	files["app.css"] = css

	s := &set{hash: hash(files), assets: make(map[string]Asset, len(files))}
	for name, content := range files {
		if s.assets[name], err = newAsset(name, content); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func readTree(fsys fs.FS, dir string, files map[string][]byte) error {
	return fs.WalkDir(fsys, dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[name], err = fs.ReadFile(fsys, name)
		return err
	})
}

// bundle joins the stylesheets into one, so that a page's first paint waits for one file.
func bundle(fsys fs.FS) ([]byte, error) {
	var css bytes.Buffer
	for _, pattern := range stylesheets {
		names, err := fs.Glob(fsys, pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			sheet, err := fs.ReadFile(fsys, name)
			if err != nil {
				return nil, err
			}
			css.Write(sheet)
			css.WriteByte('\n')
		}
	}
	return css.Bytes(), nil
}

// hash names a set by its content. Lengths stand between the parts so that no two sets of
// files read the same.
func hash(files map[string][]byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%d %s %d ", len(name), name, len(files[name]))
		h.Write(files[name])
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

func newAsset(name string, content []byte) (Asset, error) {
	contentType, ok := contentTypes[path.Ext(name)]
	if !ok {
		return Asset{}, fmt.Errorf("asset %s: no content type is known for %q", name, path.Ext(name))
	}
	a := Asset{Type: contentType, Plain: content}
	if small, err := compress(content); err != nil {
		return Asset{}, fmt.Errorf("compress asset %s: %w", name, err)
	} else if len(small) < len(content) {
		a.Gzip = small
	}
	return a, nil
}

func compress(content []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(w, bytes.NewReader(content)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
