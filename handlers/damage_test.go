package handlers

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// flip inverts the bytes from one offset to another.
func flip(content []byte, from, to int) []byte {
	content = slices.Clone(content)
	for i := range content[from:to] {
		content[from+i] ^= 0xff
	}
	return content
}

// A file that is not what was written is refused with the way back, whatever part of it is broken,
// and that way leads back.
func TestProcessRefusesADamagedDatabase(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "x.db")
	p := startQuiet(t, path)
	for i := range 300 {
		p.push(fmt.Sprintf("orders %d\nreturns{shop=\"se\"} %d", i, i))
	}
	p.stop() // which seals: there are chunks now
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	refused := func(content []byte, cure string) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		wantRefusal(t, 3, "the database is damaged", "serve", "--listen=127.0.0.1:0", "--data="+path)
		wantRefusal(t, 3, cure, "serve", "--listen=127.0.0.1:0", "--data="+path)
	}
	refused([]byte(strings.Repeat("dashboards: []\n", 400)), "the file is no database, or the database is damaged at its beginning: file is not a database (26). Does --data name the right file? If so, there is no backup")
	for name, content := range map[string][]byte{
		"header":       flip(sound, 0, 16),
		"schema":       flip(sound, 100, 108),
		"pages":        flip(sound, page, len(sound)),
		"half a file":  sound[:len(sound)/2/page*page],
		"another file": []byte(strings.Repeat("no database ", 1000)),
	} {
		t.Log(name)
		refused(content, "there is no backup in "+path+".backups; if you have one elsewhere: liveboard restore FILE --data "+path+" --force")
	}
	backup := filepath.Join(path+".backups", "x-20261128T030000Z.db")
	if err := os.MkdirAll(path+".backups", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(backup, sound, 0o600); err != nil {
		t.Fatal(err)
	}
	cure := "liveboard restore " + backup + " --data " + path + " --force"
	refused(flip(sound, page, len(sound)), cure)
	succeed(t, strings.Fields(cure)[1:]...)
	if got := startQuiet(t, path).shown(); !strings.Contains(got, "299") {
		t.Errorf("after the restore the panel shows %q, want 299", got)
	}
}
