# Jupyter's settings in the image. The token stays on: it is printed at the start, or set by
# JUPYTER_TOKEN.
import os

c = get_config()  # noqa: F821

c.ServerApp.ip = "0.0.0.0"  # inside the container: docker run -p decides who reaches it
c.ServerApp.port = 8888
c.ServerApp.port_retries = 0
c.ServerApp.open_browser = False
c.ServerApp.root_dir = os.environ["HOME"]
# Sockets of this user's alone; a port that was free may be taken when the kernel opens it.
c.KernelManager.transport = "ipc"
c.LabApp.default_url = "/lab/tree/work/tutorial.ipynb"
