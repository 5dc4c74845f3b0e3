"""`python -m cencomm …`: see `cencomm.cli`."""

from __future__ import annotations

from cencomm.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
