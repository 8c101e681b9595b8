package handlers

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// pebble is Let's Encrypt's authority for tests. Its version is one whose module sums go.sum's database knows.
const pebble = "github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.3"

// authority starts pebble at address, where it is who. It finds hosts by the name server, and asks them at
// those ports for proof.
func authority(t *testing.T, who identity, address, dns string, tlsPort, httpPort int) {
	t.Helper()
	install := exec.Command("go", "install", pebble)
	install.Env = append(install.Environ(), "GOBIN="+binaryFolder())
	install.Dir = t.TempDir() // no module of ours
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("go install %s: %v\n%s", pebble, err, out)
	}
	folder := t.TempDir()
	cert, key := who.write(t, folder)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": address, "managementListenAddress": "127.0.0.1:0", "certificate": cert, "privateKey": key,
		"tlsPort": tlsPort, "httpPort": httpPort, "retryAfter": map[string]int{"authz": 1, "order": 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "pebble.json")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(binaryFolder(), "pebble"), "-config", path, "-dnsserver", dns)
	cmd.Env = append(cmd.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	})
	eventually(t, "the authority listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// nameServer says, over TCP, that every host is at 127.0.0.1, and returns its address.
func nameServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = tellName(conn) // a client that is cut off fails the test by itself
			}()
		}
	}()
	return listener.Addr().String()
}

// tellName answers one question. Each message has its length before it.
func tellName(conn net.Conn) error {
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return err
	}
	question := make([]byte, int(size[0])<<8|int(size[1]))
	if _, err := io.ReadFull(conn, question); err != nil {
		return err
	}
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return err
	}
	m.Response, m.Additionals = true, nil
	if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}}
	}
	answer, err := m.Pack()
	if err != nil {
		return err
	}
	_, err = conn.Write(append([]byte{byte(len(answer) >> 8), byte(len(answer))}, answer...))
	return err
}

func portOf(t *testing.T, url string) int {
	t.Helper()
	port, err := strconv.Atoi(url[strings.LastIndex(url, ":")+1:])
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// handshake asks the process for the certificate of a host.
func handshake(t *testing.T, p *process, host string) (tls.ConnectionState, error) {
	t.Helper()
	dialer := tls.Dialer{Config: &tls.Config{ServerName: host, InsecureSkipVerify: true, NextProtos: []string{"h2"}}}
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(p.URL, "https://"))
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState(), nil
}

// It sets the environment, so it does not run beside others.
func TestCertificateComesFromAnAuthority(t *testing.T) {
	who, address := newIdentity(t, "authority"), freeAddress(t)
	root, _ := who.write(t, t.TempDir())
	t.Setenv("SSL_CERT_FILE", root)
	for _, proof := range []string{"tls-alpn-01", "http-01"} {
		t.Run(proof, func(t *testing.T) {
			database := filepath.Join(t.TempDir(), "x.db")
			p := start(t, "--data="+database, "--acme-host=board.test", "LIVEBOARD_ACME_HOST=ignored.test", "--acme-directory=https://"+address+"/dir",
				"--redirect-listen=127.0.0.1:0")
			tlsPort, httpPort := portOf(t, p.URL), portOf(t, p.redirects())
			if proof == "http-01" {
				tlsPort = portOf(t, freeAddress(t))
			}
			authority(t, who, address, nameServer(t), tlsPort, httpPort)
			state, err := handshake(t, p, "board.test")
			if err != nil {
				t.Fatalf("%v\n%s", err, p.logged())
			}
			leaf := state.PeerCertificates[0]
			if err := leaf.VerifyHostname("board.test"); err != nil || !strings.Contains(leaf.Issuer.CommonName, "Pebble") || state.NegotiatedProtocol != "h2" {
				t.Errorf("the certificate is %v by %v over %q (%v)", leaf.DNSNames, leaf.Issuer, state.NegotiatedProtocol, err)
			}
			wantPrivate(t, database+".certs", "board.test")
			if _, err := handshake(t, p, "ignored.test"); err == nil {
				t.Error("a host that is not asked for has a certificate")
			}

			// A restart takes what it has kept: this address has no authority.
			p.stop()
			p = start(t, "--data="+database, "--acme-host=board.test", "--acme-directory=https://"+freeAddress(t)+"/dir")
			again, err := handshake(t, p, "board.test")
			if err != nil || !again.PeerCertificates[0].Equal(leaf) {
				t.Errorf("after a restart the certificate is another: %v", err)
			}
		})
	}
}

// wantPrivate holds the folder to this user alone, and to having the file.
func wantPrivate(t *testing.T, folder, file string) {
	t.Helper()
	for path, want := range map[string]fs.FileMode{folder: fs.ModeDir | 0o700, filepath.Join(folder, file): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v %v, want mode %v", path, info, err, want)
		}
	}
}

func TestUnknownHostsAreNotAskedFor(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	authority, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { authority.Close() })
	go func() {
		for {
			conn, err := authority.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			conn.Close()
		}
	}()
	p := start(t, "--acme-host=board.test,other.test", fmt.Sprintf("--acme-directory=https://%s/dir", authority.Addr()), "--redirect-listen=127.0.0.1:0")
	for _, host := range []string{"stranger.test", "sub.board.test", "127.0.0.1", "localhost", ""} {
		if _, err := handshake(t, p, host); err == nil {
			t.Errorf("%q has a certificate", host)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the authority was asked %d times", n)
	}
	if _, err := handshake(t, p, "board.test"); err == nil || asked.Load() == 0 {
		t.Errorf("for a host of ours the authority was not asked (%v)", err)
	}
	if a := do(t, "GET", p.redirects()+"/.well-known/acme-challenge/x", "", "Host", "stranger.test"); a.StatusCode != http.StatusForbidden {
		t.Errorf("a challenge of a stranger's host is answered with %d, want 403", a.StatusCode)
	}
	if a := do(t, "GET", p.redirects()+"/.well-known/acme-challenge/x", "", "Host", "other.test"); a.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown challenge is answered with %d, want 404", a.StatusCode)
	}
	if a := do(t, "GET", p.redirects()+"/", "", "Host", "board.test"); a.StatusCode != http.StatusPermanentRedirect {
		t.Errorf("a reader is answered with %d, want 308", a.StatusCode)
	}
}

func TestHostsThatNobodyCertifiesAreRefused(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "*.board.example", "board.example:443", "https://board.example", "board example.com"} {
		wantRefusal(t, 1, "--acme-host "+host+": name a host", "serve", "--listen=127.0.0.1:0", "--acme-host="+host)
	}
	wantRefusal(t, 1, "--acme-directory http://a.example/dir: name the https", "serve", "--listen=127.0.0.1:0", "--acme-host=board.example", "--acme-directory=http://a.example/dir")
	file := filepath.Join(t.TempDir(), "x.db.certs")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, 1, file+": not a directory: certificates are kept", "serve", "--listen=127.0.0.1:0", "--acme-host=board.example", "--data="+strings.TrimSuffix(file, ".certs"))
}
