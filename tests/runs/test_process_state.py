"""What training changes for a whole process is put back, also after an error."""

import os
import random
import signal
import sys
import threading

import numpy as np
import pytest
import torch

from genolightning.runs.process_state import process_state_restored


def change_everything(error: Exception | None = None) -> None:
    os.environ["GENOLIGHTNING_TEST"] = "1"
    sys.argv.append("more")
    random.random(), np.random.rand(), torch.rand(1)
    torch.use_deterministic_algorithms(True)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if error:
        raise error


def state() -> list:
    return [dict(os.environ), list(sys.argv), random.getstate(), np.random.get_state()[1].tolist(),
            torch.get_rng_state().tolist(), torch.are_deterministic_algorithms_enabled(),
            signal.getsignal(signal.SIGTERM)]  # fmt: skip


def test_all_is_put_back_after_an_error():
    before = state()
    with pytest.raises(KeyError), process_state_restored():
        change_everything(KeyError())
    assert state() == before


def test_a_thread_leaves_the_signal_handlers_alone():
    before = state()

    def work() -> None:
        with process_state_restored():
            change_everything()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert state() == before
