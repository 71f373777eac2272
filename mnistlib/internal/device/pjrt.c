#include "pjrt.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static const pjrt_api *plugin;

pjrt_api *load_plugin(const char *path, pjrt_function compile) {
	void *library = dlopen(path, RTLD_LAZY);
	if (!library) return NULL;
	const pjrt_api *(*get)(void) = dlsym(library, "GetPjrtApi");
	if (!get || !(plugin = get())) return NULL;
	pjrt_api *changed = malloc(plugin->size);
	if (!changed) return NULL;
	memcpy(changed, plugin, plugin->size);
	changed->functions[CLIENT_COMPILE] = compile;
	return changed;
}

void *call(int function, void *arguments) { return plugin->functions[function](arguments); }

void free_serialized(serialize_arguments *arguments) { arguments->free(arguments->owner); }
