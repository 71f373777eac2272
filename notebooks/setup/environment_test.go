package setup

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// write writes a file of a folder of its own and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// newHome gives the test a home of its own. The go command may still write there when the test has ended.
func newHome(t *testing.T) {
	t.Helper()
	folder, err := os.MkdirTemp("", "home")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	t.Setenv("HOME", folder)
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
}

// hostileGo are settings of Go with each of which something here does not build or start.
var hostileGo = map[string]string{
	"GOFLAGS": "-mod=vendor -nonsense", "GOWORK": "/nowhere/go.work", "GO111MODULE": "off", "GOROOT": "/nowhere",
	"GOOS": "plan9", "GOARCH": "386", "GOEXPERIMENT": "nonsense", "CGO_ENABLED": "0", "CGO_CFLAGS": "-nonsense",
	"CGO_LDFLAGS": "-nonsense", "GOBIN": "nowhere", "GOTOOLCHAIN": "nonsense", "GODEBUG": "nonsense=1",
}

// goSees returns Go's settings as Go sees them in an environment.
func goSees(t *testing.T, env []string, dir string) map[string]string {
	t.Helper()
	cmd := exec.Command("go", "env", "-json")
	cmd.Env, cmd.Dir = env, dir
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go env: %v: %s", err, output)
	}
	var settings map[string]string
	if err := json.Unmarshal(output, &settings); err != nil {
		t.Fatal(err)
	}
	return settings
}

func TestReadersGoSettingsStayOutside(t *testing.T) {
	proxy := "file:///somewhere"
	inFile := "GOPROXY=" + proxy + "\nGOMODCACHE=" + t.TempDir() + "\n"
	for name, value := range hostileGo {
		if name != "GOROOT" && name != "GOEXPERIMENT" { // with which the go command itself does not start
			inFile += name + "=" + value + "\n"
		}
	}
	for _, place := range []string{"variables", "the file of go env -w", "another file"} {
		t.Run(place, func(t *testing.T) {
			clean := goSees(t, environment(t.Context()), "")
			for name, value := range hostileGo {
				if place != "variables" {
					value = ""
				}
				t.Setenv(name, value)
			}
			switch place {
			case "variables":
				t.Setenv("GOPROXY", proxy)
			case "another file":
				t.Setenv("GOENV", write(t, "env", inFile))
			default:
				t.Setenv("GOENV", "")
				newHome(t)
				folder, err := os.UserConfigDir()
				if err == nil {
					err = os.MkdirAll(filepath.Join(folder, "go"), 0o755)
				}
				if err == nil {
					err = os.WriteFile(filepath.Join(folder, "go", "env"), []byte(inFile), 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			sees := goSees(t, environment(t.Context()), "")
			for name := range hostileGo {
				if sees[name] != clean[name] {
					t.Errorf("%s is %q in spite of all, where it should be %q", name, sees[name], clean[name])
				}
			}
			if sees["GOPROXY"] != proxy {
				t.Errorf("GOPROXY, which says how to reach the network, is %q", sees["GOPROXY"])
			}
			for _, need := range []Need{{"Go", findGo}, {"C compiler", findCompiler}} {
				if _, err := need.Find(t.Context()); err != nil {
					t.Errorf("%s: %v", need.Name, err)
				}
			}

			// A kernel that another Jupyter starts has the reader's variables, and then the description's.
			checkout, err := Here()
			if err != nil {
				t.Fatal(err)
			}
			spec, err := checkout.kernelSpec(t.Context(), goSettings(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			var kernel struct{ Env map[string]string }
			if err := json.Unmarshal(spec, &kernel); err != nil {
				t.Fatal(err)
			}
			t.Setenv("GOTOOLCHAIN", "local") // go must be there to start the kernel in any case
			env := os.Environ()
			for name, value := range kernel.Env {
				if name != "PATH" {
					env = append(env, name+"="+value)
				}
			}
			work := write(t, "go.work", "go 1.26.5\n") // as the kernel makes itself one
			sees = goSees(t, env, filepath.Dir(work))
			clean["GOFLAGS"], clean["GOTOOLCHAIN"] = cellFlags, "local"
			clean["GOWORK"], _ = filepath.EvalSymlinks(work)
			for name := range hostileGo {
				if sees[name] != clean[name] {
					t.Errorf("in a kernel, %s is %q, where it should be %q", name, sees[name], clean[name])
				}
			}
			if sees["GOPROXY"] != proxy {
				t.Errorf("in a kernel, GOPROXY is %q", sees["GOPROXY"])
			}
		})
	}
}

// A set-up is built by the go command in the checkout, which a workspace above it would change.
func TestWorkspaceAboveTheCheckout(t *testing.T) {
	work := write(t, "go.work", "go 1.26.5\n")
	dir := filepath.Join(filepath.Dir(work), "checkout")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if sees := goSees(t, environment(t.Context()), dir); sees["GOWORK"] != "off" {
		t.Errorf("GOWORK is %s", sees["GOWORK"])
	}
}

func TestReadersPythonSettingsStayOutside(t *testing.T) {
	setsUp(t)
	checkout, err := All(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	broken := write(t, "random.py", "raise SystemExit('not the real one')\n")
	for _, module := range []string{"ensurepip.py", "jupyter_core.py", "sitecustomize.py"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(broken), module), []byte("raise SystemExit('not the real one')\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{"PYTHONPATH": filepath.Dir(broken), "PYTHONHOME": "/nowhere", "PYTHONSTARTUP": broken,
		"PYTHONUSERBASE": filepath.Dir(broken), "PYTHONSAFEPATH": "1", "PYTHONPLATLIBDIR": "nowhere", "PYTHONIOENCODING": "nonsense"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			t.Chdir(filepath.Dir(broken)) // Python takes modules from the working directory, too
			if _, err := findPython(t.Context()); err != nil {
				t.Errorf("no Python was found: %v", err)
			}
			if err := jupyterStep.fault(t.Context(), checkout); err != nil {
				t.Errorf("JupyterLab counts as not set up: %v", err)
			}
			for _, variable := range checkout.JupyterEnv(t.Context()) {
				if strings.HasPrefix(variable, name+"=") {
					t.Errorf("Jupyter is started with %s", variable)
				}
			}
		})
	}
}

func TestReadersPipSettings(t *testing.T) {
	setsUp(t)
	checkout, err := All(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PIP_TARGET", t.TempDir())
	t.Setenv("PIP_USER", "1")
	t.Setenv("PIP_REQUIRE_VIRTUALENV", "1")
	t.Setenv("PIP_NO_BINARY", ":all:")
	t.Setenv("PIP_FIND_LINKS", "/one")
	t.Setenv("PIP_INDEX_URL", "")
	t.Setenv("PIP_CONFIG_FILE", write(t, "pip.conf", `[global]
index-url = https://mirror.example/it's
trusted-host =
    one.example
    two.example
prefix = /nowhere
user = true
find-links = /two
[install]
dry-run = true
timeout = 7
`))
	env := pipSettings(t.Context(), checkout.Python())
	cmd := exec.Command(checkout.Python(), "-I", "-m", "pip", "config", "list")
	cmd.Env = env
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatal(err, string(output))
	}
	listed := strings.Split(string(output), "\n")
	for _, want := range []string{`:env:.index-url="https://mirror.example/it's"`, `:env:.find-links='/one'`, `:env:.timeout='7'`} {
		if !slices.Contains(listed, want) {
			t.Errorf("pip sees\n%swithout %s", output, want)
		}
	}
	if !slices.Contains(env, "PIP_TRUSTED_HOST= one.example two.example") {
		t.Errorf("a setting of several lines is not there: %q", env)
	}
	for _, line := range listed {
		name, _, _ := strings.Cut(line, "=")
		if name = name[strings.LastIndexByte(name, '.')+1:]; name != "" && name != "config-file" && !slices.Contains(pipKept, name) {
			t.Errorf("pip sees %s", line)
		}
	}
}

func TestCheckoutByAnotherName(t *testing.T) {
	real, err := Here()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(string(real), link); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(link, "notebooks"))
	if found, err := Here(); err != nil || found != real {
		t.Errorf("through a link, the checkout is %s (%v), not %s", found, err, real)
	}
}

// Users of one checkout have build caches of their own.
func TestSecondUserFindsAllSetUp(t *testing.T) {
	setsUp(t)
	checkout, err := All(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOCACHE", t.TempDir())
	newHome(t)
	t.Setenv("GOMODCACHE", t.TempDir())
	if err := checkout.Missing(t.Context()); err != nil {
		t.Error(err)
	}
}

// A second user's first cell would wait for minutes, without a word.
func TestUserWhoseBuildCacheIsEmptyIsTold(t *testing.T) {
	pathWith(t, map[string]string{"sh": "", "setpriv": "", "sleep": "", "go": "[ $1 = env ] || sleep 3"})
	var out strings.Builder
	if err := Checkout(t.TempDir()).Compile(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "mnistlib, compiled for the notebooks ... ") {
		t.Errorf("it says %q", out.String())
	}
	pathWith(t, map[string]string{"sh": "", "go": "[ $1 = env ] || echo 'mnistlib/run.go:3:1: expected declaration'; [ $1 = env ]"})
	says(t, Checkout(t.TempDir()).Compile(t.Context(), &out), "mnistlib/run.go:3:1: expected declaration")
}

// What is compiled at the start is what a cell needs: it compiles nothing but itself.
func TestFirstCellFindsAllCompiled(t *testing.T) {
	checkout, cell := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		filepath.Join(checkout, "go.mod"):                  "module example.com/tutorial6\n\ngo 1.26.5\n",
		filepath.Join(checkout, "mnistlib", "mnistlib.go"): "package mnistlib\n\nconst New = " + strconv.Quote(checkout) + " // in no cache\n",
		filepath.Join(cell, "go.mod"):                      "module cell\n\ngo 1.26\n",
		filepath.Join(cell, "go.work"):                     "go 1.26.5\n\nuse .\n\nuse " + strconv.Quote(checkout) + "\n",
		filepath.Join(cell, "main.go"): "package main\n\nimport (\n\t\"flag\"\n\t\"fmt\"\n\n\t\"example.com/tutorial6/mnistlib\"\n)\n\n" +
			"func main() {\n\tflag.Parse()\n\tfmt.Println(mnistlib.New)\n}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := Checkout(checkout).Compile(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-x", "-o", "cell")
	cmd.Dir = cell
	cmd.Env = append(environment(t.Context()), "GOFLAGS="+cellFlags, "GOWORK=")
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatal(err, string(output))
	}
	for line := range strings.Lines(string(output)) {
		if strings.Contains(line, "/compile ") && !strings.Contains(line, " -p main ") {
			t.Errorf("a cell compiles, too: %s", line)
		}
	}
}

// The Python that the first user's set-up found may be in that user's home.
func TestPythonThatTheSecondUserCannotRun(t *testing.T) {
	checkout := Checkout(t.TempDir())
	if err := os.MkdirAll(filepath.Dir(checkout.Python()), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(checkout.Python(), []byte("not for you"), 0o644); err != nil {
		t.Fatal(err)
	}
	says(t, jupyterStep.fault(t.Context(), checkout), "its Python does not run", "permission denied")
}

// What Jupyter keeps cannot lie in a folder of another user.
func TestSecondUserHasAnotherFolderForJupyter(t *testing.T) {
	checkout := Checkout(t.TempDir())
	if folder, err := checkout.jupyterFolder(); folder != checkout.path("jupyter") {
		t.Errorf("of one's own checkout, it is %s (%v)", folder, err)
	}
	if os.Getuid() != 0 {
		t.Skip("only root can give a folder to another user")
	}
	if err := os.Chown(checkout.path("jupyter"), 1234, 1234); err != nil {
		t.Fatal(err)
	}
	newHome(t)
	log, err := checkout.JupyterLog(8888)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if !strings.HasPrefix(log.Name(), os.Getenv("HOME")) || strings.Contains(strings.Join(checkout.JupyterEnv(t.Context()), "\n"), checkout.path("jupyter")) {
		t.Errorf("Jupyter writes to another user's folder: %s", log.Name())
	}
}

// The path of a checkout may hold any character but the one that separates the folders of a PATH.
func TestCharactersInThePath(t *testing.T) {
	folder := filepath.Join(t.TempDir(), `it's "$HOME" & co`)
	checkout := Checkout(folder)
	for _, path := range []string{checkout.path("gopls"), checkout.path("bin")} {
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	wrapper := filepath.Join(folder, "wrapper")
	for path, script := range map[string]string{
		checkout.path("gopls", "gopls"): "#!/bin/sh\necho it is \"$1\"\n",
		wrapper:                         checkout.goplsWrapper(t.Context()),
	} {
		if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if output, err := exec.Command(wrapper, "gopls").CombinedOutput(); err != nil || string(output) != "it is gopls\n" {
		t.Errorf("gopls is not started: %v, %s", err, output)
	}
	if literal("a$HOME") != "a$$HOME" {
		t.Error("Jupyter would take $HOME for a variable")
	}
	says(t, Checkout("/a:b").install(t.Context(), os.Stderr, pluginStep), "colon", "/a:b")
}

func TestSettingsThatReachTheKernelAreNamedWithTheirPlace(t *testing.T) {
	file := write(t, "env", "GOPROXY=file:///somewhere\nGOFLAGS=-mod=mod\n")
	t.Setenv("GOENV", file)
	t.Setenv("GOPROXY", "")
	t.Setenv("GOMLX_BACKEND", "go")
	t.Setenv("PYTHONPATH", "/nowhere")
	t.Setenv("HOME", "/dev/null/nowhere")
	reaching := Reaching(t.Context())
	for _, want := range []Setting{{"GOPROXY", "file:///somewhere", "the file " + file}, {"GOMLX_BACKEND", "go", "your shell"}, {"HOME", "/dev/null/nowhere", "your shell"}} {
		if !slices.Contains(reaching, want) {
			t.Errorf("%v is not named: %v", want, reaching)
		}
	}
	t.Setenv("CC", "nonsense")
	_, err := findCompiler(t.Context())
	says(t, err, "try without CC=nonsense, set in your shell")
	t.Setenv("CC", "")
	libraries := t.TempDir()
	if err := os.WriteFile(filepath.Join(libraries, "libz.so.1"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LD_LIBRARY_PATH", libraries)
	if _, err := findCompiler(t.Context()); err != nil { // if it needs that library
		says(t, err, "libz.so.1", "try without LD_LIBRARY_PATH="+libraries+", set in your shell")
	}
	t.Setenv("LD_LIBRARY_PATH", "")
	t.Setenv("HOME", file)
	if reaching := Reaching(t.Context()); !slices.Contains(reaching, Setting{"HOME", file, "your shell"}) {
		t.Errorf("that the home is a file is not told: %v", reaching)
	}
	for _, setting := range reaching {
		if setting.Name == "GOFLAGS" || setting.Name == "PYTHONPATH" {
			t.Errorf("%v does not reach the kernel, and is named", setting)
		}
	}
}
