package assets

import (
	"runtime/debug"
	"testing"
)

func TestOnlyACleanCommitNamesTheBuild(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	tests := []struct {
		name     string
		settings []debug.BuildSetting
		want     string
	}{
		{"clean", []debug.BuildSetting{setting("vcs.revision", commit), setting("vcs.modified", "false")}, commit},
		{"changed since", []debug.BuildSetting{setting("vcs.revision", commit), setting("vcs.modified", "true")}, ""},
		{"not stamped", nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := cleanCommit(&debug.BuildInfo{Settings: test.settings}); got != test.want {
				t.Errorf("cleanCommit = %q, want %q", got, test.want)
			}
		})
	}
}

func TestExecutableHashIsThatOfTheFile(t *testing.T) {
	first, err := executableHash()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := executableHash(); len(first) != 12 || again != first {
		t.Errorf("executableHash = %q then %q, want the same 12 characters", first, again)
	}
}
