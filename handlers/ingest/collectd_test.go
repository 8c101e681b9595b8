package ingest

import (
	"net/http"
	"strings"
	"testing"

	"liveboard/metrics"
)

// readLists reads a body that came at noon.
func readLists(body string) (batch metrics.Batch, d *delivery, err error) {
	d = arrived("application/json", []byte(body))
	batch, err = readCollectd(d)
	return batch, d, err
}

func TestCollectdsValueListsBecomeSamples(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"type of the plugin's name", `[{"values":[7],"dstypes":["derive"],"dsnames":["value"],"time":1799999999.087,"interval":10.000,"host":"a","plugin":"cpu","plugin_instance":"0","type":"cpu","type_instance":"idle","meta":{"x":true}}]`,
			`collectd_cpu_total{cpu="0",instance="a",type="idle"} 7 -913` + "\n"},
		{"several values", `[{"values":[1,2],"dstypes":["counter","gauge"],"dsnames":["rx","tx"],"host":"a","plugin":"interface","plugin_instance":"lo","type":"if_octets","type_instance":""}]`,
			`collectd_interface_if_octets_rx_total{instance="a",interface="lo"} 1 0` + "\n" + `collectd_interface_if_octets_tx{instance="a",interface="lo"} 2 0` + "\n"},
		{"no instance of the plugin", `[{"values":[1],"dstypes":["absolute"],"dsnames":["value"],"plugin":"my-plugin","type":"x.y","type_instance":"é"}]`, `collectd_my_plugin_x_y{my_plugin="é"} 1 0` + "\n"},
		{"nothing known", `[{"values":[null,2],"dstypes":["gauge","gauge"],"dsnames":["a","b"],"plugin":"p","type":"t"}]`, "collectd_p_t_b 2 0\n"},
		{"none", `[]`, ""},
	} {
		batch, d, err := readLists(c.body)
		if got := inWords(batch.Samples); got != c.want || err != nil || d.refused.n != 0 {
			t.Errorf("%s: got %s and %v, %v, want %s", c.name, got, d.refused, err, c.want)
		}
	}
	if _, d, _ := readLists(`[{"values":[null],"dstypes":["gauge"],"dsnames":["a"],"plugin":"p","type":"t"}]`); d.skipped != 1 {
		t.Errorf("%d unknown values were passed over, want 1", d.skipped)
	}
}

func TestCollectdsValueListsThatAreWrongAreLeftOut(t *testing.T) {
	good := `{"values":[1],"dstypes":["gauge"],"dsnames":["value"],"plugin":"good","type":"t"}`
	for bad, why := range map[string]string{
		`{"values":[1,2],"dstypes":["gauge"],"dsnames":["a","b"],"plugin":"p","type":"t"}`: "t of p: want a value, a dstype and a dsname each",
		`{"plugin":"p","type":"t"}`:                                                                                      "want a value, a dstype and a dsname each",
		`{"values":[1],"dstypes":["gauge"],"dsnames":["value"],"type":"t"}`:                                              "a label name is missing",
		`{"values":[1],"dstypes":["gauge"],"dsnames":["value"],"plugin":"p","type":"t","time":1}`:                        "7 days ago",
		`{"values":[1],"dstypes":["gauge"],"dsnames":["value"],"plugin":"p","type":"t","time":1e300}`:                    "is not a time in Unix seconds",
		`{"values":[1],"dstypes":["gauge"],"dsnames":["value"],"plugin":"p","type":"t","host":"a\rb"}`:                   "the character U+000D",
		`{"values":[1],"dstypes":["gauge"],"dsnames":["value"],"plugin":"instance","plugin_instance":"b","host":"a"}`:    `the label "instance" twice`,
		`{"values":[1],"dstypes":["gauge"],"dsnames":["value"],"plugin":"` + strings.Repeat("p", 2000) + `","type":"t"}`: "at most",
	} {
		batch, d, err := readLists("[" + good + "," + bad + "," + good + "]")
		if err != nil || len(batch.Samples) != 2 || d.refused.n != 1 || !strings.Contains(d.refused.first.Error(), why) {
			t.Errorf("%s: got %d samples, %v and %v, want the good two and %q", bad, len(batch.Samples), d.refused, err, why)
		}
	}
	for body, why := range map[string]string{
		"": "line 1: EOF", "{}": "want a list", "[": "line 1: ", "[{}": "line 1: ", "[{]": "line 1: ", "[]\n[]": "line 2: there is more after the list", `[{"values":["x"]}]`: "line 1: values cannot be string",
		`[{"values":[1e999]}]`: "cannot be number 1e999", strings.Repeat(" ", maxListBytes) + "[]": "The body is larger than 512 KiB",
	} {
		if batch, _, err := readLists(body); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%.30s: got %v and %v, want %q", body, batch.Samples, err, why)
		}
	}
}

func TestCollectdIsToldWhatWasLeftOut(t *testing.T) {
	r := newRig(t)
	defer r.close()
	r.want(1000+int(metrics.Invalid), "1 of 2 samples were refused", "POST", "/collectd", `[{"values":[1],"dstypes":["gauge"],"dsnames":["value"],"plugin":"p","type":"t"},{}]`)
	r.want(http.StatusNoContent, "", "POST", "/collectd", `[]`)
	r.wantValues(`{__name__!=""}`, map[string]float64{"collectd_p_t": 1})
}

func FuzzCollectd(f *testing.F) {
	f.Add([]byte(`[{"values":[1,null,2e9],"dstypes":["derive","gauge","counter"],"dsnames":["value","a","b"],"time":1799999999.5,"host":"h","plugin":"p","plugin_instance":"i","type":"t","type_instance":"u"},{}]`))
	f.Add([]byte(`[{"values":[1],"dstypes":["gauge"],"dsnames":[""],"plugin":"9","type":"","type_instance":"u"}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		holdToRules(t, arrived("application/json", body), readCollectd)
	})
}
