"""Where the data files are: our own, and those of the packages that carry public data.

The packages are found but not imported: `searoute` alone would load a graph library to reach one file.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

__all__ = ["own_file", "package_file"]

_OWN = Path(__file__).parent / "data"


def own_file(name: str) -> Path:
    """Return the path of one of our data files (`lists/conveyance.csv`)."""
    return _OWN / name


def package_file(package: str, path: str) -> Path:
    """Return the path of a file that an installed package ships; raises LookupError when it is not installed."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise LookupError(f"the package {package} is not installed")
    return Path(next(iter(spec.submodule_search_locations))) / path
