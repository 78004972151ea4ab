"""Puts the wall clock of a Python process wrong by COLROW_TEST_CLOCK_S seconds."""

import os
import time

_true_time, _true_ns = time.time, time.time_ns
_SHIFT_S = float(os.environ.get("COLROW_TEST_CLOCK_S", "0"))

time.time = lambda: _true_time() + _SHIFT_S
time.time_ns = lambda: _true_ns() + int(_SHIFT_S * 1e9)
