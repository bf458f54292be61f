"""Plans fit the card they are made for and give it enough to do."""

from itertools import product

import pytest
from kernel_threads import H200

from vidprop.ops._cupy import Card
from vidprop.ops.scan._cuda_plan import Plan, Problem, plan_scan

CARDS = {
    "T4": Card(75, 40, 65536, 65536),
    "A100": Card(80, 108, 166912, 167936),
    "RTX 4090": Card(89, 128, 101376, 102400),
    "H200": H200,
    "RTX 5090": Card(120, 170, 101376, 102400),
}
FRAMES = ((1, 1), (9, 1), (64, 64), (256, 512), (512, 512), (1080, 1920), (4096, 17))


def _problem(
    frame: tuple[int, int], channels: int, shared: bool, size: int = 4, images: int = 1
) -> Problem:
    type_ = "float" if size == 4 else "bfloat16"
    sizes = (images, channels, *frame)
    return Problem(type_, size, *sizes, (0, 1, 2, 3), 3, shared, True, True, size)


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
@pytest.mark.parametrize("kind", ["forward", "backward"])
def test_every_plan_fits_its_card(card: Card, kind: str) -> None:
    for frame, channels, shared, size in product(FRAMES, (1, 2, 5, 32), (False, True), (2, 4)):
        plan = plan_scan(_problem(frame, channels, shared, size), kind, card)
        halo = plan.segment // size
        assert plan.stages >= 2
        assert plan.shared <= card.shared_per_block
        assert plan.threads % 32 == 0
        assert plan.threads <= 1024
        assert not plan.carries or plan.threads > 2 * halo
        assert plan.team == 1 or card.arch >= 90
        assert plan.channels == 1 or shared
        assert plan.groups * plan.channels >= channels


def test_few_planes_are_spread_over_the_card() -> None:
    def plan(images: int, kind: str = "forward") -> Plan:
        return plan_scan(_problem((540, 960), 2, False, images=images), kind, H200)

    assert plan(1).blocks == 64
    assert plan(16).team == 1
    assert plan(1, "backward").blocks == 64


def test_shared_affinities_are_read_for_several_channels_where_blocks_abound() -> None:
    many = plan_scan(_problem((256, 256), 32, True, images=8), "forward", H200)
    few = plan_scan(_problem((256, 256), 2, True), "forward", H200)
    assert (many.channels, many.groups) == (4, 8)
    assert few.channels == 1
