import torch

from orthanc_ai.models.network import PoolingFirst, ScoresAndFeatures
from tests.unit.networks import card, films, reference


def test_pooling_first_changes_the_order_of_sums_and_nothing_else() -> None:
    images = torch.from_numpy(films(2, seed=11)).double()
    network = reference().double()
    try:
        with torch.inference_mode():
            scores, features = ScoresAndFeatures(card(), network)(images)
            same_scores, same_features = PoolingFirst(card(), network)(images)
    finally:
        network.float()
    # In double precision what is left of the difference is rounding.
    assert torch.abs(same_scores - scores).max() < 1e-12
    assert torch.abs(same_features - features).max() / features.max() < 1e-12
