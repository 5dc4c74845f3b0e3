"""What the benchmarks of the live stream share: a running site, its members, an efficient client, the report."""
