// The few parts of PJRT, the C interface of XLA's plugins, that cache.go needs. New versions of it append, and never
// move: https://github.com/openxla/xla/blob/main/xla/pjrt/c/pjrt_c_api.h

#include <stddef.h>

typedef void *(*pjrt_function)(void *arguments); // returns an error, or NULL

// The table of a plugin's functions.
typedef struct {
	size_t size;
	void *extension;
	size_t version[3];
	pjrt_function functions[];
} pjrt_api;

// Places in the table.
enum {
	ERROR_DESTROY = 0,
	CLIENT_COMPILE = 20,
	EXECUTABLE_DESTROY = 40,
	EXECUTABLE_SERIALIZE = 49,
	LOADED_EXECUTABLE_GET_EXECUTABLE = 51,
	EXECUTABLE_DESERIALIZE_AND_LOAD = 56,
};

// Arguments of the functions; size is that of the struct.
typedef struct {
	size_t size;
	void *extension, *error;
} error_arguments;

typedef struct {
	size_t size;
	void *extension;
	char *code;
	size_t code_size;
	const char *format;
	size_t format_size;
} pjrt_program;

typedef struct {
	size_t size;
	void *extension, *client;
	const pjrt_program *program;
	const char *options;
	size_t options_size;
	void *executable; // out
} compile_arguments;

typedef struct {
	size_t size;
	void *extension, *executable;
} executable_arguments;

typedef struct {
	size_t size;
	void *extension, *loaded;
	void *executable; // out
} get_executable_arguments;

typedef struct {
	size_t size;
	void *extension, *executable;
	const char *bytes;       // out
	size_t bytes_size;       // out
	void *owner;             // out
	void (*free)(void *owner); // out
} serialize_arguments;

typedef struct {
	size_t size;
	void *extension, *client;
	const char *bytes;
	size_t bytes_size;
	void *loaded; // out
	const char *options;
	size_t options_size;
} load_arguments;

// The table of a plugin at a path, with compile in place of its function; NULL if it cannot be loaded.
pjrt_api *load_plugin(const char *path, pjrt_function compile);

// call calls a function of the plugin itself.
void *call(int function, void *arguments);

void free_serialized(serialize_arguments *arguments);
