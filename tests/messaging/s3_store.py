"""A real store that speaks S3: SeaweedFS, one process on free ports of this machine, with an access key of its own.

It comes with the packages of `requirements/dev.txt`.
"""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cencomm.ports import PATIENCE, free_port, freeze

if TYPE_CHECKING:
    from botocore.client import BaseClient

WEED = Path(sys.executable).with_name("weed")
BUCKET = "cencomm-files"


class S3Store:
    """The store, which can be stopped, started again on what it has, and frozen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, *self._ports = (free_port() for _ in range(8))
        self.access, self.secret = "access-" + secrets.token_hex(6), "secret-" + secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "data").mkdir()
        # Who keeps it, and what the manual asks for the product: this bucket and nothing else.
        self._keeper = ("keeper-" + secrets.token_hex(6), secrets.token_hex(16))
        identities = [
            _identity("keeper", *self._keeper, ["Admin"]),
            _identity(
                "cencomm", self.access, self.secret, [f"{act}:{BUCKET}" for act in ("Read", "Write", "List")]
            ),
        ]
        (folder / "s3.json").write_text(json.dumps({"identities": identities}))
        self.credentials = self.credentials_file("credentials", self.secret)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.endpoint}/{BUCKET}/files"

    @property
    def settings(self) -> dict[str, str]:
        """The variables that let the product keep its files here."""
        return {"CENCOMM_S3_URL": self.url, "CENCOMM_S3_CREDENTIALS": str(self.credentials)}

    def credentials_file(self, name: str, secret: str) -> Path:
        """Write a file of credentials; return its path."""
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(f"[default]\naws_access_key_id = {self.access}\naws_secret_access_key = {secret}\n")
        return path

    def start(self) -> None:
        """Start; wait until it answers."""
        master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3_grpc = self._ports
        command = [
            str(WEED), "-logtostderr", "server", f"-dir={self.folder / 'data'}", "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1", f"-master.port={master}", f"-master.port.grpc={master_grpc}",
            "-master.volumeSizeLimitMB=64", f"-volume.port={volume}", f"-volume.port.grpc={volume_grpc}",
            "-volume.max=20", "-filer", f"-filer.port={filer}", f"-filer.port.grpc={filer_grpc}",
            "-s3", f"-s3.port={self.port}", f"-s3.port.grpc={s3_grpc}", "-s3.port.lance=0", "-s3.port.iceberg=0",
            f"-s3.config={self.folder / 's3.json'}",
        ]  # fmt: skip
        with (self.folder / "weed.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            assert self._process.poll() is None, (self.folder / "weed.log").read_text()[-3000:]
            assert time.monotonic() < deadline, (self.folder / "weed.log").read_text()[-3000:]
            time.sleep(0.2)

    def stop(self) -> None:
        """Kill it: what it has answered must be kept."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it take connections and answer nothing,"""
        assert self._process
        freeze(self._process)

    def thaw(self) -> None:
        """and go on."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def client(self) -> BaseClient:
        """Return a client of who keeps it, which knows nothing of ours."""
        from botocore.config import Config
        from botocore.session import Session

        return Session().create_client(
            "s3", region_name="us-east-1", endpoint_url=self.endpoint, aws_access_key_id=self._keeper[0],
            aws_secret_access_key=self._keeper[1],
            config=Config(
                s3={"addressing_style": "path"}, connect_timeout=PATIENCE, read_timeout=PATIENCE,
                retries={"total_max_attempts": 1},
            ),
        )  # fmt: skip

    def names(self) -> set[str]:
        """Return the names of all objects,"""
        return {one["Key"] for one in self.client().list_objects_v2(Bucket=BUCKET).get("Contents", ())}

    def unfinished(self) -> int:
        """and how many were begun in parts and not ended."""
        return len(self.client().list_multipart_uploads(Bucket=BUCKET).get("Uploads", ()))

    def _is_ready(self) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.client()
        try:
            if not any(one["Name"] == BUCKET for one in client.list_buckets()["Buckets"]):
                client.create_bucket(Bucket=BUCKET)
            client.put_object(Bucket=BUCKET, Key="ready", Body=b"ready")  # a volume takes writes
            client.delete_object(Bucket=BUCKET, Key="ready")
        except (BotoCoreError, ClientError):
            return False
        return True


def _identity(name: str, access: str, secret: str, actions: list[str]) -> dict[str, object]:
    return {"name": name, "credentials": [{"accessKey": access, "secretKey": secret}], "actions": actions}
