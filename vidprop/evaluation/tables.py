"""Scores as tables to read, in Markdown, and as JSON to keep."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

# What each figure is called, and how it is written.
_FIGURES: Mapping[str, tuple[str, str]] = {
    "psnr": ("PSNR, dB", ".2f"),
    "delta_e": ("delta E 2000", ".2f"),
    "cdc": ("CDC", ".6f"),
    "warp_error": ("warp error", ".6f"),
    "pu21_psnr": ("PU21 PSNR, dB", ".2f"),
    "log_rmse": ("log2 RMSE, stops", ".3f"),
    "clipped_log_rmse": ("the same where clipped", ".3f"),
    "delta_e_itp": ("delta E ITP", ".2f"),
    "flicker": ("flicker, stops", ".3f"),
    "change": ("change along the flow, of the truth's", ".2f"),
    "seconds": ("seconds a frame", ".4f"),
}
_MEAN = "mean"


def report(scores: Sequence[Any]) -> str:
    """A table of each figure, a row a clip and their mean, then one of all means."""
    figures = _figures(scores)
    tables = [f"### {_FIGURES[name][0]}\n\n{clip_table(scores, name)}" for name in figures]
    return "\n\n".join([*tables, f"### Means\n\n{mean_table(scores)}"])


def clip_table(scores: Sequence[Any], figure: str) -> str:
    """One figure: a row a clip, a column a method, and the mean over the clips."""
    methods = _names(score.method for score in scores)
    values = {(score.clip, score.method): getattr(score, figure) for score in scores}
    form = _FIGURES[figure][1]
    rows = [
        [clip, *(_written(values.get((clip, method)), form) for method in methods)]
        for clip in _names(score.clip for score in scores)
    ]
    means = [_written(_mean(scores, method, figure), form) for method in methods]
    return markdown_table(["clip", *methods], [*rows, [_MEAN, *means]])


def mean_table(scores: Sequence[Any]) -> str:
    """A row a method, a column a figure: means over the clips, each clip with equal weight."""
    figures = _figures(scores)
    rows = [
        [method, *(_written(_mean(scores, method, name), _FIGURES[name][1]) for name in figures)]
        for method in _names(score.method for score in scores)
    ]
    return markdown_table(["method", *(_FIGURES[name][0] for name in figures)], rows)


def to_json(scores: Sequence[Any], settings: Mapping[str, object]) -> str:
    """Settings, every score, and the means by method."""
    methods = _names(score.method for score in scores)
    means = {m: {f: _mean(scores, m, f) for f in _figures(scores)} for m in methods}
    content = {"settings": settings, "means": means, "scores": [asdict(s) for s in scores]}
    return json.dumps(content, indent=1)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns line up as plain text too; all but the first are right-aligned."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_line(cells, widths) for cells in (header, rule, *rows))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    written = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
    return f"| {' | '.join(written)} |"


def _figures(scores: Sequence[Any]) -> list[str]:
    return [name for name in _FIGURES if scores and hasattr(scores[0], name)]


def _names(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _mean(scores: Sequence[Any], method: str, figure: str) -> float:
    return fmean(getattr(score, figure) for score in scores if score.method == method)


def _written(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
