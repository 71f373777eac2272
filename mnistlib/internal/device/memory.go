package device

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

static void memory_for_compiling(int arenas) {
#ifdef __GLIBC__
	mallopt(M_ARENA_MAX, arenas);
	mallopt(M_TRIM_THRESHOLD, 128 << 10);
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
#endif
}

static void memory_for_running(void) {
#ifdef __GLIBC__
	malloc_trim(0);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
#endif
}
*/
import "C"

import "runtime"

// XLA allocates through the C library. To compile, LLVM fills some hundred megabytes for a moment; to
// run, a program takes the same few megabytes again and again. No one setting of glibc's malloc suits
// both, so a training has it give memory back at once while it compiles, and keep it afterwards: a
// CNN then takes a fifth less memory, and no longer. Other C libraries stay as they are.

// memoryForCompiling has the C library give freed memory back at once.
func memoryForCompiling() { C.memory_for_compiling(C.int(max(1, runtime.NumCPU()/2))) }

// memoryForRunning has it keep freed memory, for the next execution.
func memoryForRunning() { C.memory_for_running() }
