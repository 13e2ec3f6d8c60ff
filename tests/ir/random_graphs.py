"""Random graphs, built from the samples of the op table."""

from __future__ import annotations

from hypothesis import strategies as st

from fusegrad.ir import TABLE, Graph, GraphBuilder, Location, Op, Sample, TensorType, Value

CASES: list[tuple[Op, Sample]] = [
    (op, sample) for op in TABLE.values() if "late" not in op.traits for sample in op.samples
]
NAMES = st.sampled_from(["", "x", "x", "weights", "a0", "a1", "x.1", "2nd", "params['w']", "größe"])


@st.composite
def graphs(draw: st.DrawFn, *, most: int = 12) -> Graph:
    """Ops on earlier results of the right type where there are some, on new inputs otherwise."""
    builder = GraphBuilder(draw(st.sampled_from(["main", "loss.vjp", "<lambda>"])))
    values: list[Value] = []
    for _ in range(draw(st.integers(0, most))):
        op, sample = draw(st.sampled_from(CASES))
        operands = [_operand(draw, builder, values, type) for type in sample.types]
        builder.location = draw(st.sampled_from([None, Location("a/model.py", 7)]))
        builder.note = draw(st.sampled_from(["", "residual", "vjp of tanh, wrt %x"]))
        values.append(builder.apply(op, tuple(operands), dict(sample.attributes)))
    everything = [*builder.inputs, *values]
    outputs = draw(st.lists(st.sampled_from(everything), max_size=3)) if everything else []
    return builder.build(outputs)


def _operand(
    draw: st.DrawFn, builder: GraphBuilder, values: list[Value], type: TensorType
) -> Value:
    fitting = [value for value in (*builder.inputs, *values) if value.type == type]
    if fitting and draw(st.booleans()):
        return draw(st.sampled_from(fitting))
    return builder.input(type, draw(NAMES))
