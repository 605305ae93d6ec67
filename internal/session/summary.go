package session

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// A Summary is what an administrator may know of a session.
type Summary struct {
	ID        uint32 // managed system session ID
	User      string
	Privilege rmcp.Privilege // the present one
	Peer      netip.AddrPort // of the client
	Created   time.Duration  // when the client logged in, as the time since the host was booted
	Touched   time.Duration  // when the last valid packet came
}

// Summaries reads the sessions of a BMC from its session file, while its process may change them. Sessions that are not
// established are left out, and so are records that are damaged. A session may have timed out since.
func Summaries(file io.Reader) ([]Summary, error) {
	all, err := io.ReadAll(io.LimitReader(file, recordLen*(maxSlots+1)))
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, nil // the process has just created it
	case !bytes.HasPrefix(all, []byte(magic)):
		return nil, fmt.Errorf("not a session file of this version")
	}
	var summaries []Summary
	for at := recordLen; at+recordLen <= len(all); at += recordLen {
		r := record(all[at : at+recordLen])
		if r == blank {
			continue
		}
		if s, _, err := parse(&r); err == nil && s.state == active {
			summaries = append(summaries, Summary{s.managedID, s.name, s.Privilege, s.Peer, s.created, s.touched})
		}
	}
	return summaries, nil
}
