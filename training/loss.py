"""The loss for labels that may be coarser than the nine classes."""

import torch
from torch import Tensor


def admissible_loss(logits: Tensor, admissible: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """For each image -log(sum of the probabilities of its admissible classes), [B].

    With one admissible class this is cross-entropy, and `smoothing` mixes in the uniform distribution over all classes
    as label smoothing does (Szegedy et al. 2016, arXiv:1512.00567).

    Args:
        logits: float [B, C].
        admissible: bool [B, C], at least one true in each row.
        smoothing: 0 to 1.
    """
    log_probabilities = logits.log_softmax(dim=1)
    of_the_set = log_probabilities.masked_fill(~admissible, -torch.inf).logsumexp(dim=1)
    return -((1 - smoothing) * of_the_set + smoothing * log_probabilities.mean(dim=1))


def mixed_loss(logits: Tensor, admissible: Tensor, partner: Tensor, own: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """Mean over the batch of `admissible_loss` where each image is its own by the share `own` and its partner's else.

    `partner` (int [B]) and `own` (0..1, [B]) are what `training.augment.Mix` gives.
    """
    losses = admissible_loss(logits, admissible, smoothing=smoothing)
    of_partner = admissible_loss(logits, admissible[partner], smoothing=smoothing)
    return (own * losses + (1 - own) * of_partner).mean()
