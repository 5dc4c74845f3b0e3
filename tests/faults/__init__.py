"""The fault suite: real processes, real clients, seeded faults, and the check of every promise afterwards.

`bin/cencomm drill` runs it long, the tests here run it short. See docs/faults.md. What must not live here: anything
that the product needs, and any switch inside the product.
"""
