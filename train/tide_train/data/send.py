"""Sending small arrays to the device without making the training loop wait for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch


def send(values: npt.NDArray[Any], device: torch.device) -> torch.Tensor:  # Any: any number type
    """Copy an array to a device; on a GPU the copy waits its turn and the host goes on.

    An ordinary copy to a GPU holds the host until everything queued before it is done, so that the
    next step could only be prepared after the last one had ended.
    """
    tensor = torch.from_numpy(np.ascontiguousarray(values))
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
