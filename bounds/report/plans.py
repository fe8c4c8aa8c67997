"""Plans for every bound of a report: how many labels or pairs would bring each to a target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bounds.errors import NotApplicable
from bounds.report.format import short, visible
from bounds.report.planning import NOTE, Plan, plan
from bounds.theorems.bound import Bound

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Plans(Mapping[str, Plan]):
    """Bound name to plan, for the bounds that have one.

    Attributes:
        target: Error rate aimed at; on its own axis for a bound without an error rate.
        plans: By bound name.
        left_out: Bound name to the reason why it has no plan.
    """

    target: float
    plans: Mapping[str, Plan]
    left_out: Mapping[str, str]

    @classmethod
    def of(cls, bounds: Mapping[str, Bound], target: float) -> Plans:
        """Plan for each bound."""
        plans: dict[str, Plan] = {}
        left_out: dict[str, str] = {}
        for name, bound in bounds.items():
            try:
                plans[name] = plan(bound, target)
            except NotApplicable as reason:
                left_out[name] = str(reason)
        return cls(target, plans, left_out)

    def __getitem__(self, name: str) -> Plan:
        return self.plans[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.plans)

    def __len__(self) -> int:
        return len(self.plans)

    def to_frame(self) -> pandas.DataFrame:
        """One row per bound and direction: sizes, value there, floor, and the term that stops it."""
        import pandas

        frames = [one.to_frame().reset_index().assign(bound=name, now=one.now) for name, one in self.items()]
        columns = ["bound", "which", "now", "reachable", "n", "m", "shots", "value", "floor", "stopped_by"]
        return (
            pandas.concat(frames, ignore_index=True)[columns] if frames else pandas.DataFrame(columns=columns)
        )

    def __repr__(self) -> str:
        lines = [f"{'bound':<28}{'more':<8}{'now':>10}{'n':>14}{'m':>14}{'floor':>10}   stopped by"]
        for name, one in self.items():
            for need in one.needs.values():
                n, m = ("–" if size is None else f"{size:,}" for size in (need.n, need.m))
                numbers = f"{one.now:>10.4g}{n:>14}{m:>14}{need.floor:>10.4g}"
                lines.append(
                    f"{short(visible(name)):<28}{need.which:<8}{numbers}   {visible(need.stopped_by or '')}"
                )
        lines += [visible(f"{short(name)}: {reason}") for name, reason in self.left_out.items()]
        return "\n".join([f"target {self.target:g}; {NOTE}", *lines])

    def _repr_html_(self) -> str:
        return f"<p>target {self.target:g}; {NOTE}</p>{self.to_frame().to_html(index=False)}"
