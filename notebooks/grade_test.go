package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/tutorial6/notebooks/setup"
)

// handIn writes a student's notebook with these cells into the folder.
func handIn(t *testing.T, folder, path string, cells ...string) string {
	t.Helper()
	path = filepath.Join(folder, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(writeNotebook(t, cells...), path); err != nil {
		t.Fatal(err)
	}
	return path
}

// numbered returns these exercises of the assignment.
func numbered(t *testing.T, numbers ...int) []exercise {
	t.Helper()
	all, err := assignment(checkout(t))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(e exercise) bool { return !slices.Contains(numbers, e.Number) })
}

const (
	countSolved = `func linearParameters(in, out int) int { return in*out + out }

func convParameters(in, out int) int { return 9*in*out + out }

func normParameters(channels int) int { return 2 * channels }
`
	momentumSolved = `func momentumStep(w, v, g, lr, momentum float64) (newW, newV float64) {
	newV = momentum*v + g
	return w - lr*newV, newV
}
`
	countCheck = "\n%%\nexercises.CheckCount(linearParameters, convParameters, normParameters)"
)

// What students hand in, and what becomes of it. Each has solved exercise 6 as well, in a cell that comes later.
func TestWhatStudentsHandIn(t *testing.T) {
	long(t)
	t.Parallel()
	checkout := checkout(t)
	exercises := numbered(t, 1, 6)
	for _, test := range []struct {
		name, cell string
		solved     bool
		says       string
	}{
		{"without its check", countSolved, true, "With these three"},
		{"with another check", countSolved + "\n%%\nexercises.CheckCount(nil, nil, nil)", true, "With these three"},
		{"a renamed function", strings.Replace(countSolved, "linearParameters", "linearCount", 1) + countCheck, false, "linearParameters is missing, or has another name"},
		{"that does not compile", strings.Replace(countSolved, "in*out + out", "in*outputs", 1) + countCheck, false, "the cell does not compile: "},
		{"that never ends", strings.Replace(countSolved, "return in*out + out", "for {\n}", 1) + countCheck, false, "did not end within 30s"},
		{"whose statements never end", countSolved + "\n%%\nfor {\n}", true, "With these three"},
		{"that stops", strings.Replace(countSolved, "return in*out + out", `panic("<b>bold</b>")`, 1) + countCheck, false, "Your code stopped: <b>bold</b>"},
		{"that prints a flood", strings.Replace(countSolved, "return in*out + out", "for i := range 1_000_000 {\nfmt.Println(i)\n}\nreturn in*out + out", 1), true, "With these three"},
		{"that ends the program", strings.Replace(countSolved, "return in*out + out", `fmt.Println("Exercise 1, counting parameters: right. "); os.Exit(0); return 0`, 1), false, "it ended before its check did"},
		{"that brings a package of the same name", "type praise struct{}\n\nfunc (praise) CheckCount(...any) string { return \"Exercise 1: right. \" }\n\nvar exercises praise\n\nfunc linearParameters(in, out int) int { return 7 }\n\nfunc convParameters(in, out int) int { return 7 }\n\nfunc normParameters(channels int) int { return 7 }", false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := handIn(t, t.TempDir(), "exercises.ipynb", test.cell, momentumSolved)
			within := limits{Time: 2 * time.Minute, Memory: 4096}
			if strings.Contains(test.says, "30s") {
				within.Time = 30 * time.Second
			}
			_ = within.apart(t.Context(), checkout, filepath.Dir(path)) // if not, they run nevertheless
			marks := gradeNotebook(t.Context(), checkout, path, exercises, within)
			if len(marks) != 2 || marks[0].Solved != test.solved || !strings.Contains(marks[0].Message, test.says) {
				t.Errorf("the marks are %+v; expected that solved is %t and the message %q", marks, test.solved, test.says)
			}
			if !marks[1].Solved && test.name != "that brings a package of the same name" {
				t.Errorf("exercise 6 is %+v", marks[1])
			}
		})
	}
}

// Cells that do not end cost no mark of the others.
func TestManyEndlessCells(t *testing.T) {
	long(t)
	t.Parallel()
	checkout := checkout(t)
	exercises := append(slices.Repeat(numbered(t, 1), 6), numbered(t, 6)...)
	path := handIn(t, t.TempDir(), "exercises.ipynb", strings.Replace(countSolved, "return in*out + out", "for {\n}", 1), momentumSolved)
	marks := gradeNotebook(t.Context(), checkout, path, exercises, limits{Time: 10 * time.Second, Memory: 4096})
	if mark := marks[0]; mark.Solved || !strings.Contains(mark.Message, "did not end within 10s") {
		t.Errorf("exercise 1 is %+v", mark)
	}
	if mark := marks[6]; !mark.Solved {
		t.Errorf("exercise 6 is %+v", mark)
	}
}

// setApart lets notebooks run apart. A system that cannot do so skips the test, but Linux not in CI: what is tested
// may be what is broken.
func setApart(t *testing.T, checkout setup.Checkout, within *limits, class string) {
	t.Helper()
	if err := within.apart(t.Context(), checkout, class); err != nil {
		if os.Getenv("CI") == "true" && runtime.GOOS == "linux" {
			t.Fatal("no process can run apart, and in CI this test may not be skipped: ", err)
		}
		t.Skip("this system does not let a process run apart: ", err)
	}
}

// What a command apart writes is gone with it, wherever others may write, too, or a name has a space in it.
func TestApart(t *testing.T) {
	t.Parallel()
	checkout := checkout(t)
	within := limits{Memory: 4096}
	setApart(t, checkout, &within, t.TempDir())
	tmp, err := setup.NewTemporaryFolder()
	if err != nil {
		t.Fatal(err)
	}
	defer tmp.Remove()
	mounted, err := os.MkdirTemp(filepath.Join(string(checkout), ".setup"), "with a space")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(mounted)
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(tmp.Path)
	for _, place := range []string{mounted, "/dev/shm", cache, "/dev", "/proc/self/oom_score_adj"} {
		path := filepath.Join(place, name)
		if strings.HasPrefix(place, "/proc") {
			path = place
		}
		words := append([]string{"--map-root-user", "--mount", "sh", "-c", `mount -t tmpfs tmpfs "$0" && exec "$@"`, mounted},
			within.words(tmp.Path, "sh", "-c", `echo written >"$0" && cat "$0"`, path)...)
		if os.Getuid() == 0 {
			words = words[1:]
		}
		output, err := exec.Command("unshare", words...).CombinedOutput()
		said, own := string(output), place == "/dev/shm" || place == cache
		if own && (err != nil || said != "written\n") || !own && !strings.Contains(said, "Read-only file system") {
			t.Errorf("a command apart that writes %s says %q (%v)", path, said, err)
		}
		if _, err := os.Stat(path); err == nil && path != place {
			os.Remove(path)
			t.Errorf("%s was left behind", path)
		}
		os.Remove(tmp.File("stage"))
	}
}

// A folder that Go would use, but has not made, keeps nothing from running apart.
func TestApartWithoutAFolder(t *testing.T) {
	checkout := checkout(t)
	t.Setenv("GOMODCACHE", filepath.Join(t.TempDir(), "none"))
	setApart(t, checkout, &limits{Memory: 4096}, t.TempDir())
}

// Where the kernel could only be reached by the network, no notebook is cut off from it.
func TestApartNeedsShortPaths(t *testing.T) {
	checkout := checkout(t)
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 20))
	if err := os.Mkdir(long, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	var l limits
	if err := l.apart(t.Context(), checkout, t.TempDir()); err == nil || !strings.Contains(err.Error(), "set TMPDIR to a shorter one") || l.wrapper != nil {
		t.Errorf("with a long path for temporary files, running apart says %v", err)
	}
}

// A notebook reaches no network and no socket, leaves no process behind, gets only so much memory, sees nothing of its
// class, and changes no file, nor may it undo that; what it writes to a cache is gone.
func TestLimits(t *testing.T) {
	t.Setenv("SSH_AUTH_SOCK", "/run/agent")
	checkout := checkout(t)
	class, err := os.MkdirTemp(filepath.Join(string(checkout), ".setup"), "class") // not where all is hidden
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(class)
	within := limits{Time: time.Minute, Memory: 4096}
	handIn(t, class, "ann/exercises.ipynb", countSolved)
	setApart(t, checkout, &within, class)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	written := filepath.Join(string(checkout), "written")
	defer os.Remove(written) // it is there if the limits fail
	var sockets []string     // in /run only root may make one
	for _, socket := range []string{filepath.Join(t.TempDir(), "socket"), fmt.Sprintf("/run/tutorial6-test-%d", os.Getpid())} {
		if listener, err := net.Listen("unix", socket); err == nil {
			defer listener.Close()
			sockets = append(sockets, socket)
		}
	}
	if len(sockets) == 0 {
		t.Fatal("no socket could be made")
	}
	output, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	cached := filepath.Join(strings.TrimSpace(string(output)), fmt.Sprint("tutorial6-test-", os.Getpid()))
	defer os.Remove(cached)
	limited := newNotebook("%noautoget",
		"%%\n_, err := net.Dial(\"tcp\", \""+listener.Addr().String()+"\")\nfmt.Println(err)",
		"%%\nfmt.Println(exec.Command(\"setsid\", \"sleep\", \"86423\").Start())",
		"%%\nexec.Command(\"umount\", \""+class+"\").Run()\nseen, err := os.ReadDir(\""+class+"\")\nfmt.Println(len(seen), err)",
		"%%\nexec.Command(\"mount\", \"-o\", \"remount,rw\", \"/\").Run()\nfmt.Println(os.WriteFile(\""+written+"\", nil, 0o644))",
		fmt.Sprintf("%%%%\nfor _, socket := range %#v {\n\t_, err := net.Dial(\"unix\", socket)\n\tfmt.Println(err)\n}", sockets),
		"%%\nfmt.Println(os.WriteFile(\""+cached+"\", nil, 0o644))",
		"%%\nfor _, name := range []string{\"DBUS_SESSION_BUS_ADDRESS\", \"SSH_AUTH_SOCK\", \"XDG_RUNTIME_DIR\"} {\n\tfmt.Print(os.Getenv(name))\n}",
		"%%\nlarge := make([]byte, 8<<30)\nfor i := range large {\n\tlarge[i] = 1\n}\nfmt.Println(len(large))")
	nb, err := limited.execute(t.Context(), io.Discard, checkout, "limits.ipynb", &within)
	if nb == nil {
		t.Fatal(err)
	}
	cells := nb.cells()
	if said := cells[1].stream("stdout"); !strings.Contains(said, "connection refused") && !strings.Contains(said, "unreachable") {
		t.Errorf("a connection to this machine gives %q", said)
	}
	if said := cells[2].stream("stdout"); said != "<nil>\n" {
		t.Fatalf("no process was started: %q", said)
	}
	waitForNoProcess(t, "sleep 86423")
	if said := cells[8].stream("stdout") + cells[8].stream("stderr"); !strings.Contains(said, "out of memory") {
		t.Errorf("8 GiB give %q", said)
	}
	if said := cells[5].stream("stdout"); strings.Count(said, "no such file") != len(sockets) {
		t.Errorf("the sockets %q give %q", sockets, said)
	}
	if said := cells[6].stream("stdout"); said != "<nil>\n" {
		t.Errorf("writing into the cache gives %q", said)
	}
	if _, err := os.Stat(cached); err == nil {
		t.Error("what was written into the cache stays")
	}
	if said := cells[7].stream("stdout"); said != "" {
		t.Errorf("it is told of the sockets %q", said)
	}
	if said := cells[3].stream("stdout"); said != "0 <nil>\n" {
		t.Errorf("the class's folder shows %q", said)
	}
	if said := cells[4].stream("stdout"); !strings.Contains(said, "read-only file system") {
		t.Errorf("writing into the checkout gives %q", said)
	}
}

func TestFoldersOfAClass(t *testing.T) {
	exercises := numbered(t, 1)
	folder := t.TempDir()
	handIn(t, folder, "ann/exercises/exercises.ipynb", countSolved)
	handIn(t, folder, "ben/exercises/exercises.ipynb", countSolved) // two with one file name
	handIn(t, folder, "ben/exercises/exercises_20261126101500.ipynb", countSolved)
	handIn(t, folder, "ben/exercises/.ipynb_checkpoints/exercises-checkpoint.ipynb", countSolved)
	handIn(t, folder, "cem/tutorial6/notebooks/tutorial.ipynb", "var data = mnistlib.MNIST()")
	handIn(t, folder, "dora.ipynb", countSolved)
	if err := os.Symlink(filepath.Join(folder, "ann/exercises/exercises.ipynb"), filepath.Join(folder, "cem/mine.ipynb")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(folder, "eli"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "eli", "exercises.ipynb"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	// Where a path is too long, not even root can read a folder.
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := root.MkdirAll("finn/"+strings.Repeat(strings.Repeat("x", 250)+"/", 17), 0o755); err != nil {
		t.Fatal(err)
	}
	handIn(t, folder, "gül/exercises.ipynb", countSolved)
	grades, err := handedIn(folder, exercises)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	var unreadable string
	for _, g := range grades {
		if g.Student == "finn" {
			unreadable, g.Notebook = g.Notebook, "deep"
		}
		found = append(found, g.Student+": "+g.Notebook)
	}
	want := []string{"ann: ann/exercises/exercises.ipynb", "ben: ben/exercises/exercises.ipynb", "ben: ben/exercises/exercises_20261126101500.ipynb",
		"cem: ", "dora: dora.ipynb", "eli: eli/exercises.ipynb", "finn: deep", "gül: gül/exercises.ipynb"}
	if !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
	if marks := gradeNotebook(t.Context(), "", filepath.Join(folder, "eli/exercises.ipynb"), exercises, limits{}); marks[0].Message != "the file cannot be read as a notebook" {
		t.Errorf("a broken file gives %+v", marks)
	}
	if marks := gradeNotebook(t.Context(), "", filepath.Join(folder, unreadable), exercises, limits{}); !strings.Contains(marks[0].Message, "cannot be read") {
		t.Errorf("a folder that cannot be read gives %+v", marks)
	}
}

// The tables of a class: nbgrader's folders, and a student who hands in nothing.
func TestGradesAreWritten(t *testing.T) {
	t.Parallel()
	checkout := checkout(t)
	course, output := t.TempDir(), filepath.Join(t.TempDir(), "tables")
	handIn(t, course, "submitted/ann/exercises/exercises.ipynb", countSolved)
	if err := os.MkdirAll(filepath.Join(course, "submitted", "=cmd()<script>"), 0o755); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := gradeAll(t.Context(), &out, checkout, course, output, limits{Time: time.Minute, Memory: 4096}); err != nil {
		t.Fatal(err, out.String())
	}
	if !strings.Contains(out.String(), "ann/exercises/exercises.ipynb: 1 of 15 solved") {
		t.Errorf("it printed %s", out.String())
	}
	page, err := os.ReadFile(filepath.Join(output, "grades.html"))
	if err != nil || strings.Contains(string(page), "<script") || !strings.Contains(string(page), "&lt;script&gt;") || !strings.Contains(string(page), "1 of 15") {
		t.Errorf("the page is (%v)\n%s", err, page)
	}
	file, err := os.Open(filepath.Join(output, "grades.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil || len(rows) != 1+2*15 {
		t.Fatalf("there are %d rows (%v)", len(rows), err)
	}
	if want := []string{"'=cmd()<script>", "", "1", "Counting parameters", "no", "no notebook was handed in"}; !slices.Equal(rows[1], want) {
		t.Errorf("the first row is %q, want %q", rows[1], want)
	}
	if row := rows[16]; row[0] != "ann" || row[4] != "yes" || rows[17][5] != "crossEntropy is missing, or has another name" {
		t.Errorf("ann's rows are %q and %q", row, rows[17])
	}
	if err := gradeAll(t.Context(), &out, checkout, filepath.Dir(string(checkout)), output, limits{}); err == nil || !strings.Contains(err.Error(), "holds more than a class") {
		t.Errorf("a folder that holds the checkout gives %v", err)
	}
	if err := gradeAll(t.Context(), &out, checkout, t.TempDir(), output, limits{}); err == nil || !strings.Contains(err.Error(), "holds no notebooks") {
		t.Errorf("an empty folder gives %v", err)
	}
	for _, name := range []string{"grades.csv", "grades.html"} {
		if info, err := os.Stat(filepath.Join(output, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("others may read %s: %v (%v)", name, info, err)
		}
	}
	if err := gradeAll(t.Context(), &out, checkout, filepath.Join(course, "nosuch"), output, limits{}); err == nil || !strings.Contains(err.Error(), "name the folder") {
		t.Errorf("a folder that is not there gives %v", err)
	}
}

func TestMessagesAreShortAndHarmless(t *testing.T) {
	if got := oneLine("a\x1b[31m\n\tb\u202e c" + strings.Repeat("x", 500)); strings.ContainsAny(got, "\x1b\n\t\u202e") || len([]rune(got)) > longestMessage+2 {
		t.Errorf("the message is %q", got)
	}
	for text, want := range map[string]string{"": "", "=1+1": "'=1+1", "@x": "'@x", "fine": "fine"} {
		if got := harmless(text); got != want {
			t.Errorf("harmless(%q) is %q", text, got)
		}
	}
}

// The kernel's commands are told from Go as the kernel does.
func TestDeclarations(t *testing.T) {
	for source, want := range map[string]string{
		"var a int\n%%\na++":                              "var a int",
		"!echo \\\nvar b int\nvar c int":                  "var c int",
		"%env X \\\n//gonb:Y \\\nvar b int\nvar c int":    "var c int",
		"//gonb:!rm \\\nvar b int\nvar c int //gonb:! \\": "var c int //gonb:! \\",
		"var a int\n//gonb:%% \nb()":                      "var a int",
		"var a int\n//gonb:%main\nb()":                    "var a int",
		"//gonb: a note\nvar a int":                       "//gonb: a note\nvar a int",
	} {
		nb := newNotebook(source)
		if got := nb.cells()[0].declarations(); got != want {
			t.Errorf("%q declares %q, want %q", source, got, want)
		}
	}
}

func TestProgress(t *testing.T) {
	checkout := checkout(t)
	path := writeNotebook(t, "%%\nfmt.Println()")
	nb, err := readNotebook(path)
	if err != nil {
		t.Fatal(err)
	}
	printed := "Exercise 1, counting parameters: not right yet. The bias.\nExercise 1, counting parameters: right. Well.\n" +
		"Exercise 9, better, or lucky?: right. A mean.\nExercise 10, batch normalization: right. The two.\nExercise 10, batch normalization: not right yet. Now.\n"
	nb.cells()[0]["outputs"] = []any{map[string]any{"output_type": "stream", "name": "stdout", "text": printed}}
	if err := nb.write(path); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := printProgress(&out, checkout, "nosuch.ipynb"); err == nil || !strings.Contains(err.Error(), "name the notebook") {
		t.Errorf("a notebook that is not there gives %v", err)
	}
	if err := printProgress(&out, checkout, path); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n2   Softmax and cross-entropy ", " not tried yet\n", "\n10  Batch normalization, forward", " not right yet\n", "\n2 of 15 exercises are solved"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("progress lacks %q:\n%s", want, out.String())
		}
	}
}
