package activation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEnd(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	bad := SettingError{errors.New("no port")}
	for _, tt := range []struct {
		ctx       context.Context
		err       error
		status    int
		discarded bool
		message   string
	}{
		{t.Context(), nil, ExitOK, false, `level=INFO msg="idle, exiting" last=1`},
		{stopped, nil, ExitOK, false, `level=INFO msg=stopped last=1`},
		{stopped, errors.New("no memory"), ExitFailure, false, `level=ERROR msg="no memory"`},
		{t.Context(), fmt.Errorf("socket: %w", bad), ExitConfig, true, `level=ERROR msg="bad setting: no port"`},
	} {
		var out bytes.Buffer
		withoutTime := func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
		discarded := false
		require.Equal(t, tt.status, End(tt.ctx, tt.err, func() { discarded = true }, log, "last", 1))
		require.Equal(t, tt.discarded, discarded)
		require.Equal(t, tt.message+"\n", out.String())
	}
}
