package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"
)

// The BMC with Redfish, and what is read of it: a resource that needs no script, by name and password, as a command of IPMI
// that needs none is answered in a session.
const (
	redfishBMC     = "redfish"
	redfishPort    = 6290
	redfishAddress = "127.0.0.1:6443"
	redfishService = "shipmi-bmc@" + redfishBMC + ".service"
	redfishPath    = "/redfish/v1/Managers/" + redfishBMC

	gatewayAddress = "127.0.0.1:6444"
	gatewayService = "shipmi-gateway.service"
)

// A reader reads the resource, at the BMC itself or by the gateway.
type reader struct {
	address  string
	services []string // which have a process each
	client   *http.Client
}

// connections says of each figure whether a client keeps its connection.
var connections = []struct {
	name   string
	closes bool
}{{"one connection", false}, {"a connection for each", true}}

func readers(closes bool) (all []reader) {
	for _, r := range []reader{
		{address: redfishAddress, services: []string{redfishService}},
		{address: gatewayAddress, services: []string{gatewayService, redfishService}},
	} {
		r.client = &http.Client{Transport: &http.Transport{TLSClientConfig: trusting("/etc/shipmi/tls/cert.pem"), DisableKeepAlives: closes}}
		all = append(all, r)
	}
	return all
}

// redfish is what Redfish costs, at the BMC itself and by the gateway: the rate of requests, the first answer where there is no
// process, and the memory of a process. A BMC of ours that has Redfish is also started over IPMI.
func (b *bench) redfish() {
	addBMCs(redfishPort, []string{redfishBMC}, "--redfish", redfishAddress+",gateway")
	run("shipmi", "gateway", "enable", "--listen", gatewayAddress)
	figures := []string{"redfish", "gateway"}
	for _, c := range connections {
		for i, r := range readers(c.closes) {
			r.read()
			pids := r.pids()
			release := together(append(pids, self)...)
			b.rounds(func() { b.reads(figures[i]+"/GET, "+c.name, r, pids) })
			release()
		}
	}
	for i, service := range []string{redfishService, gatewayService} {
		sum := smaps(show(service, "MainPID"))
		b.add(figures[i]+"/memory, resident", shipmi, "KiB", sum["Rss"])
		b.add(figures[i]+"/memory, private", shipmi, "KiB", sum["Private_Clean"]+sum["Private_Dirty"])
	}
	cold := readers(true)
	stop := func() { run("systemctl", "stop", gatewayService, redfishService) }
	stop()
	for range b.activations {
		for i, r := range cold {
			sent := now()
			r.read()
			b.add(figures[i]+"/cold start, connection to answer", shipmi, "ms", milliseconds(now()-sent))
			stop()
		}
		a := activate(redfishBMC, peer{addr: "127.0.0.1:" + strconv.Itoa(redfishPort)})
		b.add("redfish/cold start, datagram of IPMI to answer", shipmi, "ms", milliseconds(a.answered-a.sent))
	}
}

// pids are the processes that answer.
func (r reader) pids() (all []int) {
	for _, service := range r.services {
		pid, err := strconv.Atoi(show(service, "MainPID"))
		require.NoError(must, err)
		require.NotEqual(must, self, pid, "%s does not run", service)
		all = append(all, pid)
	}
	return all
}

// reads has a client read for a round. The time of the server is that of all its processes.
func (b *bench) reads(figure string, r reader, pids []int) {
	server := func() (sum time.Duration) {
		for _, pid := range pids {
			sum += busy(pid)
		}
		return sum
	}
	var times []float64
	start, before := now(), server()
	for now()-start < b.round {
		sent := now()
		r.read()
		times = append(times, milliseconds(now()-sent))
	}
	passed, used := now()-start, server()-before
	b.times(figure, shipmi, times, passed)
	b.add(figure+"/server", shipmi, "ms", milliseconds(used)/float64(len(times)))
}

// read reads the resource.
func (r reader) read() {
	request, err := http.NewRequest(http.MethodGet, "https://"+r.address+redfishPath, nil)
	require.NoError(must, err)
	request.SetBasicAuth("admin", password)
	response, err := r.client.Do(request)
	require.NoError(must, err)
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	require.NoError(must, err)
	require.Equal(must, http.StatusOK, response.StatusCode)
}

// trusting is the configuration of a client that trusts one certificate.
func trusting(file string) *tls.Config {
	text, err := os.ReadFile(file)
	require.NoError(must, err)
	roots := x509.NewCertPool()
	require.True(must, roots.AppendCertsFromPEM(text))
	return &tls.Config{RootCAs: roots}
}
