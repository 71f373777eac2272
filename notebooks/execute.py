"""Executes a notebook: execute.py KERNEL FOLDER RESULT [TRANSPORT [SECONDS]] <NOTEBOOK

Its cells run in FOLDER. Writes the executed notebook to RESULT, with the time of each cell in its metadata, and one JSON object
a line to standard output: {"cell": 3} when cell 3 begins, {"cell": 3, "failure": "..."} when it failed,
and {"failure": "..."} when the kernel did not start. It reaches the kernel by TRANSPORT, tcp or ipc; ipc's
sockets lie in Jupyter's folder for such things, so that two at once need two of these folders. With SECONDS,
a cell that takes longer is interrupted, and the next one runs.
"""

import json
import os
import sys
import time

import nbformat
from jupyter_core.paths import jupyter_runtime_dir
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from traitlets.config import Config

LONGEST = 10_000  # characters of a failure; who reads this takes no lines without end


def main(kernel, folder, result, transport="tcp", seconds=None):
    current, started = 0, 0.0

    def report(**event):
        print(json.dumps(event), flush=True)

    def begin(cell, cell_index):
        nonlocal current, started
        current, started = cell_index, time.monotonic()
        report(cell=cell_index)

    def end(cell, cell_index, execute_reply):
        cell.metadata["execution"] = {"seconds": time.monotonic() - started}

    config = Config()
    config.KernelManager.transport = transport
    config.KernelManager.connection_file = os.path.join(jupyter_runtime_dir(), "kernel.json")
    if transport == "ipc":
        config.KernelManager.ip = os.path.join(jupyter_runtime_dir(), "kernel")
    notebook = nbformat.read(sys.stdin.buffer, as_version=4)
    client = NotebookClient(
        notebook,
        config=config,
        kernel_name=kernel,
        timeout=seconds and float(seconds),
        interrupt_on_timeout=True,
        record_timing=False,  # GoNB dates its messages by the second only
        resources={"metadata": {"path": folder}},
        on_cell_start=begin,
        on_cell_executed=end,
    )
    try:
        client.execute()
    except CellExecutionError as error:
        report(cell=current, failure=(error.evalue or error.ename)[:LONGEST])
    except DeadKernelError:
        report(cell=current, failure="the kernel died")
    except RuntimeError as error:
        report(failure=f"the kernel did not start ({error})")
    nbformat.write(notebook, result)


main(*sys.argv[1:])
