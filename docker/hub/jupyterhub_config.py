# JupyterHub for a class on one machine: a container a student, from the tutorial's image.
# compose.yaml beside this file starts it; what a student costs is in ../README.md.
import os
import sys
from pathlib import Path

import nativeauthenticator

c = get_config()  # noqa: F821
here = Path(__file__).parent
sys.path.insert(0, str(here))

# Students sign up with a name and a password of their own, and wait until the lecturer lets them in,
# at /hub/authorize. The lecturer's name is let in as soon as it signs up: do that first.
c.JupyterHub.authenticator_class = "course_authenticator.CourseAuthenticator"
c.JupyterHub.template_paths = [str(here / "templates"), str(Path(nativeauthenticator.__file__).parent / "templates")]
c.NativeAuthenticator.minimum_password_length = 10
c.NativeAuthenticator.check_common_password = True  # "1234567890" is long enough
c.Authenticator.username_pattern = r"[a-z0-9][a-z0-9._@-]{0,63}\Z"  # it stands in pages and in names of volumes
# Web servers in front of the proxy, whose word on the reader's address is taken.
c.JupyterHub.trusted_downstream_ips = [a for a in os.environ.get("HUB_TRUSTED_ADDRESSES", "").split(",") if a]
c.Authenticator.admin_users = {os.environ["HUB_ADMIN"]}
c.Authenticator.allow_all = True  # all whom the lecturer let in

c.JupyterHub.spawner_class = "docker"
c.DockerSpawner.image = os.environ.get("TUTORIAL_IMAGE", "tutorial6")
c.DockerSpawner.pull_policy = "skip"  # compose.yaml builds the image on this machine
c.DockerSpawner.network_name = os.environ.get("HUB_NETWORK", "tutorial6-hub")
c.DockerSpawner.use_internal_ip = True
c.DockerSpawner.remove = True  # a stopped server leaves only its student's work
c.DockerSpawner.volumes = {"tutorial6-work-{username}": "/home/jovyan/work"}
c.DockerSpawner.extra_host_config = {
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "pids_limit": 1000,
}
c.Spawner.cmd = ["jupyterhub-singleuser"]
c.Spawner.default_url = "/lab/tree/work/tutorial.ipynb"
c.Spawner.http_timeout = 120  # thirty servers that start at once on two cores

# What a student may use at most. A cell that asks for more memory is ended; the server goes on.
c.Spawner.mem_limit = os.environ.get("STUDENT_MEMORY", "2G")
c.Spawner.cpu_limit = float(os.environ.get("STUDENT_CPUS", "2"))

# The students' servers and the proxy live on while the hub restarts.
c.JupyterHub.cleanup_servers = False
c.JupyterHub.cleanup_proxy = False
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "http://proxy:8001"  # its token is CONFIGPROXY_AUTH_TOKEN
c.JupyterHub.hub_ip = "0.0.0.0"
c.JupyterHub.hub_connect_ip = "hub"
c.JupyterHub.db_url = "sqlite:////srv/jupyterhub/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "/srv/jupyterhub/cookie_secret"

# A server that nobody has used for an hour ends, and so does one that has run for eight, however busy:
# the cell that loops for ever.
c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=3600", "--max-age=28800"],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]
