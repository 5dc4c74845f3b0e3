"""`manage import_seizures`: a file of another system into a group, and on into CEN. See docs/import.md."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Officer
from exports.importing.ledger import write_report
from exports.importing.mapping_file import known_mappings, load_mapping
from exports.importing.reading import SourceFile
from exports.importing.running import Wishes, import_file, try_out_file
from exports.importing.summary import summary_of
from groups.access import Right
from groups.gates import member_of
from groups.models import ClosedUserGroup, Membership
from problems import Refusal


class Command(BaseCommand):
    """Post the rows of a file as seizure messages; validate and transfer them, if asked to; compare both sides."""

    help = "Take seizures from a file into a group and on into CEN, by a mapping file. Safe to run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--group", required=True, metavar="CODE", help="code of the group")
        parser.add_argument("--officer", required=True, metavar="EMAIL", help="member who sends the messages")
        parser.add_argument("--mapping", required=True, help=f"{', '.join(known_mappings())}, or a .toml file")
        parser.add_argument("--file", required=True, type=Path, metavar="PATH", help="the file, plain or gzipped")
        parser.add_argument("--validate-by", metavar="EMAIL", help="coordinator or analyst who validates all rows")
        parser.add_argument("--transfer-by", metavar="EMAIL", help="coordinator who transfers what is ready")
        parser.add_argument(
            "--keep-duplicates", action="store_true", help="decide that possible duplicates are none"
        )
        parser.add_argument(
            "--not-nominal", action="store_true", help="decide that no text names a person or a company"
        )
        parser.add_argument("--report", type=Path, metavar="PATH", help="write the rows not accepted here, as CSV")
        parser.add_argument("--dry-run", action="store_true", help="map and check every row, write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run, mapping = self._run(options)
        except Refusal as refusal:
            raise CommandError(_sentence(refusal)) from None
        if options["report"]:
            write_report(options["report"], run.ledger.refused)
        self.stdout.write(summary_of(run, mapping, dry=options["dry_run"], report=options["report"]))
        if run.comparison is not None and not run.comparison.equal:
            raise CommandError("CEN does not hold what the file says: see above.")

    def _run(self, options: dict[str, Any]) -> Any:
        mapping = load_mapping(options["mapping"])
        source = SourceFile(options["file"], mapping)
        sender = _member(options["group"], options["officer"], Right.POST_SEIZURE)
        if options["dry_run"]:
            return try_out_file(sender, mapping, source), mapping
        validating, transferring = options["validate_by"], options["transfer_by"]
        kinds = {"duplicate": options["keep_duplicates"], "nominal": options["not_nominal"]}
        wishes = Wishes(
            validating=_member(options["group"], validating, Right.VALIDATE_ALL) if validating else None,
            transferring=_member(options["group"], transferring, Right.TRANSFER) if transferring else None,
            resolving=[kind for kind, wished in kinds.items() if wished],
        )
        return import_file(sender, mapping, source, wishes=wishes), mapping


def _member(code: str, email: str, right: Right) -> Membership:
    group = ClosedUserGroup.objects.filter(code=code).only("pk").first()
    officer = Officer.objects.filter(email__iexact=email).first()
    if group is None:
        raise CommandError(f"There is no group {code}.")
    if officer is None:
        raise CommandError(f"There is no officer {email}.")
    try:
        return member_of(officer, group.pk, right)
    except Refusal as refusal:
        raise CommandError(f"{email} in {code}: {_sentence(refusal)}") from None


def _sentence(refusal: Refusal) -> str:
    return refusal.detail
