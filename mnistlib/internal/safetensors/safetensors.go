// Package safetensors reads and writes arrays of numbers in the format of the same name
// (https://github.com/huggingface/safetensors#format): the length of the header as a little-endian
// uint64; the header, a JSON object with an entry for each array and padded with spaces to a
// multiple of 8 bytes; the arrays, row-major and little-endian, side by side without holes.
//
// Files come from strangers: memory grows with what a file holds, not with what it announces, and
// two arrays of one name, arrays that overlap and holes between them are refused.
package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"unicode/utf8"
)

// An Array is one named array of a file.
type Array struct {
	Name   string
	DType  string    // the element type: "F32", "F64", "I32" or "I64"
	Shape  []int     // empty for a scalar
	Values []float64 // row-major; written in DType, to which they are rounded
}

// An entry is a header's description of one array.
type entry struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets []int  `json:"data_offsets"` // where it begins and ends, in bytes after the header
}

// maxHeader bounds a header, in bytes: a hundred are enough for an array.
const maxHeader = 1 << 20

// elementBytes returns the size of an element, 0 for a type that is neither read nor written.
func elementBytes(dtype string) int {
	switch dtype {
	case "F32", "I32":
		return 4
	case "F64", "I64":
		return 8
	}
	return 0
}

// numElements returns the product of the sizes, and false where a size is negative or the array
// would not fit in memory.
func numElements(shape []int) (count int, ok bool) {
	count = 1
	for _, size := range shape {
		if size < 0 || size > 0 && count > math.MaxInt/8/size {
			return 0, false
		}
		count *= size
	}
	return count, true
}

// fits reports whether an element type can hold the value: a float32 is rounded to, but not beyond
// its range; an I32 must be an integer of that size, an I64 one that a float64 holds as it is.
func fits(value float64, dtype string) bool {
	switch dtype {
	case "F32":
		return math.IsInf(value, 0) || !math.IsInf(float64(float32(value)), 0)
	case "I32":
		return float64(int32(value)) == value
	case "I64":
		return math.Abs(value) < 1<<53 && value == math.Trunc(value)
	}
	return true
}

// checkNames returns an error unless every name is one that a file can have, and has once.
func checkNames(names []string) error {
	seen := map[string]bool{}
	for _, name := range names {
		switch {
		case name == "" || name == "__metadata__" || !utf8.ValidString(name):
			return fmt.Errorf("%.100q cannot be the name of an array", name)
		case seen[name]:
			return fmt.Errorf("%.100q names two arrays, expected one", name)
		}
		seen[name] = true
	}
	return nil
}

// Encode returns the content of a file. Its header keeps the order of the arrays. Their
// values are laid out as safetensors' own writer does, 8-byte types first, so that each array begins
// at a multiple of its element's size.
func Encode(arrays []Array) ([]byte, error) {
	names := make([]string, len(arrays))
	for i, array := range arrays {
		names[i] = array.Name
		if err := checkValues(array); err != nil {
			return nil, err
		}
	}
	if err := checkNames(names); err != nil {
		return nil, err
	}

	var data []byte
	offsets := make([][]int, len(arrays))
	for _, size := range []int{8, 4} {
		for i, array := range arrays {
			if elementBytes(array.DType) == size {
				begin := len(data)
				data = appendValues(data, array)
				offsets[i] = []int{begin, len(data)}
			}
		}
	}

	header := []byte("{")
	for i, array := range arrays {
		name, err := json.Marshal(array.Name)
		if err != nil {
			return nil, err
		}
		shape := append([]int{}, array.Shape...) // a scalar's is [], never null
		description, err := json.Marshal(entry{array.DType, shape, offsets[i]})
		if err != nil {
			return nil, err
		}
		if i > 0 {
			header = append(header, ',')
		}
		header = fmt.Appendf(header, "%s:%s", name, description)
	}
	header = append(header, '}')
	for len(header)%8 != 0 {
		header = append(header, ' ')
	}
	if len(header) > maxHeader {
		return nil, fmt.Errorf("the header for %d arrays takes %d bytes, expected at most %d", len(arrays), len(header), maxHeader)
	}
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return slices.Concat(length, header, data), nil
}

// checkValues returns an error unless the array's type holds its values and its shape their number.
func checkValues(array Array) error {
	if elementBytes(array.DType) == 0 {
		return fmt.Errorf("%q has the type %q, expected F32, F64, I32 or I64", array.Name, array.DType)
	}
	if count, ok := numElements(array.Shape); !ok || count != len(array.Values) {
		return fmt.Errorf("%q has %d values, expected as many as its shape %v says", array.Name, len(array.Values), array.Shape)
	}
	for _, value := range array.Values {
		if !fits(value, array.DType) {
			return fmt.Errorf("%q holds %v, expected values that %s can hold", array.Name, value, array.DType)
		}
	}
	return nil
}

// appendValues appends the elements of an array.
func appendValues(data []byte, array Array) []byte {
	for _, value := range array.Values {
		switch array.DType {
		case "F32":
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(value)))
		case "F64":
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(value))
		case "I32":
			data = binary.LittleEndian.AppendUint32(data, uint32(int32(value)))
		case "I64":
			data = binary.LittleEndian.AppendUint64(data, uint64(int64(value)))
		}
	}
	return data
}

// Decode reads a file, in the order of its header.
func Decode(file io.Reader) ([]Array, error) {
	length := make([]byte, 8)
	if _, err := io.ReadFull(file, length); err != nil {
		return nil, cutOff(err, "the 8 bytes with which a safetensors file begins")
	}
	headerBytes := binary.LittleEndian.Uint64(length)
	if headerBytes < 2 || headerBytes > maxHeader {
		return nil, fmt.Errorf("it announces a header of %d bytes, expected 2 to %d: is it a safetensors file?", headerBytes, maxHeader)
	}
	header := make([]byte, headerBytes)
	if _, err := io.ReadFull(file, header); err != nil {
		return nil, cutOff(err, fmt.Sprintf("a header of %d bytes", headerBytes))
	}
	names, entries, err := parseHeader(header)
	if err != nil {
		return nil, err
	}
	dataBytes, err := checkEntries(names, entries)
	if err != nil {
		return nil, err
	}

	// One byte too many is asked for, to find what follows the arrays.
	data, err := io.ReadAll(io.LimitReader(file, int64(dataBytes)+1))
	if err != nil {
		return nil, err
	}
	if len(data) < dataBytes {
		return nil, fmt.Errorf("it is cut off: %d bytes follow its header, expected %d", len(data), dataBytes)
	} else if len(data) > dataBytes {
		return nil, fmt.Errorf("more follows its arrays, expected the end after %d bytes of them", dataBytes)
	}

	arrays := make([]Array, len(names))
	for i, name := range names {
		values := decodeValues(data[entries[i].Offsets[0]:entries[i].Offsets[1]], entries[i].DType)
		for _, value := range values {
			if !fits(value, entries[i].DType) {
				return nil, fmt.Errorf("%.100q holds an integer beyond ±2^53, expected smaller ones", name)
			}
		}
		arrays[i] = Array{Name: name, DType: entries[i].DType, Shape: entries[i].Shape, Values: values}
	}
	return arrays, nil
}

// cutOff says what the end of a file means where more was expected.
func cutOff(err error, expected string) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("it is cut off, expected %s", expected)
	}
	return err
}

// parseHeader returns the names of a header and what it says of each. It goes through the object
// step by step, because a map would lose the order and hide that a name comes twice.
func parseHeader(header []byte) (names []string, entries []entry, err error) {
	broken := errors.New("its header is not a JSON object with an entry for each array: is it a safetensors file?")
	if !utf8.Valid(header) {
		return nil, nil, broken // json would replace the bad bytes, and so could make two names equal
	}
	decoder := json.NewDecoder(bytes.NewReader(header))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, nil, broken
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, nil, broken
		}
		name := key.(string) // in an object, the decoder accepts nothing else for a key
		if name == "__metadata__" {
			var metadata map[string]string // remarks of the writer, of no use here
			if err := decoder.Decode(&metadata); err != nil {
				return nil, nil, errors.New("its __metadata__ is not an object of strings, as the format demands")
			}
			continue
		}
		var e entry
		if err := decoder.Decode(&e); err != nil || e.Shape == nil || len(e.Offsets) != 2 {
			return nil, nil, fmt.Errorf(`the entry of %.100q is not understood, expected {"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}`, name)
		}
		names, entries = append(names, name), append(entries, e)
	}
	if _, err := decoder.Token(); err != nil { // the closing brace
		return nil, nil, broken
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, broken
	}
	return names, entries, nil
}

// checkEntries returns the number of bytes that the arrays take together, or an error unless they
// lie side by side from the first byte on, each of the length that its type and shape demand.
func checkEntries(names []string, entries []entry) (dataBytes int, err error) {
	if err := checkNames(names); err != nil {
		return 0, err
	}
	order := make([]int, len(entries))
	for i, e := range entries {
		order[i] = i
		size := elementBytes(e.DType)
		if size == 0 {
			return 0, fmt.Errorf("%.100q has the type %.20q, expected F32, F64, I32 or I64: convert it before saving, in PyTorch with .float()", names[i], e.DType)
		}
		count, ok := numElements(e.Shape)
		if !ok {
			return 0, fmt.Errorf("%.100q has a shape with negative or too large sizes", names[i])
		}
		if begin, end := e.Offsets[0], e.Offsets[1]; begin < 0 || end < begin || end-begin != count*size {
			return 0, fmt.Errorf("%.100q lies from byte %d to %d, expected %d bytes for its %d elements of type %s", names[i], begin, end, count*size, count, e.DType)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return slices.Compare(entries[a].Offsets, entries[b].Offsets) })
	for _, i := range order {
		if begin := entries[i].Offsets[0]; begin != dataBytes {
			return 0, fmt.Errorf("%.100q begins at byte %d, expected %d, where the array before it ends", names[i], begin, dataBytes)
		}
		dataBytes = entries[i].Offsets[1]
	}
	return dataBytes, nil
}

// decodeValues is the inverse of appendValues.
func decodeValues(data []byte, dtype string) []float64 {
	values := make([]float64, len(data)/elementBytes(dtype))
	for i := range values {
		switch dtype {
		case "F32":
			values[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:])))
		case "F64":
			values[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
		case "I32":
			values[i] = float64(int32(binary.LittleEndian.Uint32(data[4*i:])))
		case "I64":
			values[i] = float64(int64(binary.LittleEndian.Uint64(data[8*i:])))
		}
	}
	return values
}
