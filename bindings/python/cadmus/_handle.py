"""What the library gave us: closed once, never used afterwards, and never in a child of fork().

A handle may be closed by its owner, by `with`, by the garbage collector or at the end of the program.  The library's rule of
one thread at a time is kept by turns, so that a mistake is an exception or a wait, and not a crash.  What the library has
linked, a writer and the readers it is derived from, has one turn together, since calls of one touch the other.  Whatever is not
linked has a turn of its own, and waits for nobody.

A turn changes when handles are linked, and when one of them is closed; only who has the old turn does that.  Whoever was
queued for the old one sees it when he gets it, and goes on to the new one.

To close, nobody queues: what is in use is closed by the call that is under way, when it is done.  The collector comes in any
thread, in the middle of any call, and must not wait there.
"""
from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, TypeVar

_forks = 0
_PATIENCE = 1.0  # seconds that close() waits for a call under way, which sleeps a fifth of that in the library at most
_MOVED: Any = object()
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


class Turn:
    """A lock, and what the one who has it is to close when he is done."""

    __slots__ = ('late', 'lock')

    def __init__(self) -> None:
        self.lock: Any = threading.RLock()  # the collector and signal handlers make calls in the middle of a call
        self.late: deque[Cell] = deque()

    def tidy(self) -> None:
        """Close what is to be closed, unless a call is under way: who has the turn does this when he is done."""
        if self.lock._is_owned():  # by this thread, in the middle of a call
            return
        try:
            while self.late and self.lock.acquire(blocking=False):
                while self.late:
                    self.late[0].close(self)
                    self.late.popleft()
                self.lock.release()
        finally:
            if self.lock._is_owned():  # Ctrl-C
                self.lock.release()


class Cell:
    """What is left of a handle when nobody has it any more: what to close, and in whose turn."""

    __slots__ = ('_links', '_pointer', 'closed', 'give_back', 'turn')

    def __init__(self, pointer: int, give_back: Callable[[Any], Any]) -> None:
        self.turn = Turn()
        self.closed = False
        self._pointer: int | None = pointer
        self.give_back = give_back
        self._links: set[Cell] = set()

    def _group(self) -> set[Cell]:
        found: set[Cell] = set()
        new = {self}
        while new:
            found |= new
            new = {other for cell in new for other in cell._links} - found
        return found

    def link(self, other: Cell) -> None:
        """One turn for both, and for all that they are linked with.  To be called in the turns of both."""
        self._links.add(other)
        other._links.add(self)
        for cell in other._group():
            cell.turn = self.turn

    def close(self, turn: Turn) -> None:
        """To be called in that turn, outside of all calls.  What is no longer linked has a turn of its own afterwards."""
        if self.turn is not turn:
            self.drop()
            return
        pointer, self._pointer = self._pointer, None
        if pointer is None:
            return
        self.give_back(pointer)
        left, self._links = self._links, set()
        for other in left:
            other._links.discard(self)
        for other in left:
            if other.turn is turn:
                fresh = Turn()
                for cell in other._group():
                    cell.turn = fresh
        self.closed = True

    def drop(self) -> None:
        """Close it, now or when the call that is under way is done."""
        turn = self.turn
        turn.late.append(self)
        turn.tidy()

    def settle(self) -> None:
        """Wait until it is closed, but not for a call that this one interrupted."""
        until = time.monotonic() + _PATIENCE
        while not self.closed and not self.turn.lock._is_owned() and time.monotonic() < until:
            time.sleep(0.001)
            self.turn.tidy()

    def drop_at_exit(self) -> None:
        """Close it before other threads are stopped, one of which may have the turn."""
        self.drop()
        self.settle()


def _in_turns(turns: list[Turn], call: Callable[[], Any]) -> Any:
    if not turns:
        return call()
    try:
        with turns[0].lock:
            return _in_turns(turns[1:], call)
    finally:
        turns[0].tidy()


def together(handles: Sequence[Handle], call: Callable[[], Any]) -> Any:
    """call() in the turns of all these handles, which are taken in the same order by all threads."""
    done, _ = _MOVED, [h.pointer for h in handles]  # as in Handle._call()
    while done is _MOVED:
        turns = {h._cell.turn for h in handles}
        done = _in_turns(sorted(turns, key=id), lambda: call() if {h._cell.turn for h in handles} == turns else _MOVED)
    return done


class Handle:
    """Has a pointer of the library until it is closed."""

    def __init__(self, pointer: int, close: Callable[[Any], Any], name: str, at_exit: bool = False) -> None:
        self._pointer: int | None = pointer
        self._forks = _forks
        self._cell = Cell(pointer, close)
        self._name = name
        self._end = when_gone(self, Cell.drop_at_exit if at_exit else Cell.drop, self._cell, at_exit)

    @property
    def _is_parents(self) -> bool:
        return self._forks != _forks

    @property
    def pointer(self) -> int:
        """To be used in its turn.  ValueError: it is closed; RuntimeError: it was opened before fork()."""
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
        """function(pointer, *arguments) in the turn of this handle."""
        cell, _ = self._cell, self.pointer  # in a child of fork() whoever has the turn is not there to let go of it
        while True:
            turn = cell.turn
            try:
                with turn.lock:
                    if cell.turn is turn:
                        return function(self.pointer, *arguments)
            finally:
                if turn.late:
                    turn.tidy()

    def _link(self, function: Callable[..., int], other: Handle) -> int:
        """function(pointer, that of the other) of the library, which links the two.

        RuntimeError: it was called by a signal handler or the like, in the middle of a call.
        """
        if any(h._cell.turn.lock._is_owned() for h in (self, other)):  # which would go on in the old turn
            raise RuntimeError(f'{self._name} cannot be linked with {other._name} in the middle of a call')

        def link() -> int:
            pointers = self.pointer, other.pointer
            self._cell.link(other._cell)  # first: whatever happens then, it can only cost waiting
            return function(*pointers)
        rc: int = together((self, other), link)
        return rc

    def close(self) -> None:
        """Close it; closing twice is nothing.  What another thread is using at the moment is closed when that call is done."""
        self._pointer = None  # at once, so that who waits in another thread does not begin again
        self._end()
        if not self._is_parents:
            self._cell.settle()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f'<cadmus.{type(self).__name__} {self._name}{" (closed)" if self.closed else ""}>'
