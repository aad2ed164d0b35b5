"""Facts from outside, in the past tense: what the inbox holds and the tick applies. Adapters make them, nobody else.

Every instrument is named by its key (`bot.domain.instruments`); every time is ours unless it says otherwise. Words that
others chose pass the border (`bot.domain.outside`) where the fact is made, so that no fact can go round it.
"""

from __future__ import annotations

from bot.domain.events.account import (
    AccountReported,
    BrokerSnapshot,
    CurrencyTold,
    ForeignSeen,
    PositionPnlTold,
    PositionTold,
)
from bot.domain.events.feeds import DatumReceived, EndpointReported, FeedReported
from bot.domain.events.host import ClockParted, DiskTold, JobRan
from bot.domain.events.link import BrokerTimeTold, LinkChanged
from bot.domain.events.market_data import (
    BarsReceived,
    BookReceived,
    ChainTold,
    ContractChanged,
    ContractQualified,
    GreeksReceived,
    HoursTold,
    LineReported,
    LinesHeard,
    QuoteReceived,
    QuoteSnapshot,
    TradesReceived,
)
from bot.domain.events.orders import (
    CommissionReported,
    ExecutionReported,
    OrderErred,
    OrderNotSent,
    OrderReported,
    OrderSent,
    WhatIfAnswered,
)
from bot.domain.events.people import AlertRaised, InboundReceived, RequestReceived, RequestUnreadable

Event = (
    QuoteReceived | LinesHeard | GreeksReceived | BookReceived | TradesReceived | ContractQualified
    | OrderSent | OrderNotSent | OrderReported | OrderErred | ExecutionReported | CommissionReported | WhatIfAnswered
    | AccountReported | LinkChanged | BrokerSnapshot | DatumReceived | FeedReported | EndpointReported | RequestReceived
    | AlertRaised | JobRan | ClockParted | BrokerTimeTold | ForeignSeen | ContractChanged | PositionTold
    | RequestUnreadable | InboundReceived | DiskTold | HoursTold | LineReported | BarsReceived
    | PositionPnlTold | CurrencyTold | QuoteSnapshot | ChainTold
)  # fmt: skip
