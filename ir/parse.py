"""Reading the text form back, by recursive descent over tokens: `parse(str(graph)) == graph`."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np

from .errors import IRError
from .graph import Graph, Operation, Value
from .location import Location
from .op import TABLE, ArrayConstant
from .types import DTYPES, NUMPY_DTYPE, TensorType

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+) | (?P<newline>\n) | (?P<comment>//[^\n]*)
      | (?P<value>%[A-Za-z0-9_.]+) | (?P<symbol>@[^\s(]+) | (?P<string>"(?:[^"\\\n]|\\.)*")
      | (?P<number>-?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|inf\b|nan\b))
      | (?P<word>[A-Za-z_^][A-Za-z0-9_]*) | (?P<punctuation>->|[][(){},:=])""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"//\s*(?:(?P<file>[^\s,:]+):(?P<line>\d+))?(?:,\s*)?(?P<note>.*)\Z")
_WORDS = {"true": True, "false": False, "none": None, "inf": math.inf, "nan": math.nan}


def parse(text: str) -> Graph:
    """The graph that `text` spells. Raises IRError with the line where it can't be read."""
    parser = _Parser(text)
    graph = parser.function()
    if parser.kind != "end":
        raise parser.error(f"expected the end, found {parser.token!r}")
    return graph


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str, int]] = []
        self.comments: dict[int, str] = {}
        self.position = 0
        self.values: dict[str, Value] = {}
        self._tokenize(text)

    def _tokenize(self, text: str) -> None:
        position, line = 0, 1
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise IRError(f"line {line}: unexpected character {text[position]!r}")
            kind, token = str(match.lastgroup), match.group()
            position = match.end()
            if kind == "newline":
                line += 1
            elif kind == "comment":
                self.comments[line] = token
            elif kind != "space":
                self.tokens.append((kind, token, line))
        self.tokens.append(("end", "", line))

    # --- tokens ---

    @property
    def kind(self) -> str:
        return self.tokens[self.position][0]

    @property
    def token(self) -> str:
        return self.tokens[self.position][1]

    @property
    def line(self) -> int:
        return self.tokens[self.position][2]

    def next(self) -> str:
        token = self.token
        if self.kind == "end":
            raise self.error("the text ends too early")
        self.position += 1
        return token

    def expect(self, token: str) -> None:
        if self.token != token:
            raise self.error(f"expected {token!r}, found {self.token!r}")
        self.position += 1

    def error(self, what: str) -> IRError:
        return IRError(f"line {self.line}: {what}")

    def accept(self, token: str) -> bool:
        found = self.token == token
        self.position += found
        return found

    # --- grammar ---

    def function(self) -> Graph:
        self.expect("func")
        name = self.next().removeprefix("@")
        inputs = self.typed_values()
        self.expect("->")
        self.expect("(")
        while not self.accept(")"):
            self.type()
            self.accept(",")
        self.expect("{")
        operations, outputs = self.block("return")
        return Graph(name, inputs, operations, outputs)

    def region(self) -> Graph:
        self.expect("^body")
        inputs = self.typed_values()
        self.expect("{")
        operations, outputs = self.block("yield")
        return Graph("body", inputs, operations, outputs)

    def typed_values(self) -> list[Value]:
        values = []
        self.expect("(")
        while not self.accept(")"):
            name = self.next()
            self.expect(":")
            value = Value(self.type(), name.removeprefix("%"))
            self.values[name] = value
            values.append(value)
            self.accept(",")
        return values

    def block(self, terminator: str) -> tuple[list[Operation], list[Value]]:
        operations = []
        while not self.accept(terminator):
            operations.append(self.operation())
        outputs = self.operands()
        self.expect("}")
        return operations, outputs

    def operands(self) -> list[Value]:
        operands = []
        while self.kind == "value":
            name = self.next()
            if name not in self.values:
                raise self.error(f"{name} is not defined before its use")
            operands.append(self.values[name])
            self.accept(",")
        return operands

    def operation(self) -> Operation:
        line, names = self.line, [self.next()]
        while self.accept(","):
            names.append(self.next())
        self.expect("=")
        op_name = self.next()
        if op_name not in TABLE:
            raise IRError(f"line {line}: there is no op {op_name!r}")
        operands = self.operands()
        attributes = self.attributes()
        regions: list[Graph] = []
        if self.accept("("):
            while not self.accept(")"):
                regions.append(self.region())
        self.expect(":")
        types = [self.type()]
        while self.accept(","):
            types.append(self.type())
        location, note = _read_comment(self.comments.get(line, ""))
        if len(types) != len(names):
            raise IRError(f"line {line}: {len(names)} results, {len(types)} types")
        operation = Operation(
            TABLE[op_name],
            tuple(operands),
            attributes,
            types,
            regions=tuple(regions),
            location=location,
            note=note,
        )
        self.values.update(zip(names, operation.results, strict=True))
        return operation

    def attributes(self) -> dict[str, Any]:
        attributes: dict[str, Any] = {}
        if self.accept("{"):
            while not self.accept("}"):
                name = self.next()
                self.expect("=")
                attributes[name] = self.attribute()
                self.accept(",")
        return attributes

    def attribute(self) -> Any:
        kind, token = self.kind, self.next()
        if kind == "string":
            return json.loads(token)
        if kind == "number":
            return _number(token)
        if token == "[":
            items = []
            while not self.accept("]"):
                items.append(self.attribute())
                self.accept(",")
            return tuple(items)
        if token == "dense":
            return self.dense()
        if token in _WORDS:
            return _WORDS[token]
        raise self.error(f"{token!r} is not an attribute value")

    def dense(self) -> ArrayConstant:
        self.expect("(")
        dtype = self.attribute()
        self.expect(",")
        shape = self.shape()
        self.expect(",")
        elements = self.attribute()
        self.expect(")")
        try:
            array = np.array(elements, NUMPY_DTYPE[dtype]).reshape(shape)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise self.error(f"dense: {error}") from None
        return ArrayConstant(array)

    def type(self) -> TensorType:
        dtype = self.next()
        if dtype not in DTYPES:
            raise self.error(f"{dtype!r} is not a dtype")
        return TensorType(dtype, self.shape())

    def shape(self) -> tuple[int, ...]:
        shape = self.attribute()
        if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
            raise self.error(f"{shape!r} is no shape")
        return shape


def _number(token: str) -> float | int:
    if token.lstrip("-").isdigit():
        return int(token)
    return float(token)


def _read_comment(comment: str) -> tuple[Location | None, str]:
    match = _COMMENT.match(comment)
    if match is None:
        return None, ""
    location = Location(match["file"], int(match["line"])) if match["file"] else None
    return location, match["note"].strip()
