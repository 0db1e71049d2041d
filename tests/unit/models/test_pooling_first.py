import torch

from orthanc_ai.files import sha256_of
from orthanc_ai.models.network import PoolingFirst, WithActivations, load_network
from tests.unit.networks import card, films, weights_file


def test_pooling_first_changes_the_order_of_sums_and_nothing_else() -> None:
    network = load_network(card(), weights_file(), sha256_of(weights_file())).double()
    images = torch.from_numpy(films(2, seed=11)).double()
    with torch.no_grad():
        scores, *maps = WithActivations(card(), network)(images)
        same_scores, *same_maps = PoolingFirst(card(), network)(images)
    # In double precision what is left of the difference is rounding.
    assert torch.abs(same_scores - scores).max() < 1e-12
    for same, found in zip(same_maps, maps, strict=True):
        assert torch.abs(same - found).max() / torch.abs(found).max() < 1e-12
