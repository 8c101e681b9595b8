package data

import (
	"regexp"
	"slices"
	"strings"
)

// secretKey is a key whose value is a secret, or would be where somebody took it for the place of
// one or misspelt it.
var secretKey = regexp.MustCompile(`(?i)([a-z_-]*(?:pas|pwd|secret|tok|cred|bear)[a-z_-]*)(?:["']\s*:\s*|\s*:(?:\s+|$))`)

// secretInURL is what of a URL may be secret: the user info and the query.
var secretInURL = regexp.MustCompile(`(?i)https?://(?:([^\s"']*)@)?[^\s"'?]*(?:\?([^\s"']*))?`)

// concealed returns the lines of a board file with ● for each character that may belong to a secret:
// excerpts go to terminals, logs and every open page. It works on text, for a file may not parse.
func concealed(lines []string) []string {
	all := make([]string, len(lines))
	below := -1 // lines with a deeper indentation go on with a secret; -1 where none does
	for i, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		blank := indent == len(line)
		if below >= 0 && (blank || indent > below) {
			all[i] = line[:indent] + dots(line[indent:])
			continue
		}
		below = -1
		line = concealURLs(line)
		if key, value := secretIn(line); value >= 0 {
			line, below = line[:value]+dots(line[value:]), continuation(line, key, indent)
		}
		all[i] = line
	}
	return all
}

// secretIn returns where the first secret's key and value begin in line, or -1.
func secretIn(line string) (key, value int) {
	for _, at := range secretKey.FindAllStringSubmatchIndex(line, -1) {
		if name := strings.ToLower(line[at[2]:at[3]]); !strings.HasSuffix(name, "file") {
			return at[2], at[1]
		}
	}
	return -1, -1
}

// continuation is the indentation that lines must exceed to belong to the secret of that key: in
// brackets any line may that is deeper than the one before them.
func continuation(line string, key, indent int) int {
	if strings.ContainsAny(line[:key], "{[") {
		return indent
	}
	return key
}

// concealURLs works from the right: a dot has more bytes than what it stands for.
func concealURLs(line string) string {
	for _, at := range slices.Backward(secretInURL.FindAllStringSubmatchIndex(line, -1)) {
		for _, group := range []int{4, 2} {
			if from, to := at[group], at[group+1]; from >= 0 {
				line = line[:from] + dots(line[from:to]) + line[to:]
			}
		}
	}
	return line
}

func dots(text string) string { return strings.Repeat("●", len([]rune(text))) }
