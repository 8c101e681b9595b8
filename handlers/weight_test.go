package handlers

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the built-in board may weigh in gzip bytes.
const (
	maxPageBytes = 60_000
	maxTickBytes = 1000
)

var imports = regexp.MustCompile(`import\s*\(?[^'"]*['"](\./[^'"]+)['"]`)

func TestFirstPageIsLight(t *testing.T) {
	t.Parallel()
	p := start(t)
	open(t, p.URL+"/live/host").until("") // there are data
	page := get200(t, p.URL+"/d/host", "Accept-Encoding", "gzip")
	document := parsed(t, unzip(t, page.body))
	var announced []string
	for n := range document.Descendants() {
		if ref := attr(n, "href") + attr(n, "src"); strings.HasPrefix(ref, "/assets/") {
			announced = append(announced, ref)
		}
	}
	total, all := len(page.body), slices.Clone(announced)
	for i := 0; i < len(all); i++ {
		file := get200(t, p.URL+all[i], "Accept-Encoding", "gzip")
		total += len(file.body)
		for _, ref := range importsOf(t, file, all[i]) {
			if !slices.Contains(all, ref) {
				t.Errorf("%s is imported and not announced by the page: a second round trip", ref)
				all = append(all, ref)
			}
		}
	}
	t.Logf("the page and its %d files weigh %d bytes", len(all), total)
	if len(announced) < 3 || total > maxPageBytes {
		t.Errorf("the page and its %d files weigh %d bytes, want at most %d", len(all), total, maxPageBytes)
	}
}

// importsOf returns the addresses that a script imports.
func importsOf(t *testing.T, file answer, at string) (refs []string) {
	text := file.body
	if file.Header.Get("Content-Encoding") == "gzip" {
		text = unzip(t, text)
	}
	if !strings.HasSuffix(at, ".js") {
		return nil
	}
	for _, m := range imports.FindAllStringSubmatch(text, -1) {
		refs = append(refs, path.Join(path.Dir(at), m[1]))
	}
	return refs
}

func TestTicksAreLight(t *testing.T) {
	t.Parallel()
	const settle, measured = 5, 20
	s := open(t, start(t).URL+"/live/host", "Accept-Encoding", "gzip")
	for range settle {
		s.until("")
	}
	var sizes []int
	before := s.until("")
	for range measured {
		tick := s.until("")
		sizes = append(sizes, tick[len(tick)-1].through-before[len(before)-1].through)
		before = tick
	}
	sum := 0
	for _, size := range sizes {
		sum += size
	}
	t.Logf("ticks weigh %v bytes, %d on average", sizes, sum/measured)
	if sum/measured > maxTickBytes {
		t.Errorf("ticks weigh %v bytes, %d on average, want at most %d", sizes, sum/measured, maxTickBytes)
	}
}
