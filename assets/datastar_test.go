package assets

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"
)

func TestEmbeddedClientIsUsedWhenPresent(t *testing.T) {
	js, license, err := Download()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(license, []byte("MIT")) {
		t.Errorf("the license does not say MIT: %.80q", license)
	}
	fsys := fstest.MapFS{"vendored/datastar.js": {Data: js}}
	got, err := datastar(fsys, func() ([]byte, error) { return nil, errors.New("asked the network") })
	if err != nil || !bytes.Equal(got, js) {
		t.Errorf("got %d bytes and error %v, want the embedded %d", len(got), err, len(js))
	}
}

func TestMissingClientIsDownloaded(t *testing.T) {
	got, err := datastar(fstest.MapFS{}, func() ([]byte, error) { return []byte("js"), nil })
	if err != nil || string(got) != "js" {
		t.Errorf("got %q and error %v, want what the download gave", got, err)
	}
}

func TestClientThatIsNotThePinnedOneIsRefused(t *testing.T) {
	fsys := fstest.MapFS{"vendored/datastar.js": {Data: []byte("alert(1)")}}
	_, err := datastar(fsys, func() ([]byte, error) { return nil, errors.New("asked the network") })
	if err == nil || !strings.Contains(err.Error(), "go generate ./...") {
		t.Errorf("error = %v, want one with the command that cures it", err)
	}
}

func TestClientOutOfReachNamesTheCure(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"no go command":   {"PATH": t.TempDir()},
		"no module proxy": {"GOPROXY": "off", "GOMODCACHE": t.TempDir()},
	} {
		t.Run(name, func(t *testing.T) {
			for key, value := range env {
				t.Setenv(key, value)
			}
			_, _, err := Download()
			if want := "go mod download github.com/starfederation/datastar@v1.0.2"; err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("error = %v, want one that ends with %q", err, want)
			}
		})
	}
}

func TestModuleDir(t *testing.T) {
	const good = `{"Dir": "/cache/datastar", "Sum": "` + moduleSum + `"}`
	exit := &exec.ExitError{Stderr: []byte("go: no such flag\n")}
	tests := []struct {
		name, out string
		runErr    error
		dir       string
		wantErr   string
	}{
		{"found", good, nil, "/cache/datastar", ""},
		{"another sum", `{"Dir": "/cache/datastar", "Sum": "h1:other"}`, nil, "", `the module has the hash "h1:other", the pin says ` + moduleSum},
		{"reported in JSON", `{"Error": "module lookup disabled"}`, exit, "", "module lookup disabled"},
		{"reported on stderr", "", exit, "", "go: no such flag"},
		{"did not run", "", exec.ErrNotFound, "", exec.ErrNotFound.Error()},
		{"no JSON", "warning", nil, "", `the module has the hash "", the pin says ` + moduleSum},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir, err := moduleDir([]byte(test.out), test.runErr)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if dir != test.dir || text != test.wantErr {
				t.Errorf("got %q, error %q; want %q, error %q", dir, text, test.dir, test.wantErr)
			}
		})
	}
}
