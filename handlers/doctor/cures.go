package doctor

import "slices"

// Programs whose configuration is known here.
const (
	nginx   = "nginx"
	haproxy = "HAProxy"
	caddy   = "Caddy"
	apache  = "Apache"
	varnish = "Varnish"
)

var proxies = []string{nginx, haproxy, caddy, apache, varnish}

// suiting leaves out the cures of proxies that are not on the way, where those that are tell their names and have one.
func suiting(cures []Cure, s Seen) []Cure {
	known := s.programs()
	elsewhere := func(c Cure) bool { return slices.Contains(proxies, c.Program) && !slices.Contains(known, c.Program) }
	suits := slices.DeleteFunc(slices.Clone(cures), elsewhere)
	if len(suits) == 0 {
		return cures
	}
	return suits
}

// Where lines belong.
const (
	inLocation = "in the location of Liveboard"
	inSection  = "in the listen or backend section of Liveboard"
	inReverse  = "in the block of reverse_proxy"
	inHost     = "in the VirtualHost of Liveboard"
	inVCL      = "in the VCL file, before other definitions of the same sub"
)

// pipeStreams keeps Varnish from unpacking a stream, which it does for clients without gzip, and only at the end.
const pipeStreams = `sub vcl_recv {
	if (req.url ~ "^/(live|doctor/stream)([/?]|$)") {
		return (pipe);
	}
}`

var buffered = []Cure{
	{nginx, inLocation, "proxy_buffering off;"},
	{haproxy, inSection, "option http-no-delay"},
	{caddy, inReverse, "flush_interval -1"},
	{apache, inHost, `ProxyPass "/" "http://127.0.0.1:8080/" flushpackets=on`},
	{varnish, inVCL, pipeStreams},
}

var impatient = []Cure{
	{nginx, inLocation, "proxy_read_timeout 60s;"},
	{haproxy, "in the listen section of Liveboard, or one each in its frontend and backend", "timeout client 60s\ntimeout server 60s"},
	{caddy, inReverse, "transport http {\n\tread_timeout 60s\n}"},
	{apache, inHost, "ProxyTimeout 60"},
	{varnish, inVCL, "sub vcl_backend_fetch {\n\tset bereq.first_byte_timeout = 60s;\n\tset bereq.between_bytes_timeout = 60s;\n}"},
}

var cached = []Cure{
	{nginx, inLocation, "proxy_cache off;\nexpires off;"},
	{haproxy, inSection + ", in place of http-request cache-use without a condition", "http-request cache-use liveboard if { path_beg /assets/ }"},
	{apache, inHost, "CacheDisable \"/\"\nExpiresActive Off"},
	{varnish, inVCL, "sub vcl_recv {\n\tif (req.url !~ \"^/assets/\") {\n\t\treturn (pass);\n\t}\n}"},
}

var unzipped = []Cure{
	{nginx, inLocation + ", in place of another proxy_set_header Accept-Encoding", "proxy_set_header Accept-Encoding $http_accept_encoding;\ngunzip off;"},
	{haproxy, inSection + ", in place of compression offload", "compression algo gzip\ncompression type text/html text/css text/javascript"},
	{caddy, inReverse, "header_up Accept-Encoding {http.request.header.Accept-Encoding}"},
	{apache, inHost, `SetEnvIf Request_URI "^/(live|doctor/stream)(/|$)" no-gzip=1`},
	{varnish, inVCL, pipeStreams},
}

var oldHTTP = []Cure{
	{nginx, "in the server of Liveboard, beside its certificate", "listen 443 ssl http2;"},
	{haproxy, "in the frontend of Liveboard", "bind :443 ssl crt /etc/haproxy/liveboard.pem alpn h2,http/1.1"},
	{caddy, "as the whole site, which then gets a certificate by itself", "liveboard.example {\n\treverse_proxy 127.0.0.1:8080\n}"},
	{apache, inHost, "Protocols h2 http/1.1"},
	{varnish, "on the command line, with TLS before it", "-p feature=+http2"},
}

// fewConnections: a proxy has two connections for a viewer; Apache and Varnish have a thread.
var fewConnections = []Cure{
	{nginx, "at the top, and in events", "worker_rlimit_nofile 250000;\nevents {\n\tworker_connections 200000;\n}"},
	{haproxy, "in global, and in defaults", "maxconn 100000"},
	{apache, "in the server's configuration, for mpm_event", "ServerLimit 64\nThreadsPerChild 64\nMaxRequestWorkers 4096"},
	{varnish, "on the command line", "-p thread_pool_max=10000"},
}

var fewFilesOpen = append([]Cure{
	{"systemd", "in [Service] of Liveboard and of its proxy", "LimitNOFILE=250000"},
	{"a shell", "before it starts Liveboard", "ulimit -n 250000"},
	{"Linux", "in a file of /etc/sysctl.d; the second on the proxy's machine, which still has 64,000 connections at most to one address and port", "fs.nr_open = 1048576\nnet.ipv4.ip_local_port_range = 1024 65535"},
}, fewConnections...)

var fewStreams = []Cure{{"Liveboard", "on its command line", "--max-streams-per-address 100000"}}

var unknownProxy = []Cure{{"Liveboard", "on its command line", "--public-url https://liveboard.example"}}

var skewed = []Cure{{"systemd", "on the machine whose clock is wrong", "timedatectl set-ntp true"}}
