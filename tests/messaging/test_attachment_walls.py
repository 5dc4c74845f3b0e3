"""The walls around the children that look at files, tried from inside: what works without fails behind them."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import os
import platform
import re
import signal
import subprocess
import sys
import textwrap
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import PIL
import pytest
from pytest_django import Settings

from accounts.models import Officer
from cencomm.checks import check_drawing
from messaging.attachments import confinement, documents, markup, office, pictures, walled
from messaging.attachments.checking import ATTEMPTS, check_attachment
from messaging.attachments.confinement import missing_walls
from messaging.attachments.documents import examined
from messaging.attachments.examine import ASK, MOST_AT_ONCE
from messaging.attachments.refusing import Later, Refused
from tests.messaging.uploads import WORD, Member, checked, docx, pdf, picture, uploaded

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
PLUGINS = [
    "Image", "ImageFile", "ImageOps", "ImageCms", "ImagePalette", "ImageSequence", "TiffImagePlugin",
    "JpegImagePlugin", "MpoImagePlugin", "PngImagePlugin", "GifImagePlugin", "WebPImagePlugin",
]  # fmt: skip
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
needs_landlock = pytest.mark.skipif("landlock" in missing_walls(), reason="this kernel has no Landlock")


@pytest.fixture(autouse=True)
def _nobody_ignores_signals() -> Iterator[None]:
    """Tests may have been started by `nohup`: children inherit what is ignored, and what is handled ends them."""
    ignored = [one for one in ENDING if signal.getsignal(one) is signal.SIG_IGN]
    for one in ignored:
        signal.signal(one, lambda _number, _frame: None)
    yield
    for one in ignored:
        signal.signal(one, signal.SIG_IGN)


# Run as a program: WALLS CONFINEMENT FOLDER. Tries each act and says what came of it, by name.
TRIES = """
import ctypes, errno, json, mmap, os, resource, runpy, signal, socket, subprocess, sys, threading
walls, folder = runpy.run_path(sys.argv[2]), sys.argv[3]
libc = ctypes.CDLL(None, use_errno=True)
other = subprocess.Popen(["sleep", "60"], stdin=-3, stdout=-3, stderr=-3)
address = int(open(f"/proc/{other.pid}/maps").read().split("-")[0], 16)
tcp = socket.create_server(("127.0.0.1", 0))
unix = socket.socket(socket.AF_UNIX); unix.bind(folder + "/agent"); unix.listen()
open(folder + "/there", "w").write("here")

def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)

def connected(family, place):
    with socket.socket(family) as one:
        one.connect(place)

class Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

def memory_of_other():
    into = ctypes.create_string_buffer(16)
    here, there = Part(ctypes.addressof(into), 16), Part(address, 16)
    call("process_vm_readv", other.pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)

def forked():
    if os.fork() == 0:
        os._exit(0)

def thread():
    ran = []
    one = threading.Thread(target=ran.append, args=(1,))
    try:
        one.start()
    except RuntimeError:
        raise OSError(errno.EPERM, "thread") from None
    one.join()
    assert ran

acts = {
    "read": lambda: open("/etc/passwd").close(),
    "write": lambda: open(folder + "/new", "w").close(),
    "append": lambda: open(folder + "/there", "a").close(),
    "list": lambda: os.listdir("/"),
    "make": lambda: os.mkdir(folder + "/made"),
    "remove": lambda: os.unlink(folder + "/there"),
    "memory by file": lambda: open(f"/proc/{other.pid}/mem", "rb").close(),
    "memory by call": memory_of_other,
    "trace": lambda: call("ptrace", 0x4206, other.pid, 0, 0),
    "signal": lambda: os.kill(other.pid, 0),
    "socket": lambda: socket.socket().close(),
    "connect": lambda: connected(socket.AF_INET, tcp.getsockname()),
    "key agent": lambda: connected(socket.AF_UNIX, folder + "/agent"),
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "fork": forked,
    "exec": lambda: os.execv("/bin/sh", ["sh", "-c", "exit 99"]) if sys.argv[1] != "none" else None,
    "code": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC).close(),
    "file in memory": lambda: os.close(os.memfd_create("x")),
    "pipe": lambda: os.pipe(),
    "limits": lambda: resource.setrlimit(resource.RLIMIT_CPU, resource.getrlimit(resource.RLIMIT_CPU)),
    "thread": thread,
}
if sys.argv[1] == "landlock":
    libc.prctl(38, 1, 0, 0, 0)
    walls["_withhold"](libc)
elif sys.argv[1] != "none":
    walls["confine"](threads=sys.argv[1] == "threads")
told = {}
for name, act in acts.items():
    try:
        act()
        told[name] = "done"
    except OSError as failure:
        told[name] = errno.errorcode[failure.errno]
os.write(1, json.dumps(told).encode() + b"\\n")
os.read(0, 1)
os._exit(0)
"""


class Tried:
    """A process that has tried everything, and waits."""

    def __init__(self, walls: str, folder: Path) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-I", "-c", TRIES, walls, confinement.__file__, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._child.stdout
        line = self._child.stdout.readline()
        status = Path(f"/proc/{self._child.pid}/status").read_text()
        self.status = {name: value.split() for name, value in re.findall(r"(\w+):\t(.*)", status)}
        self.owner = os.stat(f"/proc/{self._child.pid}/environ").st_uid
        others = Path(f"/proc/{self._child.pid}/task/{self._child.pid}/children").read_text().split()
        _out, failure = self._child.communicate(b"x")
        for other in others:
            os.kill(int(other), 9)
        assert line, failure
        self.told: dict[str, str] = json.loads(line)


def test_without_walls_everything_works(tmp_path: Path) -> None:
    """What fails behind them fails because of them."""
    assert set(Tried("none", tmp_path).told.values()) == {"done"}


def test_behind_the_walls_nothing_works(tmp_path: Path) -> None:
    tried = Tried("all", tmp_path)
    assert {name for name, told in tried.told.items() if told == "done"} == set()
    assert set(tried.told.values()) == {"EPERM"}
    assert (tried.status["Seccomp"], tried.status["NoNewPrivs"]) == (["2"], ["1"])
    assert tried.owner == 0  # of a process whose memory is closed, whoever it belongs to
    if os.geteuid() == 0:
        assert (tried.status["Uid"], tried.status["Gid"]) == (["65534"] * 4, ["65534"] * 4)
        assert tried.status["Groups"] == []


def test_threads_where_a_decoder_needs_them_and_no_processes(tmp_path: Path) -> None:
    assert {name for name, told in Tried("threads", tmp_path).told.items() if told == "done"} == {"thread"}


@needs_landlock
def test_files_ports_and_processes_have_a_second_wall(tmp_path: Path) -> None:
    told = Tried("landlock", tmp_path).told
    for name in ("read", "write", "append", "list", "make", "remove", "memory by file", "spawn", "exec"):
        assert told[name] in {"EACCES", "EPERM"}, name


def child(code: str, content: bytes = b"", media_type: str = "image/png") -> subprocess.CompletedProcess[bytes]:
    """Run the program that draws, after something was changed in it."""
    start = f"import os, runpy, sys\nsys.argv = ['redraw', {media_type!r}, '64000000', '{1536 * 2**20}', '60']\n"
    drawing = f"program = runpy.run_path({str(pictures.PROGRAM)!r})\n{textwrap.dedent(code)}\n"
    return subprocess.run(
        [sys.executable, "-I", "-c", start + drawing], input=content, capture_output=True, check=False
    )


@pytest.mark.parametrize("media_type", ["image/png", "image/heic"])
def test_walls_stand_before_a_decoder_sees_anything(media_type: str) -> None:
    attack = """
        from PIL import Image
        def taken_over(given, formats):
            told = [given.getvalue()]
            for act in (lambda: open("/etc/passwd"), os.fork, lambda: os.execv("/bin/true", ["true"])):
                try:
                    told.append(str(act()).encode())
                except OSError as failure:
                    told.append(failure.strerror.encode())
            os.write(1, b"|".join(told))
            raise ValueError
        Image.open = taken_over
        sys.exit(program["main"]())
    """
    done = child(attack, b"the picture", media_type)
    assert (done.returncode, done.stdout) == (65, b"the picture" + b"|Operation not permitted" * 3), done.stderr


def test_no_picture_is_drawn_without_walls() -> None:
    code = "import platform\nplatform.machine = lambda: 'abacus'\nsys.exit(program['main']())"
    done = child(code, picture(kind="PNG"))
    assert (done.returncode, done.stdout) == (67, b"")


BY_CHILDREN = pytest.mark.parametrize(
    ("by", "content"), [(pictures, picture()), (documents, b"text")], ids=["picture", "document"]
)


@pytest.mark.django_db
@BY_CHILDREN
def test_file_waits_where_no_walls_can_be_had(
    member: Member,
    fatou: Officer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    by: ModuleType,
    content: bytes,
) -> None:
    settings.CENCOMM_ATTACHMENTS = f"{tmp_path}/attachments"
    attachment = uploaded(member(fatou), content)
    program = tmp_path / "program.py"
    program.write_text(f"import sys\n{'sys.stdin.buffer.read()' if by is pictures else ''}\nsys.exit(67)\n")
    with monkeypatch.context() as patched:
        patched.setattr(by, "PROGRAM", program)
        with pytest.raises(Later):
            pictures.drawn_anew(content, "image/jpeg") if by is pictures else examined(held(content), "text")
        for _ in range(ATTEMPTS + 1):
            check_attachment(attachment.pk)
        attachment.refresh_from_db()
        assert (attachment.state, attachment.attempts) == ("checking", 0)
    check_attachment(attachment.pk)
    attachment.refresh_from_db()
    assert attachment.state == "ready"


@pytest.mark.django_db
@BY_CHILDREN
@pytest.mark.parametrize(
    ("ended", "attempts"),
    [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGHUP, 0), (signal.SIGKILL, 1)],
    ids=["term", "int", "hup", "kill"],
)
def test_child_that_somebody_ends_decides_nothing(
    member: Member,
    fatou: Officer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    by: ModuleType,
    content: bytes,
    ended: signal.Signals,
    attempts: int,
) -> None:
    settings.CENCOMM_ATTACHMENTS = f"{tmp_path}/attachments"
    attachment = uploaded(member(fatou), content)
    program = tmp_path / "program.py"
    program.write_text(
        f"import os, signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\nos.kill(os.getpid(), {int(ended)})\n"
    )
    with monkeypatch.context() as patched:
        patched.setattr(by, "PROGRAM", program)
        check_attachment(attachment.pk)
        attachment.refresh_from_db()
        assert (attachment.state, attachment.attempts) == ("checking", attempts)
    check_attachment(attachment.pk)
    attachment.refresh_from_db()
    assert attachment.state == "ready"


@pytest.mark.django_db
def test_file_whose_child_is_killed_over_and_over_is_refused(
    member: Member, fatou: Officer, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.CENCOMM_ATTACHMENTS = f"{tmp_path}/attachments"
    attachment = uploaded(member(fatou), b"text")
    said(monkeypatch, tmp_path, f"os.kill(os.getpid(), {int(signal.SIGKILL)})")
    for _ in range(ATTEMPTS + 1):
        check_attachment(attachment.pk)
    attachment.refresh_from_db()
    assert (attachment.state, attachment.reason) == ("refused", "check_failed")


def test_child_that_uses_up_its_seconds_is_the_file_s_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code = f"import runpy\nlimits = runpy.run_path({confinement.__file__!r})"
    spin = f"{code}\nlimits['limit']({documents.MEMORY_BYTES}, 1, threads=False)\nwhile True: pass"
    with pytest.raises(Refused, match="bomb"):
        examined(said(monkeypatch, tmp_path, spin), "text")


def test_what_a_kernel_does_not_give_is_said_once_and_before_a_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "abacus")
    monkeypatch.setattr(confinement, "_landlock_version", lambda _libc: -1)
    assert missing_walls() == ["seccomp", "landlock"]
    walled._tell_what_is_missing.cache_clear()
    for _ in range(3):
        walled._tell_what_is_missing()
    walled._tell_what_is_missing.cache_clear()
    told = [record.getMessage() for record in caplog.records if "kernel" in record.getMessage()]
    assert told == ["files: this kernel gives no seccomp, no landlock"]
    assert [message.id for message in check_drawing(None)] == ["cencomm.W001", "cencomm.W002"]


@pytest.mark.skipif(platform.machine() not in HEADERS, reason="another machine")
def test_this_machine_has_its_walls() -> None:
    assert "seccomp" not in missing_walls()


@pytest.mark.parametrize("machine", sorted(HEADERS))
def test_numbers_of_calls_are_the_kernel_s(machine: str) -> None:
    header = HEADERS[machine]
    if not header.is_file():
        pytest.skip("the kernel's headers are not on this machine")
    lines = re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", header.read_text())
    known = {name: int(number) for name, number in lines}
    _machine, calls = confinement._CALLS[machine]
    assert calls == {name: known[name] for name in calls}


def test_all_that_drawing_may_load_is_loaded_before() -> None:
    """Plugins import where they need something; behind the walls that would be a picture refused as damaged."""
    done = child("import json\nprogram['load']('image/png')\nprint(json.dumps(sorted(sys.modules)))")
    loaded = set(json.loads(done.stdout))
    # For showing pictures, for XMP as XML, for temporary files, for palettes of chance: nothing that we do.
    never = {
        "IPython.lib.pretty",
        "PIL.ImageShow",
        "PIL.ImageQt",
        "PIL.ImageWin",
        "defusedxml",
        "tempfile",
        "random",
    }
    missing: dict[str, list[str]] = {}
    for name in PLUGINS:
        wanted = set(_imported(ast.parse((Path(PIL.__file__).parent / f"{name}.py").read_text())))
        if left := sorted(wanted - loaded - never):
            missing[name] = left
    assert missing == {}


def _imported(tree: ast.AST) -> list[str]:
    """Return the modules that functions of a plugin import when they are called."""
    found: list[str] = []
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                found += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                found += _from(node)
    return found


def _from(node: ast.ImportFrom) -> list[str]:
    if node.level and not node.module:
        return [f"PIL.{alias.name}" for alias in node.names]
    return [f"PIL.{node.module}" if node.level else str(node.module)]


# -- documents


def looking(code: str, kind: str, content: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run the program that looks through a document, after something was changed in it; it asks at most once."""
    start = f"""
        import os, sys
        sys.path.append({str(documents.PROGRAM.parents[2])!r})
        sys.argv = ["examine", {kind!r}, {str(len(content))!r}, "{documents.MEMORY_BYTES}", "60"]
        from messaging.attachments import examine
    """
    program = textwrap.dedent(start) + textwrap.dedent(code) + "\nsys.exit(examine.main())"
    return subprocess.run([sys.executable, "-I", "-c", program], input=content, capture_output=True, check=False)


@pytest.mark.parametrize(
    ("kind", "name"), [("pdf", "require_pdf_tail"), ("office", "office_type"), ("text", "require_text")]
)
def test_walls_stand_before_anything_looks_at_a_document(kind: str, name: str) -> None:
    attack = f"""
        def taken_over(file):
            told = [file.read(100)]
            for act in (lambda: open("/etc/passwd"), os.fork, lambda: os.execv("/bin/true", ["true"])):
                try:
                    told.append(str(act()).encode())
                except OSError as failure:
                    told.append(failure.strerror.encode())
            os.write(1, b"|".join(told))
            raise ValueError
        examine.{name} = taken_over
    """
    done = looking(attack, kind, b"the document")
    asked, told = done.stdout[: ASK.size], done.stdout[ASK.size :]
    assert ASK.unpack(asked) == (0, 12)
    assert (done.returncode, told) == (65, b"the document" + b"|Operation not permitted" * 3), done.stderr


def test_no_document_is_looked_through_without_walls() -> None:
    done = looking("import platform\nplatform.machine = lambda: 'abacus'", "text", b"text")
    assert (done.returncode, done.stdout) == (67, b"")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content",
    [pdf(), docx(more={"word/_rels/a.xml.rels": b"<Relationships/>"}), b"text"],
    ids=["pdf", "office", "text"],
)
def test_worker_itself_looks_into_no_document(
    member: Member,
    fatou: Officer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    content: bytes,
) -> None:
    """Nothing that unpacks, parses or decodes is in reach of it."""
    settings.CENCOMM_ATTACHMENTS = f"{tmp_path}/attachments"
    for module, name in ((office, "zipfile"), (office, "office_type"), (markup, "expat"), (markup, "Markup")):
        monkeypatch.setattr(module, name, None)
    for name in ("media_type_of", "require_text", "require_pdf_tail"):
        monkeypatch.setattr(f"messaging.attachments.examine.{name}", None)
    assert checked(member(fatou), content, "a").state == "ready"


class Large(io.RawIOBase):
    """A file of which only what is asked for exists; it keeps in mind how much that was at a time."""

    def __init__(self, size: int, content: Callable[[int, int], bytes]) -> None:
        super().__init__()
        self._size, self._content, self._at, self.most = size, content, 0, 0

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        part = self._content(self._at, min(len(buffer), self._size - self._at))
        buffer[: len(part)] = part
        self._at, self.most = self._at + len(part), max(self.most, len(part))
        return len(part)


def held(content: bytes) -> Large:
    """Return a file of what is there."""
    return Large(len(content), lambda at, length: content[at : at + length])


def stored_office_file(size: int) -> Large:
    """Return an office file with one part that is not packed, and as large as may be."""
    zeros = zipfile.ZipInfo("word/media/image1.emf")
    out = io.BytesIO(docx())
    with zipfile.ZipFile(out, "a") as archive, archive.open(zeros, "w") as part:
        for _ in range(size // 2**20):
            part.write(bytes(2**20))
    return held(out.getvalue())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["text", "office"])
def test_child_never_has_the_largest_file_whole(settings: Settings, kind: str) -> None:
    """The kernel gives it less room than that file needs, and it passes."""
    size = settings.CENCOMM_LIMITS["attachment_bytes"]
    assert size > documents.MEMORY_BYTES
    file = stored_office_file(size) if kind == "office" else Large(size, lambda _at, length: b"x" * length)
    assert examined(file, kind) == {"text": "text/plain", "office": WORD}[kind]
    assert 0 < file.most <= MOST_AT_ONCE


def test_child_that_looks_has_no_room_to_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    part = f"<R a='{'x' * (7 * 2**20)}'></R>".encode()
    content = docx(more={f"word/_rels/{number}.rels": part for number in range(2)})
    assert examined(held(content), "office") == WORD
    monkeypatch.setattr(documents, "MEMORY_BYTES", 32 * 2**20)
    with pytest.raises(Refused, match=r"bomb|damaged"):  # a parser that gets no memory says so in its own words
        examined(held(content), "office")


def test_child_that_says_nothing_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(documents, "WALL_SECONDS", 0.01)
    with pytest.raises(Refused, match="damaged"):
        examined(said(monkeypatch, tmp_path, "time.sleep(600)"), "text")


def test_child_that_does_not_listen_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It asks on and on and reads nothing: its pipe is full, and nobody waits for ever."""
    monkeypatch.setattr(documents, "WALL_SECONDS", 0.5)
    file = said(monkeypatch, tmp_path, f"say({ASK.pack(0, 4)!r} * 100_000)", b"text" * 100_000)
    with pytest.raises(Refused):
        examined(file, "text")


def test_slow_store_is_not_the_child_s_time(tmp_path: Path) -> None:
    """While a part of the file is fetched no clock runs."""
    running: list[bool] = []

    def fetched(_at: int, length: int) -> bytes:
        [clock] = [one for one in threading.enumerate() if isinstance(one, documents.Clock)]
        running.append(clock.running)
        return b"x" * length

    assert examined(Large(3 * MOST_AT_ONCE, fetched), "text") == "text/plain"
    assert running == [False] * 3


def shuffled(parts: int, size: int) -> bytes:
    """Return an office file whose directory names its parts in another order than they lie in."""
    out = io.BytesIO(docx())
    with zipfile.ZipFile(out, "a") as archive:
        for number in range(parts):
            archive.writestr(f"word/media/image{number}.emf", b"\0" + os.urandom(size))
        archive.filelist.sort(key=lambda one: hashlib.sha256(one.filename.encode()).digest())
        archive.writestr("word/media/last.emf", b"")  # writes the directory anew
    return out.getvalue()


def test_order_of_a_directory_makes_the_store_read_no_piece_over_and_over() -> None:
    content = shuffled(400, 50_000)
    asked: list[int] = []

    def fetched(at: int, length: int) -> bytes:
        asked.append(length)
        return content[at : at + length]

    assert examined(Large(len(content), fetched), "office") == WORD
    assert sum(asked) < 1.2 * len(content)


@pytest.mark.parametrize(("turns", "reason"), [(documents.MAX_TURNS, "encrypted"), (99, "check_failed")])
def test_child_that_turns_back_again_and_again_is_not_answered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, turns: int, reason: str
) -> None:
    """Each time a piece of the file would be fetched for it."""
    asks = ASK.pack(0, 1) + ASK.pack(9, 1) + ASK.pack(11, 1)
    told = asks + (ASK.pack(0, 1) + ASK.pack(9, 1)) * turns + END + b"refused encrypted"
    with pytest.raises(Refused, match=reason):
        examined(said(monkeypatch, tmp_path, f"say({told!r})"), "text")


@pytest.mark.parametrize("ended", ENDING)
def test_child_behind_the_walls_that_somebody_stops_says_nothing_of_its_file(ended: signal.Signals) -> None:
    def fetched(_at: int, length: int) -> bytes:
        [clock] = [one for one in threading.enumerate() if isinstance(one, documents.Clock)]
        os.kill(clock._child.pid, ended)
        return b"x" * length

    with pytest.raises(Later):
        examined(Large(3 * MOST_AT_ONCE, fetched), "text")


def said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, content: bytes = b"twelve bytes") -> Large:
    """Put another program in the place of the one that looks; return a file for it."""
    program = tmp_path / "program.py"
    program.write_text(f"import os, sys, time\ndef say(told):\n    sys.stdout.buffer.write(told)\n{code}\n")
    monkeypatch.setattr(documents, "PROGRAM", program)
    return held(content)


END = ASK.pack(0, 0)


@pytest.mark.parametrize(
    "told",
    [
        b"", ASK.pack(0, 4)[:5], END, END + b"is", END + b"is text/html", END + b"is application/pdf",
        END + b"is text/plain ", END + b"is text/plain" + bytes(500), END + b"refused malware",
        END + b"refused nothing", END + b"refused \xff", ASK.pack(0, 13), ASK.pack(2**60, 1),
        ASK.pack(0, MOST_AT_ONCE + 1), ASK.pack(0, 1) * 50,
    ],
    ids=range(15),
)  # fmt: skip
def test_nothing_that_a_child_says_of_a_document_is_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: bytes
) -> None:
    monkeypatch.setattr(documents, "MAX_ENTRIES", 5)
    with pytest.raises(Refused, match="check_failed"):
        examined(said(monkeypatch, tmp_path, f"say({told!r})"), "text")


def test_what_can_be_said_of_a_document_is_heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert examined(said(monkeypatch, tmp_path, f"say({END + b'is text/plain'!r})"), "text") == "text/plain"
    with pytest.raises(Refused, match="encrypted"):
        examined(said(monkeypatch, tmp_path, f"say({END + b'refused encrypted'!r})"), "text")


def test_all_that_unpacking_may_load_is_loaded_before() -> None:
    """What the library imports where it needs something cannot be had behind the walls."""
    code = "import json\nprint(json.dumps(sorted(sys.modules)))\nsys.exit()"
    done = looking(code, "office", b"")
    loaded = set(json.loads(done.stdout))
    tree = ast.parse(Path(zipfile.__file__).read_text())
    assert set(_imported(tree)) - loaded <= {"argparse", "py_compile"}  # for writing, and for the command line
