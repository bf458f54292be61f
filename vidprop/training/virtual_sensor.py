"""From radiance to the 8-bit video that a camera would have made of it.

Exposure, white balance, noise, clipping, a response curve, quantisation, and
the losses of a video codec, in the order in which they happen in a camera.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from vidprop.color.transfer import bt709_encode, srgb_encode

Array = NDArray[Any]

_TABLE = 1 << 16  # entries over the square root of exposure, so that the dark end is fine


@dataclass(frozen=True, slots=True)
class Response:
    """A camera's curve per channel as a table: [3, 65536] uint8 over sqrt(exposure)."""

    table: Array

    def __call__(self, light: Array) -> Array:
        """Codes [H, W, 3] of sensor exposure [H, W, 3]; 1 is where the sensor clips."""
        index = (np.sqrt(np.clip(light, 0.0, 1.0)) * (_TABLE - 1) + 0.5).astype(np.uint16)
        return np.stack([self.table[c].take(index[..., c]) for c in range(3)], axis=-1)


def random_response(rng: np.random.Generator) -> Response:
    """A base curve, an S over it, black and white levels, and channels that differ a little."""
    light = (np.arange(_TABLE) / (_TABLE - 1)) ** 2
    signal = _contrast(_base_curve(rng, light), rng.uniform(0, 5) * (rng.random() < 0.6))
    varied = rng.random() < 0.5
    powers = np.exp(rng.normal(0, 0.03, 3) * varied)
    low = rng.uniform(0, 0.04) * (rng.random() < 0.3)
    high = 1 - rng.uniform(0, 0.06) * (rng.random() < 0.3)
    codes = 255 * (low + (high - low) * signal ** powers[:, None])
    return Response(np.rint(codes).astype(np.uint8))


@dataclass(frozen=True, slots=True)
class Sensor:
    """A camera without its lens.

    response: its curve. gains: white balance, [3]. mixing: [3, 3], what its colour
        filters and colour matrix leave of the primaries.
    shot, read: noise; variance is `shot * exposure + read ** 2`.
    clipped_share: of the first frame's pixels, which sets the base exposure.
    adaptation, lag: of automatic exposure: share of a change of brightness it
        takes back, and the frames it needs for most of it.
    drift: octaves of exposure, slow and at random, for all other reasons.
    """

    response: Response
    gains: Array
    mixing: Array
    shot: float
    read: float
    clipped_share: float
    adaptation: float
    lag: float
    drift: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Sensor":
        """Phones, cameras and films of all kinds."""
        noise = np.exp(rng.uniform(np.log(2e-5), np.log(2e-3)))
        automatic = rng.random() < 0.6
        return cls(
            response=random_response(rng),
            gains=np.exp2(rng.normal(0, 0.2, 3)).astype(np.float32),
            mixing=_random_mixing(rng),
            shot=noise,
            read=float(np.sqrt(noise) * rng.uniform(0.01, 0.05)),
            clipped_share=float(np.exp(rng.uniform(np.log(0.004), np.log(0.3)))),
            adaptation=rng.uniform(0.2, 1.0) * automatic,
            lag=rng.uniform(2, 15),
            drift=rng.uniform(0.05, 0.6) * (rng.random() < 0.5),
        )

    def light(self, radiance: Array) -> Array:
        """What the filters let through of radiance [H, W, 3], before exposure; never below 0.

        Mixing subtracts channels from each other, and a pure colour would end below 0.
        """
        return np.maximum(radiance @ (self.mixing * self.gains).astype(np.float32), 0)

    def codes(self, light: Array, stops: float, rng: np.random.Generator) -> Array:
        """8-bit codes [H, W, 3] of light at an exposure, with noise."""
        exposed = light * np.float32(2.0**stops)
        deviation = np.sqrt(np.minimum(exposed, 4.0) * np.float32(self.shot) + self.read**2)
        noise = rng.standard_normal(exposed.shape, dtype=np.float32)
        return self.response(exposed + deviation * noise)

    def exposures(self, lights: Sequence[Array], rng: np.random.Generator) -> Array:
        """Exposure of each frame, [T], in octaves, as set by hand or by the automatic."""
        means = np.array([np.log2(light[::4, ::4] + 1e-4).mean() for light in lights])
        wanted = self.adaptation * (means[0] - means)
        followed = np.zeros_like(means)
        for t in range(1, len(means)):
            followed[t] = followed[t - 1] + (wanted[t] - followed[t - 1]) / self.lag
        phase, period = rng.uniform(0, 2 * np.pi), rng.uniform(15, 80)
        swing = np.sin(2 * np.pi * np.arange(len(means)) / period + phase)
        return self._base_exposure(lights[0]) + followed + self.drift * (swing - swing[0])

    def _base_exposure(self, light: Array) -> float:
        """As bright as the share of clipped pixels allows, but never lost in the dark."""
        brightest = light[::2, ::2].max(axis=-1)
        white = np.log2(np.quantile(brightest, 1 - self.clipped_share) + 1e-6)
        middle = np.log2(np.median(brightest) + 1e-6)
        return float(np.clip(-white, -8.0 - middle, -0.5 - middle))


@dataclass(frozen=True, slots=True)
class Codec:
    """A lossy video codec: its encoder's name and constant rate factor; none if empty."""

    name: str
    rate: int

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Codec":
        """Mostly H.264 from good to poor, some HEVC, some clips not compressed."""
        name = str(rng.choice(["libx264", "libx265", ""], p=[0.7, 0.15, 0.15]))
        return cls(name, int(rng.integers(14, 31)))

    def degrade(self, frames: Sequence[Array]) -> list[Array]:
        """Frames [H, W, 3] of 8-bit RGB after encoding and decoding, BT.709, 4:2:0."""
        if not self.name:
            return list(frames)
        file = io.BytesIO()
        with av.open(file, "w", format="matroska") as container:
            self._encode(container, frames)
        file.seek(0)
        with av.open(file) as container:
            return [_to_rgb(frame) for frame in container.decode(video=0)]

    def _encode(self, container: Any, frames: Sequence[Array]) -> None:
        options = {"crf": str(self.rate), "preset": "veryfast"}
        if self.name == "libx265":
            options |= {"preset": "ultrafast", "x265-params": "log-level=none:pools=1"}
        stream = container.add_stream(self.name, rate=Fraction(25), options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(_to_yuv(frame)))
        container.mux(stream.encode(None))


def _to_yuv(rgb: Array) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    return frame.reformat(
        format="yuv420p", src_color_range="JPEG", dst_color_range="MPEG", dst_colorspace="ITU709"
    )


def _to_rgb(frame: av.VideoFrame) -> Array:
    return frame.reformat(
        format="rgb24", src_colorspace="ITU709", src_color_range="MPEG", dst_color_range="JPEG"
    ).to_ndarray()


def _base_curve(rng: np.random.Generator, light: Array) -> Array:
    kind = rng.integers(4)
    if kind == 0:
        return light ** (1 / rng.uniform(1.6, 2.6))
    if kind == 1:
        return srgb_encode(light)
    if kind == 2:
        return bt709_encode(light)
    # A film's long shoulder: logarithmic above the toe.
    steepness = np.exp(rng.uniform(np.log(3), np.log(100)))
    return (np.log1p(steepness * light) / np.log1p(steepness)) ** rng.uniform(0.6, 1.1)


def _contrast(signal: Array, strength: float) -> Array:
    """An S of given strength through 0, 1/2 and 1."""
    if strength < 0.1:
        return signal
    low, high = 1 / (1 + np.exp(strength / 2)), 1 / (1 + np.exp(-strength / 2))
    return (1 / (1 + np.exp(strength * (0.5 - signal))) - low) / (high - low)


def _random_mixing(rng: np.random.Generator) -> Array:
    """Rows sum to 1, so grey stays grey; mostly the identity."""
    share = rng.uniform(-0.05, 0.08) * (rng.random() < 0.3)
    return np.eye(3) * (1 - share) + share / 3
