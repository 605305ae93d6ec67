package media

import (
	"net"
	"net/netip"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAllowed(t *testing.T) {
	for _, text := range []string{
		"http://10.0.0.5/debian.iso",
		"https://images.example.org/",
		"https://images.example.org",
		"HTTPS://Images.Example.org:8443/a%20b.iso?filename=x%27y&n=1",
		"http://[2001:db8::5]:8080/a.iso",
		"http://host_1.lan./a.iso",
		"http://conductor:8088/redfish/boot-4d0e.iso?filename=tmp0.iso",
		"http://0xcafe.example.org/a.iso",
		"http://127.0.0.1.example.org/a.iso",
		"http://100.64.0.1/a.iso",
		"http://h/..a/...",
		"http://h/" + strings.Repeat("a", maxURL-len("http://h/")),
	} {
		require.NoError(t, Rule{}.Check(text), text)
		require.NoError(t, Rule{Local: true}.Check(text), text)
	}
}

func TestMalformed(t *testing.T) {
	for text, why := range map[string]string{
		"":                                        "must begin with http",
		"debian.iso":                              "must begin with http",
		"//10.0.0.5/a.iso":                        "must begin with http",
		"ftp://10.0.0.5/a.iso":                    "must begin with http",
		"file:///etc/shadow":                      "must begin with http",
		"nfs://10.0.0.5/a.iso":                    "must begin with http",
		"gopher://10.0.0.5:25/_x":                 "must begin with http",
		"http:10.0.0.5/a.iso":                     "no host",
		"http:/10.0.0.5/a.iso":                    "no host",
		"http://":                                 "no host",
		"http:///a.iso":                           "no host",
		"http://?a":                               "no host",
		"http://:80/a.iso":                        "not a name",
		"http://admin:secret@10.0.0.5/a":          "has a user name",
		"http://@10.0.0.5/a":                      "has a user name",
		"http://10.0.0.5@example.org/a":           "has a user name",
		"http://10.0.0.5/a.iso#part":              "fragment",
		"http://10.0.0.5#@example.org/":           "fragment",
		"http://10.0.0.5/a.iso#":                  "fragment",
		"http://10.0.0.5/a b.iso":                 "percent-encoded",
		"http://10.0.0.5/a\n.iso":                 "percent-encoded",
		"http://10.0.0.5/a.iso\n":                 "percent-encoded",
		"http://10.0.0.5/a\x00.iso":               "percent-encoded",
		`http://10.0.0.5/a".iso`:                  "percent-encoded",
		"http://10.0.0.5/a'.iso":                  "percent-encoded",
		"http://10.0.0.5/$(id).iso":               "percent-encoded",
		"http://10.0.0.5/`id`.iso":                "percent-encoded",
		`http://10.0.0.5\@example.org/`:           "percent-encoded",
		"http://10.0.0.5/ü.iso":                   "percent-encoded",
		"http://10.0.0.5/%zz.iso":                 "percent-encoded",
		"http://10.0.0.5/%2":                      "percent-encoded",
		"http://10.0.0.5/{a,b}.iso":               "percent-encoded",
		"http://loc%61lhost/a":                    "no valid form",
		"http://[fe80::1%25eth0]/a":               "percent sign",
		"http://10.0.0.5:/a":                      "port",
		"http://10.0.0.5:0/a":                     "port",
		"http://10.0.0.5:65536/a":                 "port",
		"http://[2001:db8::5]:0/a":                "port",
		"http://10.0.0.5:x/a":                     "no valid form",
		"http://[2001:db8::5/a":                   "no valid form",
		"http://[10.0.0.5]/a":                     "no valid form",
		"http://[v1.x]/a":                         "no valid form",
		"http://-x.example.org/":                  "not a name",
		"http://a..example.org/":                  "not a name",
		"http://.example.org/":                    "not a name",
		"http://a,b/":                             "not a name",
		"http://" + strings.Repeat("a", 64):       "not a name",
		"http://10.1/a":                           "four decimal numbers",
		"http://10.0.0.5./a":                      "four decimal numbers",
		"http://10.0.0.256/a":                     "four decimal numbers",
		"http://010.0.0.5/a":                      "four decimal numbers",
		"http://a.0x/":                            "four decimal numbers",
		"http://h/a/../b.iso":                     "segment",
		"http://h/%2E%2e/b.iso":                   "segment",
		"http://h/..%2fb.iso":                     "segment",
		"http://h/..%5cb.iso":                     "segment",
		"http://h/./b.iso":                        "segment",
		"http://h/" + strings.Repeat("a", maxURL): "at most 2048",
	} {
		err := Rule{}.Check(text)
		require.ErrorContains(t, err, why, text)
		require.Equal(t, err, Rule{Local: true}.Check(text))
	}
}

// All spellings of the address of this host that curl or a resolver accepts.
var local = []string{
	"localhost", "LOCALHOST", "localhost.", "www.localhost", "a.b.localhost.",
	"127.0.0.1", "127.255.0.9", "0.0.0.0", "0.1.2.3", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]",
	"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[::ffff:0.0.0.0]",
	"169.254.169.254", "[fe80::1]", "[febf::1]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]",
	"224.0.0.1", "255.255.255.255", "[ff02::1]",
}

var odd = []string{
	"2130706433", "0x7f000001", "017700000001", "0X7F000001", "127.1", "127.0.1", "0x7f.1", "0177.0.0.1", "0", "00", "0x0",
	"127.0.0.0x1", "0.0", "2852039166", "0xa9fea9fe", "0xa9.254.0xa9fe", "127.0.0.1.",
}

func TestLocal(t *testing.T) {
	for _, host := range local {
		text := "http://" + host + ":8080/a.iso"
		require.Error(t, Rule{}.Check(text), text)
		require.NoError(t, Rule{Local: true}.Check(text), text)
	}
	for _, host := range odd {
		text := "http://" + host + "/a.iso"
		require.ErrorContains(t, Rule{}.Check(text), "four decimal numbers", text)
		require.ErrorContains(t, Rule{Local: true}.Check(text), "four decimal numbers", text)
	}
}

// Curl itself reads the odd spellings as addresses of this host: it tries to connect.
func TestCurlReadsOddSpellings(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl")
	}
	for _, host := range []string{"2130706433", "0x7f000001", "017700000001", "127.1", "0x7f.1"} {
		out, _ := exec.Command("curl", "-v", "--noproxy", "*", "--max-time", "5", "http://"+host+":1/").CombinedOutput()
		require.Contains(t, string(out), "127.0.0.1", host)
	}
}

func TestPrefixes(t *testing.T) {
	prefixes, err := ParsePrefixes("http://10.0.0.5/, https://images.example.org/iso/debian-")
	require.NoError(t, err)
	require.Equal(t, []string{"http://10.0.0.5/", "https://images.example.org/iso/debian-"}, prefixes)
	r := Rule{URLs: prefixes}
	for text, allowed := range map[string]bool{
		"http://10.0.0.5/a.iso":                                 true,
		"http://10.0.0.5:80/a.iso":                              true,
		"HTTP://10.0.0.5/a.iso":                                 true,
		"https://IMAGES.example.org:443/iso/debian-12.iso?x":    true,
		"http://10.0.0.5":                                       false,
		"https://10.0.0.5/a.iso":                                false,
		"http://10.0.0.5:8080/a.iso":                            false,
		"http://10.0.0.55/a.iso":                                false,
		"http://10.0.0.5.example.org/a.iso":                     false,
		"https://images.example.org/iso/fedora.iso":             false,
		"https://images.example.org/iso/debian-/../x.iso":       false,
		"https://images.example.org/iso/debian-%2f..%2f../x":    false,
		"https://images.example.org.evil.example/iso/debian-12": false,
	} {
		if err := r.Check(text); allowed {
			require.NoError(t, err, text)
		} else {
			require.Error(t, err, text)
		}
	}
	require.ErrorContains(t, r.Check("http://example.org/"), "must begin with http://10.0.0.5/ or https://images")

	// A prefix allows no address of this host.
	local := Rule{URLs: []string{"http://127.0.0.1/"}}
	require.ErrorContains(t, local.Check("http://127.0.0.1/a.iso"), "this host")
	local.Local = true
	require.NoError(t, local.Check("http://127.0.0.1/a.iso"))

	none, err := ParsePrefixes(" ")
	require.NoError(t, err)
	require.Empty(t, none)
	for _, text := range []string{"10.0.0.5", "http://10.0.0.5", "http://10.0.0.5/?x=", "nfs://h/", "http://u@h/", "http://h/,x"} {
		_, err := ParsePrefixes(text)
		require.Error(t, err, text)
	}
}

// Whatever is allowed is read in the same way by everybody: it has one host, which is not
// this one, and no character that ends a word in quotes.
func FuzzURL(f *testing.F) {
	f.Add("http://10.0.0.5/debian.iso")
	f.Add("https://[2001:db8::5]:8443/a%20b.iso?x=1")
	for _, host := range append(local, odd...) {
		f.Add("http://" + host + "/")
	}
	f.Fuzz(func(t *testing.T, text string) {
		if (Rule{}).Check(text) != nil {
			return
		}
		require.LessOrEqual(t, len(text), maxURL)
		require.NotContains(t, text, "'")
		require.False(t, strings.ContainsAny(text, "\"$`\\ \t\r\n#<>{}|^\x00"), text)
		u, err := url.Parse(text)
		require.NoError(t, err)
		require.Contains(t, []string{"http", "https"}, u.Scheme)
		require.Nil(t, u.User)
		require.NotEmpty(t, u.Hostname())
		if ip := net.ParseIP(u.Hostname()); ip != nil {
			require.False(t, ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified(), text)
		} else {
			_, err := netip.ParseAddr(u.Hostname())
			require.Error(t, err)
			require.NotRegexp(t, `(?i)(^|\.)localhost\.?$`, u.Hostname())
			require.NotRegexp(t, `(?i)(^|\.)(0x[0-9a-f]*|[0-9]+)\.?$`, u.Hostname())
		}
	})
}
