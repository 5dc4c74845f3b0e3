"""A real ClamAV daemon, with a signature of our own, looks at every file: what it finds never reaches anybody."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import Officer
from messaging.attachments.checking import ATTEMPTS, check_attachment
from messaging.attachments.clamd import require_clean
from messaging.attachments.facts import state_json
from messaging.attachments.refusing import Later, Refused, Undecided
from messaging.models import Attachment
from tests.cencomm.ports import free_port
from tests.messaging.uploads import Member, checked, docx, pdf, picture, uploaded

CLAMD = shutil.which("clamd", path="/usr/sbin:/usr/bin:/usr/local/sbin")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CLAMD is None, reason="no clamd on this machine")]
EVIL = b"a-lantern-that-is-no-lantern"


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Run a daemon that knows one signature; yield its addresses: a socket of the machine, one of the network."""
    folder = tmp_path_factory.mktemp("clamd")
    (folder / "own.ndb").write_text(f"Cencomm.Test.Lantern:0:*:{EVIL.hex()}\n")
    path, port = folder / "clamd.ctl", free_port()
    (folder / "clamd.conf").write_text(
        f"Foreground yes\nDatabaseDirectory {folder}\nLocalSocket {path}\nTCPSocket {port}\nTCPAddr 127.0.0.1\n"
        f"LogFile {folder}/clamd.log\nStreamMaxLength 3M\nOfficialDatabaseOnly no\nMaxThreads 2\nUser root\n"
    )
    command = [str(CLAMD), "--foreground", f"--config-file={folder / 'clamd.conf'}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 300
        while True:
            try:
                with closing(socket.socket(socket.AF_UNIX)) as line:
                    line.connect(str(path))
                    break
            except OSError:
                assert process.poll() is None, process.stderr and process.stderr.read()
                assert time.monotonic() < deadline, "clamd did not start"
                time.sleep(0.1)
        yield [str(path), f"127.0.0.1:{port}"]
    finally:
        process.kill()
        process.wait()


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.CENCOMM_ATTACHMENTS = str(tmp_path / "attachments")


@pytest.mark.django_db
def test_what_it_finds_is_refused_whatever_it_is_in(
    addresses: list[str], settings: Settings, member: Member, fatou: Officer
) -> None:
    for address in addresses:
        settings.CENCOMM_CLAMD = address
        for content in (
            b"text, " + EVIL,
            pdf() + EVIL + b"%%EOF",
            docx(more={"word/a.xml": b"<a>" + EVIL + b"</a>"}),
            picture() + EVIL,
        ):
            attachment = checked(member(fatou), content)
            assert (attachment.state, attachment.reason, attachment.content) == ("refused", "malware", None)
        for content in (b"text", pdf(), docx(), picture()):
            assert checked(member(fatou), content).state == "ready"


def test_it_sees_every_byte_that_was_sent(addresses: list[str], settings: Settings) -> None:
    settings.CENCOMM_CLAMD = addresses[0]
    require_clean([b"a" * 1000, EVIL[:9], b"b"])
    with pytest.raises(Refused):
        require_clean([b"a" * 300_000, EVIL[:9], EVIL[9:], b"b" * 300_000])


@pytest.mark.django_db
def test_while_it_is_away_files_wait_and_lose_no_attempt(
    addresses: list[str], settings: Settings, member: Member, fatou: Officer, tmp_path: Path
) -> None:
    attachment = uploaded(member(fatou), picture())
    for away in (str(tmp_path / "nowhere.ctl"), f"127.0.0.1:{free_port()}"):
        settings.CENCOMM_CLAMD = away
        with pytest.raises(Later):
            require_clean([b"a"])
        for _ in range(ATTEMPTS):
            check_attachment(attachment.pk)
        attachment.refresh_from_db()
        assert (attachment.state, attachment.attempts) == ("checking", 0)
    settings.CENCOMM_CLAMD = addresses[0]
    check_attachment(attachment.pk)
    attachment.refresh_from_db()
    assert attachment.state == "ready"


@pytest.mark.django_db
def test_what_it_does_not_look_at_to_the_end_is_not_clean(
    addresses: list[str], settings: Settings, member: Member, fatou: Officer
) -> None:
    settings.CENCOMM_CLAMD = addresses[0]
    with pytest.raises(Undecided):
        require_clean([bytes(1024 * 1024)] * 8)
    attachment = uploaded(member(fatou), pdf(4 * 1024 * 1024), "large.pdf")
    for _ in range(ATTEMPTS + 1):
        check_attachment(attachment.pk)
    attachment = Attachment.objects.select_related("group").get(pk=attachment.pk)
    assert state_json(attachment.group, attachment)["reason"] == "check_failed"
