"""The signed state of a challenge: one key, one algorithm, one purpose; whatever else calls itself one is none."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.core import signing

from accounts.challenges import SALT, Challenge, Purpose, begin, challenge_bytes, check
from accounts.errors import ChallengeExpired

WANTED = Challenge(Purpose.STEP_UP, uuid4(), uuid4(), "0" * 64)


def content_of(state: str) -> dict[str, str]:
    """Return what a state says: that is no secret, and it names no key and no algorithm."""
    content: dict[str, str] = signing.loads(state, salt=SALT)
    return content


FORGERIES: dict[str, Callable[[str], str]] = {
    "another key": lambda state: signing.dumps(content_of(state), key="k" * 50, salt=SALT),
    "another purpose of the same key": lambda state: signing.dumps(content_of(state), salt="django.core.signing"),
    "a weaker algorithm": lambda state: signing.TimestampSigner(salt=SALT, algorithm="sha1").sign(
        state.partition(":")[0]
    ),
    "no signature": lambda state: state.rsplit(":", 1)[0],
    "an empty signature": lambda state: state.rsplit(":", 1)[0] + ":",
    "a token that says it is not signed": lambda _state: "eyJhbGciOiJub25lIn0.e30.",
    "a changed word": lambda state: state[:3] + ("A" if state[3] != "A" else "B") + state[4:],
    "nothing": lambda _state: "",
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_only_what_this_installation_signed_for_this_is_a_challenge(forgery: str) -> None:
    state = begin(WANTED)
    check(state, WANTED)
    with pytest.raises(ChallengeExpired):
        check(FORGERIES[forgery](state), WANTED)


def test_signature_is_hmac_with_sha256() -> None:
    _content, _time, signature = begin(WANTED).split(":")
    assert len(signing.b64_decode(signature.encode())) == 32


def test_every_challenge_has_128_random_bits() -> None:
    states = [begin(WANTED) for _ in range(50)]
    drawn = {content_of(state)["n"] for state in states}
    assert len(drawn) == 50
    assert {len(bytes.fromhex(one)) for one in drawn} == {16}
    assert len({challenge_bytes(state) for state in states}) == 50
