"""What became of a clip, as one HTML file that needs nothing else."""

import base64
from html import escape
from pathlib import Path

import numpy as np

from .advice import frames_to_paint
from .contract import Array
from .gallery import Gallery, Picture, jpeg
from .outcome import Outcome
from .store import writing

_PLOT_WIDTH, _PLOT_HEIGHT = 960, 160

_MADE_BY = '<meta name="generator" content="vidprop">'
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 2em auto; padding: 0 1em;
       color: #222; background: #fff; }
h1 { font-size: 1.4em; } h2 { font-size: 1.1em; margin-top: 2em; }
img.wide { width: 100%; }
figure { display: inline-block; margin: 0 12px 12px 0; vertical-align: top; width: 192px; }
figure img { width: 100%; display: block; } figcaption { font-size: 13px; color: #555; }
svg { width: 100%; height: auto; background: #f6f6f4; } table { border-collapse: collapse; }
td, th { text-align: left; padding: 2px 16px 2px 0; } .none { color: #a33; }
"""


def write_report(path: Path, outcome: Outcome) -> None:
    """Write the report of an outcome.

    Raises:
        EncodeError: the file cannot be written.
    """
    with writing(path) as temporary:
        temporary.write_text(report(outcome), encoding="utf-8")


def is_report(path: Path) -> bool:
    """Whether a file is a report of ours, which another may replace."""
    try:
        return _MADE_BY in path.read_text(encoding="utf-8")[:500]
    except (OSError, UnicodeDecodeError):
        return False


def report(outcome: Outcome) -> str:
    """The report as HTML."""
    title = escape(outcome.output.name)
    parts = (_summary, _before_after, _plot, _advice, _keys, _shots)
    sections = [part(outcome) for part in parts]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{_MADE_BY}'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>{''.join(sections)}</body></html>\n"
    )


def _summary(outcome: Outcome) -> str:
    frames = outcome.frames
    mean = float(outcome.confidence.mean()) if len(outcome.confidence) else 0.0
    return (
        f"<p>{len(frames)} frames ({frames.start} to {frames.stop - 1}), "
        f"{len(outcome.keys)} key frames, {len(outcome.shots)} shots; "
        f"mean confidence {mean:.2f} of 1.</p>"
    )


def _before_after(outcome: Outcome) -> str:
    if outcome.before_after is None:
        return ""
    return f'<p><img class="wide" src="{_data(outcome.before_after)}" alt="before and after"></p>'


def _plot(outcome: Outcome) -> str:
    """Confidence over time, the least of the frames that share a column."""
    lows = _columns(outcome.confidence)
    step = _PLOT_WIDTH / len(lows)
    points = " ".join(
        f"{(place + 0.5) * step:.1f},{_PLOT_HEIGHT * (1 - low):.1f}"
        for place, low in enumerate(lows)
    )
    keys = "".join(_mark(outcome, number, "#2a7", "") for number in outcome.keys)
    cuts = "".join(_mark(outcome, shot.start, "#999", "4 3") for shot in outcome.shots[1:])
    return (
        "<h2>Confidence of each frame</h2>"
        f'<svg viewBox="0 0 {_PLOT_WIDTH} {_PLOT_HEIGHT}" role="img">{cuts}{keys}'
        f'<polyline points="{points}" fill="none" stroke="#26c" stroke-width="1.5"/></svg>'
        "<p>Green: key frames. Dashed: cuts. Where the line is low, another key frame helps.</p>"
    )


def _columns(confidence: Array) -> list[float]:
    parts = np.array_split(confidence, max(1, min(len(confidence), _PLOT_WIDTH)))
    return [float(part.min()) for part in parts if part.size] or [0.0]


def _mark(outcome: Outcome, frame: int, colour: str, dashes: str) -> str:
    x = (frame - outcome.frames.start + 0.5) * _PLOT_WIDTH / len(outcome.frames)
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{_PLOT_HEIGHT}" stroke="{colour}" '
        f'stroke-dasharray="{dashes}"><title>frame {frame}</title></line>'
    )


def _advice(outcome: Outcome) -> str:
    start = outcome.frames.start
    keys = [number - start for number in outcome.keys]
    chosen = [place + start for place in frames_to_paint(outcome.confidence, keys)]
    figures = [
        _figure(outcome.gallery, n, f"frame {n}, confidence {outcome.confidence[n - start]:.2f}")
        for n in chosen
    ]
    return "<h2>Frames that deserve another key frame</h2>" + "".join(figures)


def _keys(outcome: Outcome) -> str:
    found = set(outcome.found.values())
    figures = []
    for number, name in outcome.keys.items():
        place = " (found by its look)" if number in found else ""
        figures.append(_figure(outcome.gallery, number, f"frame {number}: {name}{place}"))
    unused = ", ".join(str(number) for number in outcome.unused)
    note = f"<p>Outside the excerpt, not used: {unused}.</p>" if unused else ""
    return "<h2>Key frames</h2>" + "".join(figures) + note


def _shots(outcome: Outcome) -> str:
    lent = {loan.shot: loan for loan in outcome.borrowed}
    rows = []
    for shot in outcome.shots:
        keys = ", ".join(str(n) for n in outcome.keys if n in shot)
        if shot in lent:
            keys = f"borrowed: {lent[shot].number}, for frame {lent[shot].meeting} first"
        keys = keys or '<span class="none">none: left grey</span>'
        rows.append(f"<tr><td>{shot.start} to {shot.stop - 1}</td><td>{keys}</td></tr>")
    return (
        "<h2>Shots</h2><table><tr><th>frames</th><th>key frames</th></tr>"
        + "".join(rows)
        + "</table>"
    )


def _figure(gallery: Gallery, frame: int, caption: str) -> str:
    nearest = gallery.nearest(frame)
    image = ""
    if nearest is not None:
        image = f'<img src="{_data(gallery.pictures[nearest])}" alt="frame {nearest}">'
    return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"


def _data(picture: Picture) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(picture)).decode()
