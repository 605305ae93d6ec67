package redfish

import (
	"net/http"
	"strings"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/media"
	"github.com/shipmi/shipmi/internal/provider"
)

// A virtualMedia is the drive for virtual media (VirtualMedia). It is below the system; the
// manager has a link to it, because some clients look there alone.
type virtualMedia struct {
	resource
	MediaTypes           []string
	Image                *string
	ImageName            *string
	Inserted             bool
	WriteProtected       bool
	ConnectedVia         string
	TransferProtocolType *string
	TransferMethod       *string
	UserName             *string // always null
	Password             *string // always null
	VerifyCertificate    bool
	Status               status
	Actions              mediaActions
}

type mediaActions struct {
	Insert *inserting `json:"#VirtualMedia.InsertMedia"`
	Eject  *action    `json:"#VirtualMedia.EjectMedia,omitempty"`
}

type inserting struct {
	Target    string   `json:"target"`
	Protocols []string `json:"TransferProtocolType@Redfish.AllowableValues"`
	Methods   []string `json:"TransferMethod@Redfish.AllowableValues"`
}

const (
	insertAction = "VirtualMedia.InsertMedia"
	ejectAction  = "VirtualMedia.EjectMedia"
)

// mediaTypes are the images that fit into the drive.
var mediaTypes = []string{"CD", "DVD"}

// How an image may come. Whether the hypervisor streams it or copies it first is decided by
// the provider.
var (
	transferProtocols = []string{"HTTP", "HTTPS"}
	transferMethods   = []string{"Stream", "Upload"}
)

func (s *Service) mediaURI() string { return s.systemURI() + "/VirtualMedia" }
func (s *Service) driveURI() string { return s.mediaURI() + "/Cd" }

// mediaLink leads to the drive, if the provider can insert images.
func (s *Service) mediaLink(has scripts) *link {
	if !has(provider.MediaInsert) {
		return nil
	}
	return linkTo(s.mediaURI())
}

// withDrive is [provided] for a request to the drive, which exists if the provider can insert
// images.
func withDrive(r *Request, then func(scripts) Answer) Answer {
	return provided(func(has scripts) Answer {
		if !has(provider.MediaInsert) {
			return notFound(r)
		}
		return then(has)
	})
}

func getMedia(s *Service, r *Request) Answer {
	return withDrive(r, func(scripts) Answer {
		return done(collection(s.mediaURI(), "VirtualMediaCollection", "Virtual Media", "Cd"))
	})
}

func getDrive(s *Service, r *Request) Answer {
	return withDrive(r, func(has scripts) Answer {
		return ask(provider.MediaGet, func(said machine.Reading, _ machine.Moment) Answer {
			return done(s.drive(has, s.Machine.Drive(said)))
		})
	})
}

// drive is the drive with what is in it. Image, ImageName and Inserted are cleared together.
func (s *Service) drive(has scripts, d machine.Drive) virtualMedia {
	body := virtualMedia{
		resource:          newResource(s.driveURI(), "VirtualMedia.v1_6_5", "Cd", "Virtual CD"),
		MediaTypes:        mediaTypes,
		WriteProtected:    true,
		ConnectedVia:      "NotConnected",
		VerifyCertificate: s.verifies(),
		Status:            enabled,
		Actions: mediaActions{Insert: &inserting{
			s.driveURI() + "/Actions/" + insertAction, transferProtocols, transferMethods,
		}},
	}
	if has(provider.MediaEject) {
		body.Actions.Eject = &action{s.driveURI() + "/Actions/" + ejectAction}
	}
	if d.Name == "" {
		return body
	}
	body.Inserted, body.ImageName, body.ConnectedVia = true, text(d.Name), "URI"
	body.Image = text(d.Name) // the URL of an image that the BMC did not insert is not known
	if d.URL != "" {
		body.Image, body.WriteProtected, body.TransferProtocolType = text(d.URL), d.WriteProtected, text(protocolOf(d.URL))
	}
	return body
}

// protocolOf is the TransferProtocolType of a URL.
func protocolOf(url string) string {
	scheme, _, _ := strings.Cut(url, ":")
	return strings.ToUpper(scheme)
}

// verifyNote is the note that is there if the certificates of image servers must be valid.
const verifyNote = "redfish verify certificate"

func (s *Service) verifies() bool { return len(s.Machine.State.Notes[verifyNote]) > 0 }

// patchDrive says whether the certificates of image servers must be valid.
func patchDrive(s *Service, r *Request) Answer {
	return withDrive(r, func(scripts) Answer {
		f, refused := newForm(r, "")
		if refused != nil {
			return *refused
		}
		var changes []change
		if verify, asked := f.flag("VerifyCertificate"); asked {
			changes = append(changes, change{property: "VerifyCertificate", make: func() Answer {
				var note []byte
				if verify {
					note = []byte{1}
				}
				s.Machine.SetNote(verifyNote, note)
				return Answer{}
			}})
		}
		f.finish(virtualMedia{})
		return f.patch(changes, func() Answer { return getDrive(s, r) })
	})
}

// insertMedia puts an image into the drive. A drive with another image refuses it.
func insertMedia(s *Service, r *Request) Answer {
	return withDrive(r, func(scripts) Answer {
		f, refused := newForm(r, insertAction)
		if refused != nil {
			return *refused
		}
		image, user, password := s.image(f)
		if len(*f.wrong) > 0 {
			return f.refused()
		}
		if user != "" || password != "" {
			var err error
			if image, err = s.WithLogin(image, user, password); err != nil {
				s.Log.Error("image not inserted", "err", err)
				return Respond(machine.Failed)
			}
		}
		return Answer{Status: http.StatusNoContent, Intent: &machine.Intent{Verb: provider.MediaInsert, Media: image}}
	})
}

// image reads which image to insert, and the login of its server.
func (s *Service) image(f *form) (image machine.Media, user, password string) {
	image = machine.Media{WriteProtected: true, Verify: s.verifies()}
	url, asked := f.text("Image")
	if asked {
		f.explain(s.Images.Check(url), "Image")
		image.URL = url
	}
	if protect, asked := f.flag("WriteProtected"); asked {
		image.WriteProtected = protect
	}
	if inserted, asked := f.flag("Inserted"); asked && !inserted {
		f.add("ActionParameterNotSupported", "Inserted", "Inserted", f.action)
	}
	f.choice("MediaType", mediaTypes)
	f.choice("TransferMethod", transferMethods)
	if protocol, asked := f.choice("TransferProtocolType", transferProtocols); asked && protocol != protocolOf(url) {
		f.refuse("ValueNotInList", "TransferProtocolType")
	}
	user = f.optional("UserName")
	password = f.optional("Password")
	if user != "" || password != "" {
		_, err := media.Logins{}.Text(user, password)
		f.explain(err, "UserName")
	}
	f.require("Image")
	f.finish(nil)
	return image, user, password
}

// optional reads a text that may also be null.
func (f *form) optional(name string) string {
	if string(f.values[name]) == "null" {
		f.known[name] = true
		return ""
	}
	value, _ := f.text(name)
	return value
}

// explain notes that a parameter is wrong, and why. The parameter is not repeated: it may hold
// a password.
func (f *form) explain(err error, name string) {
	if err == nil {
		return
	}
	m := about(message("ActionParameterValueError", name, f.action), name)
	m.Resolution = strings.TrimSuffix(m.Resolution, ".") + ": " + err.Error() + "."
	*f.wrong = append(*f.wrong, m)
}

// ejectMedia empties the drive. An empty drive stays so.
func ejectMedia(s *Service, r *Request) Answer {
	return withDrive(r, func(has scripts) Answer {
		if !has(provider.MediaEject) {
			return notFound(r)
		}
		f, refused := newForm(r, ejectAction)
		if refused != nil {
			return *refused
		}
		f.finish(nil)
		if len(*f.wrong) > 0 {
			return f.refused()
		}
		return Answer{Status: http.StatusNoContent, Intent: &machine.Intent{Verb: provider.MediaEject}}
	})
}
