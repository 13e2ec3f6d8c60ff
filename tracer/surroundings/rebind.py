"""A copy of the user's function that sees NumPy through `namespace`: same code, other globals.

The copy's globals are a mapping that asks the real ones at each look-up and hands on what it finds
in its traced version: NumPy, `math` and their functions; the user's own functions, methods and
classes as copies of the same kind. Installed libraries are left as they are. Each trace has its own
copies, one for each function; the user's objects are not touched.
"""

from __future__ import annotations

import abc
import builtins
import contextlib
import dis
import functools
import os
import sys
import sysconfig
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.types import dtype_name
from ..array import TracedArray
from ..functions import series, vectorised
from ..source import holds_users_code
from ..trace import current_trace, is_capturable, is_tensor_class
from . import conversions, namespace, questions
from .containers import Containers, settled
from .known import KnownArray, from_outside

# Names that mean something else where they are called; their traced versions stand behind these.
_CALLED = {"float": "float()", "type": "type()"}

_PASSED = frozenset(
    {int, float, bool, complex, str, bytes, type(None), TracedArray, KnownArray, np.float64}
    | {set, frozenset, range, slice, types.GeneratorType}
)


def _library_paths() -> tuple[str, ...]:
    """Where Python's own modules are, and installed ones.

    The scheme's templates are filled in here: `sysconfig.get_path` loads the build's configuration
    first, which takes longer than a short trace.
    """
    scheme = sysconfig.get_paths(expand=False)
    values = {
        "installed_base": sys.base_prefix,
        "installed_platbase": sys.base_exec_prefix,
        "base": sys.prefix,
        "platbase": sys.exec_prefix,
        "platlibdir": sys.platlibdir,
        "py_version_short": f"{sys.version_info.major}.{sys.version_info.minor}",
        "py_version_nodot": f"{sys.version_info.major}{sys.version_info.minor}",
        "abi_thread": "t" if "t" in getattr(sys, "abiflags", "") else "",
        "implementation_lower": sys.implementation.name,
    }
    paths = []
    for name in ("stdlib", "platstdlib", "purelib", "platlib"):
        try:
            path = scheme[name].format_map(values)
        except KeyError:  # a template of another distribution's
            path = sysconfig.get_path(name)
        paths.append(os.path.abspath(path) + os.sep)
    return tuple(paths)


_LIBRARIES = _library_paths()
_METACLASSES = (type, abc.ABCMeta)


def lifted_tensor(x: Any) -> Any:
    """A captured Tensor as a traced array, where there is one of its dtype."""
    return current_trace().lift(x) if dtype_name(x.dtype) is not None else x


class Rebinder:
    """The traced versions of what a function can reach, made when they are first met."""

    def __init__(
        self,
        outside: Callable[[Any], Any] = from_outside,
        tensor: Callable[[Any], Any] = lifted_tensor,
    ) -> None:
        # What an array and a Tensor of the surroundings are for the function.
        self._outside, self._tensor = outside, tensor
        self._made: dict[int, tuple[Any, Any]] = {}  # by address: (original, version)
        self._spaces: dict[int, Space] = {}
        self._containers = Containers(self)
        self._instances: list[Any] = []
        self._cells: list[tuple[types.CellType, types.CellType, Any]] = []
        self._builtins = self._make_builtins()

    def version(self, x: Any) -> Any:
        """`x` as the traced function shall see it; itself where it makes no difference."""
        cls = type(x)
        if cls in _PASSED:
            return x
        found = self._made.get(id(x))
        if found is not None:
            return found[1]
        return self._remember(x, self._version(x, cls))

    def _remember(self, x: Any, version: Any) -> Any:
        self._made[id(x)] = (x, version)
        return version

    def _version(self, x: Any, cls: type) -> Any:
        if cls is np.ndarray:
            return self._outside(x)
        if is_tensor_class(cls):
            return self._tensor(x)
        if cls in (list, tuple, dict) or (issubclass(cls, tuple) and hasattr(cls, "_fields")):
            return self._containers.version(x, cls)
        if cls is types.FunctionType:
            return self._function(x) if _is_users(x) else namespace.version_of(x)
        if cls is types.MethodType:
            return self._method(x)
        if cls is types.ModuleType:
            return self._module(x)
        if cls is np.vectorize:
            return vectorised.of(x, self.version(x.pyfunc))
        if series.version_of(cls) is not cls:
            return series.instance_of(x)
        if cls is functools.partial:
            return self._partial(x)
        return self._version_of_object(x, cls)

    def _version_of_object(self, x: Any, cls: type) -> Any:
        if hasattr(cls, "__fusegrad_rebound__"):  # one of ours around a function
            return x.__fusegrad_rebound__(self.version)
        if isinstance(x, type):
            return self._class(x) if _is_users_class(x) else namespace.version_of(x)
        if _is_users_class(cls):
            return self._instance(x, cls)
        return namespace.version_of(x)

    # --- functions ---

    def _function(self, function: types.FunctionType) -> Any:
        if isinstance(function.__globals__, Space):
            return function
        names, variables = function.__code__.co_freevars, function.__closure__ or ()
        cells = tuple(_cell(x, name) for x, name in zip(variables, names, strict=True))
        copy = types.FunctionType(
            _code(function.__code__),
            self._space(function.__globals__),
            function.__name__,
            None,
            cells or None,
        )
        self._remember(function, copy)  # before it is filled: it may mention itself
        self._fill(copy, function)
        return copy

    def _fill(self, copy: types.FunctionType, function: types.FunctionType) -> None:
        """Captured variables, defaults and attributes."""
        pairs = zip(copy.__closure__ or (), function.__closure__ or (), strict=True)
        for cell, original in pairs:
            if cell is not original:
                cell.cell_contents = version = self.version(original.cell_contents)
                self._cells.append((original, cell, version))
        if function.__defaults__:
            copy.__defaults__ = tuple(map(self.version, function.__defaults__))
        if function.__kwdefaults__:
            copy.__kwdefaults__ = {k: self.version(v) for k, v in function.__kwdefaults__.items()}
        copy.__dict__.update(function.__dict__)
        copy.__qualname__, copy.__doc__ = function.__qualname__, function.__doc__
        copy.__module__ = function.__module__
        for name in _class_body_names(function.__code__):
            with contextlib.suppress(KeyError):
                copy.__globals__[name]
                dict.__setitem__(copy.__globals__, name, copy.__globals__[name])

    def _space(self, real: dict[str, Any]) -> Space:
        found = self._spaces.get(id(real))
        if found is None:
            found = self._spaces[id(real)] = Space(real, self, self._builtins)
        return found

    def _make_builtins(self) -> dict[str, Any]:
        made = dict(vars(builtins))

        def load(name: str, *args: Any, **kwargs: Any) -> Any:
            return self.version(builtins.__import__(name, *args, **kwargs))

        made["__import__"] = load
        made["isinstance"] = questions.is_instance
        made["issubclass"] = questions.is_subclass
        made["hasattr"] = questions.has_attribute
        made[_CALLED["float"]] = conversions.to_float
        made[_CALLED["type"]] = questions.type_of
        return made

    # --- methods, modules ---

    def _partial(self, x: functools.partial[Any]) -> functools.partial[Any]:
        keywords = {name: self.version(value) for name, value in x.keywords.items()}
        return functools.partial(self.version(x.func), *map(self.version, x.args), **keywords)

    def _method(self, method: types.MethodType) -> Any:
        owner, function = method.__self__, method.__func__
        if not isinstance(function, types.FunctionType) or not _is_users(function):
            return method
        return types.MethodType(self.version(function), self.version(owner))

    def _module(self, module: types.ModuleType) -> Any:
        found = namespace.MODULES.get(module)
        if found is not None:
            return found
        if module.__name__ in ("scipy", "scipy.special"):
            return namespace.Namespace(module, lambda name, value: self.version(value))
        file = getattr(module, "__file__", None)
        if not file or not _is_users_file(file):
            return module
        return namespace.Namespace(module, lambda name, value: self.version(value))

    # --- classes and their instances ---

    def _class(self, cls: type) -> Any:
        """A subclass whose methods are the traced versions of those of the class.

        Behind the class stand the versions of its bases, so that `super()` finds their methods.
        """
        if any("__init_subclass__" in vars(base) for base in cls.__mro__ if base is not object):
            return cls  # a class that wants to know its subclasses
        space: dict[str, Any] = {"__fusegrad_original__": cls, "__module__": cls.__module__}
        space["__qualname__"], space["__doc__"] = cls.__qualname__, cls.__doc__
        if not _has_dict(cls):
            space["__slots__"] = ()
        bases = [self.version(base) for base in cls.__bases__ if _is_users_class(base)]
        behind = [base for base in bases if "__fusegrad_original__" in vars(base)]
        try:
            made = type(cls)(cls.__name__, (cls, *behind), space)
        except TypeError:  # a class that takes no subclass
            return cls
        self._remember(cls, made)
        for name, member in vars(cls).items():
            version = self._member(member)
            if version is not member:
                setattr(made, name, version)
        self._watch_attributes(made, cls)
        return made

    def _member(self, member: Any) -> Any:
        if isinstance(member, types.FunctionType):
            return self.version(member)
        if isinstance(member, staticmethod | classmethod):
            return type(member)(self.version(member.__func__))
        if isinstance(member, property):
            getters = (member.fget, member.fset, member.fdel)
            return property(*[None if each is None else self.version(each) for each in getters])
        return member

    def _watch_attributes(self, made: type, cls: type) -> None:
        read: Any = cls.__getattribute__

        def attribute(instance: Any, name: str) -> Any:
            value = read(instance, name)
            return value if type(value) in _PASSED or name[:2] == "__" else self.version(value)

        made.__getattribute__ = attribute  # type: ignore[method-assign, assignment]

    def _instance(self, x: Any, cls: type) -> Any:
        """An object of the traced version of the class, that shares the attributes of `x`."""
        if is_capturable(cls) or isinstance(x, BaseException) or not _has_dict(cls):
            return x
        made_class = self.version(cls)
        if made_class is cls or hasattr(cls, "__fusegrad_original__"):
            return x
        try:
            made = object.__new__(made_class)
        except TypeError:  # it is more than its attributes
            return x
        object.__setattr__(made, "__dict__", x.__dict__)
        self._instances.append(x)
        return made

    # --- the end ---

    def close(self) -> None:
        """Bind in the real globals and cells what the copies have bound in theirs, and change the
        containers that they have changed.
        """
        for space in self._spaces.values():
            space.write_back()
        for original, cell, version in self._cells:
            with contextlib.suppress(ValueError):  # its variable was deleted
                if cell.cell_contents is not version:
                    original.cell_contents = settled(cell.cell_contents)
        for instance in self._instances:
            for name, value in list(vars(instance).items()):
                if settled(value) is not value:
                    vars(instance)[name] = settled(value)
        self._containers.write_back()


class Space(dict[str, Any]):
    """Globals of copied functions. What they bind stands here until the trace is over."""

    def __init__(self, real: dict[str, Any], rebinder: Rebinder, names: dict[str, Any]) -> None:
        own = {"__builtins__": names, "__name__": real.get("__name__", "")}
        super().__init__(own)
        self.real = real
        self.rebinder = rebinder
        self.own = set(own)

    def __missing__(self, name: str) -> Any:
        if name in _CALLED.values():
            plain_name = name[:-2]
            if plain_name in self.real:  # the user's own
                return self.rebinder.version(self.real[plain_name])
            raise KeyError(name)
        return self.rebinder.version(self.real[name])

    def write_back(self) -> None:
        for name in self.keys() - self.own:
            if name not in self.real or self.rebinder.version(self.real[name]) is not self[name]:
                self.real[name] = settled(self[name])


# --- whose code is it? ---


def _is_users_file(file: str) -> bool:
    return holds_users_code(file) and not os.path.abspath(file).startswith(_LIBRARIES)


def _is_users(function: types.FunctionType) -> bool:
    return _is_users_file(function.__code__.co_filename)


def _is_users_class(cls: type) -> bool:
    """A class with methods of the user's, other than one of exceptions or of a metaclass's own."""
    if type(cls) not in _METACLASSES or issubclass(cls, BaseException | type):
        return False
    if cls.__module__ in ("builtins", "typing") or "__fusegrad_original__" in vars(cls):
        return False
    members = [getattr(member, "__func__", member) for member in vars(cls).values()]
    return any(_is_users(each) for each in members if isinstance(each, types.FunctionType))


def _has_dict(cls: type) -> bool:
    return any("__dict__" in vars(base) for base in cls.__mro__)


# --- code ---


def _cell(original: types.CellType, name: str) -> types.CellType:
    """The variable itself where its value has no other version: both functions bind and read it.
    Else one of the copy's own, which is filled once the copy is known. What `super()` starts from
    stays the class of the original method.
    """
    if name == "__class__":
        return original
    try:
        value = original.cell_contents
    except ValueError:  # a name that is bound later
        return original
    return original if type(value) in _PASSED else types.CellType()


def _code(code: types.CodeType) -> types.CodeType:
    """`code` (and what is nested in it) with calls of `float` and `type` told from other uses."""
    constants = tuple(
        _code(each) if isinstance(each, types.CodeType) else each for each in code.co_consts
    )
    names, text = code.co_names, code.co_code
    for name, called in _CALLED.items():
        if name in names:
            names, text = _renamed_calls(code, names, text, name, called)
    return code.replace(co_consts=constants, co_names=names, co_code=text)


def _renamed_calls(
    code: types.CodeType, names: tuple[str, ...], text: bytes, name: str, called: str
) -> tuple[tuple[str, ...], bytes]:
    """LOAD_GLOBAL of `name` that is called at once (the lowest bit says so) loads `called`."""
    uses = [x for x in dis.get_instructions(code) if x.opcode in dis.hasname and x.argval == name]
    calls = [x for x in uses if x.opname == "LOAD_GLOBAL" and (x.arg or 0) & 1]
    if len(calls) == len(uses):
        return tuple(called if each == name else each for each in names), text
    index, changed = len(names), bytearray(text)
    for instruction in calls:
        if (instruction.arg or 0) < 256 and 2 * index + 1 < 256:  # one byte for the argument
            changed[instruction.offset + 1] = 2 * index + 1
    return (*names, called), bytes(changed)


def _class_body_names(code: types.CodeType) -> set[str]:
    """Names in bodies of classes inside of functions, which are looked up without `__missing__`."""
    found: set[str] = set()
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            if not each.co_flags & 1:  # not CO_OPTIMIZED: no function
                found.update(each.co_names)
            found |= _class_body_names(each)
    return found
