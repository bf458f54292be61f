"""A frame as the bytes of raw video, and raw video as NUT for ffmpeg to read."""

import io
import math
from fractions import Fraction
from types import SimpleNamespace
from typing import IO, Any

import av
import numpy as np

from ._codecs import layout_name
from .conversion import convert, to_rgb
from .formats import Frame, Plane, PlaneFormat, VideoInfo

# Finer ticks than this no container keeps.
_FINEST = Fraction(1, 1_000_000)


def packed(frame: Frame, given: PlaneFormat, stored: PlaneFormat) -> bytes:
    """The planes of a frame of format `given`, in the layout of `stored`, end to end."""
    planes = _rgb_planes(frame, given, stored) if stored.rgb else _planes(frame, given, stored)
    return b"".join(np.ascontiguousarray(plane).data for plane in planes)


def tick_of(like: VideoInfo, first: Fraction) -> Fraction:
    """The longest unit in which all the frames' times can be written exactly.

    Args:
        first: the time of the first frame after the start of the output.
    """
    step = like.time_base if like.variable_rate else 1 / like.frame_rate
    tick = Fraction(
        math.gcd(step.numerator * first.denominator, first.numerator * step.denominator),
        step.denominator * first.denominator,
    )
    return tick if tick >= _FINEST else _FINEST


class NutPipe:
    """Writes packed frames with their times; NUT keeps any tick exactly.

    PyAV muxes into memory, and the pipe is written here: an interrupt (Ctrl-C) that comes
    while PyAV calls back is lost, and with it a part of the stream.
    """

    def __init__(
        self,
        sink: IO[bytes],
        stored: PlaneFormat,
        size: tuple[int, int],
        rate: Fraction,
        tick: Fraction,
    ) -> None:
        self._tick = tick
        self._sink = sink
        self._memory = io.BytesIO()
        # Without a method to seek it is a stream, to which nothing is added later.
        target = SimpleNamespace(write=self._memory.write)
        self._container: Any = av.open(target, "w", format="nut", buffer_size=2**18)
        stream = self._container.add_stream("rawvideo", rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = layout_name(stored)
        stream.codec_context.time_base = stream.time_base = tick
        stream.codec_context.open()
        self._stream: Any = stream

    def write(self, data: bytes, time: Fraction) -> None:
        """Send one frame, shown `time` after the start of the output."""
        packet: Any = av.Packet(data)
        packet.stream = self._stream
        packet.time_base = self._tick
        packet.pts = packet.dts = round(time / self._tick)
        packet.is_keyframe = True
        self._container.mux(packet)
        self._send()

    def close(self) -> None:
        """Send the end."""
        self._container.close()
        self._send()

    def _send(self) -> None:
        self._sink.write(self._memory.getvalue())
        self._memory.seek(0)
        self._memory.truncate()


def _planes(frame: Frame, given: PlaneFormat, stored: PlaneFormat) -> list[Plane]:
    same = convert(frame, given, stored)
    optional = [] if same.chroma is None else list(same.chroma)
    return [same.luma, *optional, *([] if same.alpha is None else [same.alpha])]


def _rgb_planes(frame: Frame, given: PlaneFormat, stored: PlaneFormat) -> list[Plane]:
    rgb = to_rgb(frame, given, stored.bit_depth)
    return [rgb[..., channel] for channel in (1, 2, 0)]
