"""The peers: how each takes a workload and how it is called.

Their packages are imported in their own processes only.
To add a peer, write a class with `name`, `package` and `prepare`, and list it in PEERS.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np

from .workload import Loss, Tree, Workload, leaves, map_tree

__all__ = ["PEERS", "Job", "Peer", "installed", "outputs", "peer_named", "version"]


@dataclass(frozen=True)
class Job:
    """A call ready to be timed: `wait.format("f(...)")` is the statement, `function` its f."""

    function: Loss
    arguments: tuple[Any, ...]
    wait: str = "{}"

    def statement(self) -> tuple[str, dict[str, Any]]:
        """The statement to time, and the names in it."""
        names = {f"a{i}": argument for i, argument in enumerate(self.arguments)}
        return self.wait.format(f"f({', '.join(names)})"), {"f": self.function, **names}


class Peer:
    """What a peer has to say."""

    name: str
    package: str
    first_calls_only = False  # its other calls are those of another peer
    keeps_code = False  # on disk, from process to process

    def load(self) -> None:
        """Import what `prepare` needs: not part of the first call."""
        importlib.import_module(self.package)

    def handles(self, workload: Workload) -> bool:
        """Can it run the workload?"""
        return True

    def prepare(self, workload: Workload, inputs: tuple[Tree, ...]) -> Job:
        """The call that is timed, with the peer's own kind of arguments."""
        raise NotImplementedError


class Fusegrad(Peer):
    """NumPy arrays in, NumPy arrays out."""

    name, package = "fusegrad", "fusegrad"

    def load(self) -> None:
        """Also the compiler, which the first call would load, as importing JAX loads XLA."""
        import fusegrad

        fusegrad.value_and_grad  # noqa: B018 - a name's room is loaded when it is asked for
        for module in ("objects.jit", "module", "program"):
            importlib.import_module(f"fusegrad.codegen.{module}")

    def prepare(self, workload: Workload, inputs: tuple[Tree, ...]) -> Job:
        import fusegrad

        f = fusegrad.value_and_grad(workload.loss_for(np), argnums=workload.argnums)
        return Job(f, inputs)


class FusegradCached(Fusegrad):
    """The same with the code of an earlier process in the object cache: LLVM is not loaded."""

    name = "fusegrad-cached"
    first_calls_only = keeps_code = True

    def load(self) -> None:
        import fusegrad

        fusegrad.value_and_grad  # noqa: B018 - a name's room is loaded when it is asked for
        importlib.import_module("fusegrad.codegen.doors")


class Jax(Peer):
    """`jit` of `value_and_grad`, its own arrays in and out, already on the device."""

    name, package = "jax", "jax"

    def load(self) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_platforms", "cpu")

    def prepare(self, workload: Workload, inputs: tuple[Tree, ...]) -> Job:
        import jax

        loss = workload.loss_for(jax.numpy)
        f = jax.jit(jax.value_and_grad(loss, argnums=workload.argnums))
        arguments = map_tree(jax.numpy.asarray, inputs)
        jax.block_until_ready(arguments)
        return Job(f, arguments, "{}[0].block_until_ready()")


class Torch(Peer):
    """PyTorch, eager: the forward pass, then `torch.autograd.grad`."""

    name, package = "torch", "torch"

    def load(self) -> None:
        import torch

        torch.set_num_threads(1)

    def prepare(self, workload: Workload, inputs: tuple[Tree, ...]) -> Job:
        import torch

        loss = workload.loss_for(torch)
        arguments = map_tree(lambda x: torch.from_numpy(np.asarray(x)), inputs)
        wanted = [leaf for i in workload.argnums for leaf in leaves(arguments[i])]
        for leaf in wanted:
            leaf.requires_grad_(True)

        def value_and_grad(*args: Any) -> Any:
            value = loss(*args)
            return value, torch.autograd.grad(value, wanted)

        return Job(value_and_grad, arguments)


class TorchCompile(Torch):
    """`torch.compile` of `torch.func.grad_and_value`: one graph; slow to compile."""

    name = "torch-compile"

    def prepare(self, workload: Workload, inputs: tuple[Tree, ...]) -> Job:
        import torch

        loss = workload.loss_for(torch)
        arguments = map_tree(lambda x: torch.from_numpy(np.asarray(x)), inputs)
        f = torch.compile(torch.func.grad_and_value(loss, argnums=workload.argnums))
        return Job(lambda *args: f(*args)[::-1], arguments)


class Autograd(Peer):
    """HIPS autograd."""

    name, package = "autograd", "autograd"

    def load(self) -> None:
        importlib.import_module("autograd.numpy")

    def prepare(self, workload: Workload, inputs: tuple[Tree, ...]) -> Job:
        import autograd
        import autograd.numpy

        loss = workload.loss_for(autograd.numpy)
        return Job(autograd.value_and_grad(loss, argnum=workload.argnums), inputs)


class ByHand(Peer):
    """A gradient written by hand, where the workload has one."""

    def handles(self, workload: Workload) -> bool:
        return self.name in workload.by_hand

    def prepare(self, workload: Workload, inputs: tuple[Tree, ...]) -> Job:
        return Job(workload.by_hand[self.name](), inputs)


class Numba(ByHand):
    """A loop written by hand, compiled by Numba."""

    name, package = "numba", "numba"


class NumPy(ByHand):
    """NumPy calls written by hand."""

    name, package = "numpy", "numpy"


PEERS: tuple[Peer, ...] = (
    Fusegrad(),
    FusegradCached(),
    Jax(),
    Torch(),
    TorchCompile(),
    Autograd(),
    Numba(),
    NumPy(),
)


def peer_named(name: str) -> Peer:
    """The peer called `name`."""
    return next(peer for peer in PEERS if peer.name == name)


def installed(peer: Peer) -> bool:
    """Is its package there? It is not imported."""
    return importlib.util.find_spec(peer.package) is not None


def version(package: str) -> str:
    """The version of an installed package; of fusegrad in a checkout, what it says itself."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return str(getattr(importlib.import_module(package), "__version__", "unknown"))


def outputs(result: Any) -> list[np.ndarray[Any, Any]]:
    """Value and gradients of a call as NumPy arrays, flat."""
    plain = [leaf.detach() if hasattr(leaf, "detach") else leaf for leaf in leaves(result)]
    return [np.asarray(leaf) for leaf in plain]
