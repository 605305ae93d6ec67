package units

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/shipmi/shipmi/internal/instance"
)

// commentName is a file beside the drop-in of a socket. systemd reads only files whose names
// end in .conf, so a new comment needs no daemon-reload.
const commentName = "50-shipmi.comment"

// commentFile returns the file with the comment of a BMC. An empty line means no comment.
func (s Store) commentFile(b BMC) (file, error) {
	if err := instance.CheckText(b.Comment); err != nil {
		return file{}, fmt.Errorf("comment %q %w", b.Comment, err)
	}
	return file{path: filepath.Join(s.dropInDir(SocketUnit(b.Name)), commentName), text: []byte(b.Comment + "\n"), mode: 0o644}, nil
}

// readComment returns the comment of a BMC. Former versions wrote it into the drop-in of
// the socket, and so may administrators. The file takes precedence.
func (p loadPath) readComment(name string, settings []setting) (string, error) {
	path := filepath.Join(p.units, SocketUnit(name)+".d", commentName)
	text, err := os.ReadFile(path)
	if err == nil {
		comment := strings.TrimSuffix(string(text), "\n")
		if err := instance.CheckText(comment); err != nil {
			return "", fmt.Errorf("%s: %q %w", path, comment, err)
		}
		return comment, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	var comment string
	for _, s := range pick(settings, ownSection, commentSetting) {
		words, err := splitWords(p.expand(SocketUnit(name), s.Value))
		if err != nil {
			return "", fmt.Errorf("%s: %s=%q: %w", s.file, commentSetting, s.Value, err)
		}
		comment = strings.Join(words, " ")
	}
	return comment, nil
}
