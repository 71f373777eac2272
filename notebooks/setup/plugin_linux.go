package setup

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// fetchPlugin takes the plugin, a shared library, out of the Python package that pluginLock names, and returns a
// folder in which it is pluginFile.
func fetchPlugin(ctx context.Context, run *runner) (folder string, err error) {
	python, err := findPython(ctx)
	if err != nil {
		return "", err
	}
	lock := filepath.Join(run.tmp, "plugin.txt")
	if err := os.WriteFile(lock, []byte(pluginLock), 0o644); err != nil {
		return "", err
	}
	venv := filepath.Join(run.tmp, "venv") // only because a system's Python may lack pip
	if err := run.run(ctx, run.tmp, nil, python, "-I", "-m", "venv", venv); err != nil {
		return "", err
	}
	python = filepath.Join(venv, "bin", "python")
	if err := run.run(ctx, run.tmp, pipSettings(ctx, python), python, "-I", "-m", "pip", "download",
		"--disable-pip-version-check", "--no-input", "--retries=2", "--no-deps", "--only-binary=:all:", "--require-hashes",
		"--requirement="+lock, "--dest="+run.tmp); err != nil {
		return "", err
	}
	wheels, err := Glob(run.tmp, "*.whl")
	if err != nil {
		return "", err
	}
	if len(wheels) != 1 {
		return "", fmt.Errorf("no plugin is packaged for this machine: use Linux on x86-64 or arm64, or macOS on arm64")
	}
	// The link keeps the package's name and version, for mnistlib to tell.
	name := strings.Split(filepath.Base(wheels[0]), "-")
	release := name[0] + "-" + name[1]
	folder = filepath.Join(run.tmp, "plugin")
	if err := extract(wheels[0], filepath.Join(folder, release), pluginFile); err != nil {
		return "", err
	}
	if err := run.run(ctx, run.tmp, nil, python, "-I", "-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1])",
		filepath.Join(folder, release, pluginFile)); err != nil {
		return "", err
	}
	if err := os.Symlink(filepath.Join(release, pluginFile), filepath.Join(folder, pluginFile)); err != nil {
		return "", err
	}
	return folder, nil
}

// extract writes to a folder the one shared library of a wheel, which is a zip archive, as file, and what the wheel says
// of itself: its name, version and licence, which lists of what is installed are made from.
func extract(wheel, folder, file string) error {
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		return err
	}
	defer archive.Close()
	libraries := 0
	for _, member := range archive.File {
		name := member.Name
		switch {
		case strings.HasSuffix(name, ".so"):
			name = file
			libraries++
		case !strings.Contains(name, ".dist-info/") || strings.HasSuffix(name, "/") || !filepath.IsLocal(name):
			continue
		}
		if err := extractFile(member, filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	if libraries != 1 {
		return fmt.Errorf("%s holds %d shared libraries, expected 1", filepath.Base(wheel), libraries)
	}
	return nil
}

func extractFile(member *zip.File, target string) error {
	source, err := member.Open()
	if err != nil {
		return err
	}
	defer source.Close()
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, source)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}
