package selfcert

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// WriteRoot writes [Authority.RootPEM] to path, readable by everyone. A file that is there is replaced in one step: a client sees the
// old root or the new one, whole.
func (a *Authority) WriteRoot(path string) error {
	if err := replace(path, a.RootPEM()); err != nil {
		return fmt.Errorf("optest: root certificate not written to %q, want a file in a folder that can be written to: %w", path, err)
	}
	return nil
}

func replace(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
