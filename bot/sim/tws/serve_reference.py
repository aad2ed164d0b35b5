"""Answers about what trades here, and the small talk of a TWS: time, ids, accounts, and the services not offered."""

from __future__ import annotations

from bot.sim.tws import contracts, messages, requests
from bot.sim.tws.handlers import answers, invalid
from bot.sim.tws.session import ClientSession
from bot.sim.tws.wire import WireMessage


@answers(requests.StartApi)
def start_api(session: ClientSession, request: requests.StartApi) -> None:
    face = session.face
    if session.client_id >= 0:
        invalid(session, -1, "the API is already started")
    elif face.session_of(request.client_id) is not None or face.is_full():
        session.error(-1, 326, "Unable to connect as the client id is already in use. Retry with a unique client id.")
        session.close()
    else:
        session.start(request.client_id)


@answers(requests.CurrentTime)
def current_time(session: ClientSession, request: requests.CurrentTime) -> None:
    del request
    session.send(messages.current_time(session.face.now()))


@answers(requests.NextIds)
def next_ids(session: ClientSession, request: requests.NextIds) -> None:
    del request
    session.send(messages.next_valid_id(session.face.venue.next_order_id(session.client_id)))


@answers(requests.ManagedAccounts)
def managed_accounts(session: ClientSession, request: requests.ManagedAccounts) -> None:
    del request
    session.send(messages.managed_accounts(session.face.accounts))


@answers(requests.ServerLogLevel)
def server_log_level(session: ClientSession, request: requests.ServerLogLevel) -> None:
    """TWS does not acknowledge a level; only a bad one is answered."""
    if not 1 <= request.level <= 5:
        invalid(session, -1, f"log level {request.level} is not within 1 to 5")


@answers(requests.ContractDetails)
def contract_details(session: ClientSession, request: requests.ContractDetails) -> None:
    query, face = request.contract, session.face
    if not query.con_id and not query.sec_type and not query.local_symbol:
        invalid(session, request.req_id, "Please enter a valid security type")
        return
    found = contracts.lookup(face.market, query) if contracts.is_specific(query) else []
    now = face.now()
    live = [each for each in found if request.include_expired or not contracts.is_expired(each, face.market, now)]
    if not live:
        session.error(request.req_id, 200, "No security definition has been found for the request")
        return
    for each in live:
        session.send(contracts.details(request.req_id, each, face.market, now, session.version, face.hours_said()))
    session.send(messages.end(52, request.req_id))


@answers(requests.OptionParameters)
def option_parameters(session: ClientSession, request: requests.OptionParameters) -> None:
    market = session.face.market
    under = market.by_con_id(request.con_id)
    if under is None or under.symbol != request.symbol or under.sec_type != request.sec_type:
        invalid(session, request.req_id, "Invalid contract id")
        return
    if request.future_exchange:
        session.send(WireMessage(76, (request.req_id,)))
        return
    session.send_all(contracts.option_parameters(request.req_id, market, request.symbol, request.con_id))


@answers(requests.MatchingSymbols)
def matching_symbols(session: ClientSession, request: requests.MatchingSymbols) -> None:
    session.send(contracts.symbol_samples(request.req_id, session.face.market, request.pattern, session.version))


@answers(requests.MarketRule)
def market_rule(session: ClientSession, request: requests.MarketRule) -> None:
    answer = contracts.market_rule(request.rule_id)
    if answer is None:
        invalid(session, -1, f"market rule {request.rule_id} does not exist")
        return
    session.send(answer)


@answers(requests.SmartComponents)
def smart_components(session: ClientSession, request: requests.SmartComponents) -> None:
    session.send(messages.smart_components(request.req_id))


@answers(requests.DepthExchanges)
def depth_exchanges(session: ClientSession, request: requests.DepthExchanges) -> None:
    del request
    session.send(messages.DEPTH_EXCHANGES)


@answers(requests.SoftDollarTiers)
def soft_dollar_tiers(session: ClientSession, request: requests.SoftDollarTiers) -> None:
    session.send(WireMessage(77, (request.req_id, 0)))


@answers(requests.FamilyCodes)
def family_codes(session: ClientSession, request: requests.FamilyCodes) -> None:
    del request
    accounts = session.face.accounts
    session.send(WireMessage(78, (len(accounts), *(value for account in accounts for value in (account, "")))))


@answers(requests.UserInfo)
def user_info(session: ClientSession, request: requests.UserInfo) -> None:
    session.send(WireMessage(107, (request.req_id, "")))


@answers(requests.DisplayGroups)
def display_groups(session: ClientSession, request: requests.DisplayGroups) -> None:
    session.send(WireMessage(67, (1, request.req_id, "")))


@answers(requests.NewsProviders)
def news_providers(session: ClientSession, request: requests.NewsProviders) -> None:
    del request
    session.send(WireMessage(85, (0,)))


@answers(requests.NewsArticle)
def news_article(session: ClientSession, request: requests.NewsArticle) -> None:
    session.error(request.req_id, 10172, "Failed to request news article: no news provider is subscribed")


@answers(requests.HistoricalNews)
def historical_news(session: ClientSession, request: requests.HistoricalNews) -> None:
    session.send(WireMessage(87, (request.req_id, False)))


@answers(requests.NewsBulletins)
def news_bulletins(session: ClientSession, request: requests.NewsBulletins) -> None:
    """A subscription to bulletins has nothing to say until there is one; the venue issues none."""


@answers(requests.CancelNewsBulletins)
def cancel_news_bulletins(session: ClientSession, request: requests.CancelNewsBulletins) -> None:
    """Cancelling a silent subscription is silent."""


@answers(requests.RequestAdvisorConfig)
def advisor_config(session: ClientSession, request: requests.RequestAdvisorConfig) -> None:
    del request
    invalid(session, -1, "FA data operations ignored for non FA customers.")


@answers(requests.ReplaceAdvisorConfig)
def replace_advisor_config(session: ClientSession, request: requests.ReplaceAdvisorConfig) -> None:
    invalid(session, request.req_id, "FA data operations ignored for non FA customers.")


@answers(requests.FundamentalData)
def fundamental_data(session: ClientSession, request: requests.FundamentalData) -> None:
    session.error(request.req_id, 430, "The fundamentals data for the security specified is not available.")


@answers(requests.ScannerParameters)
def scanner_parameters(session: ClientSession, request: requests.ScannerParameters) -> None:
    del request
    session.send(WireMessage(19, (1, messages.EMPTY_SCANNER_XML)))


@answers(requests.ScannerSubscription)
def scanner_subscription(session: ClientSession, request: requests.ScannerSubscription) -> None:
    text = "Historical Market Data Service error message:API scanner subscription is not offered at this venue"
    session.error(request.req_id, 162, text)


@answers(requests.WallStreetHorizon)
def corporate_calendar(session: ClientSession, request: requests.WallStreetHorizon) -> None:
    session.error(request.req_id, 10276, "News feed is not allowed: Wall Street Horizon is not subscribed")


@answers(requests.CancelAnswered)
def cancel_answered(session: ClientSession, request: requests.CancelAnswered) -> None:
    """Such requests are answered at once, so that there is never one left to cancel."""
    session.error(request.req_id, 300, f"Can't find EId with tickerId:{request.req_id}")


@answers(requests.ExerciseOptions)
def exercise_options(session: ClientSession, request: requests.ExerciseOptions) -> None:
    invalid(
        session,
        request.req_id,
        "exercise instructions are not taken at this venue; options settle or are exercised at expiry",
    )


@answers(requests.Unknown)
def unknown(session: ClientSession, request: requests.Unknown) -> None:
    session.error(-1, 505, f"Fatal Error: Unknown message id: {request.message_id}")
