import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace


@pytest.fixture(scope="session")
def pictures():
    """Coloured blocks that slide two pixels a frame: nine of R'G'B', 8 bits, 96x64."""
    rng = np.random.default_rng(8)
    wide = rng.integers(40, 216, (8, 15, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    return [np.ascontiguousarray(wide[:, 2 * i : 2 * i + 96]) for i in range(9)]


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory, pictures):
    """Two lossless clips of 9 and 4 frames, BT.709, limited range."""
    folder = tmp_path_factory.mktemp("clips")
    write_clip(folder / "long.mkv", pictures)
    write_clip(folder / "short.mkv", pictures[:4])
    return folder


@pytest.fixture(scope="session")
def bt601_clip(tmp_path_factory, pictures):
    """The first two of these frames, BT.601."""
    path = tmp_path_factory.mktemp("bt601") / "clip.mkv"
    write_clip(path, pictures[:2], Colorspace.ITU601)
    return path


def write_clip(path, pictures, matrix=Colorspace.ITU709):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv444p"
        stream.codec_context.colorspace = matrix
        stream.codec_context.color_range = ColorRange.MPEG
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture).reformat(
                format="yuv444p", dst_colorspace=matrix, dst_color_range=ColorRange.MPEG
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
