package mnistlib

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// sameWeights compares all fields; among the values, NaN is NaN and -0 is not 0.
func sameWeights(a, b Weights) bool {
	return slices.EqualFunc(a, b, func(a, b Weight) bool {
		return a.Name == b.Name && a.DType == b.DType && a.Trainable == b.Trainable && slices.Equal(a.Shape, b.Shape) &&
			slices.EqualFunc(a.Values, b.Values, func(a, b float64) bool {
				return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
			})
	})
}

// pytorchsWeights returns what testdata/weights.py put into testdata/weights.safetensors.
func pytorchsWeights() Weights {
	nan, inf := math.NaN(), math.Inf(1)
	weights := Weights{
		{"special", "F32", []int{7}, []float64{math.Copysign(0, -1), inf, -inf, nan, 0x1p-149, math.MaxFloat32, float64(float32(0.1))}, true},
		{"special64", "F64", []int{3}, []float64{math.SmallestNonzeroFloat64, math.MaxFloat64, 0.1}, true},
		{"integers", "I64", []int{4}, []float64{-1, 0, 1<<53 - 1, 1 - 1<<53}, true},
		{"empty", "F32", []int{0, 4}, []float64{}, true},
	}
	for prefix, dtype := range map[string]string{"": "F32", "wide.": "F64"} {
		for k, w := range []Weight{
			{"conv1.weight", dtype, []int{2, 1, 3, 3}, nil, true},
			{"conv1.bias", dtype, []int{2}, nil, true},
			{"bn1.weight", dtype, []int{2}, nil, true},
			{"bn1.bias", dtype, []int{2}, nil, true},
			{"bn1.running_mean", dtype, []int{2}, nil, false},
			{"bn1.running_var", dtype, []int{2}, nil, false},
			{"bn1.num_batches_tracked", "I64", []int{}, []float64{3}, false},
			{"fc.weight", dtype, []int{2, 3}, nil, true},
			{"fc.bias", dtype, []int{2}, nil, true},
		} {
			if w.Values == nil {
				count, _ := numElements(w.Shape)
				for i := range count {
					w.Values = append(w.Values, float64(i+10*k)/8)
				}
			}
			w.Name = prefix + w.Name
			weights = append(weights, w)
		}
	}
	// safetensors writes the larger types first, I64 before F64, and equal ones by name.
	slices.SortFunc(weights, func(a, b Weight) int {
		rank := map[string]int{"I64": 0, "F64": 1, "F32": 2}
		if rank[a.DType] != rank[b.DType] {
			return rank[a.DType] - rank[b.DType]
		}
		return strings.Compare(a.Name, b.Name)
	})
	return weights
}

func TestLoadWeightsFromPyTorch(t *testing.T) {
	got, err := LoadWeights("testdata/weights.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if want := pytorchsWeights(); !sameWeights(got, want) {
		t.Errorf("read\n%#v\nwant\n%#v", got, want)
	}
}

// What Save writes is, byte for byte, what safetensors.torch writes of the same arrays.
func TestSaveWritesPyTorchsBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	if err := pytorchsWeights().Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/weights.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("written\n%q\nwant\n%q", got, want)
	}
}

// cnnbn returns weights in a model's order, with float32 arrays before and after the I64.
func cnnbn() Weights {
	return Weights{
		{"conv1.weight", "F32", []int{1, 1, 3, 3}, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}, true},
		{"bn1.running_mean", "F32", []int{1}, []float64{-0.5}, false},
		{"bn1.num_batches_tracked", "I64", []int{}, []float64{155}, false},
		{"fc.weight", "F32", []int{2, 1}, []float64{0.25, -2}, true},
		{`a "quoted" é, <`, "F64", []int{1}, []float64{0.1}, true},
	}
}

func TestSaveAndLoad(t *testing.T) {
	for name, weights := range map[string]Weights{
		"in the model's order":  cnnbn(),
		"in PyTorch's order":    pytorchsWeights(),
		"none":                  {},
		"scalar with no shape":  {{Name: "x", DType: "F32", Values: []float64{1}, Trainable: true}},
		"one name in another's": {{"x", "F32", []int{1}, []float64{1}, true}, {"x.x", "F32", []int{1}, []float64{2}, true}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "weights.safetensors")
			if err := weights.Save(path); err != nil {
				t.Fatal(err)
			}
			got, err := LoadWeights(path)
			if err != nil {
				t.Fatal(err)
			}
			if !sameWeights(got, weights) {
				t.Errorf("read\n%#v\nwant\n%#v", got, weights)
			}
		})
	}
}

// Each array begins at a multiple of its element's size in the file, as the format's own writer has it.
func TestSaveAligns(t *testing.T) {
	file, err := encodeSafetensors(cnnbn())
	if err != nil {
		t.Fatal(err)
	}
	headerBytes := int(binary.LittleEndian.Uint64(file))
	var header map[string]entry
	if err := json.Unmarshal(file[8:8+headerBytes], &header); err != nil {
		t.Fatal(err)
	}
	if len(header) != 5 {
		t.Errorf("%d entries, want 5", len(header))
	}
	for name, e := range header {
		if begin := 8 + headerBytes + e.Offsets[0]; begin%elementBytes(e.DType) != 0 {
			t.Errorf("%s, of type %s, begins at byte %d", name, e.DType, begin)
		}
	}
}

func TestSaveErrors(t *testing.T) {
	one := []float64{1}
	for _, test := range []struct {
		name    string
		weights Weights
		want    string
	}{
		{"two of a name", Weights{{"fc.bias", "F32", []int{1}, one, true}, {"fc.bias", "F32", []int{1}, one, true}}, `"fc.bias" names two arrays`},
		{"no name", Weights{{"", "F32", []int{1}, one, true}}, `"" cannot be the name`},
		{"reserved name", Weights{{"__metadata__", "F32", []int{1}, one, true}}, `"__metadata__" cannot be the name`},
		{"name not in UTF-8", Weights{{"fc\xff", "F32", []int{1}, one, true}}, `"fc\xff" cannot be the name`},
		{"no type", Weights{{"fc.bias", "", []int{1}, one, true}}, `"fc.bias" has the type "", expected F32, F64 or I64`},
		{"other type", Weights{{"fc.bias", "BF16", []int{1}, one, true}}, `"fc.bias" has the type "BF16", expected F32, F64 or I64`},
		{"too few values", Weights{{"fc.bias", "F32", []int{2}, one, true}}, `"fc.bias" has 1 values, expected as many as its shape [2] says`},
		{"values without a shape", Weights{{"fc.bias", "F32", nil, []float64{1, 2}, true}}, `"fc.bias" has 2 values`},
		{"negative sizes", Weights{{"fc.bias", "F32", []int{-1, -1}, one, true}}, `"fc.bias" has 1 values`},
		{"sizes that wrap", Weights{{"fc.bias", "F32", []int{1 << 32, 1 << 32}, []float64{}, true}}, `"fc.bias" has 0 values`},
		{"beyond float32", Weights{{"fc.bias", "F32", []int{1}, []float64{1e39}, true}}, `"fc.bias" holds 1e+39`},
		{"not an integer", Weights{{"n", "I64", []int{1}, []float64{0.5}, true}}, `"n" holds 0.5, expected values that I64 can hold`},
		{"NaN as an integer", Weights{{"n", "I64", []int{1}, []float64{math.NaN()}, true}}, `"n" holds NaN`},
		{"beyond the integers", Weights{{"n", "I64", []int{1}, []float64{1 << 63}, true}}, `"n" holds 9.2`},
		{"huge header", Weights{{strings.Repeat("n", 1<<20), "F32", []int{1}, one, true}}, "takes 1048"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "weights.safetensors")
			checkSaveFails(t, path, test.weights, path, test.want)
		})
	}

	t.Run("no such folder", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "nowhere", "weights.safetensors")
		err := cnnbn().Save(path)
		if err == nil || !strings.Contains(err.Error(), filepath.Dir(path)) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("a folder in its place", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "folder")
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		err := cnnbn().Save(path)
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("the error is %v", err)
		}
		if names := filesIn(t, filepath.Dir(path)); !slices.Equal(names, []string{"folder"}) {
			t.Errorf("the files %v are there, want only the folder", names)
		}
	})
	t.Run("full disk", func(t *testing.T) {
		// A limit on the size of files ends a write as a full disk does: part of it is done, then it fails.
		// It holds for the whole process, so it is far above what tests write to their logs.
		var unlimited syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
			t.Fatal(err)
		}
		signal.Ignore(syscall.SIGXFSZ)
		defer signal.Reset(syscall.SIGXFSZ)
		defer func() {
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
				t.Error(err)
			}
		}()
		limited := syscall.Rlimit{Cur: 4 << 20, Max: unlimited.Max}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limited); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "weights.safetensors")
		checkSaveFails(t, path, Weights{{"fc.bias", "F64", []int{1 << 20}, make([]float64, 1<<20), true}}, path, "large")
	})
}

// checkSaveFails checks that an error says all of want, that the file which was there stays, and that
// no other is left beside it.
func checkSaveFails(t *testing.T, path string, weights Weights, want ...string) {
	t.Helper()
	if err := cnnbn().Save(path); err != nil {
		t.Fatal(err)
	}
	err := weights.Save(path)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range want {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error %.300q lacks %q", err, want)
		}
	}
	if old, err := LoadWeights(path); err != nil || !sameWeights(old, cnnbn()) {
		t.Errorf("the old file is lost: %v", err)
	}
	if names := filesIn(t, filepath.Dir(path)); !slices.Equal(names, []string{filepath.Base(path)}) {
		t.Errorf("the files %v are there, want only the old one", names)
	}
}

func filesIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		names = append(names, file.Name())
	}
	return names
}

func TestSaveReplacesTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	for _, weights := range []Weights{pytorchsWeights(), cnnbn()} {
		if err := weights.Save(path); err != nil {
			t.Fatal(err)
		}
		if got, err := LoadWeights(path); err != nil || !sameWeights(got, weights) {
			t.Errorf("the file holds something else (error %v)", err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o644 {
		t.Errorf("the file's mode is %v, want that others can read it", info.Mode())
	}
	if names := filesIn(t, filepath.Dir(path)); len(names) != 1 {
		t.Errorf("the files %v are there, want one", names)
	}
}

// safetensorsFile returns a file of a header and data.
func safetensorsFile(header string, data string) []byte {
	return slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), []byte(header), []byte(data))
}

// badFiles are files that must be refused, each with what the error must say.
func badFiles() map[string]struct {
	file []byte
	want string
} {
	sound, err := encodeSafetensors(cnnbn())
	if err != nil {
		panic(err)
	}
	a := func(dtype, shape, offsets string) string {
		return fmt.Sprintf(`"a":{"dtype":%q,"shape":%s,"data_offsets":%s}`, dtype, shape, offsets)
	}
	b := func(offsets string) string {
		return fmt.Sprintf(`"b":{"dtype":"F32","shape":[1],"data_offsets":%s}`, offsets)
	}
	one := a("F32", "[1]", "[0,4]")
	return map[string]struct {
		file []byte
		want string
	}{
		"empty":                  {nil, "cut off, expected the 8 bytes"},
		"cut in the length":      {sound[:7], "cut off, expected the 8 bytes"},
		"nothing after length":   {sound[:8], "cut off, expected a header of"},
		"cut in the header":      {sound[:20], "cut off, expected a header of"},
		"cut in the data":        {sound[:len(sound)-1], "cut off: 63 bytes follow its header, expected 64"},
		"more data":              {append(slices.Clone(sound), 0), "more follows its arrays, expected the end after 64 bytes"},
		"zip":                    {[]byte("PK\x03\x04 as torch.save writes"), "expected 2 to 1048576: is it a safetensors file?"},
		"header without a byte":  {make([]byte, 100), "a header of 0 bytes"},
		"header bomb":            {[]byte("\xff\xff\xff\xff\xff\xff\xff\x7f{}"), "a header of 9223372036854775807 bytes"},
		"header bomb of 1 MiB":   {[]byte("\x00\x00\x10\x00\x00\x00\x00\x00{}"), "cut off, expected a header of 1048576"},
		"header beyond 1 MiB":    {[]byte("\x01\x00\x10\x00\x00\x00\x00\x00{}"), "a header of 1048577 bytes"},
		"no JSON":                {safetensorsFile("hello", ""), "not a JSON object"},
		"null":                   {safetensorsFile("null", ""), "not a JSON object"},
		"a list":                 {safetensorsFile("[1]", ""), "not a JSON object"},
		"brace missing":          {safetensorsFile("{"+one, "1234"), "not a JSON object"},
		"JSON after JSON":        {safetensorsFile("{"+one+"}{}", "1234"), "not a JSON object"},
		"comma missing":          {safetensorsFile("{"+one+b("[4,8]")+"}", "12345678"), "not a JSON object"},
		"name not a string":      {safetensorsFile("{1:2}", ""), "not a JSON object"},
		"not UTF-8":              {safetensorsFile("{\"\xff\":{}}", ""), "not a JSON object"},
		"deep":                   {safetensorsFile(`{"a":`+strings.Repeat("[", 100_000)+"}", ""), `entry of "a"`},
		"metadata not strings":   {safetensorsFile(`{"__metadata__":{"a":1}}`, ""), "__metadata__"},
		"entry null":             {safetensorsFile(`{"a":null}`, ""), `entry of "a" is not understood`},
		"entry a list":           {safetensorsFile(`{"a":[]}`, ""), `entry of "a" is not understood`},
		"no shape":               {safetensorsFile(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, "1234"), `entry of "a" is not understood`},
		"no offsets":             {safetensorsFile(`{"a":{"dtype":"F32","shape":[1]}}`, "1234"), `entry of "a" is not understood`},
		"no type":                {safetensorsFile(`{"a":{"shape":[1],"data_offsets":[0,4]}}`, "1234"), `"a" has the type ""`},
		"one offset":             {safetensorsFile("{"+a("F32", "[1]", "[4]")+"}", "1234"), `entry of "a" is not understood`},
		"three offsets":          {safetensorsFile("{"+a("F32", "[1]", "[0,4,8]")+"}", "1234"), `entry of "a" is not understood`},
		"offsets with points":    {safetensorsFile("{"+a("F32", "[1]", "[0,4.0]")+"}", "1234"), `entry of "a" is not understood`},
		"offsets beyond int":     {safetensorsFile("{"+a("F32", "[1]", "[0,18446744073709551616]")+"}", "1234"), `entry of "a" is not understood`},
		"shape with points":      {safetensorsFile("{"+a("F32", "[1.5]", "[0,4]")+"}", "1234"), `entry of "a" is not understood`},
		"half precision":         {safetensorsFile("{"+a("BF16", "[2]", "[0,4]")+"}", "1234"), `"a" has the type "BF16", expected F32, F64 or I64`},
		"unknown type":           {safetensorsFile("{"+a("f32", "[1]", "[0,4]")+"}", "1234"), `"a" has the type "f32", expected F32, F64 or I64`},
		"negative size":          {safetensorsFile("{"+a("F32", "[-1]", "[0,4]")+"}", "1234"), `"a" has a shape with negative`},
		"two negative sizes":     {safetensorsFile("{"+a("F32", "[-1,-1]", "[0,4]")+"}", "1234"), `"a" has a shape with negative`},
		"shape that wraps to 0":  {safetensorsFile("{"+a("F32", "[4294967296,4294967296]", "[0,0]")+"}", ""), `"a" has a shape with negative or too large`},
		"bytes that wrap to 0":   {safetensorsFile("{"+a("F32", "[4611686018427387904]", "[0,0]")+"}", ""), `"a" has a shape with negative or too large`},
		"shape too large":        {safetensorsFile("{"+a("F32", "[2]", "[0,4]")+"}", "1234"), `"a" lies from byte 0 to 4, expected 8 bytes for its 2 elements`},
		"shape too small":        {safetensorsFile("{"+a("F32", "[]", "[0,8]")+"}", "12345678"), `"a" lies from byte 0 to 8, expected 4 bytes`},
		"offsets backwards":      {safetensorsFile("{"+a("F32", "[1]", "[4,0]")+"}", "1234"), `"a" lies from byte 4 to 0`},
		"negative offsets":       {safetensorsFile("{"+a("F32", "[1]", "[-4,0]")+"}", "1234"), `"a" lies from byte -4 to 0`},
		"hole at the start":      {safetensorsFile("{"+a("F32", "[1]", "[4,8]")+"}", "12345678"), `"a" begins at byte 4, expected 0`},
		"hole in between":        {safetensorsFile("{"+one+","+b("[8,12]")+"}", "123456789012"), `"b" begins at byte 8, expected 4`},
		"overlap":                {safetensorsFile("{"+one+","+b("[2,6]")+"}", "123456"), `"b" begins at byte 2, expected 4`},
		"two arrays at a place":  {safetensorsFile("{"+one+","+b("[0,4]")+"}", "1234"), `"b" begins at byte 0, expected 4`},
		"two of a name":          {safetensorsFile("{"+one+","+one+"}", "1234"), `"a" names two arrays`},
		"escaped name twice":     {safetensorsFile("{"+one+`,"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, "12345678"), `"a" names two arrays`},
		"empty name":             {safetensorsFile(`{"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, "1234"), `"" cannot be the name`},
		"absurdly much":          {safetensorsFile("{"+a("F32", "[1099511627776]", "[0,4398046511104]")+"}", "1234"), "cut off: 4 bytes follow its header, expected 4398046511104"},
		"as much as can be":      {safetensorsFile(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[9223372036854775807,9223372036854775807]}}`, ""), `"a" begins at byte 9223372036854775807, expected 0`},
		"integer beyond float64": {safetensorsFile("{"+a("I64", "[1]", "[0,8]")+"}", "\x01\x00\x00\x00\x00\x00\x20\x00"), `"a" holds an integer beyond`},
	}
}

func TestLoadWeightsErrors(t *testing.T) {
	for name, test := range badFiles() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "weights.safetensors")
			if err := os.WriteFile(path, test.file, 0o600); err != nil {
				t.Fatal(err)
			}
			weights, err := LoadWeights(path)
			if err == nil {
				t.Fatalf("no error, but the weights\n%v", weights)
			}
			for _, want := range []string{path, test.want} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error %q lacks %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines: %q", err)
			}
			if weights != nil {
				t.Error("weights in spite of the error")
			}
		})
	}

	t.Run("no file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "nowhere.safetensors")
		if _, err := LoadWeights(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("folder", func(t *testing.T) {
		folder := t.TempDir()
		if _, err := LoadWeights(folder); err == nil || !strings.Contains(err.Error(), folder) {
			t.Errorf("the error is %v", err)
		}
	})
}

// Headers that other writers make: spaces, remarks, the data in another order than the header.
func TestLoadWeightsOfOtherWriters(t *testing.T) {
	header := ` { "__metadata__" : {"format": "pt"}, "b": {"shape": [], "data_offsets": [4, 8], "dtype": "F32"},
		"a": {"data_offsets": [0, 4], "dtype": "F32", "shape": [1, 1]}} `
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	if err := os.WriteFile(path, safetensorsFile(header, "\x00\x00\x80\x3f\x00\x00\x00\x40"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := LoadWeights(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Weights{{"b", "F32", []int{}, []float64{2}, true}, {"a", "F32", []int{1, 1}, []float64{1}, true}}); !sameWeights(got, want) {
		t.Errorf("read\n%#v\nwant\n%#v", got, want)
	}
}

// A file that announces a terabyte but holds a few bytes costs no memory for more.
func TestLoadWeightsAllocatesWhatIsThere(t *testing.T) {
	file := badFiles()["absurdly much"].file
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := decodeSafetensors(bytes.NewReader(file)); err == nil {
		t.Fatal("no error")
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1_000_000 {
		t.Errorf("%d bytes allocated for a file of %d", allocated, len(file))
	}
}

func TestGet(t *testing.T) {
	weights := cnnbn()
	if got, ok := weights.Get("fc.weight"); !ok || !sameWeights(Weights{got}, weights[3:4]) {
		t.Errorf("Get(fc.weight) is %v, %v", got, ok)
	}
	if got, ok := weights.Get("fc"); ok || got.Name != "" {
		t.Errorf("Get(fc) is %v, %v", got, ok)
	}
}

func ExampleWeights_String() {
	fmt.Print(cnnbn()[:3])
	// Output:
	// name                     type  shape      mean  std
	// conv1.weight             F32   [1 1 3 3]  5     2.582
	// bn1.running_mean         F32   [1]        -0.5  0
	// bn1.num_batches_tracked  I64   []         155   0
}

func FuzzLoadWeights(f *testing.F) {
	for _, weights := range []Weights{cnnbn(), {}} {
		file, err := encodeSafetensors(weights)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	for _, bad := range badFiles() {
		if len(bad.file) < 1000 {
			f.Add(bad.file)
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		weights, err := decodeSafetensors(bytes.NewReader(file))
		if err != nil {
			if weights != nil {
				t.Error("weights in spite of the error")
			}
			return
		}
		// What is read can be saved, and is read again the same, and no byte of the data was left out.
		again, err := encodeSafetensors(weights)
		if err != nil {
			t.Fatalf("cannot be saved: %v", err)
		}
		got, err := decodeSafetensors(bytes.NewReader(again))
		if err != nil || !sameWeights(got, weights) {
			t.Errorf("saved and loaded, it differs (error %v)", err)
		}
		dataBytes := 0
		for _, weight := range weights {
			dataBytes += len(weight.Values) * elementBytes(weight.DType)
		}
		if want := len(file) - 8 - int(binary.LittleEndian.Uint64(file)); dataBytes != want {
			t.Errorf("%d bytes of values from %d of data", dataBytes, want)
		}
	})
}

func TestSaveRoundsToTheType(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := (Weights{{"fc.bias", "F32", []int{1}, []float64{0.1}, true}}).Save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadWeights(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := loaded[0].Values[0]; got != float64(float32(0.1)) {
		t.Errorf("0.1 saved as F32 came back as %v", got)
	}
}
