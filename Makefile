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

UNIT_FILES = shipmi-bmc@.socket shipmi-bmc@.service shipmi-bmc-restore@.service

# What the test of packages needs beside the packages of every machine.
CHECKERS = lintian,rpm,file,qemu-user-static,fish,gnupg,debsig-verify,dnf,createrepo-c,zypper

# What demo and test need beside Go and make; the clients are for tests on this host, the machines have their own.
TOOLS = systemd-container mmdebstrap procps gcc libc6-dev shellcheck strace gnupg ipmitool freeipmi-tools python3-pyghmi curl socat iproute2

# The clients that "make matrix" runs beside those of every machine: packages of Debian, and one from the Go proxy.
CLIENTS = fence-agents,prometheus-ipmi-exporter,python3-pyghmi,curl
GOIPMI  = github.com/bougou/go-ipmi/cmd/goipmi@v0.9.1

# What is switched for real, socat, which one of the providers needs, and what a container has for an operating system.
HYPERVISORS = libvirt-daemon-system,libvirt-clients,qemu-system-x86,socat,incus-base,incus-client,systemd-container,busybox-static

# What the nodes of e2e-pacemaker are made from.
CLUSTER = bookworm,crmsh,pacemaker,resource-agents

STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
SHELL_FILES = internal/script/action.sh test/machine/machine test/e2e/run test/demo test/fuzz test/clients/run test/load/run test/bench/run test/docs/run test/libvirt/run test/libvirt/next \
	packaging/build packaging/version packaging/release packaging/sign packaging/postinst packaging/prerm packaging/postrm test/packages/run .ci/run

.PHONY: help
help:
	@echo 'make demo        see a BMC at work in a disposable machine'
	@echo 'make build       bin/shipmi and bin/shipmi-bmc'
	@echo 'make install     install below PREFIX ($(PREFIX)); DESTDIR is put in front, for packagers'
	@echo 'make uninstall   remove what install installed; the settings of BMCs stay'
	@echo 'make packages    .deb, .rpm and tarball of VERSION ($(VERSION)) for amd64 and arm64 in dist'
	@echo 'make release VERSION=v1.2.3'
	@echo '                 all checks and tests, then the packages in dist, then the tag'
	@echo 'make test        every test, the end-to-end tests in disposable machines included'
	@echo 'make fuzz        every fuzz target for FUZZTIME ($(FUZZTIME)) each'
	@echo 'make matrix      every client of the field in a disposable machine; writes docs/works-with.md'
	@echo 'make e2e-libvirt libvirt, QEMU, Incus and systemd-nspawn in a disposable machine, watched from their guests'
	@echo 'make docs        type the documentation into a disposable machine, from top to bottom'
	@echo 'make e2e-ansible    a fleet from an inventory, in a disposable machine'
	@echo 'make e2e-pacemaker  a BMC that fails over between two disposable machines'
	@echo 'make load        hundreds of BMCs under hundreds of consoles in a disposable machine'
	@echo 'make chaos       power actions by real clients over a network that loses, repeats and corrupts'
	@echo 'make crash       the death of the process at any instant, a full disk, an upgrade, a suspended host'
	@echo 'make bench       side by side with others in a disposable machine; writes docs/performance.md'
	@echo 'make bench-fleet the part of it that is ten thousand BMCs'
	@echo 'make bench-check the same, shorter, compared with what is written there'
	@echo 'make soak        the long forms of tests, which take a while'
	@echo 'make lint        vet, staticcheck, gofmt, shellcheck, govulncheck'
	@echo 'make clean       remove bin and dist; the root file systems of the machines stay in ~/.cache/shipmi'

.PHONY: build
build: $(BIN)/shipmi $(BIN)/shipmi-bmc

$(BIN)/shipmi $(BIN)/shipmi-bmc &: go.mod go.sum $(shell find cmd internal contrib -type f)
	CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags '$(GO_LDFLAGS) -X main.version=$(VERSION)' -o $(BIN)/ ./cmd/shipmi ./cmd/shipmi-bmc

# Man pages and shell completions. They are made on this host, whatever the programs are for.
$(BIN)/docs: go.mod go.sum $(shell find cmd internal contrib docs/man -type f)
	GOOS= GOARCH= go run ./cmd/shipmi-docs $@ '$(VERSION)' "$$(git log -1 --format=%cs 2>/dev/null)"
	@touch $@

.PHONY: install
install: build $(BIN)/docs
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(BIN)/shipmi
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/sbin $(BIN)/shipmi-bmc
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/shipmi/providers contrib/providers/*.conf
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/shipmi systemd/sandbox.conf
	install -D -m 644 -t $(DESTDIR)$(UNITS) $(UNIT_FILES:%=systemd/%)
	sed -i 's|@PREFIX@|$(PREFIX)|' $(DESTDIR)$(UNITS)/shipmi-bmc@.service
	install -D -m 644 -t $(DESTDIR)$(USER_UNITS) $(UNIT_FILES:%=$(DESTDIR)$(UNITS)/%)
	sed -i -f systemd/user.sed $(UNIT_FILES:%=$(DESTDIR)$(USER_UNITS)/%)
	install -D -m 644 $(BIN)/docs/shipmi.1 $(DESTDIR)$(SHARE)/man/man1/shipmi.1
	install -D -m 644 $(BIN)/docs/shipmi-provider.5 $(DESTDIR)$(SHARE)/man/man5/shipmi-provider.5
	install -D -m 644 $(BIN)/docs/shipmi-bmc.8 $(DESTDIR)$(SHARE)/man/man8/shipmi-bmc.8
	install -D -m 644 $(BIN)/docs/shipmi.bash $(DESTDIR)$(SHARE)/bash-completion/completions/shipmi
	install -D -m 644 $(BIN)/docs/_shipmi $(DESTDIR)$(SHARE)/zsh/site-functions/_shipmi
	install -D -m 644 $(BIN)/docs/shipmi.fish $(DESTDIR)$(FISH)/shipmi.fish
	$(RELINK)
	$(RELOAD)

.PHONY: uninstall
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/shipmi $(DESTDIR)$(PREFIX)/sbin/shipmi-bmc
	rm -f $(UNIT_FILES:%=$(DESTDIR)$(UNITS)/%) $(UNIT_FILES:%=$(DESTDIR)$(USER_UNITS)/%)
	rm -f $(addprefix $(DESTDIR)$(SHARE)/, man/man1/shipmi.1 man/man5/shipmi-provider.5 man/man8/shipmi-bmc.8 \
		bash-completion/completions/shipmi zsh/site-functions/_shipmi) $(DESTDIR)$(FISH)/shipmi.fish
	rm -rf $(DESTDIR)$(PREFIX)/share/shipmi
	$(RELINK)
	$(RELOAD)

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
	@test/machine/machine new bookworm test/demo

.PHONY: test
test: tools lint
	go test -race ./...
	test/fuzz 30s
	$(MAKE) --no-print-directory --jobs=2 --output-sync e2e-bookworm e2e-trixie e2e-libvirt matrix
	$(MAKE) --no-print-directory docs
	$(MAKE) --no-print-directory e2e-packages
	$(MAKE) --no-print-directory load
	$(MAKE) --no-print-directory chaos
	$(MAKE) --no-print-directory flood
	$(MAKE) --no-print-directory crash
	$(MAKE) --no-print-directory e2e-ansible
	$(MAKE) --no-print-directory e2e-pacemaker

FUZZTIME = 1h

.PHONY: fuzz
fuzz:
	test/fuzz $(FUZZTIME)

.PHONY: e2e-bookworm e2e-trixie
e2e-bookworm e2e-trixie: e2e-%: build $(BIN)/docs bin/e2e.test
	test/machine/machine new $*,libpam-systemd,openssh-server test/e2e/run

.PHONY: e2e-libvirt
e2e-libvirt: tools build $(BIN)/docs bin/e2e.test
	test/machine/machine new trixie,$(HYPERVISORS) test/libvirt/run

.PHONY: e2e-packages
e2e-packages: tools bin/packages.test
	test/machine/machine new bookworm,$(CHECKERS) test/packages/run

.PHONY: e2e-ansible
e2e-ansible: tools build bin/e2e.test
	test/machine/machine new bookworm,ansible-core test/e2e/run -test.run TestAnsible

# The network that the nodes share is that of the test, which has one for itself. From there nothing can be downloaded any
# more, and so the first line does.
.PHONY: e2e-pacemaker
e2e-pacemaker: tools build bin/docs bin/pacemaker.test
	test/machine/machine new $(CLUSTER) true
	cd test/pacemaker && unshare --net ../../bin/pacemaker.test -test.v -image $(CLUSTER)

.PHONY: matrix
matrix: tools build $(BIN)/docs bin/clients.test bin/goipmi bin/bmclib
	test/machine/machine new bookworm,$(CLIENTS) test/clients/run

# The machine of the documentation has what its readers have, beside what every machine has.
.PHONY: docs
docs: tools build bin/docs.test
	test/machine/machine new bookworm,sudo,jq,fence-agents,ironic-common,python3-ironicclient test/docs/run

.PHONY: load
load: tools build bin/load.test
	test/machine/machine new bookworm test/load/run

.PHONY: chaos
chaos: tools build bin/chaos.test bin/goipmi
	cd test/chaos && ../../bin/chaos.test

.PHONY: flood
flood: tools
	go test -tags e2e -count=1 -v ./test/flood

.PHONY: crash
crash: tools
	go test -tags e2e -count=1 ./test/crash

# The peers that bench compares with, as packages of Debian; a third is a module of its own go.mod.
PEERS = openipmi,python3-pyghmi
BENCH = test/machine/machine new bookworm,$(PEERS) test/bench/run

.PHONY: bench
bench: tools build bin/bench bin/session.test
	$(BENCH) bin/bench.json $(BENCH_OPTIONS)
	bin/bench table bin/bench.json
	$(if $(BENCH_OPTIONS),,cp bin/bench.json docs/performance/results.json && bin/bench page .)

.PHONY: bench-fleet
bench-fleet: tools build bin/bench bin/session.test
	$(BENCH) bin/bench.json -only fleet -bmcs 10000
	cp bin/bench.json docs/performance/fleet.json && bin/bench page .

.PHONY: bench-check
bench-check: tools build bin/bench bin/session.test
	$(BENCH) bin/bench.json -rounds 9 -round 300ms -activations 60
	bin/bench check bin/bench.json docs/performance/results.json

# Beside it are the server of a peer, and two of what is the least that anybody can do.
.PHONY: bin/bench
bin/bench:
	cd test/bench && CGO_ENABLED=0 go build -buildvcs=false -o ../../bin/bench .
	cd test/bench && CGO_ENABLED=0 go build -buildvcs=false -trimpath -o ../../bin/bench-goipmi ./goipmi
	cd test/bench && CGO_ENABLED=0 go build -buildvcs=false -trimpath -o ../../bin/bench-goecho ./goecho
	$(CC) -Wall -Wextra -O2 -static -o bin/bench-echo test/bench/testdata/echo.c

.PHONY: bin/session.test
bin/session.test:
	CGO_ENABLED=0 go test -c -o $@ ./internal/session

CHAOS = 20m

.PHONY: soak
soak: tools build bin/load.test bin/chaos.test bin/goipmi
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

bin/goipmi: Makefile
	CGO_ENABLED=0 GOBIN=$(CURDIR)/bin go install \
		-ldflags '-X github.com/bougou/go-ipmi/cmd/goipmi/commands.Version=$(lastword $(subst @, ,$(GOIPMI)))' $(GOIPMI)

# What needs much of others has a go.mod of its own. Tests there read the documentation, whose changes the cache does not
# see: -count=1.
MODULES = test/bench test/libraries

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

.PHONY: tools
tools:
	@dpkg --status $(TOOLS) >/dev/null 2>&1 || { set -e; \
		echo 'installing the Debian packages $(TOOLS)'; \
		apt-get -q update; DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends install $(TOOLS); }

.PHONY: clean
clean:
	rm -rf bin dist
