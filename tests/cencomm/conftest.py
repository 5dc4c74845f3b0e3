"""Fixtures of the tests of set-up."""

from tests.cencomm.site import site

__all__ = ["site"]
