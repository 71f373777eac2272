package main

const (
	library  = "./mnistlib"
	command  = "./notebooks"
	settings = "./notebooks/setup"
)

var mutations = []mutation{
	// Training.
	{"a run depends on its seed", "mnistlib/run.go",
		"torch.NewGenerator(c.Seed)", "torch.NewGenerator(1)", "TestSameSeedSameCurves", library},
	{"the shuffle depends on the seed", "mnistlib/internal/torch/generator.go",
		"NewGenerator(uint64(g.Int64())).Permutation(n)", "NewGenerator(uint64(g.Int64() * 0)).Permutation(n)", "TestEpoch|TestOrdersArePyTorchs", "./mnistlib/..."},
	{"each epoch has an order of its own", "mnistlib/internal/torch/generator.go",
		"order = NewGenerator(uint64(g.Int64())).Permutation(n)", "order = NewGenerator(uint64(g.Int64())).Permutation(n)\n\t\tg = NewGenerator(0)", "TestEpoch|TestOrdersArePyTorchs", "./mnistlib/..."},

	// What computes.
	{"XLA_FLAGS of other tools do not end the program", "mnistlib/internal/device/device.go",
		`os.Setenv("XLA_FLAGS", cpuFlags)`, `os.Setenv("XLA_FLAGS", os.Getenv("XLA_FLAGS")+" "+cpuFlags)`, "TestBackendWithSettingsOfOtherTools", library},
	{"a backend of another tool is told", "mnistlib/internal/device/device.go",
		`return nil, errors.New("the backends are`, `return open("go" + errors.New("").Error()) // `, "TestBackendWithSettingsOfOtherTools", library},
	{"a counter in the model is told", "mnistlib/network.go",
		"fmt.Sprint(nn.layers, nn.specs) != fmt.Sprint(again.layers, again.specs)", "again == nil", "TestModelsThatChange", library},
	{"a String method may call Describe", "mnistlib/describe.go",
		"s := Summary{Name: typeName(model),", "s := Summary{Name: modelName(model),", "TestModelWhoseStringDescribesIt", library},
	{"batch norm needs two values", "mnistlib/session.go",
		"batchSize*product(layer.Shape)/layer.Shape[0] < 2", "false", "TestBatchNormNeedsTwoValues", library},
	{"layers whose names are alike are apart", "mnistlib/layers.go",
		"range nn.specs[nn.numCounted:]", "range nn.specs", "TestLayersWhoseNamesAreAlike", library},
	{"weights without batch norm's counter serve", "mnistlib/network.go",
		"values := []float64{0}", "values := []float64{9}", "TestCounterIsNotNeeded", library},
	{"only files are read", "mnistlib/internal/files/files.go",
		"case !info.Mode().IsRegular():", "case false:", "TestOnlyFilesAreRead", library},
	{"files have a limit", "mnistlib/internal/files/files.go",
		"case info.Size() > maxBytes:", "case false:", "TestOnlyFilesAreRead", library},

	// Processes end with those that started them.
	{"kernels end with their Jupyter", "notebooks/setup/kernel.go",
		"argv := append(EndWithParent(ctx),", "argv := append([]string(nil),", "TestKernelsEndWithTheirJupyter", command},
	{"gopls ends with its kernel", "notebooks/setup/gotools.go",
		"for _, word := range EndWithParent(ctx) {", "for _, word := range []string(nil) {", "TestGoplsEndsWithItsKernel", settings},
	{"JupyterLab ends with the command", "notebooks/lab.go",
		"words := append(setup.EndWithParent(ctx),", "words := append([]string(nil),", "TestLab", command},
	{"an executed notebook ends with the command", "notebooks/run.go",
		"words = append(setup.EndWithParent(ctx), words...)", "", "TestKilledRunLeavesNoProcess", command},
	{"commands of the set-up end with it", "notebooks/setup/runner.go",
		"slices.Concat(EndWithParent(ctx), ", "slices.Concat([]string(nil), ", "TestKilledSetUpEndsWhatItStarted", settings},
	{"what commands of the set-up have started ends with it", "notebooks/setup/runner.go",
		"trap 'kill -9 0' TERM; ", "", "TestKilledSetUpEndsWhatItStarted", settings},
	{"Ctrl-C ends the commands of the set-up", "notebooks/setup/runner.go",
		"cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }", "", "TestInterruptedStepEndsWhatItStarted", settings},
	{"an interrupted notebook stops its kernel", "notebooks/run.go",
		"cmd.Process.Signal(os.Interrupt)", "cmd.Process.Kill()", "TestInterruptedRunLeavesNoProcess", command},

	// The set-up.
	{"a step that failed is done again", "notebooks/setup/steps.go",
		"err = file.Truncate(0)", "err = nil", "TestStepThatFailedIsNotTakenForTheOneBefore", settings},
	{"a step that makes nothing has failed", "notebooks/setup/steps.go",
		"if fault := s.fault(ctx, c); fault != nil {", "if fault := error(nil); fault != nil {", "TestStepWithoutAResultIsNotDone", settings},
	{"two set-ups at once do the work once", "notebooks/setup/steps.go",
		"return nil // another process did it while this one waited", "", "TestSetUpsAtTheSameTimeDoTheWorkOnce", settings},
	{"downloads are the locked ones", "notebooks/setup/plugin_linux.go",
		"\"--require-hashes\",\n\t\t\"--requirement=\"+lock,", "strings.Fields(pluginLock)[0],", "TestDownloadThatIsNotTheLockedOne", settings},
	{"a symlinked checkout is the same one", "notebooks/setup/setup.go",
		"dir, err = filepath.EvalSymlinks(dir)", "", "TestCheckoutByAnotherName", settings},

	// The reader's own settings.
	{"GOFLAGS stays outside", "notebooks/setup/environment.go",
		`"GOFLAGS=-buildvcs=false"`, `"GOFLAGS="+os.Getenv("GOFLAGS")`, "TestReadersGoSettingsStayOutside", settings},
	{"the file of go env -w stays outside", "notebooks/setup/environment.go",
		`"GOENV=off", `, "", "TestReadersGoSettingsStayOutside", settings},
	{"a go.work above the checkout stays outside", "notebooks/setup/environment.go",
		`"GOENV=off", "GOWORK=off", `, `"GOENV=off", `, "TestWorkspaceAboveTheCheckout", settings},
	{"Python's settings stay outside", "notebooks/setup/environment.go",
		`[]string{"PYTHON", `, `[]string{`, "TestReadersPythonSettingsStayOutside", settings},
	{"pip's settings stay outside", "notebooks/setup/environment.go",
		`"PYTHON", "PIP_", `, `"PYTHON", `, "TestReadersPipSettings", settings},
	{"a kernel of another Jupyter sees no settings of Go", "notebooks/setup/kernel.go",
		`env[name] = "" // which`, `env[name] = os.Getenv(name) // which`, "TestReadersGoSettingsStayOutside", settings},

	// JupyterLab.
	{"the token is in no command line", "notebooks/lab.go",
		`"--ServerApp.allow_root=True") // as in a container`, `"--ServerApp.allow_root=True", "--IdentityProvider.token="+token)`, "TestLab", command},
	{"JupyterLab is for this machine only", "notebooks/lab.go",
		"--ServerApp.ip=127.0.0.1", "--ServerApp.ip=0.0.0.0", "TestLab", command},
	{"it says that it is starting", "notebooks/lab.go",
		`fmt.Fprintln(out, "JupyterLab is starting: this takes some seconds, on a busy machine up to a minute")`, "", "TestLab", command},
	{"another server at the port is not taken for JupyterLab", "notebooks/lab.go",
		"return response.StatusCode == http.StatusOK", "return true", "TestAnotherServerAtThePort", command},

	{"no kernel has a port", "notebooks/setup/temporary.go",
		`return "ipc"`, `return "tcp"`, "TestInterruptedRunLeavesNoProcess", command},

	{"what a killed command left goes", "notebooks/setup/temporary.go",
		"if folder, err := hold(path); err == nil {", "if folder, err := hold(path); err != nil {", "TestFolderOfAKilledCommand", settings},
	{"what runs keeps its folder", "notebooks/setup/temporary.go",
		"if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {", "if err := error(nil); err != nil {", "TestTemporaryFolder|TestFolderOfAKilledCommand", settings},
	{"a folder where no program runs is told", "notebooks/setup/temporary.go",
		"syscall.Access(program, 1)", "syscall.Access(program, 4)", "TestFolderWhereNoProgramRuns", settings},
	{"no first cell waits without a word", "notebooks/setup/gotools.go",
		"line := progress.Start(out, title, 0, \"\")", "line := progress.Start(io.Discard, title, 0, \"\")", "TestUserWhoseBuildCacheIsEmptyIsTold", settings},
	{"the first cell finds mnistlib compiled", "notebooks/setup/gotools.go",
		`"go", "build", "./mnistlib", "flag"`, `"go", "build", "flag"`, "TestFirstCellFindsAllCompiled", settings},

	// Executing notebooks.
	{"a full disk costs no notebook", "notebooks/notebook.go",
		"return writeWhole(path, content.Bytes())", "return os.WriteFile(path, content.Bytes(), 0o644)", "TestNotebookOnAFullDiskStays", command},
	{"a pipe is not waited for", "notebooks/notebook.go",
		"!info.Mode().IsRegular()", "info.Mode().IsDir()", "TestOnlyNotebooksAreRead", command},
	{"a failed cell fails its notebook", "notebooks/execute.py",
		"failure=(error.evalue or error.ename)[:LONGEST]", `failure=""`, "TestRunFailsWhenACellFails", command},
	{"copies overwrite nothing", "notebooks/run.go",
		"taken[name] = path", "", "TestCopiesOverwriteNothing", command},
}
