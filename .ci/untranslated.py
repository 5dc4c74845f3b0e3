"""Name every message of the catalogues below a folder that has no translation; exit code 1 when there is one."""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.pofile import read_po


def main(folder: Path) -> int:
    """Print `language: message` for each missing or doubtful translation."""
    missing = 0
    for path in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        with path.open("rb") as source:
            catalogue = read_po(source)
        for message in catalogue:
            strings = message.string if isinstance(message.string, tuple | list) else [message.string]
            if message.id and (message.fuzzy or not all(strings)):
                missing += 1
                sys.stderr.write(f"{path.parts[-3]} {path.stem}: not translated: {message.id!r}\n")
    sys.stdout.write(f"{missing} messages without a translation.\n")
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
