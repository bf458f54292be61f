import numpy as np
import pytest

from vidprop.alignment import Chain, Flow, FlowConfig, compose, consecutive_flows, dense_flow
from vidprop.errors import InputError


def panning(frames, height=48, width=64, seed=0):
    rng = np.random.default_rng(seed)
    wide = np.kron(rng.integers(0, 255, (height // 4, width // 2)), np.ones((4, 4)))
    return [wide[:, 2 * i : 2 * i + width].astype(np.uint8) for i in range(frames)]


def test_a_chain_follows_a_pan_back_to_its_key_frame():
    frames = panning(6)
    chain = Chain(frames[0])
    for luma in frames[1:]:
        positions = chain.advance(luma)
    # The pan leaves the right side with nothing of the key frame to see.
    x = np.arange(16, 44)
    np.testing.assert_allclose(np.median(positions[8:-8, 16:44, 0] - x), 10, atol=0.2)


def test_advance_is_compose_of_the_flow_to_the_frame_before():
    frames = panning(3)
    chain = Chain(frames[0], Flow(FlowConfig.medium()))
    first = chain.advance(frames[1])
    flow = dense_flow(frames[2], frames[1], FlowConfig.medium())
    np.testing.assert_array_equal(chain.advance(frames[2]), compose(flow, first))


@pytest.mark.parametrize("threads", [1, 3])
def test_consecutive_flows_are_those_of_each_pair_in_order(threads):
    frames = panning(9)
    flows = list(consecutive_flows(frames, threads=threads))
    assert len(flows) == 8
    for flow, before, after in zip(flows, frames[:-1], frames[1:], strict=True):
        np.testing.assert_array_equal(flow, dense_flow(after, before))


def test_reverse_flows_point_to_the_frame_after():
    frames = panning(3)
    flows = list(consecutive_flows(frames, reverse=True))
    np.testing.assert_array_equal(flows[1], dense_flow(frames[1], frames[2]))


def test_frames_are_read_only_a_little_ahead():
    taken = []

    def source():
        for frame in panning(40):
            taken.append(frame)
            yield frame

    flows = consecutive_flows(source(), threads=2)
    next(flows)
    assert len(taken) <= 5
    flows.close()


@pytest.mark.parametrize("count", [0, 1])
def test_a_stream_without_a_pair_has_no_flow(count):
    assert list(consecutive_flows(panning(count))) == []


def test_a_bad_frame_is_an_error_of_the_iterator():
    frames = [np.zeros((16, 16), np.uint8), np.zeros((16, 17), np.uint8)]
    with pytest.raises(InputError, match="source_luma"):
        list(consecutive_flows(frames))
