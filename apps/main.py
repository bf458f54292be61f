"""`vidprop`: the commands, and what the exit status of the process means.

0 done, 1 an error that is told in one line, 2 wrong usage, 130 interrupted.
"""

import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version as version_of
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from vidprop.errors import Interrupted, VidpropError


@dataclass(frozen=True)
class Row:
    """A command: what it does, and which of its options take every value up to the next one."""

    summary: str
    many: tuple[str, ...] = ()


# A module of this folder each, with `app`, or with `command` and perhaps `HELP`.
COMMANDS = {
    "colorize": Row("Colour a clip from painted key frames.", ("--keyframes", "--hints")),
    "hdr": Row("Make an HDR clip from HDR key frames.", ("--keyframes",)),
    "densify": Row("Colour one picture from a few points or strokes.", ("--hints",)),
    "keyframes": Row("Write the frames of a clip that are worth painting."),
    "evaluate": Row("Score methods where the answer is known."),
    "train": Row("Learn the networks' weights."),
    "doctor": Row("Say what is installed and usable, and what would mend the rest."),
}


class _Commands(TyperGroup):
    """Imports a command's module when that command is run, and not to list it."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, name: str) -> Any:
        return _Listed(name, help=COMMANDS[name].summary) if name in COMMANDS else None


class _Listed(TyperCommand):
    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        return _loaded(str(self.name)).make_context(info_name, args, parent, **extra)


def _loaded(name: str) -> Any:
    module = import_module(f"{__package__}.{name}")
    program = getattr(module, "app", None)
    if program is None:
        from ._options import many

        program = typer.Typer(add_completion=False)
        row = COMMANDS[name]
        cls = many(*row.many) if row.many else None
        program.command(name, help=getattr(module, "HELP", row.summary), cls=cls)(module.command)
    return typer.main.get_command(program)


def _tell_version(wanted: bool) -> None:
    if wanted:
        print(version_of("vidprop"))
        raise typer.Exit


app = typer.Typer(cls=_Commands, no_args_is_help=True, add_completion=False)


@app.callback(help="Carry an edit made on a few key frames of a video to every frame.")
def _vidprop(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Which one.")
    ] = False,
) -> None:
    pass


def run(argv: list[str] | None = None) -> int:
    """Run the command that `argv` names; returns the exit status."""
    try:
        typer.main.get_command(app).main(args=argv, prog_name="vidprop")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Interrupted as stop:
        return _tell(stop, 130)
    except VidpropError as error:
        return _tell(error, 1)
    return 0


def _tell(error: VidpropError, status: int) -> int:
    print(f"vidprop: {' '.join(str(error).split())}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(run())
