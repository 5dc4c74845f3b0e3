"""The command line: which commands there are, and the way from a mistake to a sentence.

Each command's work lives in a module of its own (`cli_up`, `cli_doctor`, …), loaded only when it is asked for.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence

from cencomm import __version__
from cencomm.cli_audit import add_audit
from cencomm.cli_keys import add_keys

# Django's commands that need no database; every other one gets the databases of the data folder.
WITHOUT_DATABASE = {
    "check", "collectstatic", "compilemessages", "help", "makemessages", "startapp", "findstatic",
}  # fmt: skip
# Those that change tables run as the owner of the databases.
AS_OWNER = {"migrate", "prepare_databases", "grant_application_roles", "sqlmigrate", "showmigrations"}
# Those that start together with their databases wait for them.
WAITING = {"prepare_databases", "procrastinate", "work"}

MENDABLE = {
    errno.ENOSPC: "The disk is full",
    errno.EDQUOT: "The disk is full",
    errno.EROFS: "The disk can only be read",
    errno.EACCES: "This user may not read or write there",
    errno.EPERM: "This user may not do that",
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every command but `manage` and `test`, whose arguments belong to others."""
    from cencomm import cli_drill

    parser = argparse.ArgumentParser(
        prog="bin/cencomm",
        description="CENcomm: a secure room for joint customs operations, and the path of each seizure into CEN.",
        epilog="bin/cencomm help COMMAND says more about one command.",
    )
    parser.add_argument("--version", action="version", version=f"CENcomm {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    data = argparse.ArgumentParser(add_help=False)
    data.add_argument("--data", metavar="DIR", help="the data folder (default: CENCOMM_DATA, or below your home)")
    _add_serving(commands, data)
    _add_people(commands, data)
    add_audit(commands, data)
    add_keys(commands, data)
    tests = commands.add_parser("test", help="run the tests; what follows goes to pytest", add_help=False)
    tests.add_argument("arguments", nargs=argparse.REMAINDER)
    bench = commands.add_parser("bench", help="measure: fanout, storm, post, …", add_help=False)
    bench.add_argument("arguments", nargs=argparse.REMAINDER)
    drill = commands.add_parser("drill", help="try every promise under faults, on a site of its own; or a soak")
    cli_drill.add_options(drill)
    manage = commands.add_parser("manage", help="run one of Django's commands on the data folder", add_help=False)
    manage.add_argument("arguments", nargs=argparse.REMAINDER)
    helper = commands.add_parser("help", help="say what a command does")
    helper.add_argument("about", nargs="?", metavar="COMMAND")
    return parser


def _add_serving(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], data: argparse.ArgumentParser
) -> None:
    up = commands.add_parser("up", parents=[data], help="prepare and start everything on this machine")
    up.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    up.add_argument("--port", type=port_number, default=8000, help="the port to listen on (default: %(default)s)")
    up.add_argument("--no-demo", action="store_true", help="load no invented demo operation into a new folder")
    up.add_argument("--workers", type=int, default=1, metavar="N", help="web processes (default: %(default)s)")
    commands.add_parser("restart", parents=[data], help="replace the running processes without losing anybody")
    serve = commands.add_parser("serve", help="run one web process (production; the databases are elsewhere)")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=port_number, default=8000)
    serve.add_argument("--listener", type=int, help=argparse.SUPPRESS)
    serve.add_argument("--ready", type=int, help=argparse.SUPPRESS)
    health = commands.add_parser("health", help="ask a running web process whether it is ready; exit code 0 if so")
    health.add_argument("--host", default="127.0.0.1")
    health.add_argument("--port", type=port_number, default=8000)
    doctor = commands.add_parser("doctor", parents=[data], help="check all that can be wrong, say how to mend it")
    doctor.add_argument("--port", type=port_number, default=8000)


def _add_people(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], data: argparse.ArgumentParser
) -> None:
    code = commands.add_parser("code", parents=[data], help="print the current code of a demo identity")
    code.add_argument("email", metavar="EMAIL")
    token = commands.add_parser("token", help="make access tokens for programs").add_subparsers(
        dest="token_command", required=True, metavar="create"
    )
    create = token.add_parser("create", parents=[data], help="make a token and print it, once")
    whose = create.add_mutually_exclusive_group(required=True)
    whose.add_argument("--officer", metavar="EMAIL", help="in whose name the program acts")
    whose.add_argument("--system", metavar="NAME", help="a client system of CEN that acts in nobody's name")
    create.add_argument("--name", required=True, help="what the token is for")
    create.add_argument("--scope", action="append", default=[], metavar="SCOPE", help="what it may do; repeatable")
    create.add_argument("--days", type=int, default=90, help="how long it works (default: %(default)s)")


def port_number(text: str) -> int:
    """Return the port that `text` names."""
    if not text.isdigit() or not 0 < int(text) < 65536:
        message = f"{text} is no port: give a number from 1 to 65535"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; what a person can mend is told in a sentence, without a trace."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    from cencomm.cli_errors import CommandRefused
    from cencomm.data_folder import DataFolderError
    from cencomm.embedded import EmbeddedPostgresError

    try:
        return run(words)
    except (CommandRefused, DataFolderError, EmbeddedPostgresError) as error:
        sys.stderr.write(f"CENcomm: {error}\n")
        return error.code if isinstance(error, CommandRefused) else 73
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except OSError as error:
        if error.errno not in MENDABLE:
            raise
        sys.stderr.write(f"CENcomm: {MENDABLE[error.errno]}: {error.filename or 'while writing'}.\n")
        return 73


def run(words: list[str]) -> int:
    """Run the command that the words name."""
    if words[:1] == ["manage"]:
        return run_manage(words[1:])
    if words[:1] == ["test"]:
        from cencomm.cli_test import run_tests

        return run_tests(words[1:])
    if words[:1] == ["bench"]:
        from cencomm.cli_bench import run_bench

        return run_bench(words[1:])
    parser = build_parser()
    return dispatch(parser, parser.parse_args(words))


def dispatch(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Run the command that was parsed."""
    from cencomm import cli_audit, cli_doctor, cli_drill, cli_health, cli_keys, cli_people, cli_restart, cli_up
    from cencomm.serve import serve

    commands: dict[str, Callable[[], int]] = {
        "up": lambda: cli_up.run_up(options),
        "restart": lambda: cli_restart.run_restart(options),
        "serve": lambda: serve(
            host=options.host, port=options.port, listener=options.listener, ready=options.ready
        ),
        "health": lambda: cli_health.ask_health(options.host, options.port),
        "doctor": lambda: cli_doctor.run_doctor(options),
        "code": lambda: cli_people.print_code(options),
        "token": lambda: cli_people.create_token(options),
        "audit": lambda: cli_audit.run_audit(options),
        "keys": lambda: cli_keys.run_keys(options),
        "drill": lambda: cli_drill.run_drill(options),
    }
    if options.command in commands:
        return commands[options.command]()
    if options.command == "help" and options.about:
        parser.parse_args([options.about, "--help"])
    parser.print_help()
    return 0


def run_manage(words: list[str]) -> int:
    """Run one of Django's commands; `--data DIR` before it names the data folder."""
    from cencomm.attachment import attached
    from cencomm.data_folder import DataFolder

    folder = DataFolder(None)
    if words[:1] == ["--data"] and len(words) > 1:
        folder, words = DataFolder(words[1]), words[2:]
    elif words and words[0].startswith("--data="):
        folder, words = DataFolder(words[0].removeprefix("--data=")), words[1:]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cencomm.settings")
    os.environ["CENCOMM_DATA"] = str(folder.path)
    command = words[0] if words else "help"
    line = ["bin/cencomm manage", *words]
    unneeded = command in WITHOUT_DATABASE or (command == "makemigrations" and folder.is_new)
    if unneeded or command.startswith("-") or {"-h", "--help"} & set(words):
        if not folder.secret_key_file.exists():
            os.environ.setdefault("CENCOMM_SECRET_KEY", "for commands that sign nothing; " + "-" * 40)
        return execute(line)
    with attached(folder, owner=command in AS_OWNER):
        if command in WAITING and (code := wait_for_databases()):
            return code
        return execute(line) if command in AS_OWNER else execute_watched(line)


def wait_for_databases() -> int:
    """Wait for databases that start at the same time as this; return 0, or the exit code when they did not come."""
    import django

    django.setup()
    from cencomm import serve, waiting

    absent = waiting.wait_for_databases(seconds=waiting.patience())
    serve.refuse([f"The {name} does not answer: {reason}." for name, reason in absent.items()])
    return serve.NO_DATABASE if absent else 0


def execute_watched(line: list[str]) -> int:
    """Give a command line to Django, of one that may read or write the streams of groups."""
    import django

    django.setup()
    from messaging.history import stop_watching, watch

    watch()
    try:
        return execute(line)
    finally:
        stop_watching()


def execute(line: list[str]) -> int:
    """Give a command line to Django."""
    from django.core.management import execute_from_command_line

    execute_from_command_line(line)
    return 0
