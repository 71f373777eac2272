"""Times a training cell of the notebook's own kernel, from Run to its figure.

    .setup/venv/bin/python cell.py KERNEL ROUNDS PROGRAMS

Prints a line of JSON, seconds as lists: of the cell as it is never run before (its Go program and its network are
compiled, for which the folder PROGRAMS of kept programs is emptied), with another learning rate (its Go program is
built anew), and as it was.
"""

import json
import shutil
import sys
import time

from jupyter_client.manager import start_new_kernel

DECLARATIONS = """%noautoget
import "example.com/tutorial6/mnistlib"

var data = mnistlib.MNIST()

type MLP struct{ Hidden int }

func (m MLP) Forward(nn *mnistlib.Layers, x *mnistlib.Tensor) *mnistlib.Tensor {
	x = nn.ReLU(nn.Linear("layer1", nn.Flatten(x), m.Hidden))
	return nn.Linear("layer2", x, 10)
}
"""

CELL = """%%
history := mnistlib.Must(mnistlib.Train(MLP{{Hidden: 30}}, data, mnistlib.Config{{
	Optimizer: mnistlib.SGD{{LR: {rate}, Momentum: 0.9}},
}}))
if err := mnistlib.Plot(history); err != nil {{
	panic(err)
}}
"""


def run(client, code):
    """Runs a cell and returns its seconds."""
    figures, errors = set(), []

    def output(message):
        content = message["content"]
        if message["msg_type"] in ("display_data", "update_display_data") and "image/png" in content["data"]:
            figures.add(content.get("transient", {}).get("display_id", len(figures)))
        elif message["msg_type"] == "stream" and content["name"] == "stderr":
            errors.append(content["text"])

    start = time.perf_counter()
    reply = client.execute_interactive(code, output_hook=output, timeout=600)
    seconds = time.perf_counter() - start
    if reply["content"]["status"] != "ok" or not figures:
        sys.exit(f"the cell showed no figure: {''.join(errors)}")
    return seconds


def main(kernel, rounds, programs):
    manager, client = start_new_kernel(kernel_name=kernel)
    try:
        first, changed, unchanged = [], [], []
        client.execute_interactive(DECLARATIONS, timeout=600)
        run(client, CELL.format(rate=0.1))  # the first cell of a kernel finds caches cold
        for i in range(rounds):
            shutil.rmtree(programs, ignore_errors=True)
            first.append(run(client, CELL.format(rate=0.09 - 0.001 * i)))
            code = CELL.format(rate=0.05 - 0.001 * i)
            changed.append(run(client, code))
            unchanged.append(run(client, code))
        print(json.dumps({"first": first, "changed": changed, "unchanged": unchanged}))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
