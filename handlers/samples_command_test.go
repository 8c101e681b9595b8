package handlers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestExportAndImportMoveSamplesToAnotherDatabase(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "x.db")
	p := startQuiet(t, path)
	at := time.Now().Add(-time.Hour).UnixMilli()
	for i := range int64(200) {
		p.push(fmt.Sprintf("orders{shop=\"se\"} %d %d\norders{shop=\"no\"} %d %d", i, at+i, -i, at+i))
	}
	all := succeed(t, "export", "--data="+path)
	if n := strings.Count(all, "\n"); n != 401 {
		t.Errorf("beside the server the export has %d lines, want 401", n)
	}
	wantRefusal(t, 1, "in use by another liveboard process", "import", "--data="+path, "x.csv")
	p.stop()
	some := succeed(t, "export", "--data="+path, "--query", `orders{shop="se"}`, "--from", fmt.Sprint(at+150), "--to", time.UnixMilli(at+5000).Format(time.RFC3339))
	if n := strings.Count(some, "\n"); n != 51 || strings.Contains(some, "no") {
		t.Errorf("the selection has %d lines, want 51: %s", n, some)
	}
	for _, format := range []string{"csv", "json"} {
		file := filepath.Join(folder, "all."+format)
		if err := os.WriteFile(file, []byte(succeed(t, "export", "--data="+path, "--format="+format)), 0o600); err != nil {
			t.Fatal(err)
		}
		fresh := filepath.Join(folder, format+".db")
		for range 2 {
			if out := succeed(t, "import", "--data="+fresh, file); out != file+": 400 samples\n" {
				t.Errorf("import says %q", out)
			}
			if got := succeed(t, "export", "--data="+fresh); got != all {
				t.Errorf("by way of %s the samples are\n%s, want\n%s", format, got, all)
			}
		}
	}
}

func TestExportAndImportSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "x.db")
	wantRefusal(t, 1, "there is no database", "export", "--data="+path)
	file := filepath.Join(folder, "x.txt")
	if err := os.WriteFile(file, []byte("orders 1 1763777777000\norders 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, 1, file+": line 2: after the series come a value and a time, both, and nothing else; nothing of the file is stored", "import", "--data="+path, file)
	array := filepath.Join(folder, "x.json")
	if err := os.WriteFile(array, []byte("[]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, 1, array+": line 1: the line is JSON, but an array: each line is an object such as", "import", "--data="+path, array)
	wantRefusal(t, 1, "no such file", "import", "--data="+path, file+".not")
	wantRefusal(t, 1, "--from yesterday: write a time such as", "export", "--data="+path, "--from=yesterday")
	wantRefusal(t, 1, "--from 2 is after --to 1", "export", "--data="+path, "--from=2", "--to=1")
	wantRefusal(t, 1, "write a selector such as", "export", "--data="+path, "--query=rate(orders[5m])")
}

func TestArrivalsSayThatSeriesWereImported(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, file := filepath.Join(folder, "x.db"), filepath.Join(folder, "x.csv")
	if err := os.WriteFile(file, []byte("series,time,value\norders,1763777777000,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	succeed(t, "import", "--data="+path, file)
	p := startQuiet(t, path)
	if got := text(arrivedRow(parsed(t, get200(t, p.URL+"/arrivals").body), "orders")); !strings.Contains(got, "import from this machine") {
		t.Errorf("the row says %q, want that it was imported", got)
	}
}
