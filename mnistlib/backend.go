package mnistlib

import "example.com/tutorial6/mnistlib/internal/device"

// Backend says what models are computed on: the backend, its plugin, the device and the versions.
//
// It is XLA on the CPU unless the environment variable GOMLX_BACKEND asks for an NVIDIA GPU: "xla:cuda".
// XLA is loaded from a plugin, pjrt_c_api_cpu_plugin.so, looked for in the folders that
// PJRT_PLUGIN_LIBRARY_PATH names, or if it is not set, in .setup/plugin of the checkout that holds the working directory,
// where it must be this user's or root's, then where go-xla looks by itself. Without any, the error says so. Programs that
// the set-up's plugin compiles are kept in .setup/programs, until nobody has used them for five days: whoever trains the same model again, in
// another cell, say, does not wait for its compilation. The flags of XLA_FLAGS, which may be meant
// for another version of XLA, count only on a GPU.
func Backend() (string, error) {
	b, err := device.Open()
	if err != nil {
		return "", err
	}
	return b.Description, nil
}
