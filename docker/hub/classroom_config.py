"""The hub of a class with a process a student in place of a container: for the test `classroom`.

All else is jupyterhub_config.py's. Each student is a user of this system, whose memory is limited, and
measured, by a control group.
"""

import os

from classroom_groups import group_of
from jupyterhub.spawner import LocalProcessSpawner

c = get_config()  # noqa: F821
load_subconfig("/srv/config/jupyterhub_config.py")  # noqa: F821


class StudentProcess(LocalProcessSpawner):
    def make_preexec_fn(self, name):
        become_student = super().make_preexec_fn(name)
        group = group_of(name)
        group.limit_memory(self.mem_limit)

        def preexec():
            group.join()
            become_student()

        return preexec


c.JupyterHub.spawner_class = StudentProcess
c.Spawner.cmd = ["start", "jupyterhub-singleuser"]  # the container's entry point comes first there
c.Spawner.env_keep.extend(["GOMODCACHE", "GOPROXY", "GOTOOLCHAIN"])

c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = os.environ["CLASSROOM_PASSWORD"]

c.JupyterHub.bind_url = os.environ["CLASSROOM_URL"]
c.ConfigurableHTTPProxy.api_url = os.environ["CLASSROOM_PROXY_API"]
c.JupyterHub.hub_ip = c.JupyterHub.hub_connect_ip = "127.0.0.1"
c.JupyterHub.hub_port = int(os.environ["CLASSROOM_HUB_PORT"])

c.JupyterHub.services += [{"name": "lecturer", "api_token": os.environ["CLASSROOM_TOKEN"]}]
c.JupyterHub.load_roles += [
    {"name": "lecturer", "services": ["lecturer"], "scopes": ["admin:users", "admin:servers", "list:users"]}
]
