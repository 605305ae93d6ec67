package machine

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/provider"
)

const isoURL = "http://10.0.0.5/iso/debian.iso?token=x/y"

func TestInsertAndEject(t *testing.T) {
	m, _ := newMachine()
	image := Media{URL: isoURL, WriteProtected: true, Verify: true, Login: "ABC"}
	args, outcome := carryOut(m, Intent{Verb: provider.MediaInsert, Media: image}, CauseUnknown, start, nil)
	require.Equal(t, Done, outcome)
	require.Equal(t, provider.Args{Media: provider.Media(image)}, args)
	kept := image
	kept.Login = ""
	require.Equal(t, kept, m.State.Media, "the login is not kept")
	require.Zero(t, m.State.Override, "the boot order is not touched")
	require.Zero(t, m.State.Events)
	require.Equal(t, kept, m.State.NextBoot().Media)

	args, outcome = carryOut(m, Intent{Verb: provider.MediaEject}, CauseUnknown, start, nil)
	require.Equal(t, Done, outcome)
	require.Zero(t, args)
	require.Zero(t, m.State)
	_, outcome = carryOut(m, Intent{Verb: provider.MediaEject}, CauseUnknown, start, nil)
	require.Equal(t, Done, outcome, "the drive was empty")
}

func TestMediaFails(t *testing.T) {
	for _, failure := range scriptErrors {
		m, _ := newMachine()
		insert := Intent{Verb: provider.MediaInsert, Media: Media{URL: isoURL}}
		_, outcome := carryOut(m, insert, CauseUnknown, start, failure.err)
		require.Equal(t, failure.outcome, outcome)
		require.Zero(t, m.State)

		m.State.Media.URL = isoURL
		_, outcome = carryOut(m, Intent{Verb: provider.MediaEject}, CauseUnknown, start, failure.err)
		require.Equal(t, failure.outcome, outcome)
		require.Equal(t, isoURL, m.State.Media.URL)
		require.False(t, m.State.PowerFault)
	}
}

func TestMediaScripts(t *testing.T) {
	m, _ := newMachine()
	for _, v := range []provider.Verb{provider.MediaInsert, provider.MediaEject} {
		script := m.Plan(Intent{Verb: v}, CauseUnknown)
		require.Equal(t, v, script.Verb)
		require.Equal(t, Unavailable, script.Without(start))
		require.True(t, script.Accept)
		require.True(t, script.Durable)
	}
}

// A full drive refuses another image. "media get" says what is in the drive, if the
// provider has it.
func TestFullDrive(t *testing.T) {
	m, _ := newMachine()
	refuse := func(wanted Media, get bool) error {
		has := func(v provider.Verb) bool { return get && v == provider.MediaGet }
		return m.Plan(Intent{Verb: provider.MediaInsert, Media: wanted}, CauseUnknown).Refuse(has)
	}
	image := Media{URL: isoURL, WriteProtected: true}
	require.NoError(t, refuse(image, false))
	m.State.Media = image
	require.NoError(t, refuse(image, false))
	require.NoError(t, refuse(Media{URL: isoURL, WriteProtected: true, Verify: true, Login: "ABC"}, false))
	for _, other := range []Media{{URL: isoURL}, {URL: isoURL + "z", WriteProtected: true}} {
		err := refuse(other, false)
		require.Equal(t, WrongState, OutcomeOf(err))
		require.NoError(t, refuse(other, true))
	}
}

func TestDrive(t *testing.T) {
	m, _ := newMachine()
	unknown := Reading{Has: true, Err: provider.ErrTimeout}
	for _, r := range []Reading{{}, unknown, {Has: true}} {
		require.Zero(t, m.Drive(r))
	}
	require.Equal(t, Drive{Name: "by hand.iso"}, m.Drive(Reading{Has: true, Media: "by hand.iso"}))

	m.State.Media = Media{URL: isoURL, WriteProtected: true}
	ours := Drive{m.State.Media, "debian.iso"}
	for _, r := range []Reading{{}, unknown, {Has: true, Media: isoURL}, {Has: true, Media: "debian.iso"}} {
		require.Equal(t, ours, m.Drive(r))
	}
	require.Equal(t, Drive{Name: "by hand.iso"}, m.Drive(Reading{Has: true, Media: "by hand.iso"}))
	require.Zero(t, m.Drive(Reading{Has: true}), "the guest has ejected it")

	for url, name := range map[string]string{
		"http://h/": "http://h/", "http://h": "h", "http://h/a/b.iso": "b.iso", "http://h/b.iso?a/c": "b.iso", "": "",
	} {
		require.Equal(t, name, nameOf(url), url)
	}
}
