package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/client"
	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/session"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/terminal"
	"github.com/shipmi/shipmi/internal/units"
)

// A consoleRequest is what the flags of "console" say.
type consoleRequest struct {
	readOnly bool
	steal    bool
	log      bool
	username string
}

func (a *app) consoleCommand() *cobra.Command {
	var r consoleRequest
	cmd := &cobra.Command{
		Use:        "console NAME",
		SuggestFor: []string{"sol", "attach", "tty"},
		Short:      "Open the serial console of a machine",
		Long: `Open the serial console of a machine, as "ipmitool sol activate" does: by Serial over
LAN, with a session of its own. The command reads the password from the credentials of the
BMC. The provider needs a console script.

These sequences work at the start of a line:
  ~.  leaves the console
  ~B  sends a break
  ~?  lists these sequences
  ~~  types a tilde

If standard input is not a terminal, these sequences mean nothing, and the command leaves one
second after the end of its input.

One client at a time can type. If another client has the console, --steal takes it from
that client, and --read-only watches. --log prints the last 60 KB of output, without a
session. The output is kept until the BMC is stopped.`,
		Example: `  shipmi console node-0
  shipmi console node-0 --read-only
  shipmi console node-0 --log | tail
  printf 'root\r' | shipmi console node-0`,
		Args:              oneName,
		ValidArgsFunction: a.completeName,
		RunE: func(cmd *cobra.Command, args []string) error {
			bmcs, err := a.findBMCs(args[0])
			if err != nil {
				return err
			}
			b := bmcs[0]
			switch {
			case b.Err != nil:
				return fmt.Errorf("%s: %w", b.Name, b.Err)
			case r.log:
				return a.printConsoleLog(b)
			}
			if err := a.console(cmd.Context(), r, b); err != nil {
				return fmt.Errorf("%s: %w", b.Name, err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&r.readOnly, "read-only", false, "show the output, and drop what you type")
	cmd.Flags().BoolVar(&r.steal, "steal", false, "take the console over from another client")
	cmd.Flags().BoolVar(&r.log, "log", false, "print the latest output and exit")
	cmd.Flags().StringVar(&r.username, "username", "", "log in as this `user` of the BMC")
	_ = cmd.RegisterFlagCompletionFunc("username", a.completeNameAndUser)
	cmd.MarkFlagsMutuallyExclusive("read-only", "steal", "log")
	cmd.MarkFlagsMutuallyExclusive("username", "log")
	return cmd
}

// printConsoleLog prints the output that is kept.
func (a *app) printConsoleLog(b units.BMC) error {
	line, err := a.consoleLine(b)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return hint.Add(fmt.Errorf("%s: no output is kept", b.Name),
			"output is kept while a client has the console open, until the BMC is stopped")
	case err != nil:
		return fmt.Errorf("%s: %w", b.Name, err)
	}
	for _, part := range line.Log() {
		if _, err := a.Stdout.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// console opens the console of a BMC and has the user work with it.
func (a *app) console(ctx context.Context, r consoleRequest, b units.BMC) error {
	p, err := a.host.LoadProvider(b.Provider)
	if err != nil {
		return err
	}
	if !p.Has(provider.Connect) {
		err := fmt.Errorf("the provider %q has no console script", settings.ProviderName(b.Provider))
		return hint.Add(err, "add connect = ... to its section [CONSOLE], see shipmi-provider(5)")
	}
	login, err := a.consoleLogin(b, r.username)
	if err != nil {
		return err
	}
	s, err := openSession(ctx, b, login)
	if err != nil {
		return explainSession(b, login, err)
	}
	defer s.Close()
	open := a.activate
	if r.readOnly {
		open = a.watch
	}
	c, err := open(ctx, s, r, b)
	if err != nil {
		return explainSession(b, login, err)
	}
	if err := a.attach(ctx, c, r, b); err != nil {
		return explainSession(b, login, err)
	}
	return nil
}

// consoleLogin returns how to log in: as the user with that name, or else as the one with the
// highest privilege of those who may open the console.
func (a *app) consoleLogin(b units.BMC, username string) (session.Login, error) {
	login, err := a.loginOf(b, func(u instance.User) bool {
		return !u.NoConsole && (username == "" || u.Name == username) && (u.Privilege >= instance.PrivilegeOperator || username != "")
	})
	if errors.Is(err, errNoUser) {
		err = errors.New("no user may open the console")
		if username != "" {
			err = fmt.Errorf("the user %q may not open the console", username)
		}
		return session.Login{}, hint.Add(err,
			`a user needs a password, a level of operator or higher, and "console" that is not false: see "shipmi user list %s"`, b.Name)
	}
	return login, err
}

// errNoUser means that a BMC has no user that may do something.
var errNoUser = errors.New("no user may do that")

// loginOf returns how to log in: as the user with the highest privilege of those that may do something and can log in. Without
// such a user the error is errNoUser.
func (a *app) loginOf(b units.BMC, may func(instance.User) bool) (session.Login, error) {
	credentials, err := a.store.Credentials(b.Name)
	if err != nil {
		return session.Login{}, err
	}
	var user *instance.User
	for i, u := range credentials.Users {
		if u.CanLogIn() && may(u) && (user == nil || u.Privilege > user.Privilege) {
			user = &credentials.Users[i]
		}
	}
	if user == nil {
		return session.Login{}, errNoUser
	}
	suite, err := firstSuite(b.CipherSuites)
	return session.Login{
		Suite: suite, Privilege: rmcp.Privilege(user.Privilege), User: user.Name,
		Password: func() []byte { return []byte(user.Password.Reveal()) },
		Kg:       credentials.Key,
	}, err
}

func firstSuite(ids []byte) (rmcp.Suite, error) {
	for _, id := range ids {
		if s, ok := rmcp.SuiteByID(id); ok {
			return s, nil
		}
	}
	return rmcp.Suite{}, errors.New("no cipher suite is set")
}

// openSession opens a session on the first address that works. The error is that of the first
// address.
func openSession(ctx context.Context, b units.BMC, login session.Login) (*client.Session, error) {
	addrs := reachable(b)
	if addrs == nil {
		err := errors.New("it accepts no packets from this host")
		return nil, hint.Add(err, `--allow of "shipmi set" replaces the networks %s: give 127.0.0.1, too`, strings.Join(b.Allow, ", "))
	}
	var first error
	for _, addr := range addrs {
		s, err := openAt(ctx, addr, login)
		if err == nil {
			return s, nil
		}
		first = cmp.Or(first, err)
		if errors.Is(err, session.ErrRefused) || errors.Is(err, client.ErrPrivilege) || ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

func openAt(ctx context.Context, addr netip.AddrPort, login session.Login) (*client.Session, error) {
	conn, err := dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	return client.Open(ctx, conn, login, rand.Reader)
}

// reachable returns where a BMC accepts packets from this host. A packet to an address of the
// host comes from the same address.
func reachable(b units.BMC) (addrs []netip.AddrPort) {
	for _, listen := range b.Listen {
		candidates := []netip.Addr{listen.Addr()}
		switch listen.Addr() {
		case netip.IPv6Unspecified(): // such a socket receives IPv4 packets, too
			candidates = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
		case netip.IPv4Unspecified():
			candidates = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
		}
		for _, addr := range candidates {
			if accepts(b.Allow, addr) {
				addrs = append(addrs, netip.AddrPortFrom(addr, listen.Port()))
			}
		}
	}
	return addrs
}

// accepts reports whether packets from an address pass the networks of --allow. They may also
// be words of IPAddressAllow= that only systemd knows: then only a packet can tell.
func accepts(allow []string, addr netip.Addr) bool {
	return allow == nil || slices.ContainsFunc(allow, func(network string) bool {
		prefix, err := netip.ParsePrefix(network)
		if single, noNetwork := netip.ParseAddr(network); noNetwork == nil {
			prefix, err = netip.PrefixFrom(single, single.BitLen()), nil
		}
		return err != nil || prefix.Contains(addr.WithZone(""))
	})
}

// explainSession adds to an error what the user can do.
func explainSession(b units.BMC, login session.Login, err error) error {
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return hint.Add(errors.New("it is not started"), `"shipmi start %s" starts it`, b.Name)
	case errors.Is(err, client.ErrNoAnswer), errors.Is(err, client.ErrLost), errors.Is(err, session.ErrRefused):
		return hint.Add(err, `see "shipmi logs %s"`, b.Name)
	case errors.Is(err, client.ErrPrivilege):
		err = fmt.Errorf("the level of the user %q is too low for the console", login.User)
		return hint.Add(err, `"ipmitool sol info" shows the level that it needs; --username logs in as another user`)
	case errors.Is(err, client.ErrDisabled):
		return hint.Add(err, `"ipmitool sol set enabled true" enables it`)
	}
	return err
}

// activate opens instance 1, which types.
func (a *app) activate(ctx context.Context, s *client.Session, r consoleRequest, b units.BMC) (*client.Console, error) {
	c, err := s.Activate(ctx, 1)
	if !errors.Is(err, client.ErrOccupied) {
		return c, err
	}
	if r.steal {
		if err := s.Deactivate(ctx, 1); err != nil {
			return nil, err
		}
		return s.Activate(ctx, 1)
	}
	if use, useErr := a.consoleUseOf(b); useErr == nil && use.Client != nil {
		err = fmt.Errorf("another client has the console open: %v", use.Client)
	}
	return nil, hint.Add(err, "--steal takes the console from that client, and --read-only watches")
}

// watch opens one of the instances that only watch.
func (a *app) watch(ctx context.Context, s *client.Session, _ consoleRequest, _ units.BMC) (*client.Console, error) {
	for {
		instance, free, err := s.Free(ctx, 2)
		switch {
		case err != nil:
			return nil, err
		case !free:
			return nil, errors.New("too many clients watch the console")
		}
		c, err := s.Activate(ctx, instance)
		if !errors.Is(err, client.ErrOccupied) { // another client was faster
			return c, err
		}
	}
}

const consoleHelp = "\r\n" +
	"~.  leave\r\n" +
	"~B  send a break\r\n" +
	"~?  list these sequences\r\n" +
	"~~  type a tilde\r\n"

// lingerTime is how long the command prints output after the end of its input.
const lingerTime = time.Second

// typeAhead is how much a user can type while the BMC does not answer, in reads of the
// terminal. The sequence that leaves still works then.
const typeAhead = 1000

// attach connects the console with the standard streams until the user leaves. The terminal is
// as before when it returns.
func (a *app) attach(ctx context.Context, c *client.Console, r consoleRequest, b units.BMC) error {
	// Without a handler these signals would end the program before the terminal is restored.
	signaled, stop := signal.NotifyContext(ctx, unix.SIGHUP, unix.SIGPIPE)
	defer stop()
	attached, leave := context.WithCancel(signaled)
	defer leave()
	keys := consoleKeys{app: a, ended: attached.Done(), readOnly: r.readOnly, leave: leave}
	switch restore, err := a.Raw(); {
	case err == nil:
		defer fmt.Fprintf(a.Stderr, "\r\n[console of %s left]\n", b.Name)
		defer restore()
		fmt.Fprintf(a.Stderr, "[console of %s: ~. leaves, ~? lists what else there is]\r\n", b.Name)
		keys.input = make(chan client.Input, typeAhead)
		go keys.typed()
	case !errors.Is(err, terminal.ErrNoTerminal):
		return err
	case !r.readOnly:
		keys.input = make(chan client.Input)
		go keys.piped()
	}
	err := c.Run(attached, keys.input, a.Stdout)
	switch {
	case errors.Is(err, unix.EPIPE): // the program that reads the output has ended
		return nil
	case signaled.Err() != nil && ctx.Err() == nil:
		return context.Cause(signaled)
	case attached.Err() != nil && ctx.Err() == nil: // the user has left
		return nil
	}
	return err
}

// consoleKeys takes what the user types.
type consoleKeys struct {
	app      *app
	input    chan client.Input
	ended    <-chan struct{}
	readOnly bool
	leave    func()
}

// send passes input on when the console takes it.
func (k consoleKeys) send(in client.Input) {
	select {
	case k.input <- in:
	case <-k.ended:
	}
}

// read reads standard input to its end.
func (k consoleKeys) read(take func([]byte)) {
	b := make([]byte, 4096)
	for {
		n, err := k.app.Stdin.Read(b)
		if n > 0 {
			take(append([]byte(nil), b[:n]...))
		}
		if err != nil {
			return
		}
	}
}

// piped types everything.
func (k consoleKeys) piped() {
	k.read(func(b []byte) { k.send(client.Input{Text: b}) })
	select {
	case <-time.After(lingerTime):
	case <-k.ended:
	}
	close(k.input)
}

// typed looks for escape sequences.
func (k consoleKeys) typed() {
	escapes := terminal.Escapes{Commands: ".B?"}
	k.read(func(b []byte) {
		for len(b) > 0 {
			var (
				text    []byte
				command byte
			)
			text, command, b = escapes.Next(b)
			if len(text) > 0 && !k.readOnly {
				k.send(client.Input{Text: text})
			}
			switch {
			case command == '.':
				k.leave()
			case command == '?':
				_, _ = io.WriteString(k.app.Stderr, consoleHelp)
			case command == 'B' && !k.readOnly:
				k.send(client.Input{Break: true})
			}
		}
	})
	k.leave()
}
