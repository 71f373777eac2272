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
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/tutorial6/notebooks/setup"
)

// A lab is a JupyterLab that is running.
type lab struct {
	address *url.URL // with its token
	token   string
	stop    func()
}

// startLab starts JupyterLab in a folder, by the first port from 18888 on that is free.
func startLab(t *testing.T, folder string) lab {
	t.Helper()
	checkout := checkout(t)
	ctx, cancel := context.WithCancel(t.Context())
	printed, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := runLab(ctx, out, checkout, folder, labPort, false)
		out.Close()
		ended <- err
	}()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	address := printedAddress(t, printed)
	go io.Copy(io.Discard, printed)
	return lab{address, address.Query().Get("token"), stop}
}

const labPort = 18888

// server returns by what the server is known among all processes; another checkout's tests may use its port a moment later.
func (l lab) server(t *testing.T) []string {
	return []string{string(checkout(t)), "ServerApp.port=" + l.address.Port()}
}

// ask sends JupyterLab a request with a token.
func (l lab) ask(t *testing.T, method, path, token string, body string) (status int, answer []byte) {
	t.Helper()
	request, err := http.NewRequest(method, "http://"+l.address.Host+path, strings.NewReader(body))
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

// startKernel lets it start a kernel, and returns its id and command line.
func (l lab) startKernel(t *testing.T) (id, command string) {
	t.Helper()
	status, content := l.ask(t, "POST", "/api/kernels", l.token, `{"name": "`+setup.KernelName+`"}`)
	var kernel struct{ ID string }
	if err := json.Unmarshal(content, &kernel); err != nil || status != http.StatusCreated || kernel.ID == "" {
		t.Fatalf("starting a kernel answers %d: %s", status, content)
	}
	// A kernel that is still starting would not be one of those that a reader has.
	for processes(t, "kernel-"+kernel.ID, "gonb") == nil {
		time.Sleep(50 * time.Millisecond)
	}
	return kernel.ID, processes(t, "kernel-"+kernel.ID, "gonb")[0]
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
			if !strings.Contains(said, "JupyterLab is starting") { // after the set-up, which may have said something, too
				t.Errorf("while it started, it said %q", said)
			}
			return address
		}
		said += lines.Text()
	}
	t.Fatalf("no address was printed: %s", said)
	return nil
}

// One JupyterLab, which takes seconds to start, serves all tests that look at one; a second one is killed.
func TestLab(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	tutorial := floodedTutorial(t)
	for name, nb := range map[string]notebook{
		"tutorial.ipynb":   tutorial,
		"playground.ipynb": newNotebook(playgroundCell),
		"figures.ipynb":    newNotebook(figuresCell),
		"learner.ipynb":    newNotebook(learnerCells...),
	} {
		if err := nb.write(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	lab := startLab(t, folder)
	t.Run("wants its token", func(t *testing.T) { checkToken(t, lab) })
	t.Run("stays on this machine", func(t *testing.T) { checkStaysHere(t, lab) })
	t.Run("in the browser", func(t *testing.T) { checkBrowser(t, lab, len(tutorial.cells())) })
	t.Run("the playground in the browser", func(t *testing.T) { checkPlayground(t, lab) })
	t.Run("the figures in the browser", func(t *testing.T) { long(t); checkFiguresInLab(t, lab) })
	t.Run("a learner in the browser", func(t *testing.T) { long(t); checkLearner(t, lab) })
	t.Run("another one, whose command is killed", func(t *testing.T) { checkKilledLab(t, lab) })
	id, command := lab.startKernel(t)
	checkReachedByItsUserOnly(t, command)
	lab.stop()
	waitForNoProcess(t, id)
	waitForNoProcess(t, lab.server(t)...)
}

func checkToken(t *testing.T, lab lab) {
	if shown := processes(t, lab.token); shown != nil {
		t.Errorf("the token stands in a command line, which every user can read: %s", shown)
	}
	if lab.address.Path != "/lab/tree/tutorial.ipynb" || len(lab.token) < 20 {
		t.Errorf("the address is %s", lab.address)
	}
	for _, wrong := range []string{"", "wrong"} {
		if status, _ := lab.ask(t, "GET", "/api/contents", wrong, ""); status != http.StatusForbidden {
			t.Errorf("with the token %q, JupyterLab answers %d", wrong, status)
		}
	}
	if status, _ := lab.ask(t, "GET", "/api/contents", lab.token, ""); status != http.StatusOK {
		t.Errorf("with its token, JupyterLab answers %d", status)
	}
}

func checkStaysHere(t *testing.T, lab lab) {
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range interfaces {
		ip := i.(*net.IPNet).IP
		if ip.Equal(net.IPv4(127, 0, 0, 1)) || ip.IsLinkLocalUnicast() {
			continue
		}
		connection, err := net.DialTimeout("tcp", net.JoinHostPort(ip.String(), lab.address.Port()), 5*time.Second)
		if err == nil {
			connection.Close()
			t.Errorf("JupyterLab answers on %s", ip)
		}
	}
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

// A command that is killed ends nothing itself. Beside the other JupyterLab, this one finds a port and a token of its own.
func checkKilledLab(t *testing.T, other lab) {
	cmd := killable(t, "-no-browser", "-port", strconv.Itoa(labPort))
	printed, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	address := printedAddress(t, printed)
	killed := lab{address: address, token: address.Query().Get("token")}
	if other.address.Host == address.Host || other.token == killed.token {
		t.Errorf("two JupyterLabs at the same time have the addresses %s and %s", other.address, address)
	}
	id, _ := killed.startKernel(t)
	if processes(t, killed.server(t)...) == nil {
		t.Error("JupyterLab is not found among the processes")
	}
	cmd.Process.Kill()
	_ = cmd.Wait()
	waitForNoProcess(t, id)
	waitForNoProcess(t, killed.server(t)...)
}
