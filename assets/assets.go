// Package assets holds what a browser needs beside the HTML: styles, scripts and pictures,
// embedded in the binary and served under one folder whose name is the hash of all of them.
// So a URL's content never changes, relative imports between the scripts just work, and a
// browser fetches each file once per release. Third-party code is not committed: see Datastar.
package assets

import (
	"embed"
	"strings"
	"sync"
)

// Prefix is where all URLs of this package begin.
const Prefix = "/assets/"

// The folder vendored always holds its README.md, so that a checkout builds whether or not
// go generate has put the Datastar client there.
//
//go:embed css js img vendored
var embedded embed.FS

// Asset is one file as it goes to a browser. Its bytes belong to the package: do not change them.
type Asset struct {
	Type  string // the Content-Type
	Plain []byte
	Gzip  []byte // Plain compressed; nil where that is no smaller
}

var loaded = sync.OnceValues(func() (*set, error) {
	client, err := Datastar()
	if err != nil {
		return nil, err
	}
	return newSet(embedded, client)
})

// Load makes every asset ready, once; later calls return the same answer at once. A server
// calls it before it listens: the error is a sentence for the person who started it and ends
// with the command that cures it. It takes milliseconds, unless the Datastar client is
// neither built in nor in Go's module cache and must come over the network.
func Load() error {
	_, err := loaded()
	return err
}

// URL returns the path of the asset called name, such as "js/live.js", "img/icon.svg", or
// "app.css" for all styles in one. It loads the assets where Load was not called before. It
// panics where there is no such asset, or none could be loaded: names are written by programmers.
func URL(name string) string {
	s := mustLoad()
	if _, ok := s.assets[name]; !ok {
		panic("assets: there is no " + name)
	}
	return Prefix + s.hash + "/" + name
}

// Get returns the asset at a path that URL has made; ok is false for any other path, that of
// another release included. What it returns may be cached forever under its path.
func Get(path string) (a Asset, ok bool) {
	s := mustLoad()
	name, ok := strings.CutPrefix(path, Prefix+s.hash+"/")
	if !ok {
		return Asset{}, false
	}
	a, ok = s.assets[name]
	return a, ok
}

func mustLoad() *set {
	s, err := loaded()
	if err != nil {
		panic(err)
	}
	return s
}
