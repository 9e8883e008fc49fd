"""Restore the state of the Python process that training changes globally."""

import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch

from genolightning.runs.progress import LOGGERS

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def process_state_restored() -> Iterator[None]:
    """Restore signal handlers, `sys.argv`, the environment, warning filters, logging levels and all random states.

    torch's deterministic mode and its cuDNN settings are restored too. Signal handlers can only be set in the main
    thread, so elsewhere they are left alone.
    """
    with ExitStack() as stack:
        for part in (_signal_handlers, _environment, _random_states, _torch_settings, _logging_levels):
            stack.enter_context(part())
        stack.enter_context(warnings.catch_warnings())
        yield


@contextmanager
def _signal_handlers() -> Iterator[None]:
    in_main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in SIGNALS} if in_main else {}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)


@contextmanager
def _environment() -> Iterator[None]:
    environment, arguments = dict(os.environ), list(sys.argv)
    try:
        yield
    finally:
        for name in set(os.environ) - set(environment):
            del os.environ[name]
        for name, value in environment.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
        sys.argv[:] = arguments


@contextmanager
def _random_states() -> Iterator[None]:
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


@contextmanager
def _torch_settings() -> Iterator[None]:
    deterministic = torch.are_deterministic_algorithms_enabled()
    only_warns = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark, cudnn_deterministic = torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    gradients = torch.is_grad_enabled()
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(deterministic, warn_only=only_warns)
        torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = benchmark, cudnn_deterministic
        torch.set_grad_enabled(gradients)


@contextmanager
def _logging_levels() -> Iterator[None]:
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
