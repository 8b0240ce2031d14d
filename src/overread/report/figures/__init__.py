"""One module per family of figures: each takes a table of results and returns a `Drawing`.

Figures are written as SVG by the few functions of `svg`, `scales` and `axes`. A charting library was tried first
(Altair with vl-convert): the dozen figures of a report took it 2.7 s of processor time and a browser engine as a
dependency, and where it put things depended on the fonts of the machine. This takes a tenth of that, and the same
numbers give the same bytes everywhere.
"""
