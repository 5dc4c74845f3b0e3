"""The chat's table."""
