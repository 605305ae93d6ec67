package redfish

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

const image = "http://images.example.org/iso/debian.iso?x=1"

func TestInsertMedia(t *testing.T) {
	for _, c := range []struct{ body, ran string }{
		{`{"Image": "` + image + `"}`, "{URL:" + image + " WriteProtected:true Verify:false Login:}"},
		{`{"Image": "` + image + `", "Inserted": true, "WriteProtected": false}`, "{URL:" + image + " WriteProtected:false Verify:false Login:}"},
		{`{"Image": "` + image + `", "TransferProtocolType": "HTTP", "TransferMethod": "Stream", "MediaType": "DVD"}`, "{URL:" + image + " WriteProtected:true Verify:false Login:}"},
		{`{"Image": "` + image + `", "UserName": null, "Password": null}`, "{URL:" + image + " WriteProtected:true Verify:false Login:}"},
		{`{"Image": "` + image + `", "UserName": "me", "Password": "secret"}`, "{URL:" + image + " WriteProtected:true Verify:false Login:random}"},
	} {
		r := newRig(t, full)
		r.scripts = r.scripts[:len(r.scripts)-1] // without "media get"
		require.Equal(t, http.StatusNoContent, r.do("POST", insertPath, c.body).Status)
		require.Equal(t, []string{"media insert " + c.ran}, r.ran)
		got := r.get(drivePath)
		require.Equal(t, image, got.at("Image"))
		require.Equal(t, "debian.iso", got.at("ImageName"))
		require.Equal(t, true, got.at("Inserted"))
		require.Equal(t, "URI", got.at("ConnectedVia"))
		require.Equal(t, "HTTP", got.at("TransferProtocolType"))
		require.Nil(t, got.at("UserName"))
		require.NotContains(t, got.Text, "secret")
		if r.login != "" {
			require.Equal(t, "me:secret", r.login)
		}
		for _, body := range []string{``, `{}`} {
			require.Equal(t, http.StatusNoContent, r.do("POST", ejectPath, body).Status, "also an empty drive")
			got = r.get(drivePath)
			require.Nil(t, got.at("Image"))
			require.Nil(t, got.at("ImageName"), "cleared together")
			require.Equal(t, false, got.at("Inserted"))
			require.Equal(t, "NotConnected", got.at("ConnectedVia"))
		}
	}
}

// The answer says why an image is refused.
func TestReasonOfARefusedImage(t *testing.T) {
	got := newRig(t, full).do("POST", insertPath, `{"Image": "ftp://h.example/a.iso"}`)
	require.Contains(t, got.Text, "resubmit the request if the operation failed: the URL must begin with http:// or https://.")
}

// Somebody else may have inserted an image, or ejected ours.
func TestDriveThatSomebodyElseChanged(t *testing.T) {
	r := newRig(t, full)
	r.Machine.Update(func(s *machine.State) { s.Media = machine.Media{URL: image, WriteProtected: true} })
	r.does[provider.MediaGet] = machine.Reading{Media: "rescue.iso"}
	got := r.get(drivePath)
	require.Equal(t, true, got.at("Inserted"))
	require.Equal(t, "rescue.iso", got.at("Image"), "a client must not take the drive for empty")
	require.Nil(t, got.at("TransferProtocolType"))
	r.does[provider.MediaGet] = machine.Reading{}
	require.Equal(t, false, r.get(drivePath).at("Inserted"))
	r.does[provider.MediaGet] = machine.Reading{Err: provider.ErrTimeout}
	require.Equal(t, image, r.get(drivePath).at("Image"))
}

func TestOutcomesOfAnInsert(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		key    string
	}{
		{provider.ErrState, 409, "ResourceInUse"},
		{provider.ErrUnsupported, 400, "ActionParameterNotSupported"},
		{provider.ErrTimeout, 500, "OperationTimeout"},
		{provider.ErrBusy, 503, "ServiceTemporarilyUnavailable"},
	} {
		r := newRig(t, full)
		r.fails = c.err
		got := r.do("POST", insertPath, `{"Image": "`+image+`"}`)
		require.Equal(t, c.status, got.Status)
		require.Equal(t, []string{c.key}, got.keys(""))
		require.Zero(t, r.Machine.State.Media)
	}
	r := newRig(t, full)
	r.fails = provider.ErrState
	info := r.do("POST", insertPath, `{"Image": "`+image+`"}`).Answer.Body.(errorBody).Error.Info
	require.Equal(t, "Eject the image that is in the drive and resubmit the request.", info[0].Resolution)
	r = newRig(t, full)
	r.noSpace = true
	got := r.do("POST", insertPath, `{"Image": "`+image+`", "UserName": "me", "Password": "secret"}`)
	require.Equal(t, http.StatusInternalServerError, got.Status)
	require.NotContains(t, r.log.String(), "secret")
	r = newRig(t, full)
	r.fails = provider.ErrUnsupported
	require.Equal(t, []string{"ActionNotSupported"}, r.do("POST", ejectPath, ``).keys(""))
}

func TestVerifyCertificate(t *testing.T) {
	r := newRig(t, full)
	require.Equal(t, false, r.get(drivePath).at("VerifyCertificate"))
	require.Equal(t, true, r.do("PATCH", drivePath, `{"VerifyCertificate": true}`).at("VerifyCertificate"))
	require.Equal(t, 1, r.stored)
	r.do("POST", insertPath, `{"Image": "`+image+`"}`)
	require.Contains(t, r.ran[0], "Verify:true")
	require.Equal(t, false, r.do("PATCH", drivePath, `{"VerifyCertificate": false}`).at("VerifyCertificate"))
}

func TestNoVirtualMedia(t *testing.T) {
	r := newRig(t, lean)
	for _, request := range []string{"GET", "PATCH"} {
		require.Equal(t, http.StatusNotFound, r.do(request, drivePath, `{"VerifyCertificate": true}`).Status)
	}
	require.Equal(t, http.StatusNotFound, r.do("POST", insertPath, `{"Image": "`+image+`"}`).Status)
	require.Equal(t, http.StatusNotFound, r.do("POST", ejectPath, ``).Status)
}
