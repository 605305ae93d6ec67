# The commands that people type. "make" alone lists them.

PREFIX  ?= /usr/local
DESTDIR ?=
UNITS   ?= $(PREFIX)/lib/systemd/system
USER_UNITS ?= $(PREFIX)/lib/systemd/user
SHARE   ?= $(PREFIX)/share
# fish of a distribution does not look below /usr/local.
FISH    ?= $(if $(filter /usr/local,$(PREFIX)),/etc/fish/completions,$(SHARE)/fish/vendor_completions.d)
BIN     ?= bin
GO_LDFLAGS ?=
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

UNIT_FILES = shipmi-bmc@.socket shipmi-bmc@.service shipmi-inband@.socket shipmi-restore.service \
	shipmi-gateway.socket shipmi-gateway.service
# These are for the host alone.
HOST_UNIT_FILES = shipmi-metrics.service shipmi-metrics.timer
# They have the end of the boot start shipmi-restore.service: of the host, and of a user's own systemd.
BOOT = $(UNITS)/multi-user.target.d/50-shipmi.conf
USER_BOOT = $(USER_UNITS)/default.target.d/50-shipmi.conf

# What the test of packages needs beside the packages of every machine.
CHECKERS = lintian,rpm,file,qemu-user-static,fish,gnupg,debsig-verify,dnf,createrepo-c,zypper

# What demo and test need beside Go and make; the clients are for tests on this host, the machines have their own.
TOOLS = systemd-container mmdebstrap procps gcc libc6-dev shellcheck strace gnupg ipmitool freeipmi-tools python3-pyghmi curl socat iproute2

# What makes the site, and what looks at it.
SITE_TOOLS = hugo chromium fonts-dejavu-core

# The clients that "make matrix" runs beside those of every machine: packages of Debian, and one from the Go proxy.
CLIENTS = fence-agents,prometheus-ipmi-exporter,python3-pyghmi,curl,conman,socat,python3-sushy,redfishtool,ansible,monitoring-plugins-contrib,libipc-run-perl,openipmi
GOIPMI  = github.com/bougou/go-ipmi/cmd/goipmi@v0.9.1

# What is switched for real, socat and curl, which providers need, and the operating systems of a container and of a guest
# with a console.
HYPERVISORS = libvirt-daemon-system,libvirt-clients,qemu-system-x86,socat,curl,incus-base,incus-client,systemd-container,busybox-static,linux-image-cloud-amd64

# What runs a Linux guest, and what it is made from.
GUEST = qemu-system-x86,busybox-static,cpio,xz-utils,kmod,linux-image-amd64

# What the nodes of e2e-pacemaker are made from.
CLUSTER = bookworm,crmsh,pacemaker,resource-agents,psmisc,kmod

STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
SHELL_FILES = internal/script/action.sh test/again test/machine/machine test/e2e/run test/demo test/fuzz test/clients/run test/load/run test/bench/run test/docs/run test/libvirt/run test/libvirt/next $(addprefix test/inband/, run guest initramfs said disturb testdata/init) \
	packaging/build packaging/version packaging/release packaging/sign packaging/postinst packaging/prerm packaging/postrm test/packages/run .ci/run contrib/media/shipmi-fetch

.PHONY: help
help:
	@echo 'make demo        see a BMC at work in a disposable machine'
	@echo 'make build       bin/shipmi, bin/shipmi-bmc and bin/shipmi-gateway'
	@echo 'make install     install below PREFIX ($(PREFIX)); DESTDIR is put in front, for packagers'
	@echo 'make uninstall   remove what install installed; the settings of BMCs stay'
	@echo 'make packages    .deb, .rpm and tarball of VERSION ($(VERSION)) for amd64 and arm64 in dist'
	@echo 'make release VERSION=v1.2.3'
	@echo '                 all checks and tests, then the packages in dist, then the tag'
	@echo 'make test        every test, the end-to-end tests in disposable machines included'
	@echo 'make fuzz        every fuzz target for FUZZTIME ($(FUZZTIME)) each'
	@echo 'make matrix      every client of the field in a disposable machine; writes docs/works-with.md'
	@echo 'make e2e-libvirt libvirt, QEMU, Incus and systemd-nspawn in a disposable machine, watched from their guests'
	@echo 'make e2e-inband  a Linux guest that drives its BMC, in a disposable machine'
	@echo 'make docs        type the documentation into a disposable machine, from top to bottom'
	@echo 'make site        the documentation as a web site in bin/site, looked at with a browser'
	@echo 'make e2e-ansible    a fleet from an inventory, in a disposable machine'
	@echo 'make e2e-pacemaker  a BMC that fails over between two disposable machines'
	@echo 'make load        hundreds of BMCs under hundreds of consoles in a disposable machine'
	@echo 'make chaos       real clients over a network that loses, repeats and corrupts: power actions, the console'
	@echo 'make crash       the death of the process at any instant, a full disk, an upgrade, a suspended host'
	@echo 'make bench       side by side with others in a disposable machine; writes docs/performance.md'
	@echo 'make bench-fleet the part of it that is many BMCs ($(BMCS)), with the commands of an administrator among them'
	@echo 'make bench-check the same, shorter, compared with what is written there'
	@echo 'make soak        the long forms of tests, which take a while'
	@echo 'make lint        vet, staticcheck, gofmt, shellcheck, govulncheck'
	@echo 'make clean       remove bin and dist; the root file systems of the machines stay in ~/.cache/shipmi'

.PHONY: build
build: $(BIN)/shipmi $(BIN)/shipmi-bmc $(BIN)/shipmi-gateway

$(BIN)/shipmi $(BIN)/shipmi-bmc $(BIN)/shipmi-gateway &: go.mod go.sum $(shell find cmd internal contrib docs -type f)
	CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags '$(GO_LDFLAGS) -X main.version=$(VERSION)' -o $(BIN)/ ./cmd/shipmi ./cmd/shipmi-bmc ./cmd/shipmi-gateway

# Man pages and shell completions. They are made on this host, whatever the programs are for.
$(BIN)/docs: go.mod go.sum $(shell find cmd internal contrib docs -type f)
	GOOS= GOARCH= go run ./cmd/shipmi-docs $@ '$(VERSION)' "$$(git log -1 --format=%cs 2>/dev/null)"
	@touch $@

.PHONY: install
install: build $(BIN)/docs
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(BIN)/shipmi
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/sbin $(BIN)/shipmi-bmc $(BIN)/shipmi-gateway
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/shipmi/providers contrib/providers/*.conf
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/share/shipmi/media contrib/media/shipmi-fetch
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/shipmi systemd/sandbox.conf contrib/schema/fleet.schema.json
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/shipmi/grafana contrib/grafana/shipmi.json
	install -D -m 644 -t $(DESTDIR)$(UNITS) $(addprefix systemd/, $(UNIT_FILES) $(HOST_UNIT_FILES))
	sed -i 's|@PREFIX@|$(PREFIX)|' $(addprefix $(DESTDIR)$(UNITS)/, shipmi-bmc@.service shipmi-restore.service shipmi-metrics.service shipmi-gateway.service)
	install -D -m 644 -t $(DESTDIR)$(USER_UNITS) $(UNIT_FILES:%=$(DESTDIR)$(UNITS)/%)
	sed -i -f systemd/user.sed $(UNIT_FILES:%=$(DESTDIR)$(USER_UNITS)/%)
	install -D -m 644 systemd/boot.conf $(DESTDIR)$(BOOT)
	install -D -m 644 systemd/boot.conf $(DESTDIR)$(USER_BOOT)
	$(REMOVE_FORMER)
	install -D -m 644 $(BIN)/docs/shipmi.1 $(DESTDIR)$(SHARE)/man/man1/shipmi.1
	install -D -m 644 $(BIN)/docs/shipmi-provider.5 $(DESTDIR)$(SHARE)/man/man5/shipmi-provider.5
	install -D -m 644 -t $(DESTDIR)$(SHARE)/man/man8 $(BIN)/docs/shipmi-bmc.8 $(BIN)/docs/shipmi-gateway.8
	install -D -m 644 $(BIN)/docs/shipmi.bash $(DESTDIR)$(SHARE)/bash-completion/completions/shipmi
	install -D -m 644 $(BIN)/docs/_shipmi $(DESTDIR)$(SHARE)/zsh/site-functions/_shipmi
	install -D -m 644 $(BIN)/docs/shipmi.fish $(DESTDIR)$(FISH)/shipmi.fish
	$(RELINK)
	$(RELOAD)

.PHONY: uninstall
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/shipmi $(addprefix $(DESTDIR)$(PREFIX)/sbin/, shipmi-bmc shipmi-gateway)
	rm -f $(addprefix $(DESTDIR)$(UNITS)/, $(UNIT_FILES) $(HOST_UNIT_FILES)) $(UNIT_FILES:%=$(DESTDIR)$(USER_UNITS)/%)
	rm -f $(DESTDIR)$(BOOT) $(DESTDIR)$(USER_BOOT)
	rm -f $(addprefix $(DESTDIR)$(SHARE)/, man/man1/shipmi.1 man/man5/shipmi-provider.5 man/man8/shipmi-bmc.8 man/man8/shipmi-gateway.8 \
		bash-completion/completions/shipmi zsh/site-functions/_shipmi) $(DESTDIR)$(FISH)/shipmi.fish
	rm -rf $(DESTDIR)$(PREFIX)/share/shipmi
	$(RELINK)
	$(RELOAD)

# Former versions had a unit for each BMC instead of shipmi-restore.service.
REMOVE_FORMER = @rm -f $(DESTDIR)$(UNITS)/shipmi-bmc-restore@.service $(DESTDIR)$(USER_UNITS)/shipmi-bmc-restore@.service; \
	[ -n '$(DESTDIR)' ] || rm -f /etc/systemd/system/*.wants/shipmi-bmc-restore@*.service

# BMCs with a sandbox have a link to it. Links to the sandbox of an installation that is gone get the one of another
# installation: of this one, or of a package.
RELINK = @[ -n '$(DESTDIR)' ] || for sandbox in $(PREFIX)/share/shipmi/sandbox.conf /usr/share/shipmi/sandbox.conf; do \
	for link in /etc/systemd/system/shipmi-bmc@*.service.d/40-sandbox.conf; do \
	[ -e "$$link" ] || [ ! -L "$$link" ] || [ ! -e "$$sandbox" ] || ln -sf "$$sandbox" "$$link"; done; done

# On a running system, and only there, systemd has to look at its units again.
RELOAD = @[ -n '$(DESTDIR)' ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload

.PHONY: packages
packages:
	packaging/build '$(VERSION)' dist

.PHONY: release
release:
	packaging/release '$(VERSION)'

.PHONY: demo
demo: tools build
	@$(AGAIN) test/machine/machine new bookworm test/demo

# With AGAIN=test/again, a suite that fails runs once more.
SUITES = $(MAKE) --no-print-directory AGAIN=test/again

.PHONY: test
test: tools lint
	@rm -f bin/unstable
	test/again env GORACE=atexit_sleep_ms=10 go test -race ./... # the race detector waits 1 s at the end of each process otherwise
	test/fuzz 5s
	$(SUITES) --jobs=2 --output-sync e2e-bookworm e2e-trixie e2e-libvirt e2e-inband matrix
	$(SUITES) demo
	$(SUITES) docs
	$(SUITES) site
	$(SUITES) e2e-packages
	$(SUITES) load
	$(SUITES) chaos
	$(SUITES) flood
	$(SUITES) crash
	$(SUITES) e2e-ansible
	$(SUITES) e2e-pacemaker
	@[ ! -e bin/unstable ] || cat bin/unstable

FUZZTIME = 1h

.PHONY: fuzz
fuzz:
	test/fuzz $(FUZZTIME)

.PHONY: e2e-bookworm e2e-trixie
e2e-bookworm e2e-trixie: e2e-%: build $(BIN)/docs bin/e2e.test
	$(AGAIN) test/machine/machine new $*,libpam-systemd,openssh-server,curl test/e2e/run

.PHONY: e2e-libvirt
e2e-libvirt: tools build $(BIN)/docs bin/e2e.test
	$(AGAIN) test/machine/machine new trixie,$(HYPERVISORS) test/libvirt/run

.PHONY: e2e-inband
e2e-inband: tools build $(BIN)/docs bin/e2e.test
	$(AGAIN) test/machine/machine new trixie,$(GUEST) test/inband/run

.PHONY: e2e-packages
e2e-packages: tools bin/packages.test
	$(AGAIN) test/machine/machine new bookworm,$(CHECKERS) test/packages/run

.PHONY: e2e-ansible
e2e-ansible: tools build bin/e2e.test
	$(AGAIN) test/machine/machine new bookworm,ansible-core,libpam-systemd test/e2e/run -test.run TestAnsible

# The network that the nodes share is that of the test, which has one for itself. From there nothing can be downloaded any
# more, and so the first line does.
.PHONY: e2e-pacemaker
e2e-pacemaker: tools build bin/docs bin/pacemaker.test
	test/machine/machine new $(CLUSTER) true
	$(AGAIN) sh -c 'cd test/pacemaker && exec unshare --net ../../bin/pacemaker.test -test.v -image $(CLUSTER)'

.PHONY: matrix
matrix: tools build $(BIN)/docs bin/clients.test bin/goipmi bin/goipmi-vmprobe bin/bmclib
	$(AGAIN) test/machine/machine new bookworm,$(CLIENTS) test/clients/run

# The machine of the documentation has what its readers have, beside what every machine has.
.PHONY: docs
docs: tools build bin/docs.test
	$(AGAIN) test/machine/machine new bookworm,sudo,jq,curl,fence-agents,ironic-common,python3-ironicclient test/docs/run

.PHONY: site
site: site-tools
	rm -rf bin/site
	hugo --quiet --noBuildLock --config docs/site/config.toml --destination bin/site
	$(AGAIN) go test -C test/site -tags e2e -count=1 .

.PHONY: load
load: tools build bin/load.test
	$(AGAIN) test/machine/machine new bookworm test/load/run

.PHONY: chaos
chaos: tools build bin/chaos.test bin/goipmi
	$(AGAIN) sh -c 'cd test/chaos && exec ../../bin/chaos.test'

.PHONY: flood
flood: tools
	$(AGAIN) go test -tags e2e -count=1 -v ./test/flood

.PHONY: crash
crash: tools
	$(AGAIN) go test -tags e2e -count=1 ./test/crash

# What bench compares with, as packages of Debian; another peer is a module of its go.mod.
PEERS = openipmi,python3-pyghmi,socat
BENCH = test/machine/machine new bookworm,$(PEERS) test/bench/run

.PHONY: bench
bench: tools build bin/bench
	$(BENCH) bin/bench.json $(BENCH_OPTIONS)
	bin/bench table bin/bench.json
	$(if $(BENCH_OPTIONS),,cp bin/bench.json docs/performance/results.json && bin/bench page .)

# The page has results for 1000 and for 10000 BMCs, with the systemd of each suite.
BMCS  = 10000
SUITE = bookworm

.PHONY: bench-fleet
bench-fleet: tools build bin/bench
	test/machine/machine new $(SUITE),$(PEERS),ansible-core test/bench/run bin/bench.json -only fleet -bmcs $(BMCS)
	bin/bench table bin/bench.json
	$(if $(filter 1000 10000,$(BMCS)),cp bin/bench.json docs/performance/fleet-$(SUITE)-$(BMCS).json && bin/bench page .)

.PHONY: bench-check
bench-check: tools build bin/bench
	$(BENCH) bin/bench.json -rounds 9 -round 300ms -activations 60
	bin/bench check bin/bench.json docs/performance/results.json

# Beside it are the server of a peer, and two of what is the least that anybody can do.
.PHONY: bin/bench
bin/bench:
	cd test/bench && CGO_ENABLED=0 go build -buildvcs=false -o ../../bin/bench .
	cd test/bench && CGO_ENABLED=0 go build -buildvcs=false -trimpath -o ../../bin/bench-goipmi ./goipmi
	cd test/bench && CGO_ENABLED=0 go build -buildvcs=false -trimpath -o ../../bin/bench-goecho ./goecho
	$(CC) -Wall -Wextra -O2 -static -o bin/bench-echo test/bench/testdata/echo.c

CHAOS = 20m

.PHONY: soak
soak: tools build bin/load.test bin/chaos.test bin/goipmi
	test/fuzz 5m
	cd test/chaos && ../../bin/chaos.test -test.timeout 0 -for $(CHAOS) -bmcs 64
	go test -tags e2e -count=1 -v ./test/flood -share 1 -flood 5m
	test/machine/machine new trixie test/load/run -bmcs 1000 -polling 5m -idle 10s -sessions 100000
	go test -count=1 -timeout 0 ./internal/jobs -seeds 5000000 -faults
	CRASH_EVERY=1 go test -tags e2e -count=1 -timeout 60m -v -run TestDeathAtAnyInstant ./test/crash

.PHONY: bin/e2e.test bin/clients.test bin/load.test bin/chaos.test bin/docs.test bin/packages.test bin/pacemaker.test
bin/e2e.test bin/clients.test bin/load.test bin/chaos.test bin/docs.test bin/packages.test bin/pacemaker.test: bin/%.test:
	CGO_ENABLED=0 go test -tags e2e -c -o $@ ./test/$*

.PHONY: bin/bmclib
bin/bmclib:
	cd test/libraries && CGO_ENABLED=0 go build -buildvcs=false -o ../../bin/bmclib ./bmclib

bin/goipmi bin/goipmi-vmprobe &: Makefile
	CGO_ENABLED=0 GOBIN=$(CURDIR)/bin go install \
		-ldflags '-X github.com/bougou/go-ipmi/cmd/goipmi/commands.Version=$(lastword $(subst @, ,$(GOIPMI)))' \
		$(GOIPMI) $(subst /goipmi@,/goipmi-vmprobe@,$(GOIPMI))

# What needs much of others has a go.mod of its own. Tests there read the documentation, whose changes the cache does not
# see: -count=1.
MODULES = test/bench test/libraries test/site

.PHONY: lint
lint: bin/govulncheck
	go vet -tags e2e ./...
	$(STATICCHECK) -checks all -tags e2e ./...
	for module in $(MODULES); do (cd $$module && go vet ./... && go test -count=1 ./... && $(STATICCHECK) -checks all ./...) || exit; done
	@! gofmt -l cmd internal test | grep . || { echo 'error: not formatted; run gofmt -w on these'; exit 1; }
	shellcheck $(SHELL_FILES)
	bin/govulncheck -tags e2e ./... || { [ $$? = 1 ] && echo 'warning: known vulnerabilities were not looked for'; }

# Status 3 means that there are vulnerabilities, 1 that it cannot tell: the database is on the network.
bin/govulncheck: Makefile
	GOBIN=$(CURDIR)/bin go install $(GOVULNCHECK)

.PHONY: tools site-tools
site-tools: TOOLS = $(SITE_TOOLS)
tools site-tools:
	@dpkg --status $(TOOLS) >/dev/null 2>&1 || { set -e; \
		echo 'installing the Debian packages $(TOOLS)'; \
		apt-get -q update; DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends install $(TOOLS); }

.PHONY: clean
clean:
	rm -rf bin dist
