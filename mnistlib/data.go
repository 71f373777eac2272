package mnistlib

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"

	"example.com/tutorial6/mnistlib/internal/files"
	"example.com/tutorial6/mnistlib/internal/idx"
)

// NumPixels is how many pixels an MNIST image has: 28 rows of 28.
const NumPixels = imageSize * imageSize

const (
	imageSize  = 28 // height and width of an image, in pixels
	numClasses = 10 // the digits 0 to 9
)

// Images is a set of labelled images.
type Images struct {
	Pixels []byte // NumPixels bytes an image, row by row from the top; 0 is background, 255 full ink
	Labels []byte // the digit that each image shows, 0 to 9
}

// Len returns the number of images.
func (im Images) Len() int { return len(im.Labels) }

// labels are the labels as a program takes them.
func (im Images) labels() []int32 {
	labels := make([]int32, im.Len())
	for i, label := range im.Labels {
		labels[i] = int32(label)
	}
	return labels
}

// Slice returns the images from index from up to, but not including, index to. They share their
// memory with im. As with Go's own slices, it panics unless 0 <= from <= to <= im.Len().
func (im Images) Slice(from, to int) Images {
	return Images{
		Pixels: im.Pixels[from*NumPixels : to*NumPixels : to*NumPixels],
		Labels: im.Labels[from:to:to],
	}
}

// Data is what a model is trained on and what it is evaluated on.
type Data struct {
	Train, Validation Images
}

// Split splits all images anew, as the seed decides, into as many to train and as many to validate. A split with
// another seed is what another draw of the data would be, as far as these images can tell.
func (d Data) Split(seed uint64) Data {
	pixels := slices.Concat(d.Train.Pixels, d.Validation.Pixels)
	labels := slices.Concat(d.Train.Labels, d.Validation.Labels)
	var all Images
	for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(len(labels)) {
		all.Pixels = append(all.Pixels, pixels[i*NumPixels:(i+1)*NumPixels]...)
		all.Labels = append(all.Labels, labels[i])
	}
	n := d.Train.Len()
	return Data{Train: all.Slice(0, n), Validation: all.Slice(n, all.Len())}
}

// mnist/README.md says where the digits are from, and under which licence.
//
//go:generate go run mnist/generate.go
//go:embed mnist/*.gz
var embedded embed.FS

// MNIST returns the tutorial's data: the first 2,500 of MNIST's 60,000 training images, 2,000 of
// them to train and 500 to validate. They are part of the program, so it needs no files and no
// network. Each call returns a fresh copy.
func MNIST() Data {
	pixels, err := readEmbedded("mnist/first2500-images-idx3-ubyte.gz", imageSize, imageSize)
	if err != nil {
		panic(err) // the program itself is damaged
	}
	labels, err := readEmbedded("mnist/first2500-labels-idx1-ubyte.gz")
	if err != nil {
		panic(err)
	}
	all := Images{Pixels: pixels, Labels: labels}
	return Data{Train: all.Slice(0, 2000), Validation: all.Slice(2000, 2500)}
}

func readEmbedded(name string, itemShape ...int) ([]byte, error) {
	file, err := embedded.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return idx.Read(file, itemShape...)
}

// LoadMNIST loads the full data set, 60,000 images to train and 10,000 to validate, from a folder
// with MNIST's four original files, gzipped or not:
//
//	train-images-idx3-ubyte  train-labels-idx1-ubyte
//	t10k-images-idx3-ubyte   t10k-labels-idx1-ubyte
//
// A name may end in .gz and may have a dot before "idx", as some copies do; of several, the first that
// can be read is taken. Another data set in the same files loads as well (Fashion-MNIST, or fewer
// images), up to 60,000 images a file.
//
// The error names the file, what it holds and what was expected.
func LoadMNIST(folder string) (Data, error) {
	var data Data
	for _, set := range []struct {
		prefix string
		images *Images
	}{{"train", &data.Train}, {"t10k", &data.Validation}} {
		pixels, imagesFile, err := loadIDX(folder, set.prefix+"-images-idx3-ubyte", imageSize, imageSize)
		if err != nil {
			return Data{}, err
		}
		labels, labelsFile, err := loadIDX(folder, set.prefix+"-labels-idx1-ubyte")
		if err != nil {
			return Data{}, err
		}
		if numImages := len(pixels) / NumPixels; numImages != len(labels) {
			return Data{}, fmt.Errorf("in the folder %s, %s holds %d images and %s %d labels, expected one label for each image",
				folder, imagesFile, numImages, labelsFile, len(labels))
		}
		for i, label := range labels {
			if label >= numClasses {
				return Data{}, fmt.Errorf("%s: label %d is %d, expected a digit from 0 to 9", filepath.Join(folder, labelsFile), i, label)
			}
		}
		*set.images = Images{Pixels: pixels, Labels: labels}
	}
	return data, nil
}

// loadIDX reads one of MNIST's files in a folder, under the first of its names that serves, and returns
// that name. What has an earlier name and is no good file (a folder, as some archives unpack to; a
// download that was cut off) matters only if none serves.
func loadIDX(folder, name string, itemShape ...int) (items []byte, found string, err error) {
	dotted := strings.Replace(name, "-idx", ".idx", 1)
	var fault error
	for _, candidate := range []string{name, name + ".gz", dotted, dotted + ".gz"} {
		items, err := readIDX(filepath.Join(folder, candidate), itemShape...)
		if err == nil {
			return items, candidate, nil
		}
		if fault == nil && !errors.Is(err, fs.ErrNotExist) {
			fault = err
		}
	}
	if fault == nil {
		fault = fmt.Errorf("the folder %s has no file %s, gzipped (.gz) or not; it must have MNIST's four files", folder, name)
	}
	return nil, "", fault
}

// maxIDX is how large a data file may be, in bytes: MNIST's largest has 47,040,016.
const maxIDX = 64 << 20

// readIDX reads an IDX file of bytes; its error names the file.
func readIDX(path string, itemShape ...int) ([]byte, error) {
	file, err := files.Open(path, maxIDX)
	if err != nil {
		return nil, err // names the file already
	}
	defer file.Close()
	items, err := idx.Read(file, itemShape...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return items, nil
}
