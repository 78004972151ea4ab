"""How a batch is shared."""

import pytest

from crs_core.shards import Shard, shards


@pytest.mark.parametrize(("whole", "count"), [(25, 2), (5, 5), (64, 7), (1, 1), (3, 4), (20, 64)])
def test_shards_cover_the_batch_in_order_and_are_nearly_alike(whole, count):
    cut = shards(whole, count)
    assert len(cut) == count
    assert [i for s in cut for i in range(s.begin, s.end)] == list(range(whole))
    sizes = [s.size for s in cut]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] - sizes[-1] <= 1
    assert sum(s.share for s in cut) == pytest.approx(1)


def test_a_shard_knows_its_place():
    assert shards(7, 2) == (Shard(0, 4, 7), Shard(4, 7, 7))
    assert not shards(7, 2)[0].is_whole
    assert shards(7, 1)[0].is_whole
    assert shards(7, 2)[1].share == 3 / 7
