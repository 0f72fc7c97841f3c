"""The loss for labels that may be coarser than the nine classes."""

import torch
from torch import Tensor


def admissible_loss(logits: Tensor, admissible: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """Mean over the batch of -log(sum of the probabilities of each image's admissible classes).

    With one admissible class this is cross-entropy, and `smoothing` mixes in the uniform distribution over all classes
    as label smoothing does (Szegedy et al. 2016, arXiv:1512.00567).

    Args:
        logits: float [B, C].
        admissible: bool [B, C], at least one true in each row.
        smoothing: 0 to 1.
    """
    log_probabilities = logits.log_softmax(dim=1)
    of_the_set = log_probabilities.masked_fill(~admissible, -torch.inf).logsumexp(dim=1)
    return -((1 - smoothing) * of_the_set + smoothing * log_probabilities.mean(dim=1)).mean()
