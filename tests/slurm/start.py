"""Start or stop a Slurm cluster of one node on this machine, as root, for the tests.

    python tests/slurm/start.py /tmp/slurm          # print the path of its slurm.conf
    python tests/slurm/start.py --stop /tmp/slurm

Debian's packages: slurm-wlm, munge. Commands find the cluster by the variable SLURM_CONF. Services
of the machine are left alone: sockets, ports and states are the folder's own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "scancel")
CPUS = 2
CONFIGURATION = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
KillWait=2
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=tests Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Return why no cluster can be started here, or nothing."""
    if os.geteuid() != 0:
        return "Slurm is started by root only"
    names = [name for name in PROGRAMS if not shutil.which(name)]
    return f"not installed: {', '.join(names)} (apt-get install slurm-wlm munge)" if names else ""


def start(folder: Path) -> Path:
    """Start the cluster and return its slurm.conf.

    Raises:
        RuntimeError: The node does not become idle; the message holds the ends of the logs.
    """
    folder = folder.resolve()
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)  # munged refuses a folder that others may write to
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    configuration = folder / "slurm.conf"
    controller, node = _free_ports(2)
    host = socket.gethostname().partition(".")[0]
    configuration.write_text(
        CONFIGURATION.format(folder=folder, host=host, controller=controller, node=node, cpus=CPUS)
    )
    _run(
        "munged", "--force", f"--key-file={key}", f"--socket={folder}/munge.socket",
        f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log",
        f"--seed-file={folder}/munged.seed",
    )  # fmt: skip
    _run("slurmctld", "-i", "-f", str(configuration))
    _run("slurmd", "-f", str(configuration))
    for _ in range(100):
        if _node_state(configuration).startswith("idle"):
            return configuration
        time.sleep(0.2)
    logs = [path.read_text()[-2000:] for path in folder.glob("*.log")]
    stop(folder)
    raise RuntimeError("the node does not become idle:\n" + "\n".join(logs))


def stop(folder: Path) -> None:
    """Stop the cluster's daemons, and with them its jobs."""
    configuration = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
    with suppress(FileNotFoundError):
        subprocess.run(
            ["scancel", "--full", "--user=root"], env=configuration, timeout=20, check=False
        )
    for name in ("slurmd", "slurmctld", "munged"):
        with suppress(FileNotFoundError, ProcessLookupError, ValueError):
            os.kill(int((folder / f"{name}.pid").read_text()), signal.SIGTERM)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=30)


def _node_state(configuration: Path) -> str:
    answer = subprocess.run(
        ["sinfo", "--noheader", "--format=%T"],
        env={**os.environ, "SLURM_CONF": str(configuration)},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    return answer.stdout.strip()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--stop", action="store_true")
    options.add_argument("folder", type=Path)
    given = options.parse_args()
    if given.stop:
        stop(given.folder)
    else:
        print(start(given.folder))  # noqa: T201
