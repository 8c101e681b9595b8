package assets_test

import (
	"strings"
	"testing"

	"liveboard/assets"
)

func TestEveryURLLeadsToItsAsset(t *testing.T) {
	if err := assets.Load(); err != nil {
		t.Fatal(err)
	}
	for name, contentType := range map[string]string{
		"app.css":        "text/css; charset=utf-8",
		"js/live.js":     "text/javascript; charset=utf-8",
		"js/datastar.js": "text/javascript; charset=utf-8",
	} {
		url := assets.URL(name)
		a, ok := assets.Get(url)
		if !ok {
			t.Errorf("Get(%q) finds nothing", url)
		}
		if a.Type != contentType || len(a.Plain) == 0 || len(a.Gzip) == 0 {
			t.Errorf("%s: type %q, %d bytes, %d compressed, want %q and some of both", name, a.Type, len(a.Plain), len(a.Gzip), contentType)
		}
	}
}

func TestAllURLsShareOneFolder(t *testing.T) {
	folder := strings.TrimSuffix(assets.URL("app.css"), "app.css")
	if got, want := assets.URL("js/live.js"), folder+"js/live.js"; got != want {
		t.Errorf("URL = %q, want %q: relative imports between scripts rest on it", got, want)
	}
}

func TestGetFindsNothingElsewhere(t *testing.T) {
	url := assets.URL("app.css")
	for _, path := range []string{
		"",
		"app.css",
		assets.Prefix + "app.css",
		assets.Prefix + "000000000000/app.css",
		strings.TrimSuffix(url, "app.css"),
		strings.Replace(url, "app.css", "vendored/README.md", 1),
		strings.Replace(url, "app.css", "css/tokens.css", 1),
		strings.Replace(url, "app.css", "js/../app.css", 1),
	} {
		if _, ok := assets.Get(path); ok {
			t.Errorf("Get(%q) finds an asset, want none", path)
		}
	}
}

func TestURLOfAnUnknownNamePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("URL of an unknown name returned, want a panic")
		}
	}()
	assets.URL("js/no-such.js")
}

func TestBuildIsShortAndSteady(t *testing.T) {
	first := assets.Build()
	if len(first) != 12 || first != assets.Build() {
		t.Errorf("Build() = %q then %q, want the same 12 characters", first, assets.Build())
	}
}
