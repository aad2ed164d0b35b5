"""Charts, described once and drawn twice: as plain SVG by the server and by Vega-Lite in the browser or as a picture.

Context: page, reports and chats show the same charts; without JavaScript, in print and in a chat they are pictures, on
the page they answer to hover, zoom and touch. Decision: a chart is a frozen description (`chart.py`); `drawing.py` is
its geometry as SVG, `vega.py` its specification for Vega-Lite, plain dicts, so that nobody who only describes
loads a library. Vega-Lite's bundle is put into the environment by `make setup` (`bundle.py`), and a picture is made
in a child that ends (`picture.py`). Consequence: a new chart is a description, a line in a page.

Times on an x axis are New York wall time, written as milliseconds as if it were UTC: Vega knows no other zone.
"""
