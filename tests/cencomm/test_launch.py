"""The launcher: finds a Python, says what to install when there is none, repeats nothing needlessly."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cencomm import environment

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "dirname", "readlink", "id", "cat")
STUB = """
import os, sys
from pathlib import Path
root = Path(__file__).resolve().parent.parent
(root / "seen").write_text(sys.executable + "\\n" + " ".join(sys.argv[1:]))
python = root / ".venv" / "bin" / "python"
python.parent.mkdir(parents=True, exist_ok=True)
python.write_text('#!/bin/sh\\n[ "$1" = -I ] && exec ' + sys.executable + ' "$@"\\n'
                  'echo "$PYTHONPATH"; pwd; for word; do echo "[$word]"; done\\n')
python.chmod(0o755)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository with a space in its name, whose environment is made by a stub."""
    root = tmp_path / "the repository"
    (root / "bin").mkdir(parents=True)
    (root / "cencomm").mkdir()
    shutil.copy(ROOT / "bin" / "cencomm", root / "bin" / "cencomm")
    (root / "cencomm" / "environment.py").write_text(STUB)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    return root


def launch(root: Path, *words: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": str(root.parent / "tools"), "HOME": str(root.parent / "no home"), **variables}
    launcher = str(root / "bin" / "cencomm")
    return subprocess.run(
        [launcher, *words], env=given, cwd=cwd or "/", capture_output=True, text=True, check=False
    )


def path_with(root: Path, **programs: str) -> str:
    folder = root.parent / "programs"
    folder.mkdir()
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return f"{folder}:{root.parent / 'tools'}"


def real_python(_tag: str = "") -> str:
    return f'#!/bin/sh\nexec {sys.executable} "$@"\n'


def test_python_on_the_path_is_found(place: Path) -> None:
    done = launch(place, "up", "a b", PATH=path_with(place, python3=real_python()), cwd=place.parent)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines == [str(place), str(place.parent), "[-P]", "[-m]", "[cencomm]", "[up]", "[a b]"]
    assert (place / "seen").read_text().endswith("\nbase")


def test_tests_get_the_developers_packages(place: Path) -> None:
    launch(place, "test", PATH=path_with(place, python3=real_python()))
    assert (place / "seen").read_text().endswith("\ndev")


def test_old_python_is_passed_over(place: Path) -> None:
    old = "#!/bin/sh\nexit 1\n"
    path = path_with(place, **{"python3": old, "python3.13": old, "python3.12": real_python()})
    assert launch(place, "help", PATH=path).returncode == 0


def test_python_of_pyenv_is_found(place: Path) -> None:
    bin_folder = place.parent / "pyenv" / "versions" / "3.12.9" / "bin"
    bin_folder.mkdir(parents=True)
    (bin_folder / "python3").write_text(real_python())
    (bin_folder / "python3").chmod(0o755)
    assert launch(place, "help", PYENV_ROOT=str(place.parent / "pyenv")).returncode == 0


def test_python_of_uv_is_found(place: Path) -> None:
    found = place.parent / "uv-python"
    found.write_text(real_python())
    found.chmod(0o755)
    path = path_with(place, uv=f"#!/bin/sh\necho '{found}'\n", id="#!/bin/sh\necho no-such-user\n")
    assert launch(place, "help", PATH=path).returncode == 0


def test_no_python_says_what_to_install(place: Path) -> None:
    done = launch(place, "up", PATH=path_with(place, id="#!/bin/sh\necho no-such-user\n"))
    assert done.returncode == 69
    assert "needs Python 3.12 or newer" in done.stderr
    assert "apt install python3" in done.stderr
    assert not (place / ".venv").exists()


def test_python_without_venv_says_what_to_install(place: Path) -> None:
    # Debian's python3 without python3-venv: new enough, and unable to make an environment.
    bare = '#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\nexit 0\n'
    path = path_with(place, python3=bare, id="#!/bin/sh\necho no-such-user\n")
    done = launch(place, "up", PATH=path)
    assert done.returncode == 69
    assert "apt install python3-venv" in done.stderr


def test_launcher_works_through_a_link_and_without_a_home(place: Path) -> None:
    link = place.parent / "link"
    link.symlink_to(place / "bin" / "cencomm")
    path = path_with(place, python3=real_python())
    done = subprocess.run([link, "help"], env={"PATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(place)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment's folder of this test's own."""
    (tmp_path / "requirements").mkdir()
    for kind in ("build", *environment.KINDS):
        (tmp_path / "requirements" / f"{kind}.txt").write_text(f"{kind}==1\n")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "STAMPS", tmp_path / ".venv" / ".cencomm")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return tmp_path


def test_environment_is_made_once_when_two_start_together(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installs: list[str] = []

    def install(kind: str) -> bool:
        installs.append(kind)
        threading.Event().wait(0.3)
        return True

    monkeypatch.setattr(environment, "install", install)
    monkeypatch.setattr(environment, "make_venv", lambda: True)
    starts = [threading.Thread(target=environment.ensure, args=["base"]) for _ in range(2)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert installs == ["base"]
    assert environment.ensure("base") == 0
    assert installs == ["base"]


def test_environment_is_made_again_when_the_requirements_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installs: list[str] = []
    monkeypatch.setattr(environment, "install", lambda kind: installs.append(kind) is None)
    monkeypatch.setattr(environment, "make_venv", lambda: True)
    environment.ensure("dev")
    environment.ensure("base")  # the developers' packages are more than those to run
    assert installs == ["dev"]
    (folder / "requirements" / "dev.txt").write_text("dev==2\n")
    environment.ensure("dev")
    assert installs == ["dev", "dev"]


def test_failed_installation_is_not_taken_for_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "install", lambda kind: False)
    monkeypatch.setattr(environment, "make_venv", lambda: True)
    assert environment.ensure("base") == environment.CANNOT
    assert not environment.is_current("base")


def test_broken_pip_shows_its_last_words(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for kind in ("build", "base"):
        (folder / "requirements" / f"{kind}.txt").write_text("this is no requirement\n")
    assert not environment.install("base")
    assert "this is no requirement" in capfd.readouterr().err


def test_pinned_packages_agree_and_name_no_place() -> None:
    lines = {kind: (ROOT / "requirements" / f"{kind}.txt").read_text() for kind in environment.KINDS}
    pins = {
        kind: {line.split(" ")[0] for line in text.splitlines() if line[:1].isalnum()}
        for kind, text in lines.items()
    }
    assert pins["base"] < pins["dev"]
    assert "://" not in "".join(lines.values())
    assert os.access(ROOT / "bin" / "cencomm", os.X_OK)
