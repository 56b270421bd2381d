"""The look of the pages that commands write: one style sheet, light and dark."""

STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1180px;padding:0 1rem;
color:#1c2733;background:#fff}h1{font-size:1.6rem;margin:0}
h2{font-size:1.2rem;margin:2.2rem 0 .4rem}
p{max-width:75ch;margin:.4rem 0}.tiles{display:flex;flex-wrap:wrap;gap:.8rem;margin:1.2rem 0}
.tile{border:1px solid #d5dde5;border-radius:6px;padding:.6rem .9rem;min-width:9.5rem}
.tile b{display:block;font-size:1.5rem}.tile span{color:#51606f;font-size:.85rem}
.row{display:flex;flex-wrap:wrap;gap:1.2rem}.row>figure{flex:1 1 480px;margin:0;min-width:0}
.small{display:grid;grid-template-columns:repeat(auto-fill,minmax(350px,1fr));gap:.6rem}
.small figure{margin:0}figcaption{font-size:.85rem;color:#51606f}svg{width:100%;height:auto}
svg text{font:11px system-ui,sans-serif;fill:#33424f}svg .title{fill:#51606f}
.grid{stroke:#e6ebf0}.axis{stroke:#8795a3}.band{fill:#2f6fb2;opacity:.2}
.now{fill:none;stroke:#2f6fb2;stroke-width:2}.final{fill:#c4442e;stroke:none}
.clock{fill:none;stroke:#8a6d1d;stroke-width:1.6;stroke-dasharray:5 4}.clockdot{fill:#8a6d1d}
.ours{fill:none;stroke:#2f6fb2;stroke-width:2}.oursdot{fill:#2f6fb2}
.target{fill:#3a8f5a;opacity:.15}.ideal{fill:none;stroke:#3a8f5a;stroke-dasharray:3 3}
table{border-collapse:collapse;margin:.6rem 0}td,th{padding:.25rem .7rem;text-align:right;
border-bottom:1px solid #e6ebf0}td:first-child,th:first-child,.left{text-align:left}
th{font-weight:600;color:#51606f}details{margin:.5rem 0}summary{cursor:pointer;font-weight:600}
.yes{color:#2c7a48}.no{color:#b0381f}
@media (prefers-color-scheme:dark){body{background:#14191f;color:#dde5ec}
svg text,svg .title{fill:#b9c5d0}.grid{stroke:#27313b}.tile,td,th{border-color:#2b3743}
.tile span,figcaption,th{color:#9aa8b5}.no{color:#e58a74}.yes{color:#67b98a}}
"""
