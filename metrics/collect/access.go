package collect

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"liveboard/metrics"
)

// maxSecretBytes bounds a file with a secret or certificates.
const maxSecretBytes = 1 << 20

// checkAccess refuses what is half said or said twice. The errors begin with the key of the board file.
func checkAccess(a metrics.Access) error {
	none := metrics.Secret{}
	switch {
	case both(a.Password):
		return errors.New("basic-auth: it has a password-file and a password-env; remove one")
	case a.Username != "" && a.Password == none:
		return errors.New("basic-auth: it has no password; add password-file or password-env")
	case a.Username == "" && a.Password != none:
		return errors.New("basic-auth: it has no username; add one")
	case both(a.Bearer):
		return errors.New("bearer-token-env: there is a bearer-token-file too; remove one")
	case a.Username != "" && a.Bearer != none:
		return errors.New("basic-auth: there is a bearer token too, and a request can bear one of them; remove the other")
	case (a.TLS.CertFile == "") != (a.TLS.KeyFile == ""):
		return errors.New("tls: cert-file and key-file go together; add the other one")
	}
	return nil
}

func both(s metrics.Secret) bool { return s.File != "" && s.Env != "" }

// client asks targets as a collector's Access says.
type client struct {
	*http.Client
	authorization string // "" for none
}

// conceal returns err, or another where a target that repeats what it was asked with made the
// secret part of it.
func (c client) conceal(err error) error {
	if err == nil {
		return nil
	}
	kind, credentials, _ := strings.Cut(c.authorization, " ")
	secrets := []string{credentials}
	if pair, e := base64.StdEncoding.DecodeString(credentials); e == nil && kind == "Basic" {
		_, password, _ := strings.Cut(string(pair), ":")
		secrets = append(secrets, password)
	}
	text := err.Error()
	if slices.ContainsFunc(secrets, func(s string) bool { return s != "" && strings.Contains(text, s) }) {
		return errors.New("the target repeats its secret, so what is wrong with it is not told")
	}
	return err
}

// newClient reads the files and variables that access names, which may have changed since the
// run before. Its client opens a connection for each request, as a newcomer would: a kept one
// would hide a dead DNS entry, a full backlog and a changed certificate.
func newClient(deps Deps, access metrics.Access) (client, error) {
	authorization, err := authorization(access)
	if err != nil {
		return client{}, err
	}
	config, err := tlsConfig(deps, access.TLS)
	if err != nil {
		return client{}, err
	}
	return client{authorization: authorization, Client: &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives:      true,
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: 64 << 10,
			TLSClientConfig:        config,
		},
		CheckRedirect: checkRedirect,
	}}, nil
}

// checkRedirect keeps secrets to the target's own origin: net/http would hand them to every
// port and scheme of the host.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	if origin(req.URL) != origin(via[0].URL) {
		req.Header.Del("Authorization")
	}
	return nil
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

func authorization(a metrics.Access) (string, error) {
	if a.Username != "" {
		password, err := secret("password", a.Password)
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(a.Username+":"+password)), err
	}
	if a.Bearer == (metrics.Secret{}) {
		return "", nil
	}
	token, err := secret("bearer-token", a.Bearer)
	return "Bearer " + token, err
}

// secret returns what s holds, without the white space around it. The error does not name the
// variable: who takes it for the secret itself would find that in the log.
func secret(key string, s metrics.Secret) (string, error) {
	text := os.Getenv(s.Env)
	if s.File != "" {
		content, err := readSecret(s.File)
		if err != nil {
			return "", fmt.Errorf("%s-file: %w", key, err)
		}
		text = string(content)
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "" && s.File != "":
		return "", fmt.Errorf("%s-file: %s is empty", key, s.File)
	case text == "":
		return "", fmt.Errorf("%s-env: the environment variable is not set", key)
	}
	return text, nil
}

func readSecret(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSecretBytes+1))
	if err == nil && len(content) > maxSecretBytes {
		err = fmt.Errorf("%s is larger than 1 MiB", path)
	}
	return content, err
}

func tlsConfig(deps Deps, c metrics.TLSConfig) (*tls.Config, error) {
	config := &tls.Config{RootCAs: deps.RootCAs, ServerName: c.ServerName, InsecureSkipVerify: c.InsecureSkipVerify}
	if c.CAFile != "" {
		pem, err := readSecret(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ca-file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca-file: there is no PEM certificate in %s", c.CAFile)
		}
	}
	if c.CertFile == "" {
		return config, nil
	}
	pair, err := keyPair(c.CertFile, c.KeyFile)
	config.Certificates = []tls.Certificate{pair}
	return config, err
}

func keyPair(certFile, keyFile string) (tls.Certificate, error) {
	cert, err := readSecret(certFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cert-file: %w", err)
	}
	key, err := readSecret(keyFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("key-file: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cert-file and key-file: %w", err)
	}
	return pair, nil
}
