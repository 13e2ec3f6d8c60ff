"""Functions of SciPy's that compute with NumPy arrays of their own, named where one meets a traced
array: which function it was, and what does the same in a way that can be traced.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from types import FrameType, FunctionType, TracebackType

from ...ir.errors import FusegradError
from ...ir.location import Location
from ..errors import UnsupportedError
from ..source import holds_users_code, is_scipys, locate_error

# The beginning of a name -> what to do instead; the longest that fits counts.
_CURES = {
    "scipy": "np functions and the ufuncs of scipy.special; what depends on no argument that is "
    "traced can be computed before the call",
    "scipy.linalg": "the function of np.linalg with that name, if there is one",
    "scipy.linalg.solve": "np.linalg.solve(a, b)",
    "scipy.linalg.inv": "np.linalg.inv(a)",
    "scipy.linalg.det": "np.linalg.det(a)",
    "scipy.linalg.norm": "np.linalg.norm(x)",
    "scipy.linalg.lstsq": "np.linalg.lstsq(a, b, rcond=None)",
    "scipy.linalg.eigh": "np.linalg.eigh(a)",
    "scipy.linalg.cho_factor": "np.linalg.cholesky(a), then np.linalg.solve",
    "scipy.linalg.cho_solve": "np.linalg.solve(a, b) of the matrix itself",
    "scipy.linalg.expm": "fg.linalg.matrix_exp(a)",
    "scipy.fft": "the function of np.fft with that name",
    "scipy.integrate": "a sum of weights times values in NumPy: np.trapezoid, or the nodes and "
    "weights of np.polynomial.legendre.leggauss",
    "scipy.integrate.trapezoid": "np.trapezoid(y, x)",
    "scipy.integrate.cumulative_trapezoid": "np.cumsum of the trapezoids",
    "scipy.integrate.solve_ivp": "a Python loop of Runge-Kutta steps in NumPy; SciPy's solver can "
    "call compiled functions, from outside",
    "scipy.integrate.odeint": "a Python loop of Runge-Kutta steps in NumPy; SciPy's solver can "
    "call compiled functions, from outside",
    "scipy.interpolate": "np.interp(x, xp, fp)",
    "scipy.optimize": "call it from outside, with a compiled function: "
    "minimize(fg.value_and_grad(f), x0, jac=True); or Newton steps in NumPy",
    "scipy.stats": "the formula in np functions and scipy.special (gammaln, ndtr, xlogy)",
    "scipy.sparse": "a.toarray(); or np.add.at with the rows, columns and data",
    "scipy.signal": "np.convolve(x, y), or products in np.fft",
    "scipy.ndimage": "np.convolve(x, kernel), or sums of shifted slices",
    "scipy.spatial": "np.sqrt(np.sum((x[:, None] - y[None]) ** 2, -1)) for distances",
}


def caller() -> str:
    """The function of SciPy's that asks for a value just now; "" where it is the user's code."""
    return _name(_frames_outwards())


def passed(error: BaseException) -> str:
    """The function of SciPy's that the user called and in which `error` was raised, or ""."""
    frames = [entry.tb_frame for entry in _entries(error.__traceback__)]
    return _name(reversed(frames))


def refusal(name: str, at: Location | None) -> UnsupportedError:
    """The error for a traced array that `name`, a function of SciPy's, was given."""
    return UnsupportedError(
        f"{name} computes with NumPy arrays of its own, through which nothing can be traced and no "
        "gradient flows",
        at=at,
        hint=cure_for(name),
    )


def renamed(error: FusegradError) -> FusegradError:
    """`error`, or one that names the function of SciPy's in which it was raised."""
    name = "" if isinstance(error, UnsupportedError) else passed(error)
    return refusal(name, error.at) if name else error


def hidden(error: BaseException) -> FusegradError | None:
    """The error of ours that SciPy put `error` in the place of, renamed; None if there is none."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, FusegradError):
        found = found.__cause__ or found.__context__
    name = passed(error) if found is not None else ""
    return refusal(name, locate_error(error)) if name else None


def cure_for(name: str) -> str:
    fitting = [start for start in _CURES if f"{name}.".startswith(f"{start}.")]
    return _CURES[max(fitting, key=len, default="scipy")]


def _frames_outwards() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _entries(entry: TracebackType | None) -> Iterator[TracebackType]:
    while entry is not None:
        yield entry
        entry = entry.tb_next


def _name(frames: Iterable[FrameType]) -> str:
    """The outermost public function of SciPy's in frames from the inside to the user's."""
    name = ""
    for frame in frames:
        file = frame.f_code.co_filename
        if is_scipys(file):
            name = _public(frame, name)
        elif holds_users_code(file):
            break
    return name


def _public(frame: FrameType, inner: str) -> str:
    """``scipy.linalg.solve`` for a frame of it, or of a wrapper that is about to call it; where
    there is no public name that of an inner frame, or the module's.
    """
    package = _package(frame.f_globals.get("__name__"))
    name = frame.f_code.co_name
    if _is_public(package, name):
        return f"{package}.{name}"
    if inner.startswith(f"{package}."):
        return inner
    for x in frame.f_locals.values():
        if isinstance(x, FunctionType) and _is_public(_package(x.__module__), x.__name__):
            return f"{_package(x.__module__)}.{x.__name__}"
    return package


def _package(module: object) -> str:
    """The public part of a module's name: scipy.linalg of scipy.linalg._basic."""
    words = str(module).split(".")
    private = [i for i, word in enumerate(words) if word.startswith("_")]
    return ".".join(words[: private[0]] if private else words)


def _is_public(package: str, name: str) -> bool:
    return package.startswith("scipy.") and callable(vars(sys.modules[package]).get(name))
