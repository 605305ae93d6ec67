package script

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/standin"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/media"
	"github.com/shipmi/shipmi/internal/provider"
)

// builtin holds the built-in providers, as they are shipped.
const builtin = "../../contrib/providers/"

// Each provider that comes with ShIPMI has a transcript, with stand-ins for the commands that it needs. Its scripts run
// as the server runs them; see the commands below. A transcript shows every verb, a status that fails or is none, and an
// action that fails.
func TestLibrary(t *testing.T) {
	files, err := filepath.Glob(builtin + "*.conf")
	require.NoError(t, err)
	transcripts, err := filepath.Glob(builtin + "testdata/*.txtar")
	require.NoError(t, err)
	require.Len(t, transcripts, len(files))
	testscript.Run(t, testscript.Params{
		Dir: builtin + "testdata",
		Setup: func(env *testscript.Env) error {
			bin := filepath.Join(env.WorkDir, "bin")
			env.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			env.Setenv("HOME", env.WorkDir)
			images := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintln(w, "image of", r.URL.Path)
			}))
			env.Defer(images.Close)
			env.Setenv("IMAGES", images.URL)
			m := &rig{ran: make(map[provider.Verb]bool), root: env.WorkDir}
			env.Values["rig"] = m
			env.Defer(func() { m.complete(env.T()) })
			return standin.Install(bin)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"bmc":     newRig,
			"serve":   serve,
			"power":   verb("power"),
			"boot":    verb("boot"),
			"fru":     verb("fru"),
			"chassis": verb("chassis"),
			"console": consoleVerb,
			"media":   verb("media"),
			"sensors": verb("sensors"),
		},
		RequireExplicitExec: true,
	})
}

// A rig is the BMC that a transcript drives.
type rig struct {
	*Runner
	owner        *owner
	library      *provider.Provider // that the transcript is for
	root         string
	ran          map[provider.Verb]bool
	noStatus     bool // was seen
	failedAction bool // was seen
}

// newRig makes a BMC of the provider that the transcript is for, or of the file $PROVIDER: bmc NAME [PARAMETER=VALUE...]
func newRig(ts *testscript.TestScript, _ bool, args []string) {
	m := ts.Value("rig").(*rig)
	file := builtin + ts.Name() + ".conf"
	if own := ts.Getenv("PROVIDER"); own != "" {
		file = ts.MkAbs(own)
	}
	p, err := provider.Load(file)
	ts.Check(err)
	given := make(map[string]string)
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		given[name] = value
	}
	values, err := p.Values(args[0], given)
	ts.Check(err)
	state := ts.MkAbs("state-of-" + args[0])
	ts.Check(os.MkdirAll(state, 0o700))
	if m.library == nil {
		m.library = p
	}
	fetch, err := filepath.Abs(fetchProgram)
	ts.Check(err)
	m.Runner = &Runner{
		Provider:   p,
		Parameters: values,
		Name:       args[0],
		StateDir:   state,
		Media:      media.Rule{Local: true},
		Logins:     media.Logins{Dir: m.root},
		Fetch:      fetch,
		Environ:    []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME"), "WORK=" + ts.Getenv("WORK")},
		Stderr: func(provider.Verb) (*os.File, error) {
			return os.OpenFile(filepath.Join(m.root, "journal"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		},
	}
	m.owner = newOwner(m.Runner, filepath.Join(m.root, "actions"))
}

// verb runs a script: its answer is the standard output, why it failed the standard error. "boot set DEVICE [once]" sets
// what "power on" and the like are told. "media insert URL [PASSWORD]" inserts an image from the server $IMAGES.
func verb(section string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		m := ts.Value("rig").(*rig)
		v := provider.Verb(section + " " + args[0])
		answer, err := m.run(v, args[1:])
		fmt.Fprint(ts.Stdout(), answer)
		if err != nil {
			fmt.Fprintln(ts.Stderr(), err)
		}
		if neg == (err == nil) {
			journal, _ := os.ReadFile(filepath.Join(m.root, "journal"))
			ts.Fatalf("%s: %v\n%s", v, err, journal)
		}
		m.ran[v] = m.ran[v] || err == nil
		m.noStatus = m.noStatus || v == provider.Status && err != nil
		m.failedAction = m.failedAction || v != provider.Status && err != nil
	}
}

func (m *rig) run(v provider.Verb, args []string) (answer string, err error) {
	switch v {
	case provider.Status:
		reading := m.Query(context.Background(), v, provider.Args{})
		if reading.Err != nil {
			return "", reading.Err
		}
		return flag(reading.On, "on\n", "off\n"), nil
	case provider.BootGet:
		reading := m.Query(context.Background(), v, provider.Args{})
		return string(reading.Device) + "\n", reading.Err
	case provider.FRUGet:
		reading := m.Query(context.Background(), v, provider.Args{})
		return fmt.Sprintf("%+v\n", reading.FRU), reading.Err
	case provider.MediaGet:
		reading := m.Query(context.Background(), v, provider.Args{})
		return reading.Media + "\n", reading.Err
	case provider.SensorsGet:
		reading := m.Query(context.Background(), v, provider.Args{})
		for _, name := range slices.Sorted(maps.Keys(reading.Values)) {
			answer += fmt.Sprintf("%s=%v\n", name, reading.Values[name])
		}
		return answer, reading.Err
	}
	intent := machine.Intent{Verb: v, Light: provider.Light{On: true}}
	if v == provider.BootSet {
		intent.Boot.Device, intent.Boot.Persistent = provider.Device(args[0]), !slices.Contains(args, "once")
	}
	if v == provider.MediaInsert {
		intent.Media = machine.Media{URL: args[0], WriteProtected: true}
		if len(args) > 1 {
			if intent.Media.Login, err = m.login(args[1]); err != nil {
				return "", err
			}
		}
	}
	return "", m.owner.act(intent)
}

// consoleVerb runs a script of the console: console break, or console connect [TEXT]. The script of connect gets the text
// typed on its terminal, and is ended once it has printed that. It fails if it ends before.
func consoleVerb(ts *testscript.TestScript, neg bool, args []string) {
	m := ts.Value("rig").(*rig)
	v := provider.Verb("console " + args[0])
	var err error
	if v == provider.Break {
		err = m.Break(context.Background())
	} else {
		var printed string
		printed, err = m.converse(strings.Join(args[1:], " "))
		fmt.Fprint(ts.Stdout(), printed)
	}
	if err != nil {
		fmt.Fprintln(ts.Stderr(), err)
	}
	if neg == (err == nil) {
		journal, _ := os.ReadFile(filepath.Join(m.root, "journal"))
		ts.Fatalf("%s: %v\n%s", v, err, journal)
	}
	m.ran[v] = m.ran[v] || err == nil
}

// converse types a text into the console script, and returns what it prints until then.
func (m *rig) converse(text string) (printed string, err error) {
	terminal, err := m.Connect()
	if err != nil {
		return "", err
	}
	if _, err := terminal.Write([]byte(text)); err != nil {
		terminal.End()
		return "", err
	}
	printed, whole := readFrom(terminal, text)
	if end := terminal.End(); !whole {
		err = fmt.Errorf("%s: %s", provider.Connect, end)
	}
	return printed, err
}

// login is a file with that password of the user admin.
func (m *rig) login(password string) (name string, err error) {
	text, err := m.Logins.Text("admin", password)
	if err != nil {
		return "", err
	}
	return m.Logins.Create(text)
}

// complete reports what the transcript has left out.
func (m *rig) complete(t testscript.T) {
	if m.library == nil {
		t.Fatal("the transcript has no BMC")
	}
	for _, v := range m.library.Verbs() {
		if !m.ran[v] {
			t.Fatal("the transcript does not show:", v)
		}
	}
	if !m.noStatus || !m.failedAction {
		t.Fatal("the transcript shows no status, or no action, that fails")
	}
}
