"""The composition root: settings, addresses, the command line. The only package that knows every app."""

__version__ = "0.1.0"
