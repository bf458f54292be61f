"""Small clips whose colours are known, and their way to a file and back."""

from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

from vidprop.color.quantisation import dequantise_chroma
from vidprop.edits.colour import painted_key
from vidprop.edits.keyfiles import key_files
from vidprop.propagation import ColourJob
from vidprop.video import Frame, PlaneFormat, VideoInfo, create_video, open_video

GREY = PlaneFormat(grey=True, matrix="bt709")
HEIGHT, WIDTH = 64, 96
FIRST_SHOT, SECOND_SHOT = 14, 10


@dataclass(frozen=True)
class Truth:
    """R'G'B' frames [N, H, W, 3] and their luma [N, H, W], uint8 codes of limited BT.709."""

    rgb: np.ndarray
    luma: np.ndarray
    cut: int


def shot(seed, count):
    """Frames of smooth coloured texture, moving by one pixel a frame."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0.1, 0.9, (10, 16, 3)).astype(np.float32)
    fine = rng.uniform(-0.1, 0.1, (HEIGHT, WIDTH + 32, 1)).astype(np.float32)
    large = cv2.resize(coarse, (WIDTH + 32, HEIGHT), interpolation=cv2.INTER_CUBIC)
    large = np.clip(large + cv2.blur(fine, (3, 3))[..., None], 0, 1)
    return np.stack([large[:, t : t + WIDTH] for t in range(count)])


def luma_codes(rgb):
    """Limited-range 8-bit BT.709 luma."""
    return np.rint(16 + 219 * (rgb @ np.array([0.2126, 0.7152, 0.0722]))).astype(np.uint8)


def write_clip(path, lumas, chroma=None, *, layout=GREY, rate=Fraction(25), **wishes):
    """Encode luma planes [N, H, W] and, if given, chroma [N, 2, h, w] losslessly."""
    height, width = lumas[0].shape
    info = VideoInfo(width, height, layout, rate)
    with create_video(path, like=info, **({"codec": "ffv1"} | wishes)) as writer:
        for index, luma in enumerate(lumas):
            planes = None if chroma is None else chroma[index]
            writer.write(Frame(index, index / rate, luma, planes))
    return path


def read_clip(path):
    """Luma [N, H, W] and chroma [N, 2, h, w] of a file, and what it is."""
    with open_video(path) as video:
        frames = list(video)
        chroma = [frame.chroma for frame in frames]
        return np.stack([f.luma for f in frames]), np.stack(chroma), video.info


def flow_job(clip, keys, output, **settings):
    """A job for optical flow alone, small."""
    keys = key_files(keys if isinstance(keys, list) else [keys])
    return ColourJob(input=clip, output=output, keys=keys, method="flow", size=64, **settings)


def colour_error(chroma, truth, frames):
    """Mean difference of 4:4:4 or 4:2:0 chroma codes from the truth."""
    errors = []
    for place, number in enumerate(frames):
        key = painted_key(truth.rgb[number], *truth.luma.shape[1:])
        values = dequantise_chroma(chroma[place], 8, False)
        scale = key.chroma.shape[1] // values.shape[1]
        errors.append(np.abs(values - key.chroma[:, ::scale, ::scale]).mean())
    return max(errors)
