"""Makes the data folder of an earlier commit, with that commit's own program, and packs it for the test.

    python -m tests.upgrade.make eb1c283

Packed are both databases as SQL, the keys (of invented people; they open nothing else) and what the earlier program
itself read of all that. What must not live here: what is loaded (`earlier`), what is compared (`test_upgrade`).
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from cencomm.embedded import DATABASES, EmbeddedPostgres

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
KEPT = ("keys",)


def main(commit: str) -> None:
    """Write `<commit>.tar.xz`."""
    with tempfile.TemporaryDirectory(prefix="cencomm-earlier-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        tree, data = folder / "tree", folder / "data"
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            packed.extractall(tree, filter="data")
        postgres = EmbeddedPostgres(folder / "cluster", durable=False)
        postgres.start()
        try:
            pack(HERE / f"{commit}.tar.xz", data, fill(tree, data, postgres), postgres)
        finally:
            postgres.remove()


def fill(tree: Path, data: Path, postgres: EmbeddedPostgres) -> bytes:
    """Let the earlier program make and fill its databases; return what it reads of them."""

    def run(*words: str, owner: bool = False) -> bytes:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CENCOMM_", "CEN_"))}
        variables = {
            **kept,
            **postgres.addresses.environment(owner=owner),
            "PYTHONPATH": str(tree),
            "DJANGO_SETTINGS_MODULE": "cencomm.settings",
            "CENCOMM_DATA": str(data),
            "CENCOMM_SECRET_KEY": "earlier-" + "x" * 60,
            "CENCOMM_PLAIN_HTTP": "1",
            "CENCOMM_DEMO": "1",
            **({"CENCOMM_AS_OWNER": "1"} if owner else {}),
        }
        return subprocess.run(
            [sys.executable, "-P", *words], env=variables, cwd="/", check=True, stdout=subprocess.PIPE
        ).stdout

    prepare = "import sys; from cencomm.data_folder import DataFolder; DataFolder(sys.argv[1]).prepare()"
    run("-c", prepare, str(data))
    run("-m", "cencomm", "manage", "prepare_databases", "--verbosity", "0", owner=True)
    return run(str(HERE / "earlier.py"))


def pack(target: Path, data: Path, said: bytes, postgres: EmbeddedPostgres) -> None:
    """Write databases, keys and what was read into one archive."""
    files = {"said.json": said}
    for database in DATABASES:
        address = f"host={postgres.socket_folder} user=postgres dbname={database}"
        files[f"{database}.sql"] = postgres.run_binary(
            "pg_dump", "--inserts", "--rows-per-insert=500", "-d", address
        ).stdout.encode()
    with tarfile.open(target, "w:xz", preset=9) as packed:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
        for name in KEPT:
            packed.add(data / name, f"data/{name}", filter=_nobodys)


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    main(sys.argv[1])
