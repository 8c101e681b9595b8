package query_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"liveboard/metrics"
	"liveboard/metrics/query"
)

func TestCheckTellsWhereAnExpressionIsWrong(t *testing.T) {
	for _, test := range []struct{ name, expr, want string }{
		{"an instant vector", `sum by (host) (rate(x{host!=""}[1m]))`, ""},
		{"a scalar", `time() - 1`, ""},
		{"the ends of the window", `x @ end() offset -1m`, ""},
		{"nothing", ``, "1:1: parse error: no expression found"},
		{"an open brace", `up{host="a"`, "1:12: parse error: unexpected end of input"},
		{"a stray operator", `sum(*)`, "1:5: parse error: unexpected <op:*>"},
		{"the second line", "sum(\n  up +)", "2:7: parse error:"},
		{"an unknown function", `increese(x[1m])`, `1:1: parse error: unknown function with name "increese"`},
		{"a bad pattern", `x{host=~"("}`, "parse error: error parsing regexp"},
		{"a wrong type", `rate(x)`, "1:6: parse error: expected type range vector"},
		{"an experimental function", `sort_by_label(x, "a")`, "1:1: parse error:"},
		{"a range vector", `x[5m]`, "1:1: the expression gives a range vector"},
		{"a string", `"hello"`, "1:1: the expression gives a string"},
		{"too long", strings.Repeat("(", 20000), "1:1: the expression has 20000 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := query.Check(test.expr)
			if test.want == "" {
				if err != nil {
					t.Errorf("Check(%q) = %v, want nil", test.expr, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || metrics.KindOf(err) != metrics.Invalid {
				t.Errorf("Check(%.20q) = %v of kind %d, want %q of kind Invalid", test.expr, err, metrics.KindOf(err), test.want)
			}
		})
	}
}

func TestNamesAreTheTopicsOfAnExpression(t *testing.T) {
	for _, test := range []struct {
		expr string
		want []string
	}{
		{`b / ignoring(x) a`, []string{"a", "b"}},
		{`a + a offset 1m`, []string{"a"}},
		{`max_over_time(rate(a[1m])[5m:10s])`, []string{"a"}},
		{`{__name__="a", host="x"}`, []string{"a"}},
		{`a or {host="x"}`, []string{"*"}},
		{`{__name__=~"a|b"}`, []string{"*"}},
		{`{__name__!="a"}`, nil},
		{`time()`, nil},
		{`a{`, nil},
	} {
		if got := query.Names(test.expr); !cmp.Equal(got, test.want) {
			t.Errorf("Names(%q) = %q, want %q", test.expr, got, test.want)
		}
	}
}
