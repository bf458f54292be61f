import numpy as np
import pytest

from vidprop.evaluation.ours import ByHints, BySpans
from vidprop.propagation.contract import Estimate


def test_a_span_propagator_gets_half_size_edits_of_the_sides_there_are():
    class Spy:
        def propagate(self, guides, before, after):
            self.given = before, after
            yield from [Estimate(before.edit, before.coverage[0])] * len(guides)

    spy = Spy()
    edit = np.arange(2 * 4 * 4, dtype=np.float32).reshape(2, 4, 4)
    (first, _) = BySpans(spy).propagate([np.zeros((4, 4), np.float32)] * 2, {0: edit})
    before, after = spy.given
    assert after is None
    np.testing.assert_allclose(before.edit[0], [[2.5, 4.5], [10.5, 12.5]])
    assert first.shape == (2, 4, 4)
    np.testing.assert_allclose(first.mean((1, 2)), before.edit.mean((1, 2)), rtol=1e-6)


def test_what_fills_a_frame_gets_luma_and_hints():
    def fill(luma, hints):
        assert (luma.shape, hints.edit.shape, hints.mask.shape) == ((4, 6), (2, 2, 3), (1, 2, 3))
        return hints.edit + 10 * hints.mask

    values = np.array([[0.1, 0.2]], np.float32)
    edit = ByHints(fill).colour(np.zeros((4, 6), np.float32), np.array([[3, 0]]), values)
    np.testing.assert_allclose(edit[:, 1, 0], [10.1, 10.2])
    assert edit.sum() == pytest.approx(edit[:, 1, 0].sum())
