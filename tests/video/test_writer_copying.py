"""Sound, subtitles, chapters, attachments and metadata go from the source to the output."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from video_clips import Maker, packets_of, run_ffmpeg

from vidprop.video import VideoWriter, create_video, open_video

CHAPTERS = """;FFMETADATA1
title=A film
artist=Somebody
[CHAPTER]
TIMEBASE=1/1000
START=0
END=700
title=One
[CHAPTER]
TIMEBASE=1/1000
START=700
END=2000
title=Two
"""
SUBTITLES = """1
00:00:00,500 --> 00:00:01,000
hello

2
00:00:01,500 --> 00:00:01,900
again
"""
TONE = ("-f", "lavfi", "-i", "sine=f=440:r=48000")


@pytest.fixture(scope="module")
def rich(made: Maker, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two seconds with everything beside the picture, by suffix."""
    folder = tmp_path_factory.mktemp("texts")
    (folder / "chapters.txt").write_text(CHAPTERS)
    (folder / "text.srt").write_text(SUBTITLES)
    (folder / "letters.ttf").write_bytes(bytes(range(256)) * 4)
    more = (*TONE, "-i", folder / "chapters.txt", "-i", folder / "text.srt")
    maps = ("-map", "0", "-map", "1", "-map", "3", "-map_metadata", "2", "-map_chapters", "2",
            "-t", "2", "-metadata:s:a:0", "language=fra")  # fmt: skip
    attach = ("-attach", folder / "letters.ttf", "-metadata:s:t", "mimetype=font/ttf")
    video = ("-c:v", "libx264", "-bf", "2")
    return {
        ".mp4": made("r.mp4", *video, *maps, "-c:a", "aac", "-c:s", "mov_text",
                     "-timecode", "01:00:00:00", before=more, count=48),
        ".mkv": made("r.mkv", *video, *maps, "-c:a", "flac", "-c:s", "srt", *attach,
                     before=more, count=48),
        ".ts": made("r.ts", *video, "-t", "2", "-c:a", "aac", before=TONE, count=48),
    }  # fmt: skip


def copy(source: Path, target: Path, start: int = 0, end: int | None = None) -> VideoWriter:
    """Write the source's frames again, with everything else."""
    with (
        open_video(source, start=start, end=end) as reader,
        create_video(target, like=reader.info, copy_from=source) as writer,
    ):
        for frame in reader:
            writer.write(frame)
    return writer


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("kind", ["audio", "subtitle"])
def test_packets_are_copied_one_by_one(
    suffix: str, kind: str, rich: dict[str, Path], tmp_path: Path
) -> None:
    target = tmp_path / f"a{suffix}"
    writer = copy(rich[suffix], target)
    assert writer.notes == ()
    assert packets_of(target, kind) == packets_of(rich[suffix], kind)
    assert packets_of(target, kind)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_chapters_and_metadata_are_copied(
    suffix: str, rich: dict[str, Path], tmp_path: Path
) -> None:
    copy(rich[suffix], tmp_path / f"a{suffix}")
    with av.open(str(tmp_path / f"a{suffix}")) as output:
        assert output.metadata["title"] == "A film"
        assert output.streams.audio[0].metadata["language"] == "fra"
        assert _chapters(output) == [(0, Fraction(7, 10), "One"), (Fraction(7, 10), 2, "Two")]


def test_attachments_are_copied(rich: dict[str, Path], tmp_path: Path) -> None:
    copy(rich[".mkv"], tmp_path / "a.mkv")
    with av.open(str(tmp_path / "a.mkv")) as output:
        assert output.streams.attachments[0].data == bytes(range(256)) * 4


def test_timecode_is_kept_from_the_first_frame(rich: dict[str, Path], tmp_path: Path) -> None:
    copy(rich[".mp4"], tmp_path / "whole.mov")
    copy(rich[".mp4"], tmp_path / "part.mov", start=12)
    assert _timecode(tmp_path / "whole.mov") == "01:00:00:00"
    assert _timecode(tmp_path / "part.mov") is None


def test_sound_and_picture_keep_their_distance(rich: dict[str, Path], tmp_path: Path) -> None:
    """In MPEG transport streams the picture starts some time after the sound."""
    source = rich[".ts"]
    copy(source, tmp_path / "a.mp4")
    assert _distance(tmp_path / "a.mp4") == _distance(source) != 0


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_part_has_the_sound_of_its_time(
    suffix: str, rich: dict[str, Path], tmp_path: Path
) -> None:
    source, target = rich[suffix], tmp_path / ("a.mkv" if suffix == ".mkv" else "a.mp4")
    copy(source, target, start=12, end=36)
    with open_video(source, start=12, end=36) as reader:
        start, end = reader.info.start_time, reader.info.end_time
    assert end is not None
    sound, whole = packets_of(target, "audio"), packets_of(source, "audio")
    header = 7 if suffix == ".ts" else 0  # ADTS, which mp4 keeps elsewhere
    inside = [(time - start, data[header:]) for time, data in whole if start <= time < end]
    assert [data for _, data in sound] == [data for _, data in inside]
    for (time, _), (expected, _) in zip(sound, inside, strict=True):
        assert abs(time - expected) <= Fraction(1, 1000)


def test_a_part_has_the_chapters_of_its_time(rich: dict[str, Path], tmp_path: Path) -> None:
    copy(rich[".mkv"], tmp_path / "a.mkv", start=12, end=36)
    with av.open(str(tmp_path / "a.mkv")) as output:
        assert _chapters(output) == [(0, Fraction(2, 10), "One"), (Fraction(2, 10), 1, "Two")]


def test_what_does_not_fit_is_converted_and_said(rich: dict[str, Path], tmp_path: Path) -> None:
    writer = copy(rich[".mkv"], tmp_path / "a.webm")
    assert writer.notes == (
        "sound 0 becomes libopus: webm holds no flac",
        "attachments are left out: webm holds none",
    )
    with av.open(str(tmp_path / "a.webm")) as output:
        assert output.streams.audio[0].codec.canonical_name == "opus"
        assert len(output.streams.subtitles) == 1


@pytest.mark.parametrize(("suffix", "codec"), [(".mxf", "pcm_s24le"), (".avi", "flac")])
def test_old_containers_get_sound_too(
    suffix: str, codec: str, rich: dict[str, Path], tmp_path: Path
) -> None:
    copy(rich[".mkv"], tmp_path / f"a{suffix}")
    with av.open(str(tmp_path / f"a{suffix}")) as output:
        assert output.streams.audio[0].codec.canonical_name == codec


def test_every_sound_stream_is_copied(made: Maker, tmp_path: Path) -> None:
    two = (*TONE, "-f", "lavfi", "-i", "sine=f=880:r=48000")
    source = made("two.mkv", "-map", "0", "-map", "1", "-map", "2", "-c:a:0", "libopus",
                  "-c:a:1", "pcm_s16le", "-t", "0.3", before=two)  # fmt: skip
    copy(source, tmp_path / "a.mkv")
    assert packets_of(tmp_path / "a.mkv", "audio") == packets_of(source, "audio")


def test_sound_longer_than_the_picture_is_kept_whole(made: Maker, tmp_path: Path) -> None:
    source = made("long.mp4", "-map", "0", "-map", "1", "-c:v", "libx264", "-c:a", "aac",
                  "-t", "3", before=TONE, count=12)  # fmt: skip
    copy(source, tmp_path / "a.mp4")
    assert packets_of(tmp_path / "a.mp4", "audio") == packets_of(source, "audio")


def test_a_source_of_pictures_has_nothing_to_copy(made: Maker, tmp_path: Path) -> None:
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=48x32", "-frames:v", 3, tmp_path / "%03d.png")
    copy(tmp_path / "%03d.png", tmp_path / "a.mkv")
    assert packets_of(tmp_path / "a.mkv", "audio") == []


def _chapters(container: av.container.InputContainer) -> list[tuple[Fraction, Fraction, str]]:
    return [
        (c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"]["title"])
        for c in container.chapters()
    ]


def _timecode(path: Path) -> str | None:
    with open_video(path) as reader:
        return reader.info.timecode


def _distance(path: Path) -> Fraction:
    return packets_of(path, "audio")[0][0] - min(time for time, _ in packets_of(path, "video"))
