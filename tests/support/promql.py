"""What a PromQL expression asks for."""

from collections.abc import Iterator

from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)


def selectors(expr: Expr) -> Iterator[VectorSelector]:
    """Yield every selector of an expression."""
    match expr:
        case VectorSelector():
            yield expr
        case MatrixSelector():
            yield expr.vector_selector
        case BinaryExpr():
            yield from selectors(expr.lhs)
            yield from selectors(expr.rhs)
        case Call():
            for argument in expr.args:
                yield from selectors(argument)
        case AggregateExpr() | ParenExpr() | SubqueryExpr() | UnaryExpr():
            yield from selectors(expr.expr)
