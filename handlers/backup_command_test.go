package handlers

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// quietBoard is ordersBoard without collectors: nobody writes but who pushes.
const quietBoard = "collectors: []\n" + ordersBoard

// startQuiet starts a server of quietBoard over a database.
func startQuiet(t testing.TB, database string, args ...string) *process {
	t.Helper()
	return start(t, append(args, "--data="+database, "--board="+boardFile(t, quietBoard))...)
}

func (p *process) push(line string) {
	p.t.Helper()
	pushBy(p.t, http.DefaultTransport, p.URL, line)
}

// shown is the text of the board's panel.
func (p *process) shown() string {
	p.t.Helper()
	return text(find(parsed(p.t, get200(p.t, p.URL+"/d/shop").body), "article"))
}

func TestBackupBesideAServerIsRestored(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, file := filepath.Join(folder, "x.db"), filepath.Join(folder, "backup.db")
	database := "--data=" + path
	p := startQuiet(t, path)
	p.push("orders 700")
	if out := succeed(t, "backup", file, database); !strings.Contains(out, "verified") {
		t.Errorf("backup says %q", out)
	}
	p.push("orders 800")
	if out := succeed(t, "verify", file); !strings.Contains(out, "is sound. Series: 1, samples: 1 ") {
		t.Errorf("verify of the backup says %q", out)
	}
	if out := succeed(t, "verify", database); !strings.Contains(out, "samples: 2 ") {
		t.Errorf("verify beside the server says %q", out)
	}
	wantRefusal(t, 1, "exists already: say --force", "backup", file, database)
	wantRefusal(t, 1, "in use by another liveboard process", "restore", file, database)
	wantRefusal(t, 1, "in use by another liveboard process", "restore", file, database, "--force")
	wantRefusal(t, 1, folder+" is a folder: name a file in it", "backup", folder, database)
	p.stop()
	wantRefusal(t, 1, "exists already: say --force", "restore", file, database)
	succeed(t, "restore", file, database, "--force")
	if got := startQuiet(t, path).shown(); !strings.Contains(got, "700") {
		t.Errorf("the panel shows %q, want the 700 of the backup", got)
	}
}

func TestBackupWithoutAServer(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, file := filepath.Join(folder, "x.db"), filepath.Join(folder, "backup.db")
	database := "--data=" + path
	wantRefusal(t, 1, "there is no database", "backup", file, database)
	wantRefusal(t, 1, "there is no database", "verify", database)
	wantRefusal(t, 1, "there is no database", "restore", file, database)
	p := startQuiet(t, path)
	p.push("orders 700")
	p.kill() // the log of writes is still beside the file
	succeed(t, "backup", file, database)
	fresh := filepath.Join(folder, "new", "y.db")
	succeed(t, "restore", file, "--data="+fresh)
	if got := startQuiet(t, fresh).shown(); !strings.Contains(got, "700") {
		t.Errorf("the panel shows %q, want 700", got)
	}
}

func TestVerifyEndsWithThreeWhereSomethingIsWrong(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "x.db")
	p := startQuiet(t, path)
	for i := range 300 {
		p.push(fmt.Sprintf("orders %d", i))
	}
	p.stop()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(content); i += 512 {
		content[i] ^= 0x55
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, 3, "the file is no database", "verify", boardFile(t, quietBoard+strings.Repeat("# nothing\n", 400)))
	code, stdout, stderr := run(t, "verify", path)
	if code != 3 || !strings.Contains(stdout, "age") || !strings.Contains(stderr, "damaged") {
		t.Errorf("verify ends with %d and says %q and %q", code, stdout, stderr)
	}
	code, _, stderr = run(t, "backup", filepath.Join(folder, "b.db"), "--data="+path)
	if _, err := os.Stat(filepath.Join(folder, "b.db")); err == nil || code != 3 {
		t.Errorf("backup of a damaged database ends with %d and says %q, want 3 and no file", code, stderr)
	}
}

func TestVerifyTellsOfOneProblemAsOfOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	p := startQuiet(t, path)
	p.push("orders 1")
	p.stop()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[63] = 99 // the version of the schema: https://www.sqlite.org/fileformat.html#the_database_header
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, 3, "the database is damaged: "+path+", in one place", "verify", path)
}

func TestServeIsRefusedWhereBackupsCannotBeWritten(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, 1, "backups cannot be written to the folder "+file, "serve", "--listen=127.0.0.1:0", "--data="+filepath.Join(folder, "x.db"), "--backup-dir="+file)
}
