"""Executes a notebook: execute.py KERNEL NOTEBOOK RESULT [TRANSPORT [SECONDS]]

Writes the executed notebook to RESULT, with the time of each cell in its metadata, and one JSON object
a line to standard output: {"cell": 3} when cell 3 begins, {"cell": 3, "failure": "..."} when it failed,
and {"failure": "..."} when the kernel did not start. It reaches the kernel by TRANSPORT, tcp or ipc; ipc's
sockets lie in Jupyter's folder for such things, so that two at once need two of these folders. With SECONDS,
a cell that takes longer is interrupted, and the next one runs.
"""

import json
import os
import re
import sys
import time

import nbformat
from jupyter_core.paths import jupyter_runtime_dir
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from traitlets.config import Config

# GoNB reports a cell whose program crashed as a success: only this tells, which it sends as a message of its
# own, the last on standard error. The same line among others that a program prints says nothing.
CRASH = re.compile(r"(?:\^C\n)?(exit status [1-9]\d*|signal: .*)\n")


LONGEST = 10_000  # characters of a failure; who reads this takes no lines without end


class Crash(Exception):
    pass


class Client(NotebookClient):
    last_error = ""  # message on standard error of the cell that runs

    def output(self, outs, msg, display_id, cell_index):
        content = msg["content"]
        if msg["msg_type"] == "stream" and content["name"] == "stderr":
            self.last_error = content["text"]
        return super().output(outs, msg, display_id, cell_index)


def main(kernel, path, result, transport="tcp", seconds=None):
    current, started = 0, 0.0

    def report(**event):
        print(json.dumps(event), flush=True)

    def begin(cell, cell_index):
        nonlocal current, started
        current, started = cell_index, time.monotonic()
        client.last_error = ""
        report(cell=cell_index)

    def check(cell, cell_index, execute_reply):
        cell.metadata["execution"] = {"seconds": time.monotonic() - started}
        crash = CRASH.fullmatch(client.last_error)
        if crash and "raises-exception" not in cell.metadata.get("tags", []):
            raise Crash(crash.group(1))

    config = Config()
    config.KernelManager.transport = transport
    if transport == "ipc":
        config.KernelManager.ip = os.path.join(jupyter_runtime_dir(), "kernel")
    notebook = nbformat.read(path, as_version=4)
    client = Client(
        notebook,
        config=config,
        kernel_name=kernel,
        timeout=seconds and float(seconds),
        interrupt_on_timeout=True,
        record_timing=False,  # GoNB dates its messages by the second only
        resources={"metadata": {"path": os.path.dirname(path)}},
        on_cell_start=begin,
        on_cell_executed=check,
    )
    try:
        client.execute()
    except Crash as crash:
        report(cell=current, failure=str(crash))
    except CellExecutionError as error:
        report(cell=current, failure=(error.evalue or error.ename)[:LONGEST])
    except DeadKernelError:
        report(cell=current, failure="the kernel died")
    except RuntimeError as error:
        report(failure=f"the kernel did not start ({error})")
    nbformat.write(notebook, result)


main(*sys.argv[1:])
