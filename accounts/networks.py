"""What counts as one address wherever tries are counted by address: the least that one person can change at will.

What must not live here: counting (`tries`, `actions.sign_in`), and the address of a request (`web_session`).
"""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address

HOUSEHOLD = 64  # bits: whoever has one IPv6 address has the 2^64 beside it as well (RFC 6177, RFC 4291 2.5.1)


def network_of(address: str) -> str:
    """Return an IPv4 address as it is, of an IPv6 address its /64, "" for what is no address.

    An IPv4 client of a socket that takes both kinds comes as `::ffff:a.b.c.d`: all of them share one /64.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((found.packed, HOUSEHOLD), strict=False))
