package script

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fetchProgram fetches images for the scripts of providers.
const fetchProgram = "../../contrib/media/shipmi-fetch"

// An imageServer has one image at each path, and notes what it is asked for. A request takes the next entry of breaks, after
// how many bytes the connection breaks.
type imageServer struct {
	*httptest.Server
	mu     sync.Mutex
	image  []byte
	etag   string
	breaks []int
	asked  []*http.Request
}

func newImageServer(t *testing.T, start func(http.Handler) *httptest.Server) *imageServer {
	s := &imageServer{image: make([]byte, 300_000), etag: `"1"`}
	_, _ = rand.Read(s.image)
	s.Server = start(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *imageServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r)
	image, limit := s.image, -1
	if len(s.breaks) > 0 {
		limit, s.breaks = s.breaks[0], s.breaks[1:]
	}
	if s.etag != "" {
		w.Header().Set("ETag", s.etag)
	}
	s.mu.Unlock()
	if limit >= 0 {
		w = &brokenWriter{w, limit}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(image))
}

// breakAfter has the connections of the next requests break after some bytes of the body.
func (s *imageServer) breakAfter(bytes ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.breaks = bytes
}

// change gives the server another version of the image.
func (s *imageServer) change(image []byte, etag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.image, s.etag = image, etag
}

// last is the last request.
func (s *imageServer) last() *http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[len(s.asked)-1]
}

// requests returns the headers of the requests, by name.
func (s *imageServer) requests(header string) (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.asked {
		all = append(all, r.Header.Get(header))
	}
	return all
}

// A brokenWriter breaks the connection after some bytes of the body.
type brokenWriter struct {
	http.ResponseWriter
	left int
}

func (w *brokenWriter) Write(p []byte) (int, error) {
	n, _ := w.ResponseWriter.Write(p[:min(len(p), w.left)])
	if w.left -= n; w.left == 0 {
		w.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, nil
}

// A fetcher runs the program for one BMC.
type fetcher struct {
	*testing.T
	state string
	env   []string
}

func newFetcher(t *testing.T, env ...string) *fetcher {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl")
	}
	return &fetcher{t, t.TempDir(), append([]string{"SHIPMI_MEDIA_LOCAL=1"}, env...)}
}

func (f *fetcher) command(url string, args ...string) *exec.Cmd {
	cmd := exec.Command(fetchProgram, args...)
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "SHIPMI_NAME=node-0", "SHIPMI_STATE_DIRECTORY=" + f.state, "SHIPMI_MEDIA_URL=" + url,
		"http_proxy=http://127.0.0.1:1", "https_proxy=http://127.0.0.1:1", "ALL_PROXY=http://127.0.0.1:1",
	}, f.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// run returns what the program prints, its errors, and its exit status.
func (f *fetcher) run(url string, args ...string) (stdout, stderr string, exit int) {
	var out, errs bytes.Buffer
	cmd := f.command(url, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err != nil {
		require.ErrorAs(f, err, new(*exec.ExitError))
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// fetch fetches an image, which must succeed.
func (f *fetcher) fetch(url string, args ...string) []byte {
	f.Helper()
	out, errs, exit := f.run(url, append([]string{"fetch"}, args...)...)
	require.Zero(f, exit, errs)
	image, err := os.ReadFile(strings.TrimSuffix(out, "\n"))
	require.NoError(f, err)
	return image
}

// refuses checks that a URL is refused with that exit status, and that no image is left.
func (f *fetcher) refuses(url string, exit int, why string, args ...string) {
	f.Helper()
	_, errs, got := f.run(url, append([]string{"fetch"}, args...)...)
	require.Equal(f, exit, got, errs)
	require.Contains(f, errs, why)
	left, err := filepath.Glob(filepath.Join(f.state, "media", "*"))
	require.NoError(f, err)
	for _, path := range left {
		require.NotRegexp(f, `\.(iso|part)$`, path)
	}
}

func TestFetch(t *testing.T) {
	f, s := newFetcher(t), newImageServer(t, httptest.NewServer)
	url := s.URL + "/debian.iso"
	out, _, exit := f.run(url, "fetch")
	require.Zero(t, exit)
	path := filepath.Join(f.state, "media", "shipmi-node-0.iso")
	require.Equal(t, path+"\n", out)
	image, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, s.image, image)
	out, _, _ = f.run("", "url")
	require.Equal(t, url+"\n", out)

	// A file that is there is fetched again only if it has changed.
	require.Equal(t, s.image, f.fetch(url))
	require.Equal(t, []string{"", `"1"`}, s.requests("If-None-Match"))
	s.change([]byte("second"), `"2"`)
	require.Equal(t, "second", string(f.fetch(url)))
	require.Equal(t, "second", string(f.fetch(url+"?other")))
	require.Equal(t, []string{"", `"1"`, `"1"`, ""}, s.requests("If-None-Match"))

	_, _, exit = f.run("", "remove")
	require.Zero(t, exit)
	left, err := os.ReadDir(filepath.Join(f.state, "media"))
	require.NoError(t, err)
	require.Empty(t, left)
	out, _, exit = f.run("", "url")
	require.Zero(t, exit)
	require.Empty(t, out)

	dir := t.TempDir()
	require.Equal(t, "second", string(f.fetch(url, "-d", dir)))
	require.FileExists(t, filepath.Join(dir, "shipmi-node-0.iso"))
	_, errs, exit := f.run(url, "frobnicate")
	require.Equal(t, 2, exit, errs)
}

// A transfer that broke off goes on where it ended: within a call, and in the next one if the first was killed.
func TestFetchResumes(t *testing.T) {
	f, s := newFetcher(t), newImageServer(t, httptest.NewServer)
	s.breakAfter(100_000, 50_000)
	require.Equal(t, s.image, f.fetch(s.URL+"/a.iso"))
	require.Equal(t, []string{"", "bytes=100000-", "bytes=150000-"}, s.requests("Range"))
	require.Equal(t, []string{"", `"1"`, `"1"`}, s.requests("If-Range"))

	f = newFetcher(t)
	part := filepath.Join(f.state, "media", "shipmi-node-0.iso.part")
	stalled, goOn := make(chan bool, 1), make(chan bool)
	slow := newImageServer(t, func(h http.Handler) *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				h.ServeHTTP(w, r)
				return
			}
			w.Header().Set("ETag", `"1"`)
			w.Header().Set("Content-Length", "300000")
			_, _ = w.Write(make([]byte, 200_000))
			w.(http.Flusher).Flush()
			stalled <- true
			<-goOn
		}))
	})
	t.Cleanup(func() { close(goOn) })
	slow.change(append(make([]byte, 200_000), slow.image[200_000:]...), `"1"`)
	cmd := f.command(slow.URL+"/a.iso", "fetch")
	require.NoError(t, cmd.Start())
	<-stalled
	eventually(t, func() bool {
		info, err := os.Stat(part)
		return err == nil && info.Size() > 100_000
	})
	require.NoError(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
	require.Error(t, cmd.Wait())
	info, err := os.Stat(part)
	require.NoError(t, err)
	require.Equal(t, slow.image, f.fetch(slow.URL+"/a.iso"))
	require.Equal(t, []string{fmt.Sprintf("bytes=%d-", info.Size())}, slow.requests("Range"))
}

// The rest of another version, or of another image, is not put behind the first part.
func TestFetchStartsAfresh(t *testing.T) {
	f, s := newFetcher(t), newImageServer(t, httptest.NewServer)
	s.breakAfter(100_000)
	changing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			s.change(bytes.Repeat([]byte("new"), 70_000), `"2"`)
		}
		s.serve(w, r)
	}))
	defer changing.Close()
	require.Equal(t, bytes.Repeat([]byte("new"), 70_000), f.fetch(changing.URL+"/a.iso"))

	// Without a validator nothing is resumed.
	f, s = newFetcher(t), newImageServer(t, httptest.NewServer)
	s.change(s.image, "")
	s.breakAfter(100_000)
	require.Equal(t, s.image, f.fetch(s.URL+"/a.iso"))
	require.Equal(t, []string{"", ""}, s.requests("Range"))
}

func TestFetchTooLarge(t *testing.T) {
	f, s := newFetcher(t), newImageServer(t, httptest.NewServer)
	f.refuses(s.URL+"/a.iso", 66, "more than 299008 bytes", "-s", "299008")
	require.Equal(t, s.image, f.fetch(s.URL+"/a.iso", "-s", "300032"))
	_, _, _ = f.run("", "remove")

	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 10_000)); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	f.refuses(endless.URL+"/a.iso", 66, "more than 1000448 bytes", "-s", "1000448")
}

func TestFetchFails(t *testing.T) {
	f, s := newFetcher(t), newImageServer(t, httptest.NewServer)
	missing := httptest.NewServer(http.NotFoundHandler())
	defer missing.Close()
	f.refuses(missing.URL+"/a.iso", 1, "answers with status 404")

	// A server that is busy is asked again.
	var times atomic.Int32
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if times.Add(1) == 1 {
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		s.serve(w, r)
	}))
	defer busy.Close()
	require.Equal(t, s.image, f.fetch(busy.URL+"/a.iso"))
}

// elsewhere is a server on an address of this host that is neither loopback nor link-local.
func elsewhere(t *testing.T, h http.Handler) *httptest.Server {
	addrs, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, a := range addrs {
		if ip := a.(*net.IPNet).IP; ip.To4() != nil && ip.IsGlobalUnicast() {
			l, err := net.Listen("tcp", net.JoinHostPort(ip.String(), "0"))
			require.NoError(t, err)
			s := httptest.NewUnstartedServer(h)
			s.Listener.Close()
			s.Listener = l
			s.Start()
			t.Cleanup(s.Close)
			return s
		}
	}
	t.Skip("this host has nothing but a loopback address")
	return nil
}

// A redirect is followed only to where the first URL might have led.
func TestFetchRedirect(t *testing.T) {
	inside := newImageServer(t, httptest.NewServer)
	mux := http.NewServeMux()
	outside := newImageServer(t, func(http.Handler) *httptest.Server { return elsewhere(t, mux) })
	mux.HandleFunc("/iso/", outside.serve)
	mux.HandleFunc("/secret/", outside.serve)
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusTemporaryRedirect))
	mux.HandleFunc("/go", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.FormValue("to"))
		w.WriteHeader(http.StatusFound)
		fmt.Fprint(w, "elsewhere")
	})
	redirect := func(to string) string {
		return outside.URL + "/go?to=" + strings.NewReplacer("&", "%26", "#", "%23").Replace(to)
	}

	f := newFetcher(t, "SHIPMI_MEDIA_LOCAL=0")
	f.refuses(inside.URL+"/a.iso", 66, "images may not come from this host")
	f.refuses(redirect(inside.URL+"/a.iso"), 66, "images may not come from this host")
	f.refuses(redirect(strings.Replace(inside.URL, "127.0.0.1", "0x7f.1", 1)), 66, "images may not come from this host")
	f.refuses(redirect("file:///etc/passwd"), 66, "does not begin with http")
	f.refuses(redirect("ftp://10.0.0.5/a.iso"), 66, "does not begin with http")
	f.refuses(redirect("http://u:p@10.0.0.5/a.iso"), 66, "user name")
	f.refuses(redirect("/loop"), 1, "redirects too often")
	require.Empty(t, inside.requests("Host"))
	require.Equal(t, outside.image, f.fetch(redirect("/iso/a.iso")))
	require.Equal(t, outside.image, f.fetch(redirect(redirect("/iso/b.iso"))))

	f = newFetcher(t, "SHIPMI_MEDIA_LOCAL=0", "SHIPMI_MEDIA_URLS="+outside.URL+"/go "+outside.URL+"/iso/")
	require.Equal(t, outside.image, f.fetch(redirect("/iso/a.iso")))
	_, _, _ = f.run("", "remove")
	f.refuses(redirect("/secret/a.iso"), 66, "images may not come from there")
	f.refuses(redirect("/iso/%252e%252e/secret/a.iso"), 66, "images may not come from there")
	f.refuses(redirect("http://[2001:db8::1]/iso/a.iso"), 66, "images may not come from there")

	// The login is for the first server alone. Another port is another server.
	credentials := filepath.Join(t.TempDir(), "login")
	require.NoError(t, os.WriteFile(credentials, []byte("user = \"admin:se\\\"same\"\n"), 0o600))
	f = newFetcher(t, "SHIPMI_MEDIA_CREDENTIALS="+credentials)
	f.fetch(redirect("/iso/c.iso"))
	f.fetch(redirect(inside.URL + "/a.iso"))
	require.Equal(t, []string{""}, inside.requests("Authorization"))
	_, password, _ := outside.last().BasicAuth()
	require.Equal(t, `se"same`, password)
}

// The prefixes of $SHIPMI_MEDIA_URLS mean the same here as in package media.
func TestFetchPrefixes(t *testing.T) {
	for to, allowed := range map[string]bool{
		"http://10.0.0.5/a.iso":                 true,
		"HTTP://10.0.0.5:80/a.iso":              true,
		"http://10.0.0.5/":                      true,
		"http://10.0.0.5":                       true, // a URL without a path has the path "/"
		"http://10.0.0.5?a/b":                   true,
		"https://10.0.0.5/a.iso":                false,
		"http://10.0.0.5:8080/a.iso":            false,
		"http://10.0.0.55/a.iso":                false,
		"https://[2001:db8::5]:8443/iso/a":      true,
		"https://[2001:DB8::5]:8443/iso/a":      true,
		"https://[2001:db8::5]/iso/a":           false,
		"https://[2001:db8::5]:8443/secret":     false,
		"https://[2001:db8::5]:8443?x/iso/a":    false,
		"https://[2001:db8::5]:8443/iso/../b":   false,
		"https://[2001:db8::5]:8443/iso/%2E./b": false,
	} {
		f := newFetcher(t, "SHIPMI_MEDIA_LOCAL=0", "SHIPMI_MEDIA_URLS=http://10.0.0.5/ https://[2001:db8::5]:8443/iso/")
		_, errs, exit := f.run(to, "check")
		require.Equal(t, allowed, exit == 0, "%s: %s", to, errs)
	}
}

// A name that resolves to this host is refused, and curl connects to the address that was checked.
func TestFetchResolves(t *testing.T) {
	f, s := newFetcher(t), newImageServer(t, httptest.NewServer)
	bin := t.TempDir()
	const getent = "#!/bin/sh\n[ \"$1 $2\" = 'ahosts images.example.org' ] || exit 2\n" +
		"printf '%s            STREAM x\\n%s            DGRAM\\n' $ADDRESS $ADDRESS\n"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "getent"), []byte(getent), 0o700))
	url := strings.Replace(s.URL, "127.0.0.1", "Images.example.org", 1) + "/a.iso"
	f.env = append(f.env, "PATH="+bin+":"+os.Getenv("PATH"), "ADDRESS=127.0.0.1")
	require.Equal(t, s.image, f.fetch(url))
	require.Contains(t, strings.ToLower(s.last().Host), "images.example.org:")
	_, _, _ = f.run("", "remove")

	f.env = append(f.env, "SHIPMI_MEDIA_LOCAL=0")
	for _, address := range []string{
		"127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1", "239.1.1.1", "255.255.255.255",
		"::1", "::", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "fe80::1%eth0", "febf::1", "ff02::1",
		"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::1",
	} {
		f.env = append(f.env, "ADDRESS="+address)
		f.refuses(url, 66, "images may not come from this host", "-s", "1000")
	}
	for _, address := range []string{"10.0.0.5", "126.0.0.1", "128.0.0.1", "223.0.0.1", "2001:db8::1", "64:ff9b::a00:1", "fd00::1", "fec0::1"} {
		f.env = append(f.env, "ADDRESS="+address)
		_, errs, exit := f.run(url, "check")
		require.Zero(t, exit, address, errs)
	}
	_, errs, exit := f.run("http://other.example.org/", "check")
	require.Equal(t, 1, exit)
	require.Contains(t, errs, "other.example.org has no address")
}

func TestFetchTLS(t *testing.T) {
	f, s := newFetcher(t, "SHIPMI_MEDIA_VERIFY=1"), newImageServer(t, httptest.NewTLSServer)
	f.refuses(s.URL+"/a.iso", 1, "certificate")
	f.env = append(f.env, "SHIPMI_MEDIA_VERIFY=0")
	require.Equal(t, s.image, f.fetch(s.URL+"/a.iso"))
}

// Whatever is in the URL, curl asks for exactly that, and no process has the URL or the password in its arguments.
func TestFetchHidesSecrets(t *testing.T) {
	token, password := rand.Text(), rand.Text() // in the arguments of no other process of the host
	query := "/a(b);c*d!e,f=g@h:i/[x]?token=" + token + "&n[0-9]=%24%27"
	var seen atomic.Int32
	s := newImageServer(t, func(h http.Handler) *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, path := range paths {
				if text, _ := os.ReadFile(path); strings.Contains(string(text), token) || strings.Contains(string(text), password) {
					seen.Add(1)
				}
			}
			h.ServeHTTP(w, r)
		}))
	})
	credentials := filepath.Join(t.TempDir(), "login")
	require.NoError(t, os.WriteFile(credentials, []byte("user = \"admin:"+password+"\"\n"), 0o600))
	f := newFetcher(t, "SHIPMI_MEDIA_CREDENTIALS="+credentials)
	require.Equal(t, s.image, f.fetch(s.URL+query))
	require.Equal(t, query, s.last().RequestURI)
	require.Zero(t, seen.Load())
	_, sent, _ := s.last().BasicAuth()
	require.Equal(t, password, sent)

	for _, c := range []string{"'", `"`, "`", "$", "\\", " ", "\n", "{", "ü", "\x7f"} {
		_, errs, exit := f.run(s.URL+"/"+c+"a.iso", "check")
		require.Equal(t, 66, exit, "%q %s", c, errs)
	}
	_, _, exit := f.run("http://10.0.0.5/"+strings.Repeat("a", 2048), "check")
	require.Equal(t, 66, exit)
}

func TestFetchIntoNothing(t *testing.T) {
	f, s := newFetcher(t), newImageServer(t, httptest.NewServer)
	require.NoError(t, os.WriteFile(filepath.Join(f.state, "media"), nil, 0o600))
	_, _, exit := f.run(s.URL+"/a.iso", "fetch")
	require.NotZero(t, exit)
	require.Empty(t, s.requests("Host"))
}
