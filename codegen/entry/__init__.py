"""The call door of a compiled function: from a Python call to data pointers, and back.

`entry_text` emits, as an LLVM module to be linked with the compiled core, a CPython fast-call
function that checks one signature, gathers pointers, allocates the results and runs the core.
`make_function` turns its address into a Python function. `SlowDoor` serves the same core through
ctypes where `self_test` says that the native door can't be used. Importing the package does not
load llvmlite.

The core is ``i32 @run(ptr inputs, ptr outputs, ptr context)``: pointers to the data of the leaves,
by index, and what it hands to ``i32 @fg.poll(ptr context)`` (`poll_text`, in its own module) every
so many iterations. It returns 0, the poll's nonzero answer, or a positive error code.
"""

from .emit import door_text, entry_text, poll_module_text
from .install import Owner, make_function
from .layout import self_test
from .poll import poll_declarations, poll_text
from .slow import SlowDoor, ctypes_call
from .spec import (
    ABSENT,
    ArrayType,
    CellGuard,
    DictGuard,
    DictNode,
    EntrySpec,
    FunctionGuard,
    Guard,
    HiddenArray,
    Leaf,
    ListGuard,
    ListNode,
    NoneNode,
    OutputLeaf,
    SizeGuard,
    Tree,
    TupleNode,
    ValueGuard,
)
from .symbols import (
    Memory,
    References,
    bound_objects,
    external_name,
    interpreter_symbols,
    object_symbols,
)

__all__ = [
    "ABSENT",
    "ArrayType",
    "CellGuard",
    "DictGuard",
    "DictNode",
    "EntrySpec",
    "FunctionGuard",
    "Guard",
    "HiddenArray",
    "Leaf",
    "ListGuard",
    "ListNode",
    "Memory",
    "NoneNode",
    "OutputLeaf",
    "Owner",
    "References",
    "SizeGuard",
    "SlowDoor",
    "Tree",
    "TupleNode",
    "ValueGuard",
    "bound_objects",
    "ctypes_call",
    "door_text",
    "entry_text",
    "external_name",
    "interpreter_symbols",
    "make_function",
    "object_symbols",
    "poll_declarations",
    "poll_module_text",
    "poll_text",
    "self_test",
]
