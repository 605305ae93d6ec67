package script

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/media"
	"github.com/shipmi/shipmi/internal/provider"
)

const isoURL = "http://10.0.0.5/iso/debian.iso?token=x/y"

// An image is inserted once into an empty drive. What "media get" says decides whether the drive
// is empty; a provider without it decides itself.
func TestInsertRules(t *testing.T) {
	const insert = "insert = " + noted + "true\n"
	for _, tt := range []struct {
		name, scripts string
		want          string // verbs that ran
		err           string
	}{
		{"without get", insert, "media-insert", ""},
		{"without get, full", "insert = " + noted + "exit 65", "media-insert", "media insert: exit status 65: not possible in the present state"},
		{"empty", insert + "get = " + noted + "true", "media-get media-insert", ""},
		{"empty, with white space", insert + "get = " + noted + "echo; echo", "media-get media-insert", ""},
		{"there by URL", insert + "get = " + noted + "echo '" + isoURL + "'", "media-get", ""},
		{"there by name", insert + "get = " + noted + "echo debian.iso", "media-get", ""},
		{"another", insert + "get = " + noted + "echo other.iso", "media-get", "media insert: exit status 65: not possible in the present state"},
		{"another one's parameter", insert + "get = " + noted + "echo y", "media-get", "media insert: exit status 65: not possible in the present state"},
		{"another with a pattern", insert + "get = " + noted + "echo '*'", "media-get", "media insert: exit status 65: not possible in the present state"},
		{"get fails", insert + "get = " + noted + "exit 3", "media-get", "media insert: exit status 1"},
		{"get fails with an answer", insert + "get = " + noted + "echo debian.iso; exit 3", "media-get", "media insert: exit status 1"},
		{"fails", "insert = " + noted + "exit 9\nget = " + noted + "true", "media-get media-insert", "media insert: exit status 9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRunner(t, "[POWER]\nstatus = echo on\n[MEDIA]\n"+tt.scripts)
			r.write(t, "ran", "")
			err := r.Act(t.Context(), provider.MediaInsert, provider.Args{Media: provider.Media{URL: isoURL}}, actionFile(t))
			if tt.err == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, tt.err)
			}
			require.Equal(t, tt.want, strings.Join(strings.Fields(r.read(t, "ran")), " "))
		})
	}
}

// The URL is in the environment of the script alone: no process shows it in its arguments.
func TestURLInEnvironment(t *testing.T) {
	r := newRunner(t, `
[POWER]
status = echo on
[MEDIA]
insert = cat /proc/$$/cmdline /proc/$PPID/cmdline >args; printf %%s "$SHIPMI_MEDIA_URL" >url
`)
	file := actionFile(t)
	require.NoError(t, r.Act(t.Context(), provider.MediaInsert, provider.Args{Media: provider.Media{URL: isoURL}}, file))
	require.NotContains(t, r.read(t, "args"), "debian.iso")
	require.Equal(t, isoURL, r.read(t, "url"))

	_, err := provider.Load(badProvider(t))
	require.ErrorContains(t, err, `"%(media_url)s": unknown placeholder`)
}

func badProvider(t *testing.T) string {
	path := t.TempDir() + "/bad.conf"
	require.NoError(t, os.WriteFile(path, []byte("[POWER]\nstatus = x\n[MEDIA]\ninsert = fetch '%(media_url)s'\n"), 0o600))
	return path
}

// The login of an image server is a file while the script runs, also if the BMC process is gone
// when the script ends, and in nothing else that anybody could read.
func TestLoginOfImage(t *testing.T) {
	r := newRunner(t, `
[POWER]
status = echo on
[MEDIA]
insert = cp "$SHIPMI_MEDIA_CREDENTIALS" seen; ! env | grep sesame; touch began; while [ ! -e go ]; do sleep 0.01; done; exit 3
`)
	r.Logins = media.Logins{Dir: t.TempDir()}
	text, err := r.Logins.Text("admin", "sesame")
	require.NoError(t, err)
	name, err := r.Logins.Create(text)
	require.NoError(t, err)
	file := actionFile(t)

	ctx, gone := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- r.Act(ctx, provider.MediaInsert, provider.Args{Media: provider.Media{URL: isoURL, Login: name}}, file)
	}()
	eventually(t, func() bool { _, err := os.Stat(r.file("began")); return err == nil })
	gone() // the process of the BMC does not wait any more
	require.ErrorIs(t, <-ended, context.Canceled)
	require.True(t, r.Logins.Has(name, text))
	r.write(t, "go", "")
	eventually(t, func() bool { return !r.Logins.Has(name, text) })
	require.Equal(t, text, r.read(t, "seen"))
	require.NotContains(t, r.read(t, "log"), "sesame")
	eventually(t, func() bool {
		text, err := os.ReadFile(file.Path())
		require.NoError(t, err)
		return strings.HasSuffix(string(text), "action: exit 3\n")
	})
}

func TestMediaGet(t *testing.T) {
	for _, tt := range []struct{ script, want, err string }{
		{"true", "", ""},
		{"echo", "", ""},
		{"echo '" + isoURL + "'", isoURL, ""},
		{"echo ' Debian 12 – ü.iso '", "Debian 12 – ü.iso", ""},
		{`printf 'a\nb\n'`, "", `media get: printed "a\nb", want the URL or the name of an image in one line, or nothing`},
		{`printf 'a\033b'`, "", `media get: printed "a\x1bb", want`},
		{`printf 'a\377'`, "", `media get: printed "a\xff", want`},
		{"echo a.iso; exit 66", "", `media get: exit status 66: not supported; printed "a.iso"`},
	} {
		r := newRunner(t, "[POWER]\nstatus=x\n[MEDIA]\nget="+tt.script+"\n")
		reading := r.Query(t.Context(), provider.MediaGet, provider.Args{})
		require.True(t, reading.Has)
		require.Equal(t, tt.want, reading.Media, tt.script)
		if tt.err != "" {
			require.ErrorContains(t, reading.Err, tt.err)
		} else {
			require.NoError(t, reading.Err)
		}
	}
	require.Zero(t, newRunner(t, "[POWER]\nstatus=x\n").Query(t.Context(), provider.MediaGet, provider.Args{}), "the provider has no such script")
}
