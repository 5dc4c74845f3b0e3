"""The bill of materials: every package that runs in production and every vendored file, with its licence.

Read from `requirements/base.txt`, the packages and the manifest of `static/vendor`; written as CycloneDX.
The hashes stand in those files. Needs the development requirements. What must not live here: anything that runs in
production.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from cencomm import __version__

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docs" / "sbom.cdx.json"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file, or say whether it is in step."""
    parser = argparse.ArgumentParser(prog="bin/refresh-sbom", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    text = bill_of_materials()
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.stderr.write(f"The bill of materials is not valid: {error}\n")
        return 1
    if not options.check:
        FILE.write_text(text)
    elif not FILE.exists() or FILE.read_text() != text:
        sys.stderr.write("docs/sbom.cdx.json is not in step with the requirements: run bin/refresh-sbom.\n")
        return 1
    return 0


def bill_of_materials() -> str:
    """Return the bill as JSON: the same text for the same requirements."""
    product = Component(name="cencomm", version=__version__, type=ComponentType.APPLICATION, bom_ref="cencomm")
    product.licenses.update([LicenseFactory().make_from_string("EUPL-1.2")])
    bom = Bom(components=[*python_packages(), *vendored()])
    bom.metadata.component = product
    bom.register_dependency(product, bom.components)
    content = json.loads(JsonV1Dot6(bom).output_as_string())
    content.pop("serialNumber", None)  # both say when, not what
    content["metadata"].pop("timestamp", None)
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def python_packages() -> Iterator[Component]:
    """Yield what `requirements/base.txt` pins."""
    for name, version in PINNED.findall((ROOT / "requirements" / "base.txt").read_text()):
        yield component(name=name, version=version, kind="pypi", licence=licence_of(name))


def vendored() -> Iterator[Component]:
    """Yield what the manifest of the browser's files lists."""
    for one in json.loads((ROOT / "static" / "vendor" / "manifest.json").read_text()):
        yield component(name=one["name"], version=one["version"], kind="npm", licence=one["licence"])


def component(*, name: str, version: str, kind: str, licence: str) -> Component:
    """Return one component of a registry."""
    namespace, _, short = name.rpartition("/")
    made = Component(
        name=short,
        group=namespace or None,
        version=version,
        type=ComponentType.LIBRARY,
        purl=PackageURL(kind, namespace or None, short, version),
        bom_ref=f"{kind}:{name}@{version}",
    )
    if licence:
        made.licenses.update([LicenseFactory().make_from_string(licence)])
    return made


def licence_of(name: str) -> str:
    """Return what a package says of its licence, as exactly as it says it; empty where it is not here."""
    try:
        said = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
    if expression := said.get("License-Expression"):
        return expression
    named = [one.rpartition(" :: ")[2] for one in said.get_all("Classifier", []) if one.startswith("License ::")]
    plain = (said.get("License") or "").strip().split("\n")[0]
    return named[0] if named else plain[:80]


if __name__ == "__main__":
    sys.exit(main())
