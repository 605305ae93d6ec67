package session

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// writesTo is set in a process that writes records until it is killed.
const writesTo = "SHIPMI_TEST_WRITES_TO"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writesTo); dir != "" {
		writeUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// writeUntilKilled writes two records in turn to one slot, and prints a line when it has begun.
func writeUntilKilled(dir string) {
	f, err := openFile(dir, rand.Reader)
	if err != nil {
		panic(err)
	}
	if err := f.reserve(0); err != nil {
		panic(err)
	}
	one, other := alternatives()
	for begun := false; ; begun = true {
		f.write(0, &one)
		f.write(0, &other)
		if !begun {
			fmt.Println("begun")
		}
	}
}

// alternatives are two records without a byte in common.
func alternatives() (one, other record) {
	for _, r := range []struct {
		*record
		of byte
	}{{&one, 1}, {&other, 2}} {
		copy(r.record[:fieldsLen], bytes.Repeat([]byte{r.of}, fieldsLen))
		copy(r.record[recordLen-sumLen:], bytes.Repeat([]byte{r.of}, sumLen))
	}
	return one, other
}

// A process that is killed while it writes a record leaves the old one or the new one.
func TestKillWhileARecordIsWritten(t *testing.T) {
	one, other := alternatives()
	halves := 0
	for range 50 {
		dir := t.TempDir()
		writer := exec.Command("/proc/self/exe")
		writer.Env = append(os.Environ(), writesTo+"="+dir)
		begun, err := writer.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, writer.Start())
		_, err = begun.Read(make([]byte, 8))
		require.NoError(t, err)
		require.NoError(t, writer.Process.Kill())
		_ = writer.Wait()

		left, err := os.ReadFile(dir + "/" + fileName)
		require.NoError(t, err)
		if r := record(left[recordLen:]); r != one && r != other {
			halves++
		}
		f, err := openFile(dir, rand.Reader)
		require.NoError(t, err)
		require.Contains(t, []record{one, other}, record(f.record(1)))
		require.NoError(t, f.Close())
	}
	t.Logf("%d of the records were completed", halves)
}

// The write of a record is completed or not begun, wherever it is cut.
func TestWriteThatIsCutAnywhere(t *testing.T) {
	one, other := alternatives()
	dir := t.TempDir()
	f, err := openFile(dir, rand.Reader)
	require.NoError(t, err)
	require.NoError(t, f.reserve(0))
	cut := func(want record, leave func()) {
		t.Helper()
		f.write(0, &one)
		leave()
		require.NoError(t, f.Close())
		f, err = openFile(dir, rand.Reader)
		require.NoError(t, err)
		require.Equal(t, want, record(f.record(1)))
		require.Zero(t, f.pending.Load())
	}
	spare := func(n int) {
		copy(f.pages[spareAt:][:n], append(bytes.Clone(other[:fieldsLen]), other[recordLen-sumLen:]...))
	}
	for n := range recordLen - spareAt {
		cut(one, func() { spare(n) })
	}
	for n := range recordLen {
		cut(other, func() {
			spare(recordLen - spareAt)
			f.pending.Store(1)
			copy(f.record(1)[:n], other[:])
		})
	}
	require.NoError(t, f.Close())
}

// The longest fields leave the zeros that the spare record in the header does not have.
func TestRecordFitsIntoTheHeader(t *testing.T) {
	r, c := inSession(t, 17)
	s := *r.Find(c.SIDc, r.now)
	for _, b := range s.encode(new(record))[fieldsLen : recordLen-sumLen] {
		require.Zero(t, b)
	}
	encoded := s.encode(new(record))
	r.file.write(s.slot, encoded)
	require.Equal(t, *encoded, record(r.file.record(s.slot+1)))
}
