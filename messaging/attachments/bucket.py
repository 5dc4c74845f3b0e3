"""Where sealed streams lie in place of a folder: a bucket of a store that speaks S3. Whole or not at all, as there.

Small streams are one PUT, larger ones parts of 8 MiB, of which two are in memory at most. What fails on its way is
tried again a little, then it is the caller's to come back: while the store is away nobody waits for it.
What must not live here: keys, plaintext, the database. Access keys come from a file and go into no message.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import threading
import time
from collections.abc import Iterable, Iterator
from configparser import ConfigParser
from configparser import Error as BadIni
from contextlib import closing, suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.conf import settings

from messaging.attachments.errors import StorageUnavailable
from vault import SealBroken

if TYPE_CHECKING:
    from botocore.client import BaseClient

logger = logging.getLogger("cencomm.messaging")
BLOCK = 1024 * 1024
PART = 8 * 1024 * 1024  # S3 takes no part below 5 MiB but the last
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3.0, 20.0, 3
FRUITLESS = 4  # readings in a row that brought nothing; whatever goes on may be cut as often as it likes
LOOK_SECONDS = 3.0  # readiness waits for no longer, and does not ask twice
REST_SECONDS = 5.0  # what StorageUnavailable tells clients to wait
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"(?:[A-Za-z0-9._-]+/)*")
_CODE = re.compile(r"[A-Za-z0-9.]{1,60}")


class BadPlace(Exception):
    """The settings name no place: the message says what is wrong with them, without a secret."""


class Place(NamedTuple):
    """Which bucket, and who asks for it. `authorities`: a file of certificates, empty for the usual ones."""

    endpoint: str
    bucket: str
    prefix: str
    region: str
    credentials: Path
    authorities: str = ""


def configured() -> Place:
    """Return the place that the settings name. Raises BadPlace."""
    parts = urlsplit(settings.CENCOMM_S3_URL)
    bucket, _, prefix = parts.path.strip("/").partition("/")
    prefix = f"{prefix}/" if prefix else ""
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
        raise BadPlace("CENCOMM_S3_URL is not of the form https://host[:port]/bucket[/prefix].")
    if not _BUCKET.fullmatch(bucket) or not _PREFIX.fullmatch(prefix):
        raise BadPlace("CENCOMM_S3_URL names no bucket as S3 knows them.")
    return Place(
        f"{parts.scheme}://{parts.netloc}",
        bucket,
        prefix,
        settings.CENCOMM_S3_REGION,
        Path(settings.CENCOMM_S3_CREDENTIALS),
        settings.CENCOMM_S3_CA,
    )


def access_keys(path: Path) -> tuple[str, str]:
    """Return the access key's name and secret from a file as `aws` keeps it. Raises BadPlace."""
    try:
        with path.open() as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise BadPlace(f"{path} can be read by others than its owner.")
            parser = ConfigParser(interpolation=None)
            parser.read_file(file)
        section = parser["default"]
        return section["aws_access_key_id"], section["aws_secret_access_key"]
    except OSError as error:
        raise BadPlace(f"{path} cannot be read: {error.strerror}.") from None
    except (BadIni, KeyError, UnicodeDecodeError):  # its lines are in the exception
        raise BadPlace(f"{path} has no [default] with aws_access_key_id and aws_secret_access_key.") from None


class BucketStorage:
    """Objects of a bucket, named as the files of a folder are: one can be copied to the other."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._made: dict[bool, BaseClient] = {}
        self._making = threading.Lock()
        self._rests_until = 0.0

    def write(self, name: UUID, blocks: Iterable[bytes]) -> int:
        """Write an object that did not exist, durably; return its size. On failure nothing of it stays.

        Raises StorageUnavailable, and whatever `blocks` raises.
        """
        key, parts = self._key(name), _parts(blocks)
        first = next(parts, b"")
        if len(first) < PART:
            self._ask("put_object", Key=key, Body=first)
            return len(first)
        whole = chain(iter([first]), parts)  # an iterator lets go of what it gave
        del first
        return self._write_parts(key, whole)

    def _write_parts(self, key: str, parts: Iterable[bytes]) -> int:
        upload = self._ask("create_multipart_upload", Key=key)["UploadId"]
        told: list[dict[str, Any]] = []
        size = 0
        try:
            for number, part in enumerate(parts, 1):
                answer = self._ask("upload_part", Key=key, UploadId=upload, PartNumber=number, Body=part)
                told.append({"PartNumber": number, "ETag": answer["ETag"]})
                size += len(part)
            self._ask("complete_multipart_upload", Key=key, UploadId=upload, MultipartUpload={"Parts": told})
        except BaseException:
            with suppress(StorageUnavailable):  # then `older_than` finds it
                self._ask("abort_multipart_upload", Key=key, UploadId=upload)
            raise
        return size

    def read(self, name: UUID) -> Iterator[bytes]:
        """Yield an object block by block, going on after a cut. Raises SealBroken where it is gone."""
        at = fruitless = 0
        condition: dict[str, str] = {}
        while fruitless < FRUITLESS:
            answer = self._ask("get_object", Key=self._key(name), **condition)
            began, end = at, at + answer["ContentLength"]
            with closing(answer["Body"]) as body:
                while block := self._more(body):
                    at += len(block)
                    yield block
            if at == end:
                return
            fruitless = 0 if at > began else fruitless + 1
            condition = {"Range": f"bytes={at}-", "IfMatch": answer["ETag"]}
        raise StorageUnavailable

    def remove(self, name: UUID) -> None:
        """Remove an object; that it is gone already is no error."""
        self._ask("delete_object", Key=self._key(name))

    def older_than(self, moment: float) -> Iterator[UUID]:
        """Yield the names of objects written before a time, in seconds since 1970; half-written ones vanish."""
        for page in self._pages("list_objects_v2"):
            for one in page.get("Contents", ()):
                if one["LastModified"].timestamp() < moment:
                    with suppress(ValueError):  # no name of ours: left alone
                        yield UUID(hex=one["Key"].rpartition("/")[2])
        for page in self._pages("list_multipart_uploads"):
            for one in page.get("Uploads", ()):
                if one["Initiated"].timestamp() < moment:
                    self._ask("abort_multipart_upload", Key=one["Key"], UploadId=one["UploadId"])

    def answers(self) -> bool:
        """Whether the store is there and lets us in. Nobody rests because it was slow to say so."""
        try:
            self._guarded(
                "head_bucket", lambda: self._client(patient=False).head_bucket(Bucket=self._place.bucket), rest=0.0
            )
        except StorageUnavailable:
            return False
        return True

    def try_out(self) -> None:
        """Write, read, list and remove one object of noise. Raises StorageUnavailable, SealBroken."""
        name, noise = uuid4(), os.urandom(1000)
        self.write(name, [noise])
        try:
            there = b"".join(self.read(name)) == noise and name in set(self.older_than(time.time() + 24 * 3600))
        finally:
            self.remove(name)
        if not there:
            raise StorageUnavailable

    def _key(self, name: UUID) -> str:
        return f"{self._place.prefix}{name.hex[:2]}/{name.hex}"

    def _more(self, body: Any) -> bytes:
        from botocore.exceptions import BotoCoreError

        try:
            more: bytes = body.read(BLOCK)
        except (BotoCoreError, OSError) as failure:
            logger.warning("file storage: reading was cut: %s", type(failure).__name__)
            return b""
        return more

    def _pages(self, act: str) -> Iterator[dict[str, Any]]:
        pages = iter(
            self._client().get_paginator(act).paginate(Bucket=self._place.bucket, Prefix=self._place.prefix)
        )
        while (page := self._guarded(act, lambda: next(pages, None))) is not None:
            yield page

    def _ask(self, act: str, **facts: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._guarded(
            act, lambda: getattr(self._client(), act)(Bucket=self._place.bucket, **facts)
        )
        return answer

    def _guarded(self, act: str, ask: Any, *, rest: float = REST_SECONDS) -> Any:
        """Ask; turn what fails into a refusal, and rest for a moment where nobody answered."""
        from botocore.exceptions import BotoCoreError, ClientError

        if time.monotonic() < self._rests_until:
            raise StorageUnavailable
        try:
            return ask()
        except ClientError as refusal:
            code = refusal.response.get("Error", {}).get("Code", "")
            status = refusal.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if code == "NoSuchKey":
                raise SealBroken from None
            told = code if _CODE.fullmatch(code) else "no code"
            logger.error("file storage: %s was answered %s (%s)", act, status, told)
            if status >= 500:
                self._rests_until = time.monotonic() + rest
            raise StorageUnavailable from None
        except (BotoCoreError, OSError) as failure:
            logger.error("file storage: %s was not answered: %s", act, type(failure).__name__)
            self._rests_until = time.monotonic() + rest
            raise StorageUnavailable from None

    def _client(self, *, patient: bool = True) -> BaseClient:
        with self._making:
            if patient not in self._made:
                self._made[patient] = self._make(patient=patient)
            return self._made[patient]

    def _make(self, *, patient: bool) -> BaseClient:
        from botocore.config import Config
        from botocore.session import Session

        place = self._place
        try:
            name, secret = access_keys(place.credentials)
        except BadPlace as failure:
            logger.error("file storage: %s", failure)
            raise StorageUnavailable from None
        # Of whoever starts the process no variable and no file is asked.
        none = {"profile": None, "config_file": os.devnull, "credentials_file": os.devnull}
        session = Session({name: (None, None, value, None) for name, value in none.items()})
        return session.create_client(
            "s3",
            region_name=place.region,
            endpoint_url=place.endpoint,
            aws_access_key_id=name,
            aws_secret_access_key=secret,
            verify=place.authorities or True,  # with None it would ask the environment
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS if patient else LOOK_SECONDS,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS if patient else 1},
                max_pool_connections=32,
                proxies={},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )


def _parts(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in parts of equal size; the last is shorter."""
    held = bytearray()
    for block in blocks:
        held += block
        while len(held) >= PART:
            part = bytes(memoryview(held)[:PART])
            del held[:PART]  # now, not once the part has been written
            yield part
    if held:
        yield bytes(held)
