namespace MambaExt.Reports;

/// <summary>The style sheet of a report: light and dark, wide and narrow, screen and paper.</summary>
internal static class ReportStyle
{
    public const string Sheet = """

        :root { color-scheme: light dark; --page: #fdfdfb; --text: #1b1e21; --quiet: #565d64; --rule: #d6d8d4; --grid: #e8e9e5; --tint: #f3f4f0;
          --warn: #fff4d6; --warn-rule: #b07d00; --c0: #1f5fa8; --c1: #a84a00; --c2: #1b7048; --c3: #7a3d9e; --cell: #000000; --on-deep: #ffffff; --deep: #174a86; --focus: #1f5fa8; }
        @media screen and (prefers-color-scheme: dark) {
          :root { --page: #15181b; --text: #e7e9e6; --quiet: #a8b0b6; --rule: #3c4247; --grid: #282d31; --tint: #1d2125;
            --warn: #33290e; --warn-rule: #d8a520; --c0: #7fb6f2; --c1: #f2a765; --c2: #72d09c; --c3: #cda4f3; --cell: #ffffff; --on-deep: #000000; --deep: #6797cb; --focus: #9cc8ff; }
        }
        * { box-sizing: border-box; }
        html { background: var(--page); color: var(--text); font: 16px/1.55 Charter, "Bitstream Charter", "Sitka Text", Cambria, Georgia, serif; -webkit-text-size-adjust: 100%; }
        body { margin: 0; }
        main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
        main:focus { outline: none; }
        h1, h2, h3, h4 { line-height: 1.2; font-weight: 600; text-wrap: balance; overflow-wrap: anywhere; }
        h1 { font-size: 2.1rem; margin: 0 0 .6rem; }
        h2 { font-size: 1.4rem; margin: 2.8rem 0 .8rem; padding-top: .9rem; border-top: 1px solid var(--rule); }
        article article h2 { font-size: 1.6rem; border-top: 3px solid var(--rule); }
        h3 { font-size: 1.15rem; margin: 2rem 0 .6rem; }
        p { margin: .6rem 0; overflow-wrap: anywhere; }
        .lead { font-size: 1.2rem; max-width: 46rem; } .lead strong { white-space: nowrap; }
        .note { color: var(--quiet); font-size: .9rem; }
        .warning { background: var(--warn); border-left: 4px solid var(--warn-rule); padding: .6rem .9rem; max-width: 46rem; }
        a { color: var(--c0); }
        .skip { position: absolute; left: -99rem; top: 0; background: var(--page); padding: .5rem 1rem; }
        .skip:focus { left: 0; }
        :focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
        nav ol { padding-left: 1.4rem; columns: 16rem auto; }
        .facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .8rem 1.5rem; margin: 1.4rem 0; }
        dt, table, svg text, summary, .caption, .note, .skip, nav { font-family: system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif; }
        dt { color: var(--quiet); font-size: .78rem; }
        dd { margin: 0; overflow-wrap: anywhere; }
        .scroll { overflow-x: auto; margin: 0 0 .8rem; }
        details .scroll { max-height: 26rem; overflow-y: auto; }
        table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; border-bottom: 1.5px solid var(--text); }
        .caption { color: var(--quiet); margin: 1.2rem 0 .4rem; font-size: .85rem; max-width: 46rem; }
        th, td { padding: .3rem .65rem; text-align: right; font-weight: 400; white-space: nowrap; }
        thead th { border-top: 1.5px solid var(--text); border-bottom: 1px solid var(--text); font-weight: 600; vertical-align: bottom; }
        tbody th, tfoot th { font-weight: 500; }
        tfoot th, tfoot td { border-top: 1px solid var(--rule); }
        th:first-child, .words { text-align: left; }
        td.long { white-space: normal; overflow-wrap: anywhere; min-width: 12rem; max-width: 34rem; }
        tbody tr:hover { background: var(--tint); }
        th:first-child, td:first-child { padding-left: .3rem; }
        tr th[scope=row] { max-width: 22rem; overflow: hidden; text-overflow: ellipsis; }
        .confusion { border-bottom: 0; } .confusion td { text-align: center; padding: .4rem .5rem; min-width: 3.4rem; color: var(--cell); background: color-mix(in srgb, var(--deep) var(--part), var(--page)); border: 1px solid var(--page); }
        .confusion td.deep { color: var(--on-deep); }
        .confusion thead th { white-space: normal; overflow-wrap: break-word; text-align: center; font-size: .78rem; }
        .confusion thead .corner { text-align: left; font-weight: 400; color: var(--quiet); }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1.2rem 2rem; align-items: start; }
        figure { margin: 0; min-width: 0; break-inside: avoid; }
        figure.single { max-width: 29rem; margin: 1.4rem 0; }
        figure.wide { max-width: 40rem; margin: 1.4rem 0; }
        details { margin: .5rem 0; }
        summary { cursor: pointer; color: var(--quiet); font-size: .85rem; padding: .25rem 0; overflow-wrap: anywhere; }
        details.model { border-top: 1px solid var(--rule); padding-top: .4rem; }
        details.model > summary { color: var(--text); font-size: 1rem; font-weight: 600; }
        .chart { display: block; width: 100%; height: auto; color: var(--c0); }
        .m1 { color: var(--c1); } .m2 { color: var(--c2); } .m3 { color: var(--c3); } .row.m0 { color: var(--c0); }
        .chart text { font-size: 11px; fill: var(--text); font-variant-numeric: tabular-nums; }
        .chart .name { font-size: 13px; font-weight: 600; }
        .chart .label { font-size: 12px; }
        .chart .tick { fill: var(--quiet); }
        .chart .end { text-anchor: end; } .chart .middle { text-anchor: middle; }
        .grid, .axis { fill: none; stroke: var(--grid); stroke-width: 1; } .axis { stroke: var(--quiet); }
        .seed, .mean, .key-seed, .key-mean, .whisker { fill: none; stroke: currentColor; stroke-linejoin: round; stroke-linecap: round; }
        .seed, .key-seed { stroke-width: 1; stroke-opacity: .36; } .key-seed { stroke-opacity: .75; } .seed.alone { stroke-width: 2; stroke-opacity: 1; } .mean, .key-mean { stroke-width: 2.4; }
        .seed:hover { stroke-opacity: 1; stroke-width: 2; }
        .band, .key-band { fill: currentColor; fill-opacity: .17; stroke: none; }
        .chosen { fill: var(--page); stroke: currentColor; stroke-width: 1.4; }
        .whisker { stroke-width: 2; } .dot { fill: currentColor; } .ring { fill: none; stroke: currentColor; stroke-width: 1.6; } .value { fill: currentColor; fill-opacity: .45; }
        @media (max-width: 40rem) { main { padding: 1.4rem .9rem 3rem; } h1 { font-size: 1.7rem; } .lead { font-size: 1.08rem; } .facts { grid-template-columns: 1fr 1fr; } th, td { padding: .3rem .55rem; } }
        @media print {
          html { font-size: 10.5pt; } main { max-width: none; padding: 0; } .skip { display: none; }
          .scroll, details .scroll { overflow: visible; max-height: none; } tr { break-inside: avoid; } h2, h3, .caption { break-after: avoid; }
          .confusion td { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
          details::details-content { content-visibility: visible; block-size: auto; }
        }

        """;
}
