"""An OpenBao server of the tests' own: on loopback, its storage in a folder, so that it can be stopped and sealed.

Where the machine has no program `bao`, tests that need it are skipped; CI installs it (`.ci/run`).
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.cencomm.ports import PATIENCE, free_port

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = ROOT / "docs" / "operations.md"


def program() -> str | None:
    """Where the server's program is: beside this Python, or on the path."""
    beside = Path(sys.executable).with_name("bao")
    return str(beside) if beside.exists() else shutil.which("bao")


def documented_policy() -> str:
    """The policy that the manual tells operators to write."""
    [text] = re.findall(r"```hcl\n(path \"transit/.*?)```", OPERATIONS.read_text(), re.DOTALL)
    return str(text)


class Bao:
    """One server with the engine `transit`, sign-in by AppRole, and the manual's policy."""

    def __init__(self, folder: Path, *, tls: bool = False) -> None:
        self.folder, self.tls = folder, tls
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.port, cluster_port = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.root_token = self.unseal_key = ""
        self.ca = folder / "ca.pem"
        cluster = f"127.0.0.1:{cluster_port}"
        listener: dict[str, Any] = {
            "address": f"127.0.0.1:{self.port}",
            "cluster_address": cluster,
            "tls_disable": not tls,
        }
        if tls:
            make_certificate(folder)
            listener |= {"tls_cert_file": str(folder / "cert.pem"), "tls_key_file": str(folder / "key.pem")}
        config = {
            "storage": {"raft": {"path": str(folder / "storage"), "node_id": "only"}},
            "listener": [{"tcp": listener}],
            "api_addr": self.origin,
            "cluster_addr": f"https://{cluster}",
            "log_level": "error",
        }
        (folder / "storage").mkdir(mode=0o700)
        (folder / "config.json").write_text(json.dumps(config))

    @property
    def origin(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and unseal it; prepare it where it is new."""
        found = program()
        assert found is not None
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [found, "server", f"-config={self.folder / 'config.json'}"],
                stdout=log, stderr=log, env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                state = self.call("GET", "sys/init")
                break
            except OSError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < deadline, "OpenBao does not start"
                time.sleep(0.05)
        if not state["initialized"]:
            made = self.call("POST", "sys/init", secret_shares=1, secret_threshold=1)
            self.root_token, self.unseal_key = made["root_token"], made["keys_base64"][0]
        self.unseal()
        if not state["initialized"]:
            self.call("POST", "sys/mounts/transit", type="transit")
            self.call("POST", "sys/auth/approle", type="approle")

    def unseal(self) -> None:
        """Unseal it, and wait until it works."""
        self.call("POST", "sys/unseal", key=self.unseal_key)
        deadline = time.monotonic() + PATIENCE
        while True:
            state = self.call("GET", "sys/health?standbycode=200&sealedcode=200&uninitcode=200")
            if not state["sealed"] and not state["standby"]:
                return
            assert time.monotonic() < deadline, state
            time.sleep(0.05)

    def seal(self) -> None:
        self.call("POST", "sys/seal")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(300)
            self.process = None

    def call(self, method: str, path: str, *, token: str | None = None, namespace: str = "", **words: Any) -> Any:
        """Ask as the server's owner; return `data`, `auth` or the whole document."""
        if self.tls:
            import ssl

            context = ssl.create_default_context(cafile=str(self.ca))
            line: http.client.HTTPConnection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=PATIENCE, context=context
            )
        else:
            line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"X-Vault-Token": self.root_token if token is None else token}
        headers |= {"X-Vault-Namespace": namespace} if namespace else {}
        try:
            line.request(method, f"/v1/{path}", json.dumps(words) if method == "POST" else None, headers)
            answer = line.getresponse()
            content = answer.read()
        finally:
            line.close()
        assert answer.status < 300, (method, path, answer.status, content)
        document = json.loads(content) if content else {}
        return document.get("data") or document.get("auth") or document

    def key(self, name: str, *, made: bool = True) -> str:
        """Make a key and a policy of its name, as the manual says; return the name."""
        policy = documented_policy().replace("/cencomm", f"/{name}")
        if made:
            self.call("POST", f"transit/keys/{name}", type="aes256-gcm96")
        else:
            policy += f'path "transit/keys/{name}" {{\n  capabilities = ["read", "create", "update"]\n}}\n'
        self.call("POST", f"sys/policies/acl/{name}", policy=policy)
        return name

    def token(self, name: str, **words: Any) -> str:
        """Return a token that the policy holds to its key."""
        words = {"policies": [name], "period": "24h", **words}
        return str(self.call("POST", "auth/token/create-orphan", **words)["client_token"])

    def role(self, name: str, folder: Path, **words: Any) -> str:
        """Make a role; write its two files; return what an address says of them."""
        self.call("POST", f"auth/approle/role/{name}", token_policies=[name], **words)
        role = self.call("GET", f"auth/approle/role/{name}/role-id")["role_id"]
        secret = self.call("POST", f"auth/approle/role/{name}/secret-id")["secret_id"]
        written = secret_file(folder / "role-id", role), secret_file(folder / "secret-id", secret)
        return f"role-id-file={written[0]}&secret-id-file={written[1]}"

    def uri(self, name: str, folder: Path, *, proof: str = "", made: bool = True, port: int | None = None) -> str:
        """Return the address of a key of its own, with a token in a file unless `proof` says otherwise."""
        self.key(name, made=made)
        if not proof:
            proof = f"token-file={secret_file(folder / 'token', self.token(name))}"
        trust = f"&ca-file={self.ca}" if self.tls else ""
        origin = self.origin if port is None else f"http://127.0.0.1:{port}"
        return f"transit:{origin}/transit/{name}?{proof}{trust}"


def secret_file(path: Path, text: str) -> Path:
    """Write a file for its owner alone."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(f"{text}\n")
    return path


def make_certificate(folder: Path) -> None:
    """Make an authority of its own and a certificate for 127.0.0.1."""
    subprocess.run(
        [
            "openssl", "req", "-x509", "-nodes", "-days", "2",
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-subj", "/CN=tests", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    shutil.copy(folder / "cert.pem", folder / "ca.pem")
