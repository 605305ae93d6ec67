package script

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// A device is something with a network interface, whose state is the file "state" of the transcript.
type device struct{ root string }

func (d device) is() string {
	state, _ := os.ReadFile(filepath.Join(d.root, "state"))
	return strings.TrimSpace(string(state))
}

func (d device) become(state string) {
	_ = os.WriteFile(filepath.Join(d.root, "state"), []byte(state+"\n"), 0o600)
}

func (d device) note(format string, args ...any) {
	f, err := os.OpenFile(filepath.Join(d.root, "calls"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err == nil {
		fmt.Fprintf(f, format+"\n", args...)
		f.Close()
	}
}

// serve starts the device that the provider of the transcript switches. Its address is in $ADDRESS.
func serve(ts *testscript.TestScript, _ bool, _ []string) {
	d := device{ts.Getenv("WORK")}
	if ts.Name() == "qemu-qmp" {
		d.listenQMP(ts)
		return
	}
	s := httptest.NewServer(map[string]http.HandlerFunc{
		"tasmota": d.tasmota, "shelly": d.shelly, "pikvm": d.pikvm, "ovirt": d.ovirt, "proxmox-api": d.proxmox(),
	}[ts.Name()])
	ts.Defer(s.Close)
	ts.Setenv("ADDRESS", strings.TrimPrefix(s.URL, "http://"))
}

// energy is what a plug measures: the answer to "Status 8", which is in the file "energy" if there is one.
const energy = `{"TotalStartTime":"2020-06-24T09:25:29","Total":41.573,"Yesterday":6.147,"Today":8.286,"Power":62,` +
	`"ApparentPower":71,"ReactivePower":21,"Factor":0.88,"Voltage":230,"Current":0.294}`

// tasmota has one relay and a password, and does not obey while it is "stuck". For a relay that it does not have it
// prints an error, and what is logged in the meantime. The file "text" has its words for off and on, if it has its own.
func (d device) tasmota(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if r.URL.Path != "/cm" || q.Get("user") != "admin" || q.Get("password") != "secret" {
		fmt.Fprint(w, `{"WARNING":"Need user=<username>&password=<password>"}`)
		return
	}
	texts := []string{"OFF", "ON"}
	if own, err := os.ReadFile(filepath.Join(d.root, "text")); err == nil {
		texts = strings.Fields(string(own))
	}
	switch command := q.Get("cmnd"); command {
	case "Power1 ON", "Power1 OFF":
		d.note("%s", command)
		if d.is() != "stuck" {
			d.become(map[string]string{"Power1 OFF": texts[0], "Power1 ON": texts[1]}[command])
		}
	case "Power1":
	case "Status 8":
		text := energy
		if own, err := os.ReadFile(filepath.Join(d.root, "energy")); err == nil {
			text = string(own)
		}
		fmt.Fprintf(w, `{"StatusSNS":{"Time":"2020-06-29T22:22:24","ENERGY":%s}}`, text)
		return
	case "StateText1", "StateText2":
		fmt.Fprintf(w, `{"%s":"%s"}`, command, texts[command[len(command)-1]-'1'])
		return
	default:
		fmt.Fprintf(w, `{"Command":"Error","POWER":"%s"}`, d.is())
		return
	}
	fmt.Fprintf(w, `{"POWER":"%s"}`, d.is())
}

// shelly is a plug of both generations; by the interface of the first it does not obey while it is "null".
func (d device) shelly(w http.ResponseWriter, r *http.Request) {
	switch {
	case d.is() == "overheated":
		http.Error(w, `{"code":-103,"message":"overtemp"}`, http.StatusInternalServerError)
	case r.URL.RequestURI() == "/rpc/Switch.GetStatus?id=0":
		fmt.Fprintf(w, `{"id":0, "source":"HTTP_in", "output":%s, "apower":62.4, "voltage":232.0, "current":0.294, "pf":0.91, `+
			`"aenergy":{"total":5.125,"by_minute":[0.000,0.000,0.000],"minute_ts":1675718520},"temperature":{"tC":40.1, "tF":104.2}}`, d.is())
	case r.URL.RequestURI() == "/status":
		fmt.Fprintf(w, `{"time": "11:08", "relays": [{"ison": %s, "has_timer": false, "overpower": false}], `+
			`"meters": [{"power": 2.21, "is_valid": true, "timestamp": 1680779310, "counters": [2.115, 2.114, 2.142], "total": 439237}], `+
			`"temperature": 34.48, "overtemperature": false}`, d.is())
	case r.URL.Path == "/rpc/Switch.Set" && r.URL.Query().Get("id") == "0":
		fmt.Fprintf(w, `{"was_on":%s}`, d.is())
		d.become(r.URL.Query().Get("on"))
		d.note("%s", r.URL.RequestURI())
	case r.URL.Path == "/relay/0":
		switch turn := r.URL.Query().Get("turn"); turn {
		case "on", "off":
			if d.is() != "null" {
				d.become(fmt.Sprint(turn == "on"))
				d.note("%s", r.URL.RequestURI())
			}
		}
		fmt.Fprintf(w, `{"ison":%s,"has_timer":false,"timer_started":0,"timer_duration":0,"timer_remaining":0,"source":"http"}`, d.is())
	default:
		http.NotFound(w, r)
	}
}

// pikvm is wired to a computer that obeys its buttons, or has two switches, with a computer at port 3 of the second one.
// What a port is asked for it begins in a moment, and is busy before; a busy port ignores what it is asked for.
func (d device) pikvm(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	state := d.is()
	switch {
	case user != "ipmi" || password != "secret":
		http.Error(w, `{"ok":false,"result":{"error":"ForbiddenError"}}`, http.StatusForbidden)
	case r.Method == "GET" && r.URL.Path == "/api/atx" && state == "strange":
		fmt.Fprint(w, `{"ok": true, "result": {}}`)
	case r.Method == "GET" && r.URL.Path == "/api/atx":
		led, next, leaves := strings.Cut(state, " until ")
		fmt.Fprintf(w, `{"ok": true, "result": {"busy": false, "enabled": %t, "leds": {"hdd": false, "power": %t}}}`,
			state != "disabled", led == "on")
		if leaves {
			d.become(next)
		}
	case r.Method == "POST" && r.URL.Path == "/api/atx/power" && state == "disabled":
		http.Error(w, `{"ok":false,"result":{"error":"AtxDisabledError"}}`, http.StatusBadRequest)
	case r.Method == "POST" && r.URL.Path == "/api/atx/power" && r.URL.Query().Get("wait") == "1":
		action := r.URL.Query().Get("action")
		d.note("%s", action)
		_, slow := os.Stat(filepath.Join(d.root, "slow"))
		switch action {
		case "on":
			d.become("on")
		case "off":
			d.become(flag(slow == nil, "on until off", "off"))
		case "off_hard":
			d.become("off")
		case "reset_hard":
		default:
			http.Error(w, `{"ok":false,"result":{"error":"ValidatorError"}}`, http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, `{"ok": true, "result": {}}`)
	case strings.HasPrefix(r.URL.Path, "/api/msd"):
		d.msd(w, r)
	case r.Method == "GET" && r.URL.Path == "/api/info":
		health := `"health": {"temp": {"cpu": 45.277}, "cpu": {"percent": 7}, "mem": {"percent": 9.1}}`
		if _, err := os.Stat(filepath.Join(d.root, "early")); err == nil {
			health = `"hw": {"platform": {"type": "rpi"}, "health": {"temp": {"cpu": 36.5, "gpu": 35.0}}}`
		}
		fmt.Fprintf(w, `{"ok": true, "result": {"extras": {}, %s}}`, health)
	case r.Method == "GET" && r.URL.Path == "/api/switch":
		ports := make([]bool, 8)
		if state == "missing" {
			ports = nil
		}
		list := func(port bool) string {
			if len(ports) == 8 {
				ports[6] = port
			}
			text, _ := json.Marshal(ports)
			return string(text)
		}
		led, next, busy := strings.Cut(state, " until ")
		fmt.Fprintf(w, `{"ok": true, "result": {"model": {"limits": {"atx": {"click_delays": {"power": {"default": 0.5}}}}}, `+
			`"atx": {"busy": %s, "leds": {"power": %s, "hdd": %s}}}}`, list(busy), list(led == "on"), list(false))
		if busy {
			d.become(next)
		}
	case r.Method == "POST" && r.URL.Path == "/api/switch/atx/power":
		action := r.URL.Query().Get("action")
		if !strings.Contains(state, " until ") {
			d.note("port %s %s", r.URL.Query().Get("port"), action)
			d.become(state + " until " + map[string]string{"on": "on", "off": "off", "off_hard": "off", "reset_hard": state}[action])
		}
		fmt.Fprint(w, `{"ok": true, "result": {}}`)
	default:
		http.NotFound(w, r)
	}
}

// msd is the mass storage drive of a PiKVM. The file "cd" has the name of the image that is connected, and the file "images"
// those that are there.
func (d device) msd(w http.ResponseWriter, r *http.Request) {
	read := func(name string) string {
		text, _ := os.ReadFile(filepath.Join(d.root, name))
		return strings.TrimSpace(string(text))
	}
	write := func(name, text string) { _ = os.WriteFile(filepath.Join(d.root, name), []byte(text), 0o600) }
	image := r.URL.Query().Get("image")
	if r.Method == "POST" {
		text, _ := io.ReadAll(r.Body)
		d.note("%s", strings.TrimSpace(r.URL.RequestURI()+" "+string(text)))
	}
	switch call := r.Method + " " + r.URL.Path; {
	case call == "GET /api/msd":
		drive := `"image": null, "connected": false`
		if cd := read("cd"); cd != "" {
			drive = fmt.Sprintf(`"image": {"name": %q, "complete": true}, "connected": true`, cd)
		}
		fmt.Fprintf(w, `{"ok": true, "result": {"enabled": true, "online": true, "busy": false, "storage": {"images": {%q: {"size": 1}}}, `+
			`"drive": {%s, "cdrom": true, "rw": false}}}`, read("stored"), drive)
		return
	case call == "POST /api/msd/write" && r.ContentLength > 0 && read("stored") == "":
		write("stored", image)
	case call == "POST /api/msd/set_params" && image == read("stored") && read("cd") == "":
		write("selected", image)
	case call == "POST /api/msd/set_connected" && r.URL.Query().Get("connected") == "1":
		write("cd", read("selected"))
	case call == "POST /api/msd/set_connected" && read("cd") != "":
		write("cd", "")
	case call == "POST /api/msd/remove" && image == read("stored") && read("cd") == "":
		write("stored", "")
	default:
		http.Error(w, `{"ok":false,"result":{"error":"MsdOperationError"}}`, http.StatusBadRequest)
		return
	}
	fmt.Fprint(w, `{"ok": true, "result": {}}`)
}

// ovirt is an engine with one virtual machine, 42, and a user who is no administrator. A machine that is "powering_down" is
// down at the next look, and one that stops is what the file "next" says.
func (d device) ovirt(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	action, found := strings.CutPrefix(r.URL.Path, "/ovirt-engine/api/vms/42")
	var body [1024]byte
	n, _ := r.Body.Read(body[:])
	state := d.is()
	wrongState := action == "/start" != slices.Contains([]string{"down", "paused", "suspended"}, state)
	switch {
	case user != "ipmi@internal" || password != "secret":
		http.Error(w, "<html><body>Unauthorized</body></html>", http.StatusUnauthorized)
	case r.Header.Get("Filter") != "true":
		http.Error(w, "<fault><detail>Query execution failed due to insufficient permissions.</detail></fault>", http.StatusBadRequest)
	case !found, state == "gone":
		http.NotFound(w, r)
	case r.Method == "GET" && action == "":
		fmt.Fprintf(w, "<vm href=\"%s\" id=\"42\">\n    <name>web</name>\n    <status>%s</status>\n    <os>\n    </os>\n</vm>\n", r.URL.Path, state)
		if state == "powering_down" {
			d.become("down")
		}
	case r.Method == "PUT" && action == "", r.Method == "POST" && !wrongState:
		d.note("%s %s", strings.TrimPrefix(action, "/"), body[:n])
		if action != "" {
			d.become(map[string]string{"/start": "up", "/stop": "down", "/shutdown": "down"}[action])
		}
		if next, err := os.ReadFile(filepath.Join(d.root, "next")); err == nil && action == "/stop" {
			d.become(strings.TrimSpace(string(next)))
		}
		fmt.Fprint(w, "<action>\n    <status>complete</status>\n</action>\n")
	default:
		http.Error(w, "<action><fault><detail>[Cannot run VM. VM is running.]</detail></fault></action>", http.StatusConflict)
	}
}

// proxmox is the API of a cluster with the machine 100, on the node pve2, and a token that has rights for it. Why it refuses
// something it says in the first line of its answer, which Go's server does not let us write.
func (d device) proxmox() http.HandlerFunc {
	config := url.Values{
		"boot": {"cdn"}, "bootdisk": {"scsi1"}, "name": {"web"}, "cores": {"2"},
		"description": {`a "boot": "order=net1" \\"`},
		"ide2":        {"local:iso/debian.iso,media=cdrom"}, "net0": {"virtio=BC:24:11:00:00:01,bridge=vmbr0"},
		"scsi0": {"local-lvm:vm-100-disk-0"}, "scsi1": {"local-lvm:vm-100-disk-1"},
	}
	next := map[string]string{"start": "running", "resume": "running", "reset": "running", "stop": "stopped", "shutdown": "stopped"}
	looks, end, uploaded := 0, "", ""
	var mu sync.Mutex // each connection has a goroutine
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		refuse := func(line string) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			fmt.Fprintf(conn, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 13\r\n\r\n{\"data\":null}", line)
			conn.Close()
		}
		answer := func(data any) { _ = json.NewEncoder(w).Encode(map[string]any{"data": data}) }
		path, onNode := strings.CutPrefix(r.URL.Path, "/api2/json/nodes/pve2/")
		_ = r.ParseForm()
		_ = r.ParseMultipartForm(1 << 20)
		state := d.is()
		verb, power := strings.CutPrefix(path, "qemu/100/status/")
		switch call := r.Method + " " + path; {
		case r.Header.Get("Authorization") != "PVEAPIToken=ipmi@pve!shipmi=secret":
			refuse("401 invalid token value!")
		case r.URL.RequestURI() == "/api2/json/cluster/resources?type=vm":
			answer([]any{
				map[string]any{"id": "lxc/200", "node": "pve1", "type": "lxc", "vmid": 200},
				map[string]any{"id": "qemu/100", "node": "pve2", "type": "qemu", "vmid": 100, "name": "web"},
			})
		case !onNode:
			refuse("403 Permission check failed (/vms/101, VM.PowerMgmt)")
		case call == "GET qemu/100/status/current":
			status := "running"
			if state == "stopped" {
				status = state
			}
			answer(map[string]any{"status": status, "qmpstatus": state, "vmid": 100, "ha": map[string]any{"managed": 0}})
		case call == "GET qemu/100/config":
			flat := map[string]string{"digest": "da39a3ee"}
			for name := range config {
				flat[name] = config.Get(name)
			}
			answer(flat)
		case call == "PUT qemu/100/config":
			d.note("%s", unescaped(r.PostForm))
			for name := range r.PostForm {
				config.Set(name, r.PostForm.Get(name))
			}
			if strings.HasPrefix(r.PostForm.Get("boot"), "order=") {
				config.Del("bootdisk")
			}
			config.Del(r.PostForm.Get("delete"))
			answer(nil)
		case call == "POST storage/local/upload":
			file, header, err := r.FormFile("filename")
			if err != nil || uploaded != "" {
				refuse("400 refusing to override existing file")
				return
			}
			text, _ := io.ReadAll(file)
			uploaded, end = header.Filename, "OK"
			d.note("upload %s %s: %s", r.FormValue("content"), uploaded, strings.TrimSpace(string(text)))
			answer("UPID:pve2:0001F0C2:0034A1B2:6570AA00:imgcopy::ipmi@pve!shipmi:")
		case call == "GET storage/local/content":
			answer([]any{map[string]any{"volid": "local:iso/" + uploaded, "content": "iso"}})
		case call == "DELETE storage/local/content/local:iso/"+uploaded && uploaded != "":
			d.note("DELETE local:iso/%s", uploaded)
			uploaded = ""
			answer(nil)
		case call == "POST qemu/100/monitor":
			refuse("403 Permission check failed (root-only command 'qom-set')")
		case r.Method == "POST" && power && next[verb] != "":
			d.note("%s", verb)
			switch {
			case state == "broken":
				end = "storage is not online"
			case verb == "start" && state != "stopped":
				end = "VM 100 already running"
			case verb != "start" && state == "stopped":
				end = "VM 100 not running"
			default:
				end = "OK"
				d.become(next[verb])
			}
			answer("UPID:pve2:0001F0C2:0034A1B2:6570AA00:qm" + verb + ":100:ipmi@pve!shipmi:")
		case r.Method == "GET" && strings.HasPrefix(path, "tasks/UPID:pve2:") && strings.HasSuffix(path, ":/status"):
			looks++
			switch {
			case looks == 1:
				answer(map[string]any{"status": "running"})
			default:
				answer(map[string]any{"status": "stopped", "exitstatus": end})
			}
		default:
			refuse("501 Method '" + call + "' not implemented")
		}
	}
}

func unescaped(form url.Values) string {
	text, _ := url.QueryUnescape(form.Encode())
	return text
}

// listenQMP answers as QEMU does on its QMP socket, which is "qmp.sock" in the folder of the transcript.
func (d device) listenQMP(ts *testscript.TestScript) {
	l, err := net.Listen("unix", filepath.Join(d.root, "qmp.sock"))
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	indexes := map[string]int{
		"/machine/peripheral/net0 bootindex": 2, "/machine/peripheral/net1 bootindex": 1,
		"/machine/peripheral-anon/device[0] bootindex": 0,
		"/machine/unattached/device[5] bootindex":      -1, "/machine/unattached/device[14] bootindexA": -1,
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			d.qmp(conn, indexes)
		}
	}()
}

// cdrom is what QEMU says of its CD-ROM drive, with the file whose path is in the file "cd".
func (d device) cdrom() string {
	file, err := os.ReadFile(filepath.Join(d.root, "cd"))
	if err != nil {
		return "ide1-cd0: [not inserted]"
	}
	return fmt.Sprintf("ide1-cd0 (#block312): %s (raw, read-only)", strings.TrimSpace(string(file)))
}

func bootOrder(indexes map[string]int) string {
	paths := slices.SortedFunc(maps.Keys(indexes), func(a, b string) int { return indexes[a] - indexes[b] })
	var names []string
	for _, path := range paths {
		if indexes[path] >= 0 {
			names = append(names, filepath.Base(path[:strings.IndexByte(path, ' ')]))
		}
	}
	return strings.Join(names, " ")
}

// qmp is one connection to QEMU. At a reset the firmware gets the devices that have a bootindex, in that order.
func (d device) qmp(conn net.Conn, indexes map[string]int) {
	defer conn.Close()
	if d.is() == "gone" {
		return
	}
	fmt.Fprint(conn, `{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}`+"\r\n")
	ready := false
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		var c struct {
			Execute   string
			Arguments map[string]any
		}
		err := json.Unmarshal(lines.Bytes(), &c)
		result := "{}"
		switch {
		case err != nil:
			fmt.Fprint(conn, `{"error": {"class": "GenericError", "desc": "JSON parse error"}}`+"\r\n")
			continue
		case c.Execute == "qmp_capabilities":
			ready = true
		case !ready:
			fmt.Fprint(conn, `{"error": {"class": "CommandNotFound", "desc": "Expecting capabilities negotiation"}}`+"\r\n")
			continue
		case d.is() == "broken":
			fmt.Fprint(conn, `{"error": {"class": "GenericError", "desc": "it is broken"}}`+"\r\n")
			continue
		case c.Execute == "query-status":
			result = fmt.Sprintf(`{"status": "%s", "running": %t}`, d.is(), d.is() == "running")
		case c.Execute == "qom-get" && c.Arguments["path"] == "/machine" && c.Arguments["property"] == "boot":
			result = `{"order": "cad"}`
		case c.Execute == "qom-list":
			// In no order, as QEMU lists them.
			result = map[any]string{
				"/machine/peripheral": `[{"name": "type", "type": "string"}, {"name": "net1", "type": "child<virtio-net-pci>"}, {"name": "net0", "type": "child<e1000>"}]`,
				"/machine/unattached": `[{"name": "device[14]", "type": "child<isa-fdc>"}, {"name": "pci[0]", "type": "child<memory-region>"}, {"name": "device[5]", "type": "child<ide-cd>"}]`,
			}[c.Arguments["path"]]
			if result == "" {
				result = `[{"name": "device[0]", "type": "child<virtio-blk-pci>"}]`
			}
		case c.Execute == "qom-get":
			result = fmt.Sprint(indexes[fmt.Sprint(c.Arguments["path"], " ", c.Arguments["property"])])
		case c.Execute == "qom-set":
			path, index := fmt.Sprint(c.Arguments["path"], " ", c.Arguments["property"]), int(c.Arguments["value"].(float64))
			if slices.Contains(slices.Collect(maps.Values(indexes)), index) && index >= 0 {
				fmt.Fprintf(conn, `{"error": {"class": "GenericError", "desc": "The bootindex %d has already been used"}}`+"\r\n", index)
				continue
			}
			indexes[path] = index
		case c.Execute == "human-monitor-command" && c.Arguments["command-line"] == "info block":
			result = fmt.Sprintf(`"virtio0 (#block168): /srv/web.img (raw)\r\n    Attached to:      /machine/peripheral-anon/device[0]/virtio-backend\r\n`+
				`    Cache mode:       writeback\r\n\r\n%s\r\n    Attached to:      /machine/unattached/device[23]\r\n`+
				`    Removable device: not locked, tray closed\r\n\r\nfloppy0: [not inserted]\r\n    Attached to:      /machine/unattached/device[14]\r\n"`, d.cdrom())
		case c.Execute == "blockdev-change-medium" && c.Arguments["id"] == "/machine/unattached/device[23]":
			file := c.Arguments["filename"].(string)
			if _, err := os.Stat(file); err != nil || c.Arguments["format"] != "raw" || c.Arguments["read-only-mode"] != "read-only" {
				fmt.Fprintf(conn, `{"error": {"class": "GenericError", "desc": "Could not open '%s'"}}`+"\r\n", file)
				continue
			}
			d.note("change %s", filepath.Base(file))
			_ = os.WriteFile(filepath.Join(d.root, "cd"), []byte(file), 0o600)
		case c.Execute == "eject" && c.Arguments["id"] == "/machine/unattached/device[23]" && c.Arguments["force"] == true:
			d.note("eject")
			_ = os.Remove(filepath.Join(d.root, "cd"))
		case c.Execute == "human-monitor-command":
			d.note("%s", c.Arguments["command-line"])
			result = `"boot device list now set to n\r\n"`
		case c.Execute == "chardev-send-break":
			d.note("%s %s", c.Execute, c.Arguments["id"])
		default:
			d.note("%s", c.Execute)
			if c.Execute == "system_reset" {
				d.note("bootorder %s", bootOrder(indexes))
			}
			if c.Execute == "cont" || c.Execute == "system_wakeup" {
				d.become("running")
			}
			fmt.Fprint(conn, `{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "RESET", "data": {"guest": false}}`+"\r\n")
			if _, err := os.Stat(filepath.Join(d.root, "slow")); err == nil && c.Execute == "system_powerdown" {
				_ = os.WriteFile(filepath.Join(d.root, "leaves"), nil, 0o600)
			} else if c.Execute == "quit" || c.Execute == "system_powerdown" {
				d.become("gone")
				_ = os.WriteFile(filepath.Join(d.root, "unit"), []byte("inactive\n"), 0o600)
			}
		}
		fmt.Fprintf(conn, `{"return": %s}`+"\r\n", result)
	}
}
