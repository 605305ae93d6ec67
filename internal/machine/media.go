package machine

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/shipmi/shipmi/internal/provider"
)

// A Media is an image of virtual media: one that a client wants in the drive, or the one that
// is in it. Without a URL there is none.
type Media struct {
	URL            string `json:"url,omitempty"` // has passed media.Rule
	WriteProtected bool   `json:"write_protected,omitempty"`
	Verify         bool   `json:"verify,omitempty"` // the certificate of the server must be valid
	// Login names the file with the login of the server while the image is being inserted, see
	// package media. Equal logins of one image have one file, so equal intents are equal.
	Login string `json:"login,omitempty"`
}

// A Drive is what is in the drive for virtual media.
type Drive struct {
	Media        // zero if the BMC did not insert the image
	Name  string // of the image; empty: the drive is empty
}

// Drive is what is in the drive, by a reading of [provider.MediaGet]. Without one it is what
// the BMC inserted last. Somebody else may have inserted another image since, or ejected it.
func (m *Machine) Drive(r Reading) Drive {
	inserted := Drive{m.State.Media, nameOf(m.State.Media.URL)}
	if !r.Has || r.Err != nil || r.Media == inserted.URL || r.Media == inserted.Name {
		return inserted
	}
	return Drive{Name: r.Media}
}

// nameOf is the name of the image with that URL: the last part of its path, as action.sh takes
// it too. A hypervisor may know nothing but the name of an image. A URL without such a part is
// the name itself.
func nameOf(url string) string {
	path, _, _ := strings.Cut(url, "?")
	return cmp.Or(path[strings.LastIndex(path, "/")+1:], url)
}

// errDriveFull refuses to insert an image.
var errDriveFull = fmt.Errorf("%w: another image is in the drive", provider.ErrState)

// insert puts an image into the drive. If the provider can say what is in the drive, its
// answer decides whether there is another image, and action.sh asks for it. The image that is
// there already is inserted again, because without an answer it may have been ejected by the
// guest.
func (m *Machine) insert(wanted Media) Script {
	image := wanted
	image.Login = ""
	return Script{
		Verb:    provider.MediaInsert,
		Accept:  true,
		Durable: true,
		Without: unavailable,
		Refuse: func(has func(provider.Verb) bool) error {
			present := m.State.Media
			same := present.URL == image.URL && present.WriteProtected == image.WriteProtected
			if present.URL != "" && !same && !has(provider.MediaGet) {
				return errDriveFull
			}
			return nil
		},
		Args: func(Moment) provider.Args { return provider.Args{Media: provider.Media(wanted)} },
		Then: func(r Result) Outcome { return m.mediaIs(image, r) },
	}
}

// eject empties the drive. An empty drive stays so.
func (m *Machine) eject() Script {
	return Script{
		Verb:    provider.MediaEject,
		Accept:  true,
		Durable: true,
		Without: unavailable,
		Args:    func(Moment) provider.Args { return provider.Args{} },
		Then:    func(r Result) Outcome { return m.mediaIs(Media{}, r) },
	}
}

// mediaIs keeps what is in the drive, if the script has succeeded.
func (m *Machine) mediaIs(image Media, r Result) Outcome {
	outcome := OutcomeOf(r.Err)
	if outcome == Done {
		m.Update(func(s *State) { s.Media = image })
	}
	return outcome
}
