package idx

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"runtime"
	"testing"
)

// idxFile writes an IDX file: a magic number, sizes, content.
func idxFile(magic uint32, sizes []uint32, content []byte) []byte {
	file := binary.BigEndian.AppendUint32(nil, magic)
	for _, size := range sizes {
		file = binary.BigEndian.AppendUint32(file, size)
	}
	return append(file, content...)
}

func imagesFile(n int, pixels []byte) []byte {
	return idxFile(0x803, []uint32{uint32(n), 28, 28}, pixels)
}

func labelsFile(n int, labels []byte) []byte {
	return idxFile(0x801, []uint32{uint32(n)}, labels)
}

func gzipped(content []byte) []byte {
	var file bytes.Buffer
	zip := gzip.NewWriter(&file)
	zip.Write(content)
	zip.Close()
	return file.Bytes()
}

// A file that announces 60,000 images but holds none costs no memory for them.
func TestReadAllocatesWhatIsThere(t *testing.T) {
	file := imagesFile(60_000, nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Read(bytes.NewReader(file), 28, 28); err == nil {
		t.Fatal("no error")
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1_000_000 {
		t.Errorf("%d bytes allocated for a file of %d", allocated, len(file))
	}
}

func FuzzRead(f *testing.F) {
	pixels, labels := make([]byte, 2*28*28), []byte{5, 0}
	for i := range pixels {
		pixels[i] = byte(i)
	}
	for _, file := range [][]byte{
		imagesFile(2, pixels),
		labelsFile(2, labels),
		gzipped(imagesFile(2, pixels)),
		gzipped(labelsFile(2, labels)),
		labelsFile(60_000, nil),
		idxFile(0x803, []uint32{1<<32 - 1, 28, 28}, nil),
		gzipped(labelsFile(2, labels))[:20],
		{},
	} {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, itemShape := range [][]int{{28, 28}, {}} {
			items, err := Read(bytes.NewReader(file), itemShape...)
			if err != nil {
				if items != nil {
					t.Error("items in spite of the error")
				}
				continue
			}
			itemBytes, header := 1, labelsFile
			if len(itemShape) == 2 {
				itemBytes, header = 28*28, imagesFile
			}
			n := len(items) / itemBytes
			if n < 1 || n > 60_000 || len(items) != n*itemBytes {
				t.Fatalf("%d bytes for items of %d", len(items), itemBytes)
			}
			// A file that is read holds what was read and nothing else.
			whole := header(n, items)
			if !bytes.HasPrefix(file, []byte{0x1f, 0x8b}) && !bytes.Equal(file, whole) {
				t.Error("the file holds something else than what was read")
			}
			again, err := Read(bytes.NewReader(gzipped(whole)), itemShape...)
			if err != nil || !bytes.Equal(again, items) {
				t.Errorf("gzipped, it does not read back: %v", err)
			}
		}
	})
}
