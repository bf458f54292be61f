"""Options that several commands share, and how their texts are read."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from vidprop.errors import InputError, VideoError
from vidprop.video import probe_video

Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an output that is there.")]
Size = Annotated[
    int, typer.Option(help="Lines at which colour is worked out; the output keeps its size.")
]
Start = Annotated[
    str | None, typer.Option(help="First frame: a number, seconds (2.5s) or a time (1:02.5).")
]
End = Annotated[str | None, typer.Option(help="One past the last frame, in the same ways.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="After a failure, tell all that ffmpeg said.")
]
Weights = Annotated[Path | None, typer.Option(help="A network other than the one shipped.")]


@contextmanager
def last_words(verbose: bool) -> Iterator[None]:
    """Tell what ffmpeg said before an error goes on its way."""
    try:
        yield
    except VideoError as error:
        if verbose and error.details:
            typer.echo(error.details, err=True)
        raise


def many(*names: str) -> type[TyperCommand]:
    """A command whose options of these names take every value up to the next option."""

    class Command(TyperCommand):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            return super().parse_args(ctx, repeated(args, names))

    return Command


def repeated(arguments: list[str], names: tuple[str, ...]) -> list[str]:
    """`--keyframes A B` as `--keyframes A --keyframes B`."""
    result: list[str] = []
    current: str | None = None
    fresh = False
    for argument in arguments:
        if argument.startswith("-") and argument != "-":
            current, fresh = (argument if argument in names else None), True
            result.append(argument)
            continue
        result += [argument] if fresh or current is None else [current, argument]
        fresh = False
    return result


def excerpt(clip: Path, start: str | None, end: str | None) -> tuple[int, int | None]:
    """The numbers of the first frame and of the one past the last, None for the end."""
    if start is None and end is None:
        return 0, None
    rate = float(probe_video(clip).frame_rate)
    return frame_number(start, rate) or 0, frame_number(end, rate)


def frame_number(text: str | None, frame_rate: float) -> int | None:
    """A frame number from `120`, `5s`, `1:02.5` or `0:01:02`.

    Raises:
        InputError: it is none of these.
    """
    if text is None:
        return None
    if re.fullmatch(r"\d+", text):
        return int(text)
    if seconds := re.fullmatch(r"(\d+(?:\.\d*)?)s", text):
        return round(float(seconds[1]) * frame_rate)
    if re.fullmatch(r"(\d+:){1,2}\d+(\.\d*)?", text):
        total = 0.0
        for part in text.split(":"):
            total = total * 60 + float(part)
        return round(total * frame_rate)
    raise InputError(f"{text!r} is no frame number (120), seconds (5s) or time (1:02.5)")
