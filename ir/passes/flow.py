"""Minimum cuts: which edges to give up so that nothing flows from a source to a sink, and the least
of all sums of their capacities.

By Dinic's algorithm (Soviet Math. Doklady 11, 1970), on whole numbers, so that the answer is exact.
"""

from __future__ import annotations

from collections.abc import Iterable

ENDLESS = 1 << 100  # the capacity of an edge that is in no cut

Edge = tuple[int, int, int]  # from, to, capacity


def minimum_cut(count: int, edges: Iterable[Edge], source: int, sink: int) -> tuple[int, set[int]]:
    """The least capacity of a cut between two of the nodes 0 … count - 1, and the source's side.

    Of several such cuts it is the one that is nearest to the sink.
    """
    network = _Network(count, edges)
    total = 0
    while network.find_levels(source, sink):
        while pushed := network.push(source, sink):
            total += pushed
    return total, set(range(count)) - network.leading_to(sink)


class _Network:
    """Edges by number; edge e ^ 1 is edge e turned round. `left` is what they can still carry."""

    def __init__(self, count: int, edges: Iterable[Edge]) -> None:
        self.count = count
        self.heads: list[int] = []
        self.left: list[int] = []
        self.leaving: list[list[int]] = [[] for _ in range(count)]
        for tail, head, capacity in edges:
            self.leaving[tail].append(len(self.heads))
            self.leaving[head].append(len(self.heads) + 1)
            self.heads += (head, tail)
            self.left += (capacity, 0)

    def find_levels(self, source: int, sink: int) -> bool:
        """Number the nodes by their distance from the source; is the sink among them?"""
        self.level = [-1] * self.count
        self.level[source] = 0
        layer = [source]
        while layer and self.level[sink] < 0:
            following = []
            for node in layer:
                for edge in self.leaving[node]:
                    head = self.heads[edge]
                    if self.left[edge] and self.level[head] < 0:
                        self.level[head] = self.level[node] + 1
                        following.append(head)
            layer = following
        self.begun = [0] * self.count  # of each node, how many edges lead nowhere any more
        return self.level[sink] >= 0

    def push(self, source: int, sink: int) -> int:
        """Send what one shortest path can carry; 0 where there is no such path."""
        path: list[int] = []
        node = source
        while node != sink:
            edge = self._onward(node)
            if edge >= 0:
                path.append(edge)
                node = self.heads[edge]
            elif not path:
                return 0
            else:
                node = self.heads[path.pop() ^ 1]
                self.begun[node] += 1
        amount = min([self.left[edge] for edge in path])
        for edge in path:
            self.left[edge] -= amount
            self.left[edge ^ 1] += amount
        return amount

    def _onward(self, node: int) -> int:
        """An edge to the next level, or -1."""
        edges = self.leaving[node]
        for i in range(self.begun[node], len(edges)):
            edge = edges[i]
            if self.left[edge] and self.level[self.heads[edge]] == self.level[node] + 1:
                self.begun[node] = i
                return edge
        self.begun[node] = len(edges)
        return -1

    def leading_to(self, sink: int) -> set[int]:
        """The nodes from which something can still be sent to the sink."""
        found = {sink}
        pending = [sink]
        while pending:
            for edge in self.leaving[pending.pop()]:
                tail = self.heads[edge]
                if self.left[edge ^ 1] and tail not in found:
                    found.add(tail)
                    pending.append(tail)
        return found
