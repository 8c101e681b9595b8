package handlers

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"
)

// identity is a self-made certificate of 127.0.0.1 and localhost, and its key, as PEM.
type identity struct {
	name      string // its common name
	cert, key []byte
}

func newIdentity(t testing.TB, name string) identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	template.Subject.CommonName = name
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return identity{
		name: name,
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}
}

// write writes the files cert.pem and key.pem into a folder, which it makes.
func (i identity) write(t testing.TB, folder string) (cert, key string) {
	t.Helper()
	cert, key = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{cert: i.cert, key: i.key} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// secureClient trusts those identities, speaks those protocols, and counts the connections that it opens. It never
// opens a second one because the server lets no more requests onto the first.
func secureClient(t testing.TB, dials *atomic.Int32, protocols string, trusted ...identity) *http.Transport {
	t.Helper()
	roots := x509.NewCertPool()
	for _, i := range trusted {
		roots.AppendCertsFromPEM(i.cert)
	}
	c := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, Protocols: &http.Protocols{}}
	c.Protocols.SetHTTP1(protocols == "HTTP/1.1")
	c.Protocols.SetHTTP2(protocols == "HTTP/2.0")
	c.HTTP2 = &http.HTTP2Config{StrictMaxConcurrentRequests: true}
	c.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Add(1)
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// startTLS starts a server with the certificate in files.
func startTLS(t testing.TB, i identity, args ...string) *process {
	t.Helper()
	cert, key := i.write(t, t.TempDir())
	p := start(t, append([]string{"--tls-cert=" + cert, "--tls-key=" + key}, args...)...)
	if !strings.HasPrefix(p.URL, "https://127.0.0.1:") {
		t.Errorf("it says that it listens at %q, want https", p.URL)
	}
	return p
}

// shownName returns the common name of the certificate that a new connection gets.
func shownName(t testing.TB, p *process) string {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(p.URL, "https://"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
}

const ordersBoard = "dashboards:\n  - name: shop\n    title: Shop\n    panels:\n      - {title: Orders, kind: stat, query: orders, unit: count}\n"

func boardFile(t testing.TB, yaml string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "b.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func pushBy(t testing.TB, c http.RoundTripper, url, line string) {
	t.Helper()
	if a := doBy(t, c, "POST", url+"/api/push", line, "Content-Type", textPlain); a.StatusCode != http.StatusNoContent {
		t.Fatalf("push: %d %s", a.StatusCode, a.body)
	}
}

// news waits until the stream tells the text.
func (s *stream) news(text string) {
	s.t.Helper()
	for told := ""; !strings.Contains(told, text); {
		told = texts(s.until(""))
	}
}

func TestStreamsAreLiveOverTLS(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			i := newIdentity(t, "board")
			p := startTLS(t, i, "--board="+boardFile(t, ordersBoard))
			var dials atomic.Int32
			c := secureClient(t, &dials, protocol, i)
			pushBy(t, c, p.URL, "orders 41")
			a := doBy(t, c, "GET", p.URL+"/d/shop", "")
			if a.Proto != protocol || a.TLS.Version < tls.VersionTLS12 {
				t.Errorf("the page comes over %s in TLS %x, want %s", a.Proto, a.TLS.Version, protocol)
			}
			s := openBy(t, c, p.URL+"/live/shop")
			whole := s.until("")
			if whole[0].name != "hello" || !strings.Contains(texts(whole), ">41<") || whole[len(whole)-1].id == "" {
				t.Errorf("the stream begins with %+v, want hello, the whole and a cursor", whole)
			}
			pushBy(t, c, p.URL, "orders 4242")
			s.news("4,242")
		})
	}
}

func TestBrowserIsLiveOverHTTP2(t *testing.T) {
	t.Parallel()
	i := newIdentity(t, "board")
	s := startTLS(t, i, "--board="+boardFile(t, ordersBoard))
	var dials atomic.Int32
	c := secureClient(t, &dials, "HTTP/2.0", i)
	pushBy(t, c, s.URL, "orders 1")
	p := newTab(t)
	p.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
		return err
	}), chromedp.Navigate(s.URL+"/d/shop"))
	p.wait(soon, isLive)
	p.hold(`performance.getEntriesByType('navigation')[0].nextHopProtocol === 'h2'`)
	pushBy(t, c, s.URL, "orders 4242")
	p.wait(soon, shows("orders", "4,242"))
}

func TestThreeHundredStreamsShareOneConnection(t *testing.T) {
	t.Parallel()
	const streams = 300
	i := newIdentity(t, "board")
	p := startTLS(t, i, "--board="+boardFile(t, ordersBoard), "--max-streams-per-address=300")
	var dials atomic.Int32
	c := secureClient(t, &dials, "HTTP/2.0", i)
	pushBy(t, c, p.URL, "orders 1")
	var open []*stream
	for range streams {
		s := openBy(t, c, p.URL+"/live/shop")
		s.until("")
		open = append(open, s)
	}
	pushBy(t, c, p.URL, "orders 777")
	for _, s := range open {
		s.news("777")
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("%d connections were opened, want 1", n)
	}
	began := time.Now()
	if code, took := p.stop(), time.Since(began); code != 0 || took > stopsWithin {
		t.Errorf("it ended with %d after %v, want 0 within %v: %s", code, took, stopsWithin, p.logged())
	}
	for _, s := range open {
		if s.until("bye"); !s.ended() {
			t.Fatal("a stream goes on after its goodbye")
		}
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	p := startTLS(t, newIdentity(t, "board"))
	_, err := tls.Dial("tcp", strings.TrimPrefix(p.URL, "https://"), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("a client of TLS 1.1 gets %v, want a refusal", err)
	}
}

func TestCertificateIsSwappedUnderOpenStreams(t *testing.T) {
	t.Parallel()
	first, second, third := newIdentity(t, "first"), newIdentity(t, "second"), newIdentity(t, "third")
	// As Kubernetes does: files are links into a folder that is a link, which is replaced by a rename.
	folder := t.TempDir()
	swap := func(to identity) {
		to.write(t, filepath.Join(folder, to.name))
		link := filepath.Join(folder, "..tmp")
		if err := os.Symlink(to.name, link); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link, filepath.Join(folder, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	cert, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for _, path := range []string{cert, key} {
		if err := os.Symlink(filepath.Join("..data", filepath.Base(path)), path); err != nil {
			t.Fatal(err)
		}
	}
	swap(first)
	p := start(t, "--tls-cert="+cert, "--tls-key="+key, "--board="+boardFile(t, ordersBoard))
	var dials atomic.Int32
	c := secureClient(t, &dials, "HTTP/2.0", first)
	pushBy(t, c, p.URL, "orders 1")
	s := openBy(t, c, p.URL+"/live/shop")
	s.until("")

	swap(second)
	eventually(t, "new connections get the second", func() bool { return shownName(t, p) == "second" })
	pushBy(t, c, p.URL, "orders 888")
	s.news("888")
	if n := dials.Load(); n != 1 {
		t.Errorf("the old stream's client opened %d connections, want 1", n)
	}

	// As a shell does: one file after the other. Half of it is no pair.
	write := func(path string, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const warning = "certificate not used"
	write(cert, third.cert)
	eventually(t, "the half is refused", func() bool {
		return shownName(t, p) == "second" && strings.Contains(p.logged(), warning)
	})
	write(key, third.key)
	eventually(t, "new connections get the third", func() bool { return shownName(t, p) == "third" })

	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the missing key is told", func() bool { return shownName(t, p) == "third" && strings.Contains(p.logged(), "--tls-key: open ") })
	write(key, []byte("no key"))
	eventually(t, "the broken key is told", func() bool {
		return shownName(t, p) == "third" && strings.Count(p.logged(), warning) >= 3
	})
	looked := time.Now().Add(2 * lookEvery)
	eventually(t, "it has looked again", func() bool { return shownName(t, p) == "third" && time.Now().After(looked) })
	if n := strings.Count(p.logged(), warning); n != 3 {
		t.Errorf("there are %d warnings, want one for each of the three mistakes: %s", n, p.logged())
	}
	if strings.Contains(p.logged(), "PRIVATE") {
		t.Errorf("the log holds a key: %s", p.logged())
	}
}

func TestBrokenPairIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cert, key := newIdentity(t, "one").write(t, filepath.Join(folder, "one"))
	_, other := newIdentity(t, "other").write(t, filepath.Join(folder, "other"))
	listen := "--listen=127.0.0.1:0"
	wantRefusal(t, 1, "--tls-cert: open "+cert+".not: no such file or directory: name a PEM file", "serve", listen, "--tls-cert="+cert+".not", "--tls-key="+key)
	wantRefusal(t, 1, "--tls-key: open "+key+".not: no such file", "serve", listen, "--tls-cert="+cert, "--tls-key="+key+".not")
	wantRefusal(t, 1, "--tls-cert "+cert+" with --tls-key "+other+": tls: private key does not match", "serve", listen, "--tls-cert="+cert, "--tls-key="+other)
	wantRefusal(t, 1, "they must hold, in PEM, the chain", "serve", listen, "--tls-cert="+key, "--tls-key="+cert)
	wantRefusal(t, 1, "belong together", "serve", listen, "--tls-cert="+cert)
	wantRefusal(t, 1, "belong together", "serve", listen, "LIVEBOARD_TLS_KEY="+key)
	wantRefusal(t, 1, "give one of them", "serve", listen, "--tls-cert="+cert, "--tls-key="+key, "--acme-host=board.example")
	wantRefusal(t, 1, "needs --tls-cert or --acme-host", "serve", listen, "--redirect-listen=127.0.0.1:0")
	wantRefusal(t, 1, "no access control", "serve", "--listen=0.0.0.0:0", "--tls-cert="+cert, "--tls-key="+key)
}
