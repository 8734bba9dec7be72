"""How a page looks, in both colour schemes and at every width."""

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark;
  --ink: #1f2328; --muted: #57606a; --grid: #d0d7de; --paper: #ffffff; --panel: #f6f8fa;
  --own: #0b5cad; --pale: #bcd9f5; --other: #b3470a; --chosen: #6b3fa0 }
@media (prefers-color-scheme: dark) { :root {
  --ink: #f0f6fc; --muted: #a3abb4; --grid: #3d444d; --paper: #0d1117; --panel: #151b23;
  --own: #6cb4ff; --pale: #1f4a75; --other: #ffa45c; --chosen: #c9a2ff } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere }
main { max-width: 1120px; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.6rem; margin: .5rem 0 }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; padding-top: 1rem;
  border-top: 1px solid var(--grid) }
h3 { font-size: 1rem; margin: 1rem 0 .25rem }
p { margin: .25rem 0 .75rem; max-width: 46em }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr));
  gap: 1rem }
figure { margin: 0; padding: .75rem; border: 1px solid var(--grid); border-radius: 8px;
  min-width: 0; max-width: 27em }
figure h3 { margin: 0 0 .5rem }
figcaption { color: var(--muted); font-size: .9rem }
svg { display: block; width: 100%; height: auto }
svg text { font-family: system-ui, sans-serif }
details { margin-top: .5rem; font-size: .9rem }
a { color: var(--own) }
summary { cursor: pointer; color: var(--own) }
.table { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
caption { text-align: left; color: var(--muted); font-size: .9rem; padding: .25rem 0 }
th, td { padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--grid); text-align: left;
  vertical-align: top; font-weight: normal; min-width: 4.5em }
thead th { font-weight: 600 }
@media print { details:not([open]) { display: none } }
"""
