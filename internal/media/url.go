// Package media says which URLs of images are allowed, and keeps the logins of image servers
// in files that scripts read.
//
// The package opens no URL and resolves no name. The program that fetches an image must check
// the address that the name of its host resolves to: see contrib/media/shipmi-fetch.
//
// Start reading at [Rule.Check].
package media

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// maxURL is how many bytes the URL of an image may have.
const maxURL = 2048

// A Rule says which URLs of images a BMC accepts.
type Rule struct {
	// URLs are the beginnings of URLs that are allowed, as [ParsePrefixes] returns them. If
	// there are none, all URLs are allowed.
	URLs []string
	// Local is set if the host may be this host, or have a link-local address.
	Local bool
}

// Check returns an error if an image may not come from a URL. The error says why, and does
// not contain the URL.
//
// A URL begins with http:// or https://, has at most 2048 characters of RFC 3986, a host, no
// user information and no fragment. The characters ' and $ must be written as %27 and %24:
// they mean something to a shell that reads the URL in double or single quotes.
func (r Rule) Check(text string) error {
	u, err := parse(text)
	if err != nil {
		return err
	}
	if !r.Local {
		if err := checkRemote(u); err != nil {
			return err
		}
	}
	if len(r.URLs) == 0 || slices.ContainsFunc(r.URLs, func(prefix string) bool { return begins(u, prefix) }) {
		return nil
	}
	return errors.New("the URL of an image must begin with " + strings.Join(r.URLs, " or "))
}

// ParsePrefixes reads the beginnings of URLs that images may come from. They are separated by
// commas or spaces, and each has a path that is "/" at least.
func ParsePrefixes(text string) ([]string, error) {
	var prefixes []string
	for _, prefix := range strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' }) {
		u, err := parse(prefix)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%q: %w", prefix, err)
		case u.Path == "":
			return nil, fmt.Errorf("%q: want a path, because without one %q would be allowed, too: write %q", prefix, prefix+".example.org", prefix+"/")
		case strings.Contains(prefix, "?"):
			return nil, fmt.Errorf("%q: want no query", prefix)
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

// begins reports whether a URL has the scheme, the host and the port of a prefix, and a path
// that begins with that of the prefix.
func begins(u *url.URL, prefix string) bool {
	p, err := parse(prefix)
	return err == nil && u.Scheme == p.Scheme && strings.EqualFold(u.Hostname(), p.Hostname()) && port(u) == port(p) &&
		strings.HasPrefix(u.EscapedPath(), p.EscapedPath())
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

// characters matches what RFC 3986 lets a URL consist of, without ' and $. Most BMC processes
// never see a URL, and do not compile it.
var characters = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([A-Za-z0-9._~:/?#\[\]@!&()*+,;=-]|%[0-9A-Fa-f]{2})*$`)
})

// parse reads the URL of an image and checks all that does not depend on a [Rule].
func parse(text string) (*url.URL, error) {
	switch {
	case len(text) > maxURL:
		return nil, fmt.Errorf("the URL has %d bytes, at most %d are allowed", len(text), maxURL)
	case !characters().MatchString(text):
		return nil, errors.New("the URL has a character that must be percent-encoded")
	case strings.Contains(text, "#"):
		return nil, errors.New("the URL has a fragment")
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("the URL has no valid form")
	}
	authority, _, _ := strings.Cut(text[strings.Index(text, ":")+1:], "?")
	authority, rooted := strings.CutPrefix(authority, "//")
	authority, _, _ = strings.Cut(authority, "/")
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the URL must begin with http:// or https://")
	case !rooted || u.Opaque != "" || authority == "":
		return nil, errors.New("the URL has no host")
	case strings.Contains(authority, "@"):
		return nil, errors.New("the URL has a user name; give user name and password beside the URL")
	case strings.Contains(authority, "%"):
		return nil, errors.New("the host of the URL has a percent sign")
	}
	if _, number, hasPort := strings.Cut(authority[strings.LastIndex(authority, "]")+1:], ":"); hasPort {
		if n, err := strconv.ParseUint(number, 10, 16); err != nil || n == 0 {
			return nil, errors.New("the port of the URL is not a number from 1 to 65535")
		}
	}
	if hasDots(u.Path) {
		return nil, errors.New("the path of the URL has a segment of one or two dots")
	}
	return u, checkHost(authority, u.Hostname())
}

// hasDots reports whether a server may read a path as one of another directory. Some servers
// decode %2f or %5c before they look at segments.
func hasDots(path string) bool {
	segments := strings.FieldsFunc(path, func(c rune) bool { return c == '/' || c == '\\' })
	return slices.Contains(segments, ".") || slices.Contains(segments, "..")
}

// label matches a part of a name.
var label = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?$`)
})

// How many characters a part of a name may have, and the name of a host (RFC 1035 §2.3.4).
const (
	maxLabel = 63
	maxName  = 253
)

// checkHost returns an error unless a host is a name, or an address in its usual form. The
// resolver and curl also read 127.1, 0x7f.0.0.1, 017700000001 and 2130706433 as addresses.
func checkHost(authority, host string) error {
	if strings.HasPrefix(authority, "[") {
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() || a.Zone() != "" {
			return errors.New("the host of the URL is not an IPv6 address")
		}
		return nil
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	if isNumber(labels[len(labels)-1]) {
		if _, err := netip.ParseAddr(host); err != nil {
			return errors.New("the host of the URL is not an IPv4 address; write it as four decimal numbers")
		}
		return nil
	}
	wrong := func(l string) bool { return len(l) > maxLabel || !label().MatchString(l) }
	if len(host) > maxName || slices.ContainsFunc(labels, wrong) {
		return errors.New("the host of the URL is not a name")
	}
	return nil
}

// isNumber reports whether a resolver reads the last part of a host as a number.
func isNumber(label string) bool {
	digits, hex := strings.CutPrefix(strings.ToLower(label), "0x")
	set := "0123456789"
	if hex {
		set += "abcdef"
	}
	return label != "" && strings.Trim(digits, set) == ""
}

// checkRemote returns an error if the host of a URL is this host, or is not reached through a
// router.
func checkRemote(u *url.URL) error {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return errLoopback
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return nil // a name
	}
	a = embedded(a)
	switch {
	case a.IsLoopback():
		return errLoopback
	case a.IsLinkLocalUnicast():
		return errors.New("the host of the URL is a link-local address")
	case a.IsUnspecified(), thisNetwork.Contains(a):
		return errors.New("the host of the URL is the unspecified address")
	case a.IsMulticast(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return errors.New("the host of the URL is the address of several hosts")
	}
	return nil
}

var errLoopback = errors.New("the host of the URL is this host")

var (
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8")
	compatible  = netip.MustParsePrefix("::/96")        // RFC 4291 §2.5.5.1
	translated  = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052 §2.1
)

// embedded is the IPv4 address in an IPv6 address, or the address itself.
func embedded(a netip.Addr) netip.Addr {
	a = a.Unmap()
	if b := a.As16(); a.Is6() && (translated.Contains(a) || compatible.Contains(a) && b[12]|b[13]|b[14] != 0) {
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}
