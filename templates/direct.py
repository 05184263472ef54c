"""Compiles our own templates more directly than those of an operator, which stay in the sandbox in all they do.

Ours name nothing but facts and texts, and their tests read every line of them. So a fact is read as an attribute and
without asking the sandbox, a text is looked up without it, and one that needs no facts is put in when it is compiled.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame, optimizeconst
from jinja2.filters import FILTERS
from jinja2.visitor import NodeTransformer

_escape: Callable[[Any], str] = FILTERS["escape"]


class Direct(CodeGenerator):
    """Writes the Python of a template; in the sandbox's way where the environment's `trusts` does not name it."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        self._trusted = self.name in self.environment.trusts  # type: ignore[attr-defined]
        if self._trusted:
            node = _Translated(self.environment.catalogue).visit(node)  # type: ignore[attr-defined]
        super().visit_Template(node, frame)

    @optimizeconst
    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        if not self._trusted:
            super().visit_Getattr(node, frame)
            return
        self.visit(node.node, frame)
        self.write(f".{node.attr}")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if self._trusted and frame.eval_ctx.autoescape and not frame.eval_ctx.volatile and finalize.src is None:
            self.write("environment.escaped(")
        else:
            super()._output_child_pre(node, frame, finalize)

    @optimizeconst
    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        texts = self.environment.catalogue  # type: ignore[attr-defined]
        if not (self._trusted and isinstance(node.node, nodes.Name) and node.node.name in texts):
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(node.node, frame)
        self.write("(")
        for argument in (*node.args, *node.kwargs):
            self.visit(argument, frame)
            self.write(", ")
        self.write(")")


def escaped(value: Any) -> str:
    """The value as HTML shows it, unless it is markup itself. Most of what a mail shows stood in the last one too."""
    return _escaped(value) if type(value) is str else _escape(value)


@lru_cache(8192)
def _escaped(text: str) -> str:
    return str(_escape(text))


class _Translated(NodeTransformer):
    """Puts the texts that need no facts into a template."""

    def __init__(self, catalogue: Mapping[str, Callable[..., str]]) -> None:
        self._catalogue = catalogue

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        node = self.generic_visit(node)  # type: ignore[assignment]
        name = node.node.name if isinstance(node.node, nodes.Name) else ""
        given: list[Any] = [one.value for one in node.args if isinstance(one, nodes.Const)]
        if name not in self._catalogue or len(given) < len(node.args) or node.kwargs:
            return node
        return nodes.Const(self._catalogue[name](*given), lineno=node.lineno, environment=node.environment)
