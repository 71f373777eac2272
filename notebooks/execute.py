"""Executes a notebook: execute.py KERNEL NOTEBOOK RESULT

Writes the executed notebook to RESULT, with the time of each cell in its metadata, and one JSON object
a line to standard output: {"cell": 3} when cell 3 begins, {"cell": 3, "failure": "..."} when it failed,
and {"failure": "..."} when the kernel did not start.
"""

import json
import os
import re
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

# GoNB reports a cell whose program crashed as a success: only this line on standard error tells.
CRASH = re.compile(r"^(exit status [1-9]\d*|signal: .*)$", re.MULTILINE)


class Crash(Exception):
    pass


def main(kernel, path, result):
    current, started = 0, 0.0

    def report(**event):
        print(json.dumps(event), flush=True)

    def begin(cell, cell_index):
        nonlocal current, started
        current, started = cell_index, time.monotonic()
        report(cell=cell_index)

    def check(cell, cell_index, execute_reply):
        cell.metadata["execution"] = {"seconds": time.monotonic() - started}
        errors = "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stderr")
        crash = CRASH.search(errors)
        if crash and "raises-exception" not in cell.metadata.get("tags", []):
            raise Crash(crash.group())

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name=kernel,
        timeout=None,
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
        report(cell=current, failure=error.evalue or error.ename)
    except DeadKernelError:
        report(cell=current, failure="the kernel died")
    except RuntimeError as error:
        report(failure=f"the kernel did not start ({error})")
    nbformat.write(notebook, result)


main(*sys.argv[1:])
