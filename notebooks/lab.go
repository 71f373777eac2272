package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"example.com/tutorial6/notebooks/setup"
)

//go:embed lab.py
var labScript string

// runLab starts JupyterLab at the tutorial in the folder, and returns when the context is cancelled, after
// it has stopped with its kernels. It listens on this machine only, and asks for a token.
func runLab(ctx context.Context, out io.Writer, checkout setup.Checkout, folder string, port int, browser bool) error {
	port, err := freePort(port)
	if err != nil {
		return err
	}
	token := rand.Text()
	log, err := checkout.JupyterLog(port)
	if err != nil {
		return err
	}
	defer log.Close()
	tmp, err := setup.NewTemporaryFolder()
	if err != nil {
		return err
	}
	defer tmp.Remove()

	words := append(setup.EndWithParent(ctx), checkout.Python(), "-I", "-c", labScript,
		"--ServerApp.ip=127.0.0.1", "--ServerApp.port="+strconv.Itoa(port), "--ServerApp.port_retries=0",
		"--KernelManager.transport="+tmp.Transport(), "--ServerApp.root_dir="+folder, "--LabApp.default_url=/lab/tree/tutorial.ipynb",
		"--ServerApp.open_browser="+map[bool]string{true: "True", false: "False"}[browser],
		"--ServerApp.allow_root=True") // as in a container
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = folder
	cmd.Env = append(checkout.JupyterEnv(ctx), tmp.Env(), "JUPYTER_TOKEN="+token) // arguments can be read by other users
	cmd.ExtraFiles = []*os.File{tmp.Held}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C comes from here: JupyterLab would ask back
	fmt.Fprintln(out, "JupyterLab is starting: this takes some seconds, on a busy machine up to a minute")
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	address := fmt.Sprintf("http://127.0.0.1:%d", port)
	for !answers(ctx, address, token) {
		select {
		case err := <-ended:
			return fmt.Errorf("JupyterLab did not start (%v): %s says why", err, log.Name())
		case <-ctx.Done():
			return stop(cmd, ended)
		case <-time.After(100 * time.Millisecond):
		}
	}
	fmt.Fprintf(out, `JupyterLab is running at

    %s/lab/tree/tutorial.ipynb?token=%s

Ctrl-C stops it and its kernels.
`, address, token)
	select {
	case err := <-ended:
		return fmt.Errorf("JupyterLab ended by itself (%v): %s says why", err, log.Name())
	case <-ctx.Done():
		fmt.Fprintln(out, "\nstopping JupyterLab")
		return stop(cmd, ended)
	}
}

// freePort returns the wanted port, or one of the next if another program has it; for 0, any that is free.
func freePort(wanted int) (int, error) {
	for port := wanted; port < wanted+50; port++ {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return listener.Addr().(*net.TCPAddr).Port, listener.Close()
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return 0, fmt.Errorf("port %d cannot be used (%v): name another one with -port", port, err)
		}
	}
	return 0, fmt.Errorf("ports %d to %d are all taken: name another one with -port", wanted, wanted+49)
}

// answers tells whether the server at the address is the one with this token: another program may have
// taken the port meanwhile.
func answers(ctx context.Context, address, token string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/api/status", nil)
	if err != nil {
		return false
	}
	request.Header.Set("Authorization", "token "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// stop asks JupyterLab to shut down with its kernels, and ends it by force if it does not.
func stop(cmd *exec.Cmd, ended <-chan error) error {
	cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(15 * time.Second):
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	}
	return nil
}
