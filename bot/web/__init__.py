"""The page: what the bot holds, does and waits for, read from the store by a process of its own.

Context: a browser, a slow phone or a bug in a template must never stall the tick. Decision: `python -m bot.web` is a
separate process that reads the store read-only and asks for things by inserting `command` rows. Consequence: the page
shows what is committed, a command is answered on the next tick, and killing the page costs nothing.

    access.py    who may read and who may act: login, session cookie, CSRF, Host check, headers
    logins.py    the token, who is logged in, and for how long
    model.py     the page's view of the store, one reading shared by everyone who looks in the same moment
    pages.py     overview, timelines, machines, audit
    alerting.py  alerts by day, severity and code; auditing.py: the named queries
    timeline.py  the story of one signal or position
    reasons.py   why a trade: what was seen, every rule as it was asked, who decides
    store_reader.py  where the store is read; commanding.py: where a command row is inserted
    actions.py   POST forms to command rows
    live.py      server-sent events and their polling fallback; patches.py: what changed of a part
    server.py    the HTTP server with its limits
    probes.py    /healthz, /metrics, /api/status
    charts.py, diagram.py   geometry of the drawings; templates/web draws them
    formats.py, words.py    numbers, times and states as people read them
"""
