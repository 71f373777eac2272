"""Starts JupyterLab without the settings, kernels and extensions that this machine has for all its Jupyters."""

import sys

from jupyter_core import paths

paths.SYSTEM_CONFIG_PATH.clear()
paths.SYSTEM_JUPYTER_PATH.clear()

from jupyterlab.labapp import main  # noqa: E402 - it reads the paths when it is imported

sys.exit(main())
