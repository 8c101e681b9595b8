package assets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

//go:generate go run ./get

// The pin of the Datastar client: a Go module without Go code, the hash that go.sum would hold
// for it, and the digest of the one file we serve.
const (
	module     = "github.com/starfederation/datastar"
	version    = "v1.0.2"
	moduleSum  = "h1:v32nHpEFoAcHV+LqO/KdWmbh5M7UQp6SQLCn0l8HqsQ="
	fileSHA256 = "2837d87acf6ee0ba8e4e63765926c25a98d63883b02f88be194a86b81d3fd24a"
)

// downloadTimeout bounds a start that must fetch the client over the network.
const downloadTimeout = time.Minute

// Datastar returns the Datastar client (https://data-star.dev, MIT license), checked against
// the pin: the copy that go generate has embedded, else the one in Go's module cache, which
// the go command fills over the network where it is empty. Found once, remembered.
var Datastar = sync.OnceValues(func() ([]byte, error) {
	return datastar(embedded, func() ([]byte, error) {
		js, _, err := Download()
		return js, err
	})
})

func datastar(fsys fs.FS, download func() ([]byte, error)) ([]byte, error) {
	js, err := fs.ReadFile(fsys, "vendored/datastar.js")
	if errors.Is(err, fs.ErrNotExist) {
		return download()
	}
	if err != nil {
		return nil, err
	}
	if err := check(js); err != nil {
		return nil, fmt.Errorf("the embedded Datastar client: %w; run go generate ./... and build again", err)
	}
	return js, nil
}

// Download returns the client and the text of its license out of Go's module cache, which the
// go command fills from the module proxy. Both the module and the file are checked against the pin.
func Download() (js, license []byte, err error) {
	dir, err := downloadModule()
	if err != nil {
		return nil, nil, fmt.Errorf("the Datastar client is not built in and cannot be fetched: %w; "+
			"with Go installed and the Go module proxy in reach, run: go mod download %s@%s", err, module, version)
	}
	js, jsErr := os.ReadFile(filepath.Join(dir, "bundles", "datastar.js"))
	license, licenseErr := os.ReadFile(filepath.Join(dir, "LICENSE.md"))
	if err := errors.Join(jsErr, licenseErr, check(js)); err != nil {
		return nil, nil, fmt.Errorf("the Datastar client in Go's module cache: %w; run go clean -modcache and try again", err)
	}
	return js, license, nil
}

func check(js []byte) error {
	if got := sha256.Sum256(js); hex.EncodeToString(got[:]) != fileSHA256 {
		return fmt.Errorf("datastar.js has the SHA-256 %x, the pin of %s says %s", got, version, fileSHA256)
	}
	return nil
}

// downloadModule returns the module's folder in the cache. The go command runs in a module of
// its own, so that no go.mod or go.sum of anybody is read or written.
func downloadModule() (dir string, err error) {
	scratch, err := os.MkdirTemp("", "liveboard-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(scratch)
	if err := os.WriteFile(filepath.Join(scratch, "go.mod"), []byte("module scratch\n"), 0o600); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), downloadTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module+"@"+version)
	cmd.Dir = scratch
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, runErr := cmd.Output()
	return moduleDir(out, runErr)
}

// moduleDir reads what go mod download -json says. On failure the reason stands in its
// output, else on its stderr, else only in the error of running it.
func moduleDir(out []byte, runErr error) (string, error) {
	var m struct{ Dir, Sum, Error string }
	if err := json.Unmarshal(out, &m); err == nil && m.Error != "" {
		return "", errors.New(m.Error)
	}
	if exit := (*exec.ExitError)(nil); errors.As(runErr, &exit) && len(exit.Stderr) > 0 {
		return "", errors.New(strings.TrimSpace(string(exit.Stderr)))
	}
	if runErr != nil {
		return "", runErr
	}
	if m.Sum != moduleSum {
		return "", fmt.Errorf("the module has the hash %q, the pin says %s", m.Sum, moduleSum)
	}
	return m.Dir, nil
}
