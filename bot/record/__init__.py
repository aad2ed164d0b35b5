"""Recordings: everything that came, as it came, and how it is read again.

| part | room |
|---|---|
| what a row is, and which kinds there are | `bot.domain.recording` |
| the bot's end: takes each fact, hands rows on once a second | `tap` |
| the process that keeps them: a journal to the last second, Parquet by the hour | `keeper`, `__main__` |
| the journal's frames | `journal` |
| tables a kind as Parquet; the only module that imports pyarrow | `tables` |
| a day's recording, read, judged, listed | `library` |

Context: a crash may come at any moment, and a Parquet file without its end cannot be read. Decision: rows go to a
journal of checksummed frames, made durable once a second, and become Parquet when an hour, a day or the run is over;
each finished file is listed with its digest and a copy of its own index. Consequence: what was flushed is never lost, a
file that was cut short can still be read up to the cut, and a flipped byte is found and named.
"""
