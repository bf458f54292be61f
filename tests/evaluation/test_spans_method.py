import numpy as np

from vidprop.evaluation.spans import BySpans
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
    np.testing.assert_array_equal(first, before.edit)
