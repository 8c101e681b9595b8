package assets

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"
)

// Build returns a short name for this build of the program. A page that carries another than
// the server's is out of date. It is made of the commit, which is the same on every platform,
// or of the executable's own bytes where it was not built from a clean commit.
var Build = sync.OnceValue(func() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		if commit := cleanCommit(info); commit != "" {
			return commit[:min(len(commit), 12)]
		}
	}
	name, err := executableHash()
	if err != nil {
		return "unknown" // the same for every build: pages then stay as they are
	}
	return name
})

func cleanCommit(info *debug.BuildInfo) string {
	var revision, modified string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value
		case "vcs.modified":
			modified = s.Value
		}
	}
	if modified != "false" {
		return ""
	}
	return revision
}

func executableHash() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", fmt.Errorf("read the executable: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}
