"""Linux control groups, version 1 or 2: what a student may use, and has used.

A container engine limits and measures a student in the same way. Version 2 was not tried.
"""

from pathlib import Path

ROOT = Path("/cgroup")  # mounted there by ../test: /sys is read-only in a container
VERSION_1 = (ROOT / "memory").is_dir()


def _parent(controller):
    """Where new groups are made: below this process's own group, or at the top in version 2, which
    allows no groups beside processes."""
    if not VERSION_1:
        return ROOT
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            return ROOT / controller / path.lstrip("/")
    raise RuntimeError(f"this system has no control group for {controller}")


class Group:
    def __init__(self, memory, cpu):
        self.memory, self.cpu = memory, cpu

    def limit_memory(self, size):
        name = "memory.limit_in_bytes" if VERSION_1 else "memory.max"
        (self.memory / name).write_text(str(size))

    def join(self):
        """Puts this process, and all that it will start, into the group."""
        for folder in {self.memory, self.cpu}:
            (folder / "cgroup.procs").write_text("0")

    def memory_now(self):
        """Bytes that the group's processes hold, without the files that the kernel keeps in memory."""
        stat = dict(line.split() for line in (self.memory / "memory.stat").read_text().splitlines())
        return int(stat["total_rss" if VERSION_1 else "anon"])

    def cpu_seconds(self):
        if VERSION_1:
            return int((self.cpu / "cpuacct.usage").read_text()) / 1e9
        stat = dict(line.split() for line in (self.cpu / "cpu.stat").read_text().splitlines())
        return int(stat["usage_usec"]) / 1e6

    def remove(self):
        for folder in {self.memory, self.cpu}:
            folder.rmdir()


def group_of(student):
    """The student's group, which is made if it does not exist."""
    folders = []
    for controller in "memory", "cpuacct":
        folder = _parent(controller) / f"tutorial6-{student}"
        folder.mkdir(exist_ok=True)
        folders.append(folder)
    return Group(*folders)
