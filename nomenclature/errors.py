"""Refusals of nomenclature. The docstring is the sentence a user reads; the code typed in is never repeated."""

from __future__ import annotations

from problems import Refusal

__all__ = ["BadCode", "BadQuery", "UnknownCode", "UnknownList", "WrongCheckDigit"]


class BadCode(Refusal):
    """This code does not have the right form."""

    code = "bad_code"
    status = 422


class WrongCheckDigit(BadCode):
    """The check digit does not fit: compare the code with the original, character by character."""

    code = "wrong_check_digit"


class UnknownCode(BadCode):
    """This code is not in its list: search for it by name."""

    code = "unknown_code"


class UnknownList(Refusal):
    """There is no such code list."""

    code = "unknown_list"
    status = 404


class BadQuery(Refusal):
    """This search cannot be run: shorten the text and check the parameters."""

    code = "bad_query"
    status = 400
