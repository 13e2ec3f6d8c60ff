"""`CompiledFunction`: what `fg.compile`, `fg.grad` and `fg.value_and_grad` make of a user's
function.

A call goes to `_entry`, a native function for the arguments seen last. What it does not take it
hands to the entry before it, and in the end to `_dispatch`, which finds or makes the variant in
Python.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable
from typing import Any

from ...tracer.pytree import Treedef, unflatten
from ...tracer.trace import Aval, current_trace, is_traced, is_tracing
from .call import Call, Parameters, take_apart
from .switch import ANYWHERE, eager_requested
from .transform import Argnums, Transform
from .variant import Variant

MAX_ENTRIES = 8  # native entries that hand calls on to each other
MAX_TWINS = 4  # variants with the same code, for other captured arrays
MAX_VARIANTS = 64  # of one signature, in different surroundings
MAX_SIGNATURES = 256  # the oldest are forgotten

Key = tuple[tuple[str, ...], Treedef, tuple[Aval, ...]]


class CompiledFunction:
    """A function that compiles itself for each new combination of argument types.

    Called with NumPy arrays and numbers it returns NumPy arrays and scalars; called with Tensors,
    Tensors that are linked to one backward node; called while another function is traced it becomes
    part of that trace.
    """

    __name__: str

    def __init__(self, function: Callable[..., Any], transform: Transform) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._transform = transform
        self._parameters = Parameters(function)
        self._variants: dict[Key, list[Variant]] = {}
        self._lock = threading.RLock()
        self._entries = 0
        self._misses: list[str] = []
        self._dispatcher = _weak_dispatcher(self)
        self._entry: Callable[..., Any] = self._dispatcher

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if ANYWHERE:
            return self._dispatch(args, kwargs)
        return self._entry(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """As a method: compiled anew for each instance, whose attributes are watched."""
        if instance is None:
            return self
        space = getattr(instance, "__dict__", None)
        if type(space) is not dict:  # made anew at each access
            return CompiledFunction(self._function.__get__(instance, owner), self._transform)
        kept = space.setdefault(f"__compiled_{self.__name__}", _Bound())
        if kept.instance is not instance or kept.method is not self:
            kept = space[f"__compiled_{self.__name__}"] = _Bound()
            kept.instance, kept.method = instance, self
            kept.bound = CompiledFunction(self._function.__get__(instance, owner), self._transform)
        return kept.bound

    def __repr__(self) -> str:
        name = getattr(self, "__qualname__", self._function)
        return f"<fusegrad.{self._transform.kind} of {name!s}>"

    # --- dispatch ---

    def _dispatch(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = take_apart(self._parameters, args, kwargs)
        special = _special(call.leaves)
        if special == "traced":
            return self._inline(call)
        if eager_requested():
            from .eager import run_eagerly

            return run_eagerly(self._function, self._transform, self._parameters, call)
        if special == "tensor":
            from .tensors import call_on_tensors

            return call_on_tensors(self, call)
        variant = self._variant_and_entry(call)
        if is_tracing() and any(map(is_traced, variant.traced.captured)):
            return self._inline(call)
        return variant.run(call.leaves)

    def _variant_and_entry(self, call: Call) -> Variant:
        variant = self._variant(call)
        kinds = call.kinds()
        with self._lock:
            if kinds not in variant.entries and "other" not in kinds:
                self._add_entry(variant, kinds)
        return variant

    def _add_entry(self, variant: Variant, kinds: tuple[str, ...]) -> None:
        full = self._entries >= MAX_ENTRIES
        fallback = self._dispatcher if full else self._entry
        native = variant.open(kinds, fallback, self._function_name())
        if native is None:
            variant.entries.setdefault(kinds, None)
            return
        self._entries = 1 if full else self._entries + 1
        self._entry = native

    def _function_name(self) -> str:
        return str(getattr(self._function, "__name__", "compiled"))

    def _variant(self, call: Call) -> Variant:
        """The variant for `call`: one that still holds, or a new one."""
        key = (call.names, call.tree, call.avals())
        with self._lock:
            known = self._known(key)
            for variant in known:
                if variant.holds():
                    return variant
            self._misses.append(
                "new argument types" if not known else "something it reads was bound anew"
            )
            variant = Variant(self._function, self._parameters, self._transform, call)
            for old in known:
                variant.settle(old)
            twins = [old for old in known if variant.take_code(old)]
            for old in twins[MAX_TWINS - 1 :]:  # each holds the arrays that it captured
                known.remove(old)
            known.insert(0, variant)
            del known[MAX_VARIANTS:]
            return variant

    def _known(self, key: Key) -> list[Variant]:
        """The variants of a signature; the oldest signature makes room for a new one."""
        if key not in self._variants and len(self._variants) >= MAX_SIGNATURES:
            del self._variants[next(iter(self._variants))]
        return self._variants.setdefault(key, [])

    def _inline(self, call: Call) -> Any:
        """Inside a trace: copy the graph of this call into it."""
        from ...ir.inline import inline

        variant = self._variant(call)
        trace = current_trace()
        arrays = [trace.lift(x) for x in (*call.leaves, *variant.traced.captured)]
        results = inline(variant.graph, trace.builder, [x.value for x in arrays])
        return unflatten(variant.out_tree, [trace.wrap(value) for value in results])

    # --- for users ---

    def lower(self, *args: Any, **kwargs: Any) -> Any:
        """What becomes of a call with these arguments, stage by stage: a `Lowered`."""
        from .lowered import Lowered

        return Lowered(self._variant(take_apart(self._parameters, args, kwargs)))

    def explain(self, *args: Any, **kwargs: Any) -> Any:
        """What was fused, what goes through memory, which door calls take, and compile times."""
        from .explain import explain

        call = take_apart(self._parameters, args, kwargs)
        return explain(self, self._variant_and_entry(call), call)

    def eager(self, *args: Any, **kwargs: Any) -> Any:
        """The same call, run operation by operation on eager Tensors."""
        from .eager import run_eagerly

        call = take_apart(self._parameters, args, kwargs)
        return run_eagerly(self._function, self._transform, self._parameters, call)

    def compare(self, *args: Any, **kwargs: Any) -> Any:
        """This call compiled beside the same call in eager mode: a `Comparison`, with `.ok`."""
        from .compare import compare

        return compare(self, args, kwargs)

    def cache_info(self) -> dict[str, Any]:
        """How many signatures and variants there are, and why each was compiled."""
        return {
            "signatures": len(self._variants),
            "variants": sum(len(v) for v in self._variants.values()),
            "entries": self._entries,
            "compiled": list(self._misses),
        }

    def clear_cache(self) -> None:
        """Forget all variants; their code is freed."""
        with self._lock:
            self._variants.clear()
            self._entries = 0
            self._entry = self._dispatcher


class _Bound:
    """A compiled method of one instance, kept among its attributes; copies of the instance start
    without.
    """

    __slots__ = ("bound", "instance", "method")

    def __init__(self) -> None:
        self.instance: Any = None
        self.method: Any = None
        self.bound: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _Bound, ()


def _weak_dispatcher(function: CompiledFunction) -> Callable[..., Any]:
    """`function._dispatch` without holding `function`: it keeps its entries, not they it."""
    reference = weakref.ref(function)

    def dispatch(*args: Any, **kwargs: Any) -> Any:
        owner = reference()
        if owner is None:
            raise ReferenceError("the compiled function of this entry is gone")
        return owner._dispatch(args, kwargs)

    return dispatch


def _special(leaves: list[Any]) -> str:
    """Do the leaves hold something beside arrays and numbers: traced arrays, or Tensors?"""
    found = ""
    for leaf in leaves:
        if is_traced(leaf):
            return "traced"
        if getattr(leaf, "__fusegrad_tensor__", False):
            found = "tensor"
    return found


def make(
    kind: str,
    function: Callable[..., Any] | None,
    argnums: Argnums | list[int | str] = 0,
    has_aux: bool = False,
) -> Any:
    """A CompiledFunction of `function`; without one, a decorator."""
    transform = Transform(kind, tuple(argnums) if isinstance(argnums, list) else argnums, has_aux)
    if function is None:
        return lambda f: CompiledFunction(f, transform)
    if not callable(function):
        raise TypeError(f"{kind} takes a function, got {type(function).__name__}")
    return CompiledFunction(function, transform)
