"""`bin/cencomm audit …`: verify the trail, export it, prove it to others, be another administration's witness."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from cencomm.attachment import attached
from cencomm.cli_errors import CommandRefused
from cencomm.data_folder import DataFolder

FOUND = 2  # the exit code when the trail is not sound


def add_audit(commands: argparse._SubParsersAction[argparse.ArgumentParser], data: argparse.ArgumentParser) -> None:
    """Declare the command and its parts."""
    audit = commands.add_parser("audit", help="verify the audit trail, export it, cosign another's")
    parts = audit.add_subparsers(dest="audit_command", required=True, metavar="PART")
    verify = parts.add_parser("verify", parents=[data], help="check every entry, the tree, and what was signed")
    verify.add_argument(
        "--checkpoints", action="append", default=[], metavar="FILE", help="a copy kept elsewhere; repeatable"
    )
    proof = parts.add_parser("proof", help="check the proof of one entry that the audit page gave")
    proof.add_argument("file", metavar="FILE")
    proof.add_argument("--key", required=True, help="the log's public key, as `audit key` prints it")
    export = parts.add_parser("export", parents=[data], help="write every entry as a line of JSON")
    export.add_argument("file", metavar="FILE")
    request = parts.add_parser(
        "request", parents=[data], help="print what a witness needs to cosign the newest state"
    )
    request.add_argument("--since", type=int, default=0, metavar="SIZE", help="the size that the witness knows")
    parts.add_parser("key", parents=[data], help="print the public keys of this log, newest last")
    witness = parts.add_parser("witness", help="check another's request, cosign its checkpoint, remember it")
    witness.add_argument("file", metavar="REQUEST", help="what `audit request` printed there; - for standard input")
    witness.add_argument("--folder", required=True, metavar="DIR", help="the witness's own key and memory")
    witness.add_argument("--name", help="the witness's name in its signatures (first use)")
    witness.add_argument("--key", help="the log's public key (first use for this log)")
    restored = parts.add_parser(
        "declare-restore", parents=[data], help="go on after a restore from a backup that lost entries"
    )
    restored.add_argument(
        "--size", type=int, required=True, help="how many sealed entries are left, as verify says"
    )


def run_audit(options: argparse.Namespace) -> int:
    """Run one part of the command."""
    if options.audit_command == "witness":
        return _witness(options)
    if options.audit_command == "proof":
        return _check_proof(options)
    with attached(DataFolder(options.data)):
        import django

        django.setup()
        return {
            "verify": _verify, "export": _export, "request": _request, "key": _keys,
            "declare-restore": _declare_restore,
        }[options.audit_command](options)  # fmt: skip


def _verify(options: argparse.Namespace) -> int:
    from audit.anchors import AnchorFile
    from cencomm.audit_trail import verify_now

    copies = [Path(name) for name in options.checkpoints]
    for copy in copies:
        if not copy.is_file():
            message = f"{copy} cannot be read."
            raise CommandRefused(message)
    report = verify_now([AnchorFile(copy) for copy in copies])
    print(f"{report.size} sealed entries, {report.unsealed} waiting, {report.checkpoints} signed states compared.")
    print(f"Root: {report.root.hex() or 'none'}")
    for notice in report.notices:
        print(f"Note: {notice}")
    for finding in report.findings:
        print(f"{finding.kind.upper()}: {finding.text}")
    for kind, count in report.counts.items():
        told = sum(one.kind == kind for one in report.findings)
        if count > told:
            print(f"{kind.upper()}: and {count - told} more.")
    print(
        "The trail is sound."
        if report.is_sound
        else "The trail is NOT sound: keep everything as it is, and ask why."
    )
    return 0 if report.is_sound else FOUND


def _check_proof(options: argparse.Namespace) -> int:
    from audit.checkpoints import NotACheckpoint, read_checkpoint, read_proof
    from audit.merkle import leaf_hash, root_by_inclusion
    from vault import NoteBroken, VerifierKey, opened_note

    try:
        proof = read_proof(_read(options.file))
        state = read_checkpoint(opened_note(proof.note, VerifierKey.parse(options.key)))
    except (NotACheckpoint, NoteBroken) as error:
        message = f"{options.file} is no proof signed by this key."
        raise CommandRefused(message, code=FOUND) from error
    if root_by_inclusion(leaf_hash(proof.leaf), proof.position, state.size, proof.path) != state.root:
        message = "The entry is not in the tree that was signed."
        raise CommandRefused(message, code=FOUND)
    print(proof.leaf.decode())
    print(f"This entry stands at place {proof.position} of the {state.size} entries that {state.origin} signed.")
    return 0


def _export(options: argparse.Namespace) -> int:
    from audit.queries import sealed_leaves

    count = 0
    descriptor = os.open(options.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        for leaf in sealed_leaves():
            handle.write(leaf + b"\n")
            count += 1
    print(f"{count} sealed entries, in the order of the tree: {options.file}")
    return 0


def _request(options: argparse.Namespace) -> int:
    from audit.queries import witness_request

    text = witness_request(options.since)
    if text is None:
        message = f"The log has not {options.since} entries, or none yet."
        raise CommandRefused(message)
    sys.stdout.write(text)
    return 0


def _keys(_options: argparse.Namespace) -> int:
    from cencomm.audit_trail import anchors, verifier_keys

    for key in verifier_keys(anchors().generation):
        print(key)
    return 0


def _declare_restore(options: argparse.Namespace) -> int:
    from audit.sealing import newest_state
    from cencomm.audit_trail import anchors

    file, found = anchors(), newest_state()
    size = found[0].size if found else 0
    known = file.newest
    if known is None or known.size <= size:
        message = "Nothing that was signed is missing: there is no restore to declare."
        raise CommandRefused(message)
    if options.size != size:
        message = f"The database has {size} sealed entries, not {options.size}: see `bin/cencomm audit verify`."
        raise CommandRefused(message)
    file.declare_restored(size)
    print(f"{known.size - size} entries are gone. The trail goes on as a log of a new name: tell its witnesses.")
    return 0


def _witness(options: argparse.Namespace) -> int:
    from cencomm.witness import Witness, WitnessRefused

    try:
        witness = Witness(Path(options.folder), name=options.name)
        note = witness.cosign(_read(options.file), key=options.key, at=int(time.time()))
    except WitnessRefused as refused:
        raise CommandRefused(str(refused), code=FOUND) from refused
    sys.stdout.write(note)
    return 0


def _read(name: str) -> str:
    if name == "-":
        return sys.stdin.read()
    path = Path(name)
    if not path.is_file():
        message = f"{path} cannot be read."
        raise CommandRefused(message)
    return path.read_text(encoding="utf-8", errors="replace")
