"""Pages of transfers: they gate, parse, act, answer."""
