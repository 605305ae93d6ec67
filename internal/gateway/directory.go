package gateway

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shipmi/shipmi/internal/instance"
)

// A directory has the local sockets of the BMCs that listen for the gateway, each under the name of its BMC. systemd makes and
// removes them.
type directory struct {
	path string
	// uuid is the UUID of the managed system of a BMC that has been given none.
	uuid func(name string) string
}

// uuidPrefix and the UUID of a managed system are the name of a link to the socket of its BMC. No BMC has a name that begins
// with a dot. The links have no directory of their own: systemd would make one that belongs to root, and the gateway could
// not look into it.
const uuidPrefix = ".uuid-"

// socket is the path of the socket of a BMC.
func (d directory) socket(name string) string { return filepath.Join(d.path, name) }

// names lists the BMCs.
func (d directory) names() []string {
	names := []string{}
	entries, _ := os.ReadDir(d.path) // there is no directory if there is no BMC
	for _, entry := range entries {
		if entry.Type() == os.ModeSocket && instance.CheckName(entry.Name()) == nil {
			names = append(names, entry.Name())
		}
	}
	return names
}

// find returns the name of the BMC that has a name or whose managed system has a UUID; empty: there is none.
func (d directory) find(id string) string {
	if instance.CheckName(id) != nil { // before it becomes a part of a path
		return ""
	}
	if info, err := os.Lstat(d.socket(id)); err == nil && info.Mode().Type() == os.ModeSocket {
		return id
	}
	uuid, err := instance.ParseUUID(id)
	if err != nil {
		return ""
	}
	if target, err := os.Readlink(filepath.Join(d.path, uuidPrefix+uuid)); err == nil {
		return filepath.Base(target)
	}
	names := d.names()
	i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(d.uuid(name), uuid) })
	if i < 0 {
		return ""
	}
	return names[i]
}
