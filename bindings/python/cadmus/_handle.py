"""What the library gave us: closed once, never used afterwards, and never in a child of fork().

A handle may be closed by its owner, by `with`, by the garbage collector or at the end of the program.  A lock keeps the
library's rule of one thread at a time, so that a mistake is an exception or a short wait, and not a crash.
"""
from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, TypeVar

_forks = 0
Self = TypeVar('Self', bound='Handle')


def _count_fork() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_child=_count_fork)


def _unless_forked(forks: int, give_back: Callable[[Any], Any], what: Any) -> None:
    if forks == _forks:  # a child would give back what is its parent's
        give_back(what)


def when_gone(owner: Any, give_back: Callable[[Any], Any], what: Any, at_exit: bool = False) -> weakref.finalize:
    """Call give_back(what) when nothing refers to `owner` any more; with `at_exit`, at the latest when the program ends."""
    end = weakref.finalize(owner, _unless_forked, _forks, give_back, what)
    end.atexit = at_exit  # other threads may still be at work then
    return end


def _close(handle: tuple[list[Any], Callable[[Any], Any], int]) -> None:
    locks, close, pointer = handle
    with locks[0]:  # the collector may be at work in a thread that this handle does not belong to
        close(pointer)


def together(handles: Sequence[Handle], call: Callable[[], Any]) -> Any:
    """call() under the locks of all these handles."""
    with ExitStack() as locks:
        for h in sorted(handles, key=id):
            locks.enter_context(h._lock)
        return call()


class Handle:
    """Has a pointer of the library until it is closed."""

    def __init__(self, pointer: int, close: Callable[[Any], Any], name: str, at_exit: bool = False) -> None:
        self._pointer: int | None = pointer
        self._forks = _forks
        self._locks: list[Any] = [threading.RLock()]  # one, which linked handles share
        self._name = name
        self._end = when_gone(self, _close, (self._locks, close, pointer), at_exit)

    @property
    def _lock(self) -> Any:
        return self._locks[0]

    @property
    def pointer(self) -> int:
        """To be used under the lock, in one call.  ValueError: it is closed; RuntimeError: it was opened before fork()."""
        if self._pointer is None:
            raise ValueError(f'{type(self).__name__} {self._name} is closed')
        if self._forks != _forks:
            raise RuntimeError(f'{type(self).__name__} {self._name} was opened before fork(): attach in the child')
        return self._pointer

    @property
    def closed(self) -> bool:
        """True after close()."""
        return self._pointer is None

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """function(pointer, *arguments) under the lock."""
        with self._lock:
            return function(self.pointer, *arguments)

    def close(self) -> None:
        """Close it; closing twice is nothing."""
        self._pointer = None  # at once, so that who waits in another thread does not begin again
        with self._lock:
            self._end()

    def _close_with(self, close: Callable[[Any], Any]) -> None:
        with self._lock:
            pointer, self._pointer = self.pointer, None
            self._end.detach()
            close(pointer)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f'<cadmus.{type(self).__name__} {self._name}{" (closed)" if self.closed else ""}>'
