"""What a task is: how a target is prepared, how logits are judged, and what is written of them."""

import torch
from torch import Tensor, nn
from torchmetrics import MetricCollection

from genolightning.batch import Batch


class Task(nn.Module):
    """How logits are judged. `monitor` names the validation score that chooses the epoch, `mode` its direction."""

    monitor: str
    mode: str

    def prepare(self, batch: Batch) -> Batch:
        """The batch as the model reads it: targets that are stored narrow are widened to int64 or float32."""
        target = batch.target
        if not target.is_floating_point():
            return batch._replace(target=target.long())
        return batch._replace(target=target.float()) if target.dtype == torch.float16 else batch

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over labelled places, a scalar; places without a label do not count."""
        raise NotImplementedError

    def predict(self, logits: Tensor, batch: Batch) -> Tensor:
        """What predictions.parquet holds of each row: float32 (batch, ...)."""
        return self.probabilities(logits)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Probabilities of classes or labels, or predicted values: float32, of the shape of the logits."""
        raise NotImplementedError

    def metrics(self) -> MetricCollection:
        """Fresh validation metrics, fed by `metric_inputs`."""
        raise NotImplementedError

    def metric_inputs(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """(prediction, target) of the labelled places, flat, as the metrics take them."""
        raise NotImplementedError
