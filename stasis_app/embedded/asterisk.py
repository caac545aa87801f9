"""Asterisk in its own root directory and mount namespace."""

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp

from stasis_app.embedded import asterisk_root, resources
from stasis_app.embedded.certificate import ensure_certificate
from stasis_app.embedded.part import Part, PartFailedError, greets, http_ok
from stasis_app.embedded.ports import LOOPBACK, Listener, PortPlan
from stasis_app.embedded.process import Command, run
from stasis_app.embedded.render import UnknownPlaceholderError, render_directory
from stasis_app.embedded.state import Secrets, StateDir

ARI_USERNAME = "pbx"
AMI_USERNAME = "pbx"
INSIDE = f"/{asterisk_root.MOUNT_POINT}"  # STATE/asterisk as Asterisk sees it
DATABASE_ROLE = "asterisk"

_DIRECTORIES = (
    "log",
    "run",
    "var/cache",
    "var/lib/agi-bin",
    "var/lib/keys",
    "spool/monitor",
    "spool/outgoing",
    "spool/recording",
    "spool/system",
    "spool/tmp",
)

# exec all the way: the pid of this shell becomes Asterisk's
_START = r"""
set -e
root=$1 state=$2
mount --bind "$state" "$root/srv/pbx"
mount --bind "$state/hosts" "$root/etc/hosts"
mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
cd "$root"
exec chroot . /usr/sbin/asterisk -f -n -C /srv/pbx/etc/asterisk.conf
"""


class Asterisk(Part):
    """Asterisk with asterisk-config/, its files below STATE/asterisk."""

    name = "asterisk"
    stop_deadline = 8.0

    def __init__(self, state: StateDir, ports: PortPlan, secrets: Secrets, root: Path) -> None:
        self._state = state.root / "asterisk"
        self._log = state.log(self.name)
        self._ports = ports
        self._secrets = secrets
        self._root = root

    @property
    def ari_url(self) -> str:
        return f"http://{LOOPBACK}:{self._ports.ari}"

    def listeners(self) -> Sequence[Listener]:
        ports = self._ports
        tcp = [ports.ami, ports.sip, ports.sip_tls, ports.ari, ports.wss]
        udp = Listener(self.name, ports.sip, socket.SOCK_DGRAM)
        return [udp, *(Listener(self.name, port) for port in tcp)]

    async def prepare(self) -> None:
        for directory in _DIRECTORIES:
            (self._state / directory).mkdir(parents=True, exist_ok=True)
        ensure_certificate(self._state / "tls")
        hosts = f"127.0.0.1 localhost\n::1 localhost\n127.0.0.1 {socket.gethostname()}\n"
        (self._state / "hosts").write_text(hosts)
        try:
            render_directory(resources.asterisk_config(), self._state / "etc", self.placeholders())
        except UnknownPlaceholderError as error:
            raise PartFailedError(self.name, str(error), self._log) from None

    async def check_privileges(self) -> None:
        """Raises PartFailedError where Asterisk cannot have a root directory of its own."""
        if os.geteuid() != 0:
            raise PartFailedError(
                self.name, "it needs root, for a root directory of its own", self._log
            )
        probe = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        if await run(Command(probe), self._log) != 0:
            reason = "this machine does not let root mount (a container without CAP_SYS_ADMIN?)"
            raise PartFailedError(self.name, reason, self._log)

    def placeholders(self) -> Mapping[str, str]:
        """What asterisk-config/ may ask for."""
        ports, secrets = self._ports, self._secrets
        return {
            "PBX_BIND": LOOPBACK,
            "PBX_SIP_PORT": str(ports.sip),
            "PBX_SIP_TLS_PORT": str(ports.sip_tls),
            "PBX_ARI_BIND": LOOPBACK,
            "PBX_ARI_PORT": str(ports.ari),
            "PBX_WSS_PORT": str(ports.wss),
            "PBX_RTP_START": str(ports.rtp_start),
            "PBX_RTP_END": str(ports.rtp_end),
            "PBX_ARI_USERNAME": ARI_USERNAME,
            "PBX_ARI_PASSWORD": secrets.ari_password,
            "PBX_AMI_BIND": LOOPBACK,
            "PBX_AMI_PORT": str(ports.ami),
            "PBX_AMI_USERNAME": AMI_USERNAME,
            "PBX_AMI_PASSWORD": secrets.ami_password,
            "PBX_DB_HOST": LOOPBACK,
            "PBX_DB_PORT": str(ports.postgres),
            "PBX_DB_NAME": "pbx",
            "PBX_DB_USER": DATABASE_ROLE,
            "PBX_DB_PASSWORD": secrets.asterisk_db_password,
            "PBX_TLS_CERT": f"{INSIDE}/tls/cert.pem",
            "PBX_TLS_KEY": f"{INSIDE}/tls/key.pem",
            "PBX_ASTERISK_DIR": INSIDE,
            "PBX_ENTITY_ID": secrets.entity_id,
            "PBX_EXTERNAL_ADDRESS": "",
        }

    def command(self) -> Command:
        start = ["sh", "-c", _START, "asterisk", str(self._root), str(self._state)]
        return Command(["unshare", "--mount", *start], {"PGCONNECT_TIMEOUT": "2"})

    @staticmethod
    def cli(pid: int) -> list[str]:
        """What to run for a CLI command, given Asterisk's pid; the command is one more argument."""
        return [*_inside(pid), "/usr/sbin/asterisk", "-C", f"{INSIDE}/etc/asterisk.conf", "-rx"]

    def chore(self, pid: int) -> Command:
        """Make it forget what it has fetched and not played for long."""
        script = resources.clean_cache().read_text()
        path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PBX_ASTERISK_DIR": INSIDE}
        return Command([*_inside(pid), "/bin/sh", "-c", script], path)

    async def is_ready(self) -> bool:
        """Asterisk goes on without AMI when its port was taken, and never tries again."""
        password = self._secrets.ari_password
        headers = {"Authorization": aiohttp.encode_basic_auth(ARI_USERNAME, password)}
        answers = await http_ok(f"{self.ari_url}/ari/asterisk/ping", headers)
        return answers and await greets(self._ports.ami, b"Asterisk Call Manager")


def _inside(pid: int) -> list[str]:
    """What to run a command with, so that it sees the files as Asterisk does."""
    return ["nsenter", f"--target={pid}", "--mount", "--root", "--wd"]
