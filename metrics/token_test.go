package metrics

import "testing"

func TestTokenAllowsWhatItsScopesCover(t *testing.T) {
	tests := []struct {
		name        string
		scopes      []string
		verb, board string
		want        bool
	}{
		{"no scopes", nil, "score", "arcade", false},
		{"its leaderboard", []string{"score:arcade"}, "score", "arcade", true},
		{"another leaderboard", []string{"score:arcade"}, "score", "chess", false},
		{"a leaderboard that begins alike", []string{"score:arcade"}, "score", "arcade-2", false},
		{"any leaderboard", []string{"score:*"}, "score", "chess", true},
		{"staff may score", []string{"staff:arcade"}, "score", "arcade", true},
		{"staff may score on their leaderboard only", []string{"staff:arcade"}, "score", "chess", false},
		{"staff of all", []string{"staff:*"}, "staff", "chess", true},
		{"who scores is no staff", []string{"score:*"}, "staff", "arcade", false},
		{"the second scope", []string{"score:chess", "staff:arcade"}, "staff", "arcade", true},
		{"scopes do not mix", []string{"score:arcade", "staff:chess"}, "staff", "arcade", false},
		{"a star is no leaderboard to ask for", []string{"score:arcade"}, "score", "*", false},
		{"an unknown verb", []string{"staff:*"}, "read", "arcade", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := (Token{Scopes: tt.scopes}).Allows(tt.verb, tt.board); got != tt.want {
				t.Errorf("%v allow %s on %s: got %v, want %v", tt.scopes, tt.verb, tt.board, got, tt.want)
			}
		})
	}
}

func TestParseScope(t *testing.T) {
	for _, tt := range []struct{ text, verb, board string }{
		{"score:arcade", "score", "arcade"},
		{"staff:chess-2", "staff", "chess-2"},
		{"score:*", "score", "*"},
		{"ingest", "ingest", ""},
		{"ingest:shop_", "ingest", "shop_"},
	} {
		verb, board, err := ParseScope(tt.text)
		if verb != tt.verb || board != tt.board || err != nil {
			t.Errorf("ParseScope(%q) = %q, %q, %v, want %q, %q", tt.text, verb, board, err, tt.verb, tt.board)
		}
	}
	for _, text := range []string{"", "score", "score:", ":arcade", "read:arcade", "Score:arcade", "score:Arcade", "score:a b", "score:a:b", "score:**", "score:a,staff:b", " score:a", "ingest:", "ingest:*", "ingest:a-", "ingest:1", "ingest:a b", "ingest:\xff"} {
		if _, _, err := ParseScope(text); KindOf(err) != Invalid {
			t.Errorf("ParseScope(%q): got error %v, want one of kind Invalid", text, err)
		}
	}
}

func TestTokenIngestsWhatItsScopesCover(t *testing.T) {
	tests := []struct {
		name   string
		scopes []string
		metric string
		any    bool // may bring samples at all
		want   bool
	}{
		{"no scopes", nil, "orders", false, false},
		{"all", []string{"ingest"}, "orders", true, true},
		{"its prefix", []string{"ingest:shop_"}, "shop_orders", true, true},
		{"the prefix alone", []string{"ingest:shop_"}, "shop_", true, true},
		{"another prefix", []string{"ingest:shop_"}, "shopping", true, false},
		{"the second prefix", []string{"ingest:shop_", "ingest:till_"}, "till_open", true, true},
		{"staff bring no samples", []string{"staff:*"}, "orders", false, false},
		{"samples are no scores", []string{"score:*"}, "orders", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token := Token{Scopes: tt.scopes}
			if got := token.Ingests(tt.metric); got != tt.want || token.MayIngest() != tt.any {
				t.Errorf("%v: may ingest %v, ingests %s %v; want %v and %v", tt.scopes, token.MayIngest(), tt.metric, got, tt.any, tt.want)
			}
			if token.Allows(VerbScore, "orders") && tt.any {
				t.Error("it may score, too")
			}
		})
	}
}
