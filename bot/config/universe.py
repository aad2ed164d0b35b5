"""Settings of what is watched beside what is traded, and how the market data allowance is shared out."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bot.config.section import Seconds, Section
from bot.domain.instruments import DOLLARS, InstrumentKind
from bot.domain.universe import Member, Rolling, Universe

GroupName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
MemberName = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9.\-]{0,15}$")]
Place = Annotated[str, Field(pattern=r"^[A-Z0-9.]{2,16}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
# What is left out is empty, also when settings are read again that were written out whole: a child is told them so.
_TickerIfAny = Annotated[str, Field(pattern=r"^([A-Z0-9][A-Z0-9.\- ]{0,15})?$")]
_PlaceIfAny = Annotated[str, Field(pattern=r"^([A-Z0-9.]{2,16})?$")]
_CurrencyIfAny = Annotated[str, Field(pattern=r"^([A-Z]{3})?$")]
_KIND = {
    "stock": InstrumentKind.STOCK,
    "index": InstrumentKind.INDEX,
    "future": InstrumentKind.FUTURE,
    "currency": InstrumentKind.CURRENCY,
    "crypto": InstrumentKind.CRYPTO,
}


class MemberSettings(Section):
    """How one member differs from its group; what is left out is the group's, the symbol is the member's name."""

    symbol: _TickerIfAny = Field("", description="the broker's ticker, where the name is another")
    exchange: _PlaceIfAny = ""
    currency: _CurrencyIfAny = ""
    trading_class: _TickerIfAny = Field("", description="where a symbol has several")


class GroupSettings(Section):
    """Instruments of one kind that one market data subscription serves."""

    kind: Literal["stock", "index", "future", "currency", "crypto"]
    exchange: Place = "SMART"
    currency: Currency = DOLLARS
    enabled: bool = True
    members: dict[MemberName, MemberSettings] = Field(min_length=1, max_length=100)

    def read(self, group: str) -> tuple[Member, ...]:
        """Return the members as the adapter asks for them."""
        kind = _KIND[self.kind]
        return tuple(
            Member(
                name, group, kind,
                each.symbol or (name.partition(".")[0] if kind in _PAIRS else name),
                each.exchange or self.exchange,
                each.currency or (name.partition(".")[2] if kind in _PAIRS and "." in name else self.currency),
                each.trading_class,
            )
            for name, each in self.members.items()
        )  # fmt: skip


_PAIRS = frozenset({InstrumentKind.CURRENCY, InstrumentKind.CRYPTO})
"""Named by two currencies, EUR.USD; the first is the symbol, the second what it is priced in."""


class UniverseSettings(Section):
    """Everything in `universe.yaml`. The groups are data: the file is the only place where they stand."""

    roll_by: Rolling = Field(Rolling.VOLUME, description="volume: the month that traded more; days: by the calendar")
    roll_days: int = Field(3, ge=0, le=30, description="a future's month is left so many days before it expires")
    delayed: bool = Field(True, description="where nothing live is subscribed, take delayed data: shown, not traded on")
    depth_every_s: Seconds = Field(20, description="wall seconds: order books beyond the allowance take turns")
    depth_first: tuple[MemberName, ...] = Field(("SPY", "QQQ", "IWM"), description="their books before a candidate's")
    depth_then: tuple[MemberName, ...] = Field(
        ("AAPL", "MSFT", "GOOGL", "AMZN", "NVDA", "META", "TSLA"), description="their books after the candidates'"
    )
    prints_of: tuple[MemberName, ...] = Field(
        ("SPY", "QQQ", "IWM"), max_length=60, description="whose trades are taken"
    )
    bars_of: tuple[MemberName, ...] = Field(
        ("SPX", "SPY", "QQQ", "IWM"), max_length=10, description="whose bars of five seconds and a minute are kept"
    )
    groups: dict[GroupName, GroupSettings] = Field(default_factory=dict, description="in the order of importance")

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        seen: dict[str, str] = {}
        for each in self.read():
            if each.key in seen:
                raise ValueError(f"{each.name} is in {seen[each.key]} and in {each.group}: once is enough")
            seen[each.key] = each.group
        return self

    def read(self) -> Universe:
        """Return what is watched, the members of groups that are switched off left out."""
        members = [each for name, group in self.groups.items() if group.enabled for each in group.read(name)]
        return Universe(tuple(members), self.roll_by, self.roll_days)
