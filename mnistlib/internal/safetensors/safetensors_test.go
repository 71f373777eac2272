package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// sameArrays compares all fields; among the values, NaN is NaN and -0 is not 0.
func sameArrays(a, b []Array) bool {
	return slices.EqualFunc(a, b, func(a, b Array) bool {
		return a.Name == b.Name && a.DType == b.DType && slices.Equal(a.Shape, b.Shape) &&
			slices.EqualFunc(a.Values, b.Values, func(a, b float64) bool {
				return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
			})
	})
}

// model returns the arrays of a small model in its own order, with F32 before and after I64.
func model() []Array {
	return []Array{
		{"conv1.weight", "F32", []int{1, 1, 3, 3}, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"bn1.running_mean", "F32", []int{1}, []float64{-0.5}},
		{"bn1.num_batches_tracked", "I64", []int{}, []float64{155}},
		{"fc.weight", "F32", []int{2, 1}, []float64{0.25, -2}},
		{`a "quoted" é, <`, "F64", []int{1}, []float64{0.1}},
	}
}

// Each array begins at a multiple of its element's size in the file, as the format's own writer has it.
func TestEncodeAligns(t *testing.T) {
	file, err := Encode(model())
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

// safetensorsFile returns a file of a header and data.
func safetensorsFile(header string, data string) []byte {
	return slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), []byte(header), []byte(data))
}

// badFiles are files that must be refused, each with what the error must say.
func badFiles() map[string]struct {
	file []byte
	want string
} {
	sound, err := Encode(model())
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
		"half precision":         {safetensorsFile("{"+a("BF16", "[2]", "[0,4]")+"}", "1234"), `"a" has the type "BF16", expected F32, F64, I32 or I64`},
		"unknown type":           {safetensorsFile("{"+a("f32", "[1]", "[0,4]")+"}", "1234"), `"a" has the type "f32", expected F32, F64, I32 or I64`},
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

func TestDecodeErrors(t *testing.T) {
	for name, test := range badFiles() {
		t.Run(name, func(t *testing.T) {
			arrays, err := Decode(bytes.NewReader(test.file))
			if err == nil {
				t.Fatalf("no error, but the arrays\n%v", arrays)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error %q lacks %q", err, test.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines: %q", err)
			}
			if arrays != nil {
				t.Error("arrays in spite of the error")
			}
		})
	}
}

// Headers that other writers make: spaces, remarks, the data in another order than the header.
func TestDecodeOfOtherWriters(t *testing.T) {
	header := ` { "__metadata__" : {"format": "pt"}, "b": {"shape": [], "data_offsets": [4, 8], "dtype": "F32"},
		"a": {"data_offsets": [0, 4], "dtype": "F32", "shape": [1, 1]}} `
	got, err := Decode(bytes.NewReader(safetensorsFile(header, "\x00\x00\x80\x3f\x00\x00\x00\x40")))
	if err != nil {
		t.Fatal(err)
	}
	if want := ([]Array{{"b", "F32", []int{}, []float64{2}}, {"a", "F32", []int{1, 1}, []float64{1}}}); !sameArrays(got, want) {
		t.Errorf("read\n%#v\nwant\n%#v", got, want)
	}
}

// A file that announces a terabyte but holds a few bytes costs no memory for more.
func TestDecodeAllocatesWhatIsThere(t *testing.T) {
	file := badFiles()["absurdly much"].file
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Decode(bytes.NewReader(file)); err == nil {
		t.Fatal("no error")
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1_000_000 {
		t.Errorf("%d bytes allocated for a file of %d", allocated, len(file))
	}
}

func FuzzDecode(f *testing.F) {
	for _, arrays := range [][]Array{model(), {}} {
		file, err := Encode(arrays)
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
		arrays, err := Decode(bytes.NewReader(file))
		if err != nil {
			if arrays != nil {
				t.Error("arrays in spite of the error")
			}
			return
		}
		// What is read can be written, and is read again the same, and no byte of the data was left out.
		again, err := Encode(arrays)
		if err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
		got, err := Decode(bytes.NewReader(again))
		if err != nil || !sameArrays(got, arrays) {
			t.Errorf("written and read, it differs (error %v)", err)
		}
		dataBytes := 0
		for _, array := range arrays {
			dataBytes += len(array.Values) * elementBytes(array.DType)
		}
		if want := len(file) - 8 - int(binary.LittleEndian.Uint64(file)); dataBytes != want {
			t.Errorf("%d bytes of values from %d of data", dataBytes, want)
		}
	})
}
