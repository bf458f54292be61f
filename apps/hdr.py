"""`vidprop hdr`: an LDR clip and HDR key frames go in, an HDR clip comes out."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from vidprop.edits.keyfiles import key_files
from vidprop.propagation import HdrJob, HdrOutcome, Reading, Wishes, expand

from ._options import Device, End, Overwrite, Size, Start, Weights, excerpt
from ._progress import ProgressBars

HELP = """Make an HDR clip from an LDR one and a few HDR key frames.

Where a frame is well exposed it keeps following the clip, by the camera's curve, which is
found from the key frames; where it is clipped or black, radiance comes from the key frames.

Examples:

  vidprop hdr clip.mp4 --keyframes keys/ -o "hdr/%05d.exr"

  vidprop hdr clip.mp4 --keyframes 0=first.exr 20=second.exr -o hdr10.mp4

  vidprop hdr clip.mov --keyframes keys/ -o hlg.mp4 --transfer hlg --peak-nits 1000

  vidprop hdr clip.mov --keyframes keys/ -o master.mov --codec prores --picture look.png
"""

Keyframes = Annotated[
    list[str],
    typer.Option(
        metavar="FILE...|FOLDER|N=FILE",
        help="Linear pictures, OpenEXR or Radiance. The last digits of a file's name are its "
        "frame number, from 0. A file without digits is found in the clip.",
    ),
]


def command(
    clip: Annotated[Path, typer.Argument(help="A video, a pattern (%05d.png) or a folder.")],
    keyframes: Keyframes,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A pattern of EXR files, or a video.")
    ],
    transfer: Annotated[
        Literal["pq", "hlg"], typer.Option(help="Of a video: pq (with HEVC: HDR10), or hlg.")
    ] = "pq",
    peak_nits: Annotated[
        float, typer.Option(help="Brightest light of a video, cd/m2; more is rolled off.")
    ] = 1000.0,
    diffuse_white: Annotated[float, typer.Option(help="Of a video, cd/m2.")] = 203.0,
    white: Annotated[
        float | None,
        typer.Option(
            help="Radiance of the key frames that is shown as diffuse white; by default what "
            "the clip shows as white at the first of them."
        ),
    ] = None,
    size: Size = 256,
    start: Start = None,
    end: End = None,
    codec: Annotated[str | None, typer.Option(help="hevc, av1, prores, ffv1 ...")] = None,
    crf: Annotated[int | None, typer.Option(help="Quality: less is better, and larger.")] = None,
    pix_fmt: Annotated[str | None, typer.Option(help="As in ffmpeg: yuv422p10le ...")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Write before and after, tone-mapped, to this picture.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    keep_work: Annotated[
        bool, typer.Option(help="Keep finished parts for a run with another output.")
    ] = True,
    method: Annotated[str, typer.Option(help="network, or flow: optical flow alone.")] = "network",
    weights: Weights = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    first, stop = excerpt(clip, start, end)
    job = HdrJob(
        input=clip,
        output=output,
        keys=key_files(keyframes),
        transfer=transfer,
        peak_nits=peak_nits,
        white_nits=diffuse_white,
        white=white,
        size=size,
        method=method,
        weights=weights,
        device=device,
        start=first,
        stop=stop,
        reading=Reading(),
        wishes=Wishes(codec, crf, pix_fmt),
        overwrite=overwrite,
        keep_work=keep_work,
        report=report,
        picture=picture,
    )
    with ProgressBars() as bars:
        outcome = expand(job, bars)
    tell(outcome)


def tell(outcome: HdrOutcome) -> None:
    """Say what was done, and what the user should know of it."""
    for path, number in outcome.found.items():
        typer.echo(f"{path.name}: found to be frame {number}")
    for number in outcome.unused:
        typer.echo(f"key frame {number} lies outside the excerpt and was not used")
    for number, exposure in outcome.exposures.items():
        red, green, blue = exposure.stops
        typer.echo(
            f"key frame {number}: exposure {red:+.2f} {green:+.2f} {blue:+.2f} stops (R, G, B) "
            f"from the first of its shot, {exposure.error:.2f} stops off the camera's curve"
        )
    for shot in outcome.grey:
        typer.echo(f"frames {shot.start} to {shot.stop - 1}: no key frame, the curve alone")
    for note in outcome.notes:
        typer.echo(note)
    if outcome.max_cll:
        typer.echo(f"MaxCLL {outcome.max_cll}, MaxFALL {outcome.max_fall} cd/m2")
    typer.echo(f"{outcome.output}: {len(outcome.frames)} frames, white at {outcome.white:.4g}")
