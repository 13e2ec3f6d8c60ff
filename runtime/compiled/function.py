"""`CompiledFunction`: what `fg.compile`, `fg.grad` and `fg.value_and_grad` make of a user's
function.

A call goes to `_entry`, a native function for the arguments seen last: from the second call on
without a Python frame (see `codegen.direct`). What it does not take it hands to the entry before
it, and in the end to `_dispatch`, which finds or makes the variant in Python.
"""

from __future__ import annotations

import functools
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from ...codegen.direct import SLOTS, call_directly, directly_called
from ...codegen.sizes.families import Families
from ...tracer.paths import UnknownInputError
from ...tracer.surroundings.known import is_known, lifted
from ...tracer.trace import current_trace, is_tracing
from .call import Call, Parameters, put_together, special_kind, take_apart
from .donation import check_donated, copied, donated_leaves
from .paths import (
    MAX_PATHS,
    MAX_ROUNDS,
    Answers,
    agree,
    not_compiled,
    unknown_path,
    warn_eager,
    why_no_more,
)
from .sizes import Key, varying_axes
from .switch import ANYWHERE, eager_requested
from .transform import Transform
from .variant import Variant

MAX_ENTRIES = 128  # native entries that hand calls on to each other, each in some 30 ns
MAX_HOLDING_ENTRIES = 8  # the same where they keep arrays from outside alive
MAX_SHORT_ENTRIES = MAX_PATHS  # the same for paths that cost little to try
MAX_TWINS = 4  # variants with the same code, for other captured arrays
MAX_VARIANTS = 64  # of one signature, in different surroundings
MAX_SIGNATURES = 256  # the oldest are forgotten

# What a variant says of a call: answers that lead to another path, or None and the result. With
# `insist` it has to take it.
Attempt = Callable[[Variant, bool], tuple[Answers | None, Any]]


@directly_called(ANYWHERE)
class CompiledFunction:
    """A function that compiles itself for each new combination of argument types.

    Called with NumPy arrays and numbers it returns NumPy arrays and scalars; called with Tensors,
    Tensors that are linked to one backward node; called while another function is traced it becomes
    part of that trace.
    """

    __slots__ = SLOTS
    __name__: str

    def __init__(self, function: Callable[..., Any], transform: Transform) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._transform = transform
        self._parameters = Parameters(function)
        self._place = (
            f"__compiled_{getattr(self, '__name__', '')}"  # among an instance's attributes
        )
        self._variants: dict[Key, list[Variant]] = {}
        self._families = Families()
        self._lock = threading.RLock()
        self._entries = 0
        self._misses: list[str] = []
        self.eager_reasons: dict[Key, str] = {}  # why signatures have no more paths compiled
        self._dispatcher: Callable[..., Any] = _weak_dispatcher(self)
        self._entry: Callable[..., Any] = self._dispatcher

    def __copy__(self) -> CompiledFunction:
        """A function is its own copy, as a plain one is."""
        return self

    def __deepcopy__(self, memo: Any) -> CompiledFunction:
        return self

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickled by name where it stands under its name in a module, as plain functions are; else
        as what it was made of. What it has compiled stays here.
        """
        function = self._function
        instance, name = getattr(function, "__self__", None), self._function_name()
        if isinstance(getattr(type(instance), name, None), CompiledFunction):
            return getattr, (instance, name)
        path = str(getattr(self, "__qualname__", name))
        if _behind(sys.modules.get(self.__module__), path) is self:
            return path
        return CompiledFunction, (function, self._transform)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if ANYWHERE:
            return self._dispatch(args, kwargs)
        if self._entry is not self._dispatcher:  # not at the first call: many are the last as well
            call_directly(self)
        return self._entry(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """As a method: compiled anew for each instance, whose attributes are watched."""
        if instance is None:
            return self
        space = getattr(instance, "__dict__", None)
        if type(space) is not dict:  # made anew at each access
            return CompiledFunction(self._function.__get__(instance, owner), self._transform)
        kept = space.get(self._place)
        if kept is None or kept.instance is not instance or kept.method is not self:
            kept = space[self._place] = _Bound()
            kept.instance, kept.method = instance, self
            kept.bound = CompiledFunction(self._function.__get__(instance, owner), self._transform)
        return kept.bound

    def __repr__(self) -> str:
        name = getattr(self, "__qualname__", self._function)
        return f"<fusegrad.{self._transform.kind} of {name!s}>"

    # --- dispatch ---

    def _dispatch(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = take_apart(self._parameters, args, kwargs)
        check_donated(self._transform, call)
        given = call.leaves
        if is_tracing():
            call.leaves = [lifted(x) if is_known(x) else x for x in given]
        special = special_kind(call.leaves)
        if special == "traced":
            return self._inline(call, given)
        if special == "eager":
            from .on_tensors.tensors import call_on_eager_arrays

            return call_on_eager_arrays(self, call)
        if eager_requested():
            from .eager.call import run_eagerly

            return run_eagerly(self._function, self._transform, self._parameters, call)
        if special == "tensor":
            from .on_tensors.tensors import call_on_tensors

            return call_on_tensors(self, call)
        return self._call(call)

    def _call(self, call: Call) -> Any:
        def attempt(variant: Variant, insist: bool) -> tuple[Answers | None, Any]:
            if variant.captures_traced or variant.differs_eagerly:
                return variant.judge_exactly(call.leaves), None
            self._entry_for(variant, call)
            return variant.run(call.leaves, insist)

        found = self._find(call, attempt)
        reason = None if found is None else found[0].differs_eagerly
        if reason is not None:
            warn_eager(self._function_name(), reason, "in this call")
        if found is None or reason is not None:
            from .eager.call import run_eagerly

            return run_eagerly(self._function, self._transform, self._parameters, call)
        variant, result = found
        return self._inline(call, call.leaves) if variant.captures_traced else result

    def _entry_for(self, variant: Variant, call: Call) -> None:
        """A native entry, where there is none yet."""
        kinds = call.kinds()
        with self._lock:
            if kinds not in variant.entries and "other" not in kinds:
                self._add_entry(variant, kinds)

    def _add_entry(self, variant: Variant, kinds: tuple[str, ...]) -> None:
        full = self._entries >= _most_entries(variant)
        fallback = self._dispatcher if full else self._entry
        native = variant.open(kinds, fallback, self._function_name())
        if native is None:
            variant.entries.setdefault(kinds, None)
            return
        self._entries = 1 if full else self._entries + 1
        self._entry = native

    def _function_name(self) -> str:
        return str(getattr(self._function, "__name__", "compiled"))

    def _find(
        self, call: Call, attempt: Attempt, limited: bool = True
    ) -> tuple[Variant, Any] | None:
        """The variant for `call`, known or new, and its result, or None where there are too many.

        `attempt(variant, insist)` gives (None, result), or answers that lead to another path.
        """
        key = (call.names, call.tree, call.avals())
        answers: Answers = ()
        tried: list[Variant] = []
        made = 0
        while True:
            with self._lock:
                variant = self._next(key, tried, answers)
                if variant is None:
                    if limited and self._too_many(key):
                        return None
                    variant, made = self._make(key, call, answers), made + 1
            tried.append(variant)
            refused, result = attempt(variant, made >= MAX_ROUNDS)
            if refused is None or made >= MAX_ROUNDS:
                return variant, result
            answers = refused

    def _next(self, key: Key, tried: list[Variant], answers: Answers) -> Variant | None:
        """A variant that may be the right one, as far as is known of the path."""
        answered = tuple(map(repr, answers))
        for variant in self._known(key):
            if variant not in tried and agree(variant.keys, answered) and variant.holds():
                return variant
        return None

    def _too_many(self, key: Key) -> bool:
        """Has the function taken so many paths that more are not worth compiling?"""
        paths = [v for v in self._known(key) if v.conditions and v.holds()]
        seconds = sum(sum(v.timings.seconds.values()) for v in paths)
        reason = why_no_more([v.conditions for v in paths], seconds)
        if reason is not None and key not in self.eager_reasons:
            self.eager_reasons[key] = reason
            warn_eager(self._function_name(), reason)
        return reason is not None

    def _make(self, key: Key, call: Call, answers: Answers) -> Variant:
        """A new variant: of a new signature, in new surroundings, or for a new path."""
        known = self._known(key)
        how = (self._parameters, self._transform, call, answers, self._families)
        variant = Variant(self._function, *how)
        variant.prepare()
        gone = [old for old in known if not old.holds()]
        self._misses.append(_reason(known, gone, varying_axes(self._variants, key, variant.names)))
        for old in gone:
            variant.settle(old)
        twins = [old for old in known if variant.take_code(old)]
        for old in twins[MAX_TWINS - 1 :]:  # each holds the arrays that it captured
            known.remove(old)
        known.insert(0, variant)
        del known[MAX_VARIANTS:]
        return variant

    def _variant(self, call: Call) -> Variant:
        """The variant for `call`, known or new, without running it."""

        def attempt(variant: Variant, insist: bool) -> tuple[Answers | None, Any]:
            return variant.judge_exactly(call.leaves), None

        found = self._find(call, attempt, limited=False)
        assert found is not None
        return found[0]

    def variants_of(self, key: Key) -> list[Variant]:
        """The variants of a signature, the newest first."""
        return list(self._variants.get(key, ()))

    def _known(self, key: Key) -> list[Variant]:
        """The variants of a signature; the oldest signature makes room for a new one."""
        if key not in self._variants and len(self._variants) >= MAX_SIGNATURES:
            del self._variants[next(iter(self._variants))]
        return self._variants.setdefault(key, [])

    def _inline(self, call: Call, given: list[Any]) -> Any:
        """Inside a trace: copy the graph of this call into it. What it stores goes to `given`."""
        from .inlining import inlined

        trace = current_trace()
        try:
            variant = self._variant(call)
        except UnknownInputError:
            raise unknown_path(self._function_name()) from None
        if variant.differs_eagerly:
            raise not_compiled(self._function_name(), variant.differs_eagerly)
        return inlined(trace, variant, call.leaves, given)

    # --- for users ---

    def lower(self, *args: Any, **kwargs: Any) -> Any:
        """What becomes of a call with these arguments, stage by stage: a `Lowered`."""
        from .lowered import Lowered

        return Lowered(self._variant(take_apart(self._parameters, args, kwargs).on_arrays()))

    def explain(self, *args: Any, **kwargs: Any) -> Any:
        """What was fused, what goes through memory, which door calls take, and compile times."""
        from .explain import explain

        call = take_apart(self._parameters, args, kwargs)
        arrays = call.on_arrays()
        variant = self._variant(arrays)
        self._entry_for(variant, arrays)
        return explain(self, variant, arrays, call.leaves)

    def eager(self, *args: Any, **kwargs: Any) -> Any:
        """The same call, run operation by operation on eager Tensors."""
        from .eager.call import run_eagerly

        call = take_apart(self._parameters, args, kwargs)
        check_donated(self._transform, call)
        return run_eagerly(self._function, self._transform, self._parameters, call)

    def compare(self, *args: Any, **kwargs: Any) -> Any:
        """This call compiled beside the same call in eager mode: a `Comparison`, with `.ok`."""
        from .compare import compare

        return compare(self, self.eager, lambda: self.copy_donated(args, kwargs))

    def copy_donated(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call, with copies of those that it would update in place."""
        if not self._transform.donate:
            return args, kwargs
        call = take_apart(self._parameters, args, kwargs)
        donated = donated_leaves(self._transform, call)
        leaves = [copied(x) if i in donated else x for i, x in enumerate(call.leaves)]
        return put_together(self._parameters, call, leaves)

    def cache_info(self) -> dict[str, Any]:
        """How many signatures, variants and paths there are, and why each variant was compiled.

        "paths" counts the variants whose control flow depends on values, "eager" says why some
        signatures take no more of them, "loaded" counts those whose code the object cache had.
        "shared" counts those whose code serves other sizes too, and "llvm" says what was compiled
        for that, each time.
        """
        variants = [v for known in self._variants.values() for v in known]
        return {
            "signatures": len(self._variants),
            "variants": len(variants),
            "paths": sum(bool(v.conditions) for v in variants),
            "loaded": sum(v.loaded for v in variants),
            "shared": sum(v.shared is not None for v in variants),
            "llvm": [str(made) for made in self._families.compilations],
            "entries": self._entries,
            "compiled": list(self._misses),
            "eager": list(self.eager_reasons.values()),
        }

    def clear_cache(self) -> None:
        """Forget all variants; their code is freed."""
        with self._lock:
            self._variants.clear()
            self._families = Families()
            self.eager_reasons.clear()
            self._entries = 0
            self._entry = self._dispatcher


def _behind(start: Any, path: str) -> Any:
    """What stands at a dotted path below an object, or None."""
    for name in path.split("."):
        start = getattr(start, name, None)
    return start


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


def _reason(known: list[Variant], gone: list[Variant], axes: list[str]) -> str:
    """Why a variant is made, given those of its signature, those of them that do not hold, and the
    axes in which other signatures differ from it.
    """
    if not known:
        return f"new sizes: {', '.join(axes)}" if axes else "new argument types"
    if len(gone) == len(known):
        return "something it reads was bound anew"
    return "its values take a new path"


def _most_entries(variant: Variant) -> int:
    """How many entries there may be before that of `variant`."""
    if variant.conditions and not variant.program.releases_gil:
        return MAX_SHORT_ENTRIES
    holds = len(variant.inputs) > len(variant.call.leaves)
    return MAX_HOLDING_ENTRIES if holds else MAX_ENTRIES
