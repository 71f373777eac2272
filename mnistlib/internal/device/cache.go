package device

/*
#cgo linux LDFLAGS: -ldl
#include <stdlib.h>
#include "pjrt.h"

extern void *compileOrLoad(void *arguments);
*/
import "C"

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"unsafe"

	"github.com/gomlx/go-xla/pjrt"
	"github.com/rogpeppe/go-internal/cache"
)

// A notebook's cell is a program of its own, and so is each test: what one of them has compiled, the next would
// compile again, which takes most of a short training. So compiled programs are kept in a folder, for whoever compiles the
// same again on the same processor. XLA's plugin can write and load them, but go-xla cannot ask for it; so go-xla
// gets the plugin's table of functions with compileOrLoad in place of the one that compiles.

// programs is where compiled programs are kept, and compiler is what they depend on beside their code.
var (
	programs *cache.Cache
	compiler string
)

// keepPrograms has go-xla use the plugin at path, which reads these flags, under a name, with a cache of compiled
// programs in a folder, which it makes. If it cannot, it returns an error, and go-xla may load the plugin without.
func keepPrograms(name, path, flags, folder string) error {
	processor, err := processor()
	if err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(real)
	if err != nil {
		return err
	}
	// What is loaded is executed: nobody else may write there.
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	kept, err := cache.Open(folder)
	if err != nil {
		return err
	}
	_ = kept.Trim() // once a day, of what nobody has used for some days; a failure costs only space

	c := C.CString(path)
	defer C.free(unsafe.Pointer(c))
	api := C.load_plugin(c, C.pjrt_function(C.compileOrLoad))
	if api == nil {
		return fmt.Errorf("%s is no plugin of XLA", path)
	}
	programs, compiler = kept, fmt.Sprint(real, info.Size(), info.ModTime(), flags, processor)
	return pjrt.RegisterPreloadedPlugin(name, uintptr(unsafe.Pointer(api)))
}

// processor describes what XLA compiles for: the instructions that the processors know, and how many there are.
func processor() (string, error) {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "", err
	}
	lines := regexp.MustCompile(`(?m)^(model name|flags|CPU part|Features)\s*:.*$`).FindAll(info, 4)
	return fmt.Sprintf("%d %s", runtime.NumCPU(), lines), nil
}

// compileOrLoad is the plugin's function that compiles, with the cache before it.
//
//export compileOrLoad
func compileOrLoad(arguments unsafe.Pointer) unsafe.Pointer {
	a := (*C.compile_arguments)(arguments)
	hash := sha256.New()
	fmt.Fprintf(hash, "%s %d %d ", compiler, a.program.code_size, a.options_size)
	hash.Write(bytesAt(a.program.code, a.program.code_size))
	hash.Write(bytesAt(a.program.format, a.program.format_size))
	hash.Write(bytesAt(a.options, a.options_size))
	key := cache.ActionID(hash.Sum(nil))

	if program, _, err := programs.GetBytes(key); err == nil && load(a, program) {
		return nil
	}
	if err := C.call(C.CLIENT_COMPILE, arguments); err != nil {
		return err
	}
	if program := serialize(a.executable); program != nil {
		_, _, _ = programs.PutNoVerify(key, bytes.NewReader(program)) // if the disk is full, say, the next one compiles again
	}
	return nil
}

// load makes an executable program of one that was kept. It tells whether it could.
func load(a *C.compile_arguments, program []byte) bool {
	kept := C.CBytes(program)
	defer C.free(kept)
	arguments := C.load_arguments{
		size: C.sizeof_load_arguments, client: a.client,
		bytes: (*C.char)(kept), bytes_size: C.size_t(len(program)),
	}
	if err := C.call(C.EXECUTABLE_DESERIALIZE_AND_LOAD, unsafe.Pointer(&arguments)); err != nil {
		destroyError(err)
		return false
	}
	a.executable = arguments.loaded
	return true
}

// serialize returns what load needs, or nil if the plugin cannot write it.
func serialize(loaded unsafe.Pointer) []byte {
	get := C.get_executable_arguments{size: C.sizeof_get_executable_arguments, loaded: loaded}
	if err := C.call(C.LOADED_EXECUTABLE_GET_EXECUTABLE, unsafe.Pointer(&get)); err != nil {
		destroyError(err)
		return nil
	}
	destroy := C.executable_arguments{size: C.sizeof_executable_arguments, executable: get.executable}
	defer C.call(C.EXECUTABLE_DESTROY, unsafe.Pointer(&destroy))
	arguments := C.serialize_arguments{size: C.sizeof_serialize_arguments, executable: get.executable}
	if err := C.call(C.EXECUTABLE_SERIALIZE, unsafe.Pointer(&arguments)); err != nil {
		destroyError(err)
		return nil
	}
	defer C.free_serialized(&arguments)
	return bytes.Clone(bytesAt(arguments.bytes, arguments.bytes_size))
}

func destroyError(err unsafe.Pointer) {
	C.call(C.ERROR_DESTROY, unsafe.Pointer(&C.error_arguments{size: C.sizeof_error_arguments, error: err}))
}

// bytesAt is a piece of memory of the C library as bytes.
func bytesAt(p *C.char, size C.size_t) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(p)), size) }
