"""LLVM: from the text of a module to machine code in memory, and to assembly for the reader.

The emitter writes vectors, masks and loops itself, so that few passes are left to run: inlining of
the maths, the usual clean-up, loop-invariant code motion. What runs the code is
`codegen.objects.load`.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import llvmlite.binding as llvm

_lock = threading.RLock()


def _hold() -> None:
    """Wait until no thread is inside LLVM: a child must not inherit it amid its work."""
    _lock.acquire()
    if _llvmlite_lock is not None:
        _llvmlite_lock.__enter__()


def _go_on() -> None:
    if _llvmlite_lock is not None:
        _llvmlite_lock.__exit__(None, None, None)
    _lock.release()


_llvmlite_lock = getattr(llvm.ffi.lib, "_lock", None)  # around each of its calls
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold, after_in_parent=_go_on, after_in_child=_go_on)
_serial = itertools.count()


@cache
def _initialise() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@cache
def target_machine(level: int) -> Any:
    """A target machine that generates code at optimisation `level`: for this CPU, or at level 0 for
    every CPU of its kind, of which LLVM has less to find out.
    """
    _initialise()
    target = llvm.Target.from_default_triple()
    cpu, features = processor() if level else ("", "")
    return target.create_target_machine(
        cpu=cpu,
        features=features,
        opt=level,
        reloc="pic",
        codemodel="default",
    )


def version() -> str:
    """The version of LLVM."""
    return "LLVM " + ".".join(map(str, llvm.llvm_version_info))


def processor() -> tuple[str, str]:
    """The name of this processor, and its features, as LLVM has them."""
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


@cache
def vector_registers() -> int:
    """How many vectors of 512 bits this CPU's registers hold."""
    return 32 if has("avx512f") else 8


@cache
def has(feature: str) -> bool:
    """Whether code is made for a processor with this feature, by LLVM's name: "avx", "fma"."""
    return f"+{feature}" in processor()[1].split(",")


@cache
def _compiler() -> Any:
    _initialise()
    return llvm.create_lljit_compiler(target_machine(2))


@cache
def _passes() -> Any:
    """The passes that pay on code which is vectorised already: made once."""
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_global_dead_code_eliminate_pass()
    passes.add_sroa_pass()
    passes.add_new_gvn_pass()
    return passes


def _optimise(module: Any) -> None:
    """Run the passes, with a builder for this run only.

    With a builder that is kept, each run takes longer than the one before it (three to five times
    as long after 1500 runs), and now and then one crashes.
    """
    options = llvm.create_pipeline_tuning_options(speed_level=1)
    options.loop_vectorization = False
    options.slp_vectorization = False
    options.loop_unrolling = False
    _passes().run(module, llvm.create_pass_builder(target_machine(2), options))


def _parse(text: str) -> Any:
    module = llvm.parse_assembly(text)
    module.triple = llvm.get_default_triple()
    return module


def compile_object(text: str, level: int = 2) -> bytes:
    """Object code of a module's text. At level 0 no passes run."""
    with _lock:
        machine = target_machine(level)
        module = _parse(text)
        if level:
            _optimise(module)
        return bytes(machine.emit_object(module))


def optimised(text: str) -> str:
    """A module's text after LLVM's passes, as it goes to code generation."""
    with _lock:
        module = _parse(text)
        _optimise(module)
        return str(module)


def assembly(text: str) -> str:
    """The machine code of a module's text, as assembly."""
    with _lock:
        machine = target_machine(2)
        module = _parse(text)
        _optimise(module)
        return str(machine.emit_assembly(module))


def link_by_llvm(
    objects: Sequence[bytes], outside: Mapping[str, int], exports: Sequence[str]
) -> Any:
    """Load objects together; `outside` gives addresses by name, beside those of this process.

    The result maps exported names to addresses and keeps the code.
    """
    builder = llvm.JITLibraryBuilder()
    for code in objects:
        builder.add_object_img(code)
    builder.add_current_process()
    for name, address in outside.items():
        builder.import_symbol(name, address)
    for name in exports:
        builder.export_symbol(name)
    with _lock:
        return builder.link(_compiler(), f"fusegrad.{next(_serial)}")
