"""What carries recordings, mails and word of messages; wired together for the process."""

from collections.abc import Awaitable, Callable
from functools import partial

from .ari.door import Door
from .clocks import removals
from .clocks.backlog import Backlog
from .clocks.deliveries import Deliverer
from .clocks.lamps import Lamps
from .clocks.leftovers import sweep_recordings
from .clocks.outbox import Postman
from .clocks.removals import remove_objects
from .clocks.retention import keep_retention
from .media.objects import Objects
from .notify.mail import MailServer, Security
from .settings import Settings
from .store.deliveries import Deliveries
from .store.directory import Directory
from .store.lamps import contacts
from .store.media_files import MediaFiles
from .store.outbox import Outbox


class Carriers:
    """Its connections are its own: calls never wait for what is carried."""

    def __init__(self, settings: Settings, directory: Directory, door: Door) -> None:
        dsn = settings.database_url.get_secret_value()
        self._objects = objects_of(settings)
        self._deliveries = Deliveries(dsn)
        self._files = MediaFiles(dsn)
        self._outbox = Outbox(dsn)
        deliverer = Deliverer(
            directory,
            door,
            self._deliveries,
            files=self._files,
            objects=self._objects,
            folder=settings.spool_dir / "deliveries",
        )
        mails = settings.spool_dir / "mails"
        postman = Postman(directory, self._outbox, _mail_server(settings), self._objects, mails)
        waiting = {"deliveries": self._deliveries.waiting, "mails": self._outbox.waiting}
        self.backlog = Backlog(waiting)
        self.lamps = Lamps(directory, door, partial(contacts, dsn))
        removed = directory.watch(removals.TABLE)
        self.clocks: dict[str, Callable[[], Awaitable[None]]] = {
            "deliveries": deliverer.follow,
            "leftovers": partial(sweep_recordings, door, self._deliveries),
            "mails": postman.follow,
            "lamps": self.lamps.follow,
            "removals": partial(remove_objects, dsn, self._objects, removed),
            "retention": partial(keep_retention, dsn, directory),
            "backlog": self.backlog.follow,
        }

    def close(self) -> None:
        for part in (self._deliveries, self._files, self._outbox, self._objects):
            part.close()


def objects_of(settings: Settings) -> Objects:
    return Objects(
        settings.s3_endpoint,
        settings.s3_access_key,
        settings.s3_secret_key.get_secret_value(),
        settings.s3_bucket,
        secure=settings.s3_secure,
    )


def _mail_server(settings: Settings) -> MailServer:
    return MailServer(
        settings.smtp_host,
        settings.smtp_port,
        Security(settings.smtp_security),
        settings.smtp_username,
        settings.smtp_password.get_secret_value(),
        settings.smtp_ca_file,
    )
