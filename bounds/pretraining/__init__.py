"""A small, fast trainer of self-supervised encoders: resumable, watched for collapse, data-parallel."""

from bounds.pretraining.monitor import ridge_probe
from bounds.pretraining.optimizers import LARS
from bounds.pretraining.settings import Settings
from bounds.pretraining.trainer import Pretrained, pretrain

__all__ = ["LARS", "Pretrained", "Settings", "pretrain", "ridge_probe"]
