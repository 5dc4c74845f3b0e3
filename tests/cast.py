"""The people of the tests: one per role, a removed member, and a stranger. Each test says whom it needs."""

from __future__ import annotations
