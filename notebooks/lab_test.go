package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.com/tutorial6/notebooks/setup"
)

// startLab starts JupyterLab in a folder and returns its address, with the token, and how to stop it.
func startLab(t *testing.T, folder string) (address *url.URL, stop func()) {
	t.Helper()
	checkout := checkout(t)
	ctx, cancel := context.WithCancel(t.Context())
	printed, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := runLab(ctx, out, checkout, folder, 18888, false)
		out.Close()
		ended <- err
	}()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	address = printedAddress(t, printed)
	go io.Copy(io.Discard, printed)
	return address, stop
}

// printedAddress reads JupyterLab's address, and how it says before that it is starting.
func printedAddress(t *testing.T, printed io.Reader) *url.URL {
	t.Helper()
	lines := bufio.NewScanner(printed)
	said := ""
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); strings.HasPrefix(line, "http://") {
			address, err := url.Parse(line)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(said, "JupyterLab is starting") {
				t.Errorf("while it started, it said %q", said)
			}
			return address
		}
		said += lines.Text()
	}
	t.Fatalf("no address was printed: %s", said)
	return nil
}

func TestLabWantsItsTokenAndStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	address, stop := startLab(t, t.TempDir())
	token := address.Query().Get("token")
	if shown := processes(t, token); shown != nil {
		t.Errorf("the token stands in a command line, which every user can read: %s", shown)
	}
	if address.Path != "/lab/tree/tutorial.ipynb" || len(token) < 20 {
		t.Errorf("the address is %s", address)
	}
	status := func(method, path, token string, body string) (int, []byte) {
		request, err := http.NewRequest(method, "http://"+address.Host+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			request.Header.Set("Authorization", "token "+token)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, content
	}
	for _, wrong := range []string{"", "wrong"} {
		if code, _ := status("GET", "/api/contents", wrong, ""); code != http.StatusForbidden {
			t.Errorf("with the token %q, JupyterLab answers %d", wrong, code)
		}
	}
	if code, _ := status("GET", "/api/contents", token, ""); code != http.StatusOK {
		t.Errorf("with its token, JupyterLab answers %d", code)
	}
	if other, _ := startLab(t, t.TempDir()); other.Host == address.Host || other.Query().Get("token") == token {
		t.Errorf("two JupyterLabs at the same time have the addresses %s and %s", address, other)
	}

	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range interfaces {
		ip := i.(*net.IPNet).IP
		if ip.Equal(net.IPv4(127, 0, 0, 1)) || ip.IsLinkLocalUnicast() {
			continue
		}
		connection, err := net.DialTimeout("tcp", net.JoinHostPort(ip.String(), address.Port()), 5*time.Second)
		if err == nil {
			connection.Close()
			t.Errorf("JupyterLab answers on %s", ip)
		}
	}

	code, content := status("POST", "/api/kernels", token, `{"name": "`+setup.KernelName+`"}`)
	var kernel struct{ ID string }
	if err := json.Unmarshal(content, &kernel); err != nil || code != http.StatusCreated {
		t.Fatalf("starting a kernel answers %d: %s", code, content)
	}
	// A kernel that is still starting would not be one of those that a reader has.
	for processes(t, "kernel-"+kernel.ID, "gonb") == nil {
		time.Sleep(50 * time.Millisecond)
	}
	checkReachedByItsUserOnly(t, processes(t, "kernel-"+kernel.ID, "gonb")[0])
	stop()
	waitForNoProcess(t, kernel.ID, "ServerApp.port="+address.Port())
}

// checkReachedByItsUserOnly looks at how the kernel with this command line is reached. A port would be open
// to all users of the machine, and what they send there can end the kernel.
func checkReachedByItsUserOnly(t *testing.T, kernel string) {
	t.Helper()
	found := regexp.MustCompile(`-kernel (\S+)`).FindStringSubmatch(kernel)
	if found == nil {
		t.Fatalf("this is no kernel: %s", kernel)
	}
	var connection struct{ Transport, IP string }
	if content, err := os.ReadFile(found[1]); err != nil {
		t.Error(err)
	} else if err := json.Unmarshal(content, &connection); err != nil {
		t.Error(err)
	}
	if connection.Transport != "ipc" {
		t.Errorf("the kernel is reached by %s", connection.Transport)
	} else if info, err := os.Stat(filepath.Dir(connection.IP)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its sockets lie in a folder that others may enter: %v (%v)", info, err)
	}
}

// waitForNoProcess waits until no process has one of these texts in its command line.
func waitForNoProcess(t *testing.T, texts ...string) {
	t.Helper()
	var left []string
	for range 200 {
		left = nil
		for _, text := range texts {
			left = append(left, processes(t, text)...)
		}
		if left == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("these processes were left behind:\n%s", strings.Join(left, ""))
}

// processes returns the command lines of the processes that have all these texts in them.
func processes(t *testing.T, texts ...string) []string {
	t.Helper()
	output, err := exec.Command("ps", "-Awwo", "args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(output)) {
		all := true
		for _, text := range texts {
			all = all && strings.Contains(line, text)
		}
		if all {
			found = append(found, line)
		}
	}
	return found
}

func TestPortThatIsTaken(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	taken := listener.Addr().(*net.TCPAddr).Port
	if port, err := freePort(taken); err != nil || port <= taken {
		t.Errorf("with port %d taken, the port is %d (%v)", taken, port, err)
	}
	if port, err := freePort(0); err != nil || port == 0 {
		t.Errorf("for any free port, the port is %d (%v)", port, err)
	}
	if _, err := freePort(65535 + 1); err == nil || !strings.Contains(err.Error(), "-port") {
		t.Errorf("a port that does not exist gives %v", err)
	}
}

func TestAnotherServerAtThePort(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer other.Close()
	if answers(t.Context(), other.URL, "token") {
		t.Error("a server that does not know the token was taken for JupyterLab")
	}
}

// A command that is killed ends nothing itself.
func TestKilledCommandLeavesNoProcess(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip("this system has no setpriv, with which processes end with their parent")
	}
	checkout := checkout(t)
	program := filepath.Join(t.TempDir(), "notebooks")
	if output, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	t.Run("JupyterLab", func(t *testing.T) {
		cmd := exec.Command(program, "-no-browser", "-port", "0")
		cmd.Dir = string(checkout)
		printed, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		address := printedAddress(t, printed)
		request, err := http.NewRequest("POST", "http://"+address.Host+"/api/kernels", strings.NewReader(`{"name": "`+setup.KernelName+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "token "+address.Query().Get("token"))
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var kernel struct{ ID string }
		if err := json.NewDecoder(response.Body).Decode(&kernel); err != nil || kernel.ID == "" {
			t.Fatalf("no kernel was started (%v)", err)
		}
		server := processes(t, "ServerApp.port="+address.Port())
		for processes(t, "kernel-"+kernel.ID, "gonb") == nil {
			time.Sleep(50 * time.Millisecond)
		}
		cmd.Process.Kill()
		_ = cmd.Wait()
		waitForNoProcess(t, kernel.ID, "ServerApp.port="+address.Port())
		if server == nil {
			t.Error("JupyterLab is not found among the processes")
		}
	})
	t.Run("run", func(t *testing.T) {
		folder := t.TempDir()
		started := filepath.Join(folder, "started")
		path := writeNotebook(t, "%noautoget", "%%\nos.WriteFile(\""+started+"\", nil, 0o644)\nfor { time.Sleep(time.Second) }")
		cmd := exec.Command(program, "run", path)
		cmd.Dir = string(checkout)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for range 600 {
			if _, err := os.Stat(started); err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if _, err := os.Stat(started); err != nil {
			t.Error("the cell did not start")
		}
		cmd.Process.Kill()
		_ = cmd.Wait()
		waitForNoProcess(t, path)
	})
	t.Run("JupyterLab's kernels, when it is killed itself", func(t *testing.T) {
		spec, err := os.ReadFile(filepath.Join(string(checkout), ".setup", "venv", "share", "jupyter", "kernels", setup.KernelName, "kernel.json"))
		if err != nil {
			t.Fatal(err)
		}
		var kernel struct{ Argv []string }
		if err := json.Unmarshal(spec, &kernel); err != nil {
			t.Fatal(err)
		}
		if ending := setup.EndWithParent(t.Context()); len(kernel.Argv) < len(ending) || !slices.Equal(kernel.Argv[:len(ending)], ending) {
			t.Errorf("a kernel does not end with its parent: %q", kernel.Argv)
		}
	})
}

// untilTraining returns the cells of a notebook up to the first one that trains, without outputs.
func untilTraining(nb notebook) []any {
	var cells []any
	for _, c := range nb.cells() {
		cells = append(cells, map[string]any(c))
		if !c.isCode() {
			continue
		}
		c["outputs"], c["execution_count"] = []any{}, nil
		if object(c["metadata"])["tutorial"] != nil {
			break
		}
	}
	return cells
}

// findBrowser returns the program with which to look at the figures; without one, the test is skipped.
func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("there is no Chromium, and in CI this test may not be skipped")
	}
	t.Skip("skipped: there is no Chromium, with which to look at the figures")
	return ""
}

// TestBrowser opens the tutorial, up to its first training cell, in a real browser, runs it, and looks
// at the figures. Then a cell prints a million lines, which the page survives. With go test -artifacts -outputdir DIR, the screenshot stays there.
func TestBrowser(t *testing.T) {
	browser := findBrowser(t)
	folder := t.TempDir()
	nb, err := readNotebook("tutorial.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	cells := append(untilTraining(nb), map[string]any{"cell_type": "code", "id": "flood", "metadata": map[string]any{},
		"execution_count": nil, "outputs": []any{}, "source": "%%\nfor i := range 1_000_000 {\n\tfmt.Println(\"line\", i)\n}"})
	nb["cells"] = cells
	if err := nb.write(filepath.Join(folder, "tutorial.ipynb")); err != nil {
		t.Fatal(err)
	}
	address, _ := startLab(t, folder)

	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser),
		chromedp.NoSandbox, chromedp.WindowSize(1400, 1300), // the sandbox does not start in containers
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()

	screenshot := func(name string) {
		png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Error(err)
			return
		}
		if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name), png, 0o644); err != nil {
			t.Error(err)
		}
	}
	// drawn counts the figures in which something is drawn: whose pixels have more than one colour.
	const drawn = `[...document.querySelectorAll(".jp-OutputArea .vega-embed canvas")].filter(canvas => {
		const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)
		return new Set(pixels).size > 2
	}).length >= 2`
	if err := chromedp.Do(ctx, chromedp.Navigate(address.String())); err != nil {
		t.Fatal(err)
	}
	patience, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	err = chromedp.Do(patience,
		chromedp.Click(chromedp.CSS(`.jp-Notebook .jp-MarkdownCell`)), // JupyterLab acts on what has the focus
		chromedp.Poll[chromedp.Void](`document.body.innerText.includes("Go (Tutorial 6) | Idle")`, chromedp.WithPollingTimeout(0)),
	)
	for range cells {
		if err == nil {
			err = chromedp.Do(patience, chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierShift)))
		}
	}
	if err == nil {
		err = chromedp.Do(patience, chromedp.Poll[chromedp.Void](drawn, chromedp.WithPollingTimeout(0)))
	}
	screenshot("training.png")
	if err != nil {
		page, _ := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
		t.Fatalf("the figures were not drawn: %v; the page reads\n%s", err, page)
	}
	printed, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(".jp-Notebook")))
	if err != nil || !strings.Contains(printed, "Final training accuracy") {
		t.Errorf("the notebook does not show the final accuracies (%v):\n%s", err, printed)
	}
	var length int
	err = chromedp.Do(patience, chromedp.Poll[chromedp.Void](`document.body.innerText.includes("IOPub data rate exceeded")`, chromedp.WithPollingTimeout(0)))
	if err == nil {
		length, err = chromedp.Run(patience, chromedp.Evaluate[int](`document.body.innerText.length`))
	}
	if err != nil || length > 1_000_000 {
		t.Errorf("of a million lines, the page shows %d characters (%v)", length, err)
	}
}
