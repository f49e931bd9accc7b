"""napari's workers, but not entered in its list of tasks.

What is on that list makes napari ask about closing its window while it works, in terms of Python
functions, and the list keeps every worker with its arguments and all a stopped one had read for as
long as the window is there: 12 MB a field that a newer click came before.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from typing import TypeVar, overload

from napari.qt.threading import FunctionWorker, GeneratorWorker
from superqt.utils import create_worker

Step = TypeVar("Step")
Result = TypeVar("Result")


@overload
def make_worker(
    work: Callable[..., Generator[Step, None, Result]], *args: object
) -> GeneratorWorker: ...
@overload
def make_worker(work: Callable[..., Result], *args: object) -> FunctionWorker: ...
def make_worker(work: Callable[..., object], *args: object) -> GeneratorWorker | FunctionWorker:
    """Give a worker that has not been started; its errors go to napari's notifications."""
    kind = GeneratorWorker if inspect.isgeneratorfunction(work) else FunctionWorker
    worker = create_worker(
        work, *args, _start_thread=False, _worker_class=kind, _ignore_errors=True
    )
    assert isinstance(worker, GeneratorWorker | FunctionWorker)
    return worker
