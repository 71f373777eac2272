// Package idx reads the files in which MNIST is published.
package idx

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxItems is how many items an IDX file may hold: as many as MNIST's largest. It bounds what a
// small gzip file can unpack to.
const maxItems = 60_000

// Read reads an IDX file of bytes, gzipped or not, and returns the bytes of all its items.
// itemShape is what the shape of one item must be: 28 and 28 for images, nothing for labels.
//
// The format (http://yann.lecun.com/exdb/mnist/): the bytes 0, 0, 8 for "unsigned bytes" and the
// number of dimensions; the size of each dimension as a big-endian uint32, the number of items
// first; then the items.
func Read(file io.Reader, itemShape ...int) ([]byte, error) {
	buffered := bufio.NewReader(file)
	var reader io.Reader = buffered
	if start, _ := buffered.Peek(2); bytes.Equal(start, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, unreadable(err)
		}
		reader = unzipped
	}

	var magic uint32
	if err := binary.Read(reader, binary.BigEndian, &magic); err != nil {
		return nil, unreadable(err)
	}
	if expected := 0x0800 + uint32(1+len(itemShape)); magic != expected {
		return nil, fmt.Errorf("its magic number is 0x%08x, expected 0x%08x", magic, expected)
	}
	sizes := make([]uint32, 1+len(itemShape))
	if err := binary.Read(reader, binary.BigEndian, sizes); err != nil {
		return nil, unreadable(err)
	}
	numItems, itemBytes := sizes[0], int64(1)
	if numItems == 0 || numItems > maxItems {
		return nil, fmt.Errorf("its header announces %d items, expected 1 to %d", numItems, maxItems)
	}
	for i, size := range itemShape {
		if sizes[1+i] != uint32(size) {
			return nil, fmt.Errorf("its images are %v, expected %v pixels", sizes[1:], itemShape)
		}
		itemBytes *= int64(size)
	}

	// The memory grows with what the file really holds. Asking for one byte too many finds trailing
	// bytes, and makes gzip verify its checksum when there are none.
	announced := int64(numItems) * itemBytes
	items, err := io.ReadAll(io.LimitReader(reader, announced+1))
	if err != nil {
		return nil, unreadable(err)
	}
	if found := int64(len(items)); found < announced {
		return nil, fmt.Errorf("it is cut off: %d bytes follow its header, expected %d (%d items)", found, announced, numItems)
	} else if found > announced {
		return nil, fmt.Errorf("more follows its %d items, expected the end after %d bytes of them", numItems, announced)
	}
	return items, nil
}

// unreadable says what an error from reading a file means for its reader.
func unreadable(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it is cut off or damaged, expected a whole IDX file; fetch it again")
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, new(flate.CorruptInputError)):
		return fmt.Errorf("it is damaged, expected a sound gzip file (%w); fetch it again", err)
	}
	return err
}
