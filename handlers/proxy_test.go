package handlers

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// proxyKind is a program that stands before the server, as its users configure it.
type proxyKind struct {
	name   string
	args   []string // of the program; FOLDER and CONFIG are replaced
	config string   // a template over proxyConfig
	scheme string
	wide   string // lines that hold for more than our server
}

// proxyConfig is what a proxy's configuration is made of.
type proxyConfig struct {
	Folder, Listen     string
	Target, Host, Port string // where our server is; the parts of it
	Wide, Own          string // lines for all servers, and for ours: where cures belong
}

var (
	nginxKind = proxyKind{"nginx", []string{"nginx", "-p", "FOLDER", "-c", "CONFIG"}, nginxConfig, "http", ""}
	nginxTLS  = nginxKind.secured("listen {{.Listen}};", "listen {{.Listen}} ssl http2;\nssl_certificate cert.pem;\nssl_certificate_key cert.pem;")
	// It holds back what it is told not to.
	nginxStoring = nginxKind.with("proxy_buffering on;\nproxy_ignore_headers X-Accel-Buffering;")
	haproxyKind  = proxyKind{"HAProxy", []string{"haproxy", "-db", "-f", "CONFIG"}, haproxyConfig, "http", ""}
	haproxyTLS   = haproxyKind.secured("bind {{.Listen}}", "bind {{.Listen}} ssl crt {{.Folder}}/cert.pem alpn h2,http/1.1")
	caddyKind    = proxyKind{"Caddy", []string{"caddy", "run", "--adapter", "caddyfile", "--config", "CONFIG"}, caddyConfig, "http", ""}
	caddyTLS     = caddyKind.secured("http://{{.Listen}} {", "https://{{.Listen}} {\n\ttls {{.Folder}}/cert.pem {{.Folder}}/cert.pem")
	varnishKind  = proxyKind{"Varnish", []string{"varnishd", "-F", "-j", "none", "-n", "FOLDER/varnish", "-s", "malloc,16m", "-p", "thread_pools=1", "-f", "CONFIG", "-a", "LISTEN"}, varnishConfig, "http", ""}
)

// with returns the kind with lines that hold for more than our server.
func (k proxyKind) with(wide string) proxyKind {
	k.wide = wide
	return k
}

// secured returns the kind with TLS and HTTP/2, by other lines in place of some. Nobody trusts its certificate.
func (k proxyKind) secured(before, after string) proxyKind {
	k.name, k.scheme, k.config = k.name+" with HTTP/2", "https", strings.Replace(k.config, before, after, 1)
	return k
}

const nginxConfig = `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	{{.Wide}}
	server {
		listen {{.Listen}};
		location / {
			proxy_pass http://{{.Target}};
			{{.Own}}
		}
	}
}
`

const haproxyConfig = `
global
	maxconn 200
defaults
	mode http
	timeout connect 5s
	timeout client 60s
	timeout server 60s
	{{.Wide}}
listen liveboard
	bind {{.Listen}}
	server one {{.Target}}
	{{.Own}}
`

const caddyConfig = `
{
	admin off
	auto_https off
	grace_period 1s
	storage file_system {{.Folder}}
}
http://{{.Listen}} {
	reverse_proxy {{.Target}} {
		{{.Own}}
	}
}
`

const varnishConfig = `
vcl 4.1;
backend default {
	.host = "{{.Host}}";
	.port = "{{.Port}}";
}
{{.Own}}
{{.Wide}}
`

// proxyBefore starts a proxy of that kind before the server at target, and returns its address. The lines of extra
// stand in its configuration where cures belong. The test's end stops it.
func proxyBefore(t *testing.T, kind proxyKind, target string, extra ...string) string {
	t.Helper()
	folder := t.TempDir()
	writeCertificate(t, filepath.Join(folder, "cert.pem"))
	target = strings.TrimPrefix(target, "http://")
	host, port, _ := strings.Cut(target, ":")
	for range 3 { // the port may be taken before the proxy has it
		address := freeAddress(t)
		config := filepath.Join(folder, "config")
		write(t, config, kind.config, proxyConfig{folder, address, target, host, port, kind.wide, strings.Join(extra, "\n")})
		words := strings.NewReplacer("FOLDER", folder, "CONFIG", config, "LISTEN", address)
		if p := startProxy(t, folder, kind, words); p.answers(kind.scheme + "://" + address + "/healthz") {
			return kind.scheme + "://" + address
		}
	}
	log, _ := os.ReadFile(filepath.Join(folder, "log"))
	t.Fatalf("%s does not start:\n%s", kind.name, log)
	return ""
}

// freeAddress returns one of this machine that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	for {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := listener.Addr().String()
		_ = listener.Close()
		if _, taken := handedOut.LoadOrStore(address, true); !taken {
			return address
		}
	}
}

// handedOut are the addresses that tests have got: HAProxy listens at one that another HAProxy has, without a word.
var handedOut sync.Map

func write(t *testing.T, path, text string, values proxyConfig) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := template.Must(template.New("").Parse(text)).Execute(file, values); err != nil {
		t.Fatal(err)
	}
}

// writeCertificate writes a certificate for 127.0.0.1 that signs itself, and its key.
func writeCertificate(t *testing.T, path string) {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// runningProxy is a proxy's process.
type runningProxy struct {
	t      *testing.T
	exited chan struct{}
}

// startProxy starts the program in its folder, where it finds all that it needs. The test's end stops it.
func startProxy(t *testing.T, folder string, kind proxyKind, words *strings.Replacer) *runningProxy {
	t.Helper()
	args := make([]string, len(kind.args)-1)
	for i, arg := range kind.args[1:] {
		args[i] = words.Replace(arg)
	}
	log, err := os.OpenFile(filepath.Join(folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(programPath(t, kind.args[0]), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, log, log
	cmd.Env = append(os.Environ(), "HOME="+folder, "XDG_CONFIG_HOME="+folder, "XDG_DATA_HOME="+folder)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &runningProxy{t: t, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ends is nobody's matter
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.exited:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			<-p.exited
		}
	})
	return p
}

// programPath finds a program. Not everybody's PATH leads to where the servers are.
func programPath(t *testing.T, name string) string {
	t.Helper()
	for _, candidate := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	t.Fatalf("there is no %s here: .ci/test installs what the tests need, then runs them", name)
	return ""
}

// answers waits until the proxy brings the server's answer; it returns false where its process ends before.
func (p *runningProxy) answers(url string) bool {
	p.t.Helper()
	// Whose certificate it is does not matter here.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	probe := http.Client{Transport: transport, Timeout: time.Second}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); ; {
		select {
		case <-p.exited:
			return false
		case <-late:
			return false
		case <-tick.C:
			if resp, err := probe.Get(url); err == nil {
				resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					return true
				}
			}
		}
	}
}
