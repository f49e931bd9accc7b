"""How a report looks, in light and in dark, and the few lines that sort its table."""

STYLE = """
:root{color-scheme:light dark;--ground:#fbfbfc;--card:#fff;--ink:#1b1f27;--soft:#5b6474;
--line:#e3e6ec;--accent:#2f6fde;--match:#0f7b4f;--anti:#b3411f;--band:rgba(90,104,130,.16);--chip:#eef1f6;
--warn:#7a5200;--warn-ground:#fff6df}
@media (prefers-color-scheme:dark){:root{--ground:#15181e;--card:#1d2129;--ink:#e8ebf1;
--soft:#9aa5b7;--line:#2e3541;--accent:#7fb0ff;--match:#5fd39b;--anti:#ff9a73;--band:rgba(160,178,208,.17);
--chip:#2a303b;--warn:#ffd98a;--warn-ground:#33291a}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1180px;margin:0 auto;padding:40px 28px 64px}
h1{font-size:27px;line-height:1.2;margin:0 0 6px;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:18px;margin:44px 0 14px}
p{margin:0 0 10px;max-width:78ch}
.soft{color:var(--soft)}
.figures{display:flex;flex-wrap:wrap;gap:12px;margin:24px 0}
.figure{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 18px}
.figure b{display:block;font-size:23px;line-height:1.2;font-variant-numeric:tabular-nums}
.figure span{color:var(--soft);font-size:13px}
.warning{background:var(--warn-ground);color:var(--warn);border-radius:8px;padding:8px 14px;
margin:0 0 8px;max-width:none;font-size:14px}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(340px,1fr));gap:18px}
.hit{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px;
display:flex;flex-direction:column;gap:12px;min-width:0}
.hit header{display:flex;gap:10px;align-items:baseline}
.hit h3{margin:0;font-size:17px;line-height:1.25;overflow-wrap:anywhere}
.rank{color:var(--soft);font-variant-numeric:tabular-nums}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(52px,1fr));gap:8px 10px;
margin:0}
.facts dt{color:var(--soft);font-size:12px}.facts dd{margin:0;font-variant-numeric:tabular-nums}
sup{line-height:0;font-size:.75em}
.match{color:var(--match)}.anti{color:var(--anti)}
.chips{display:flex;flex-wrap:wrap;gap:6px}
.chip{background:var(--chip);border-radius:999px;padding:1px 10px;font-size:12.5px}
.chip.known{background:var(--match);color:var(--card);font-weight:600}
.drawing{text-align:center}.drawing svg{max-width:100%;height:auto}
.on-dark{display:none}
@media (prefers-color-scheme:dark){.on-dark{display:block}.on-light{display:none}}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:8px}
.pair figure{margin:0}.pair img{width:100%;border-radius:6px;display:block}
figcaption,.note{color:var(--soft);font-size:12.5px}
.curve{width:100%;height:auto}
.curve .axis{fill:var(--soft);font-size:10.5px}.curve .grid{stroke:var(--line)}
.curve .zero{stroke:var(--soft);stroke-dasharray:2 3}.curve .band{fill:var(--band)}
.curve .mean{fill:none;stroke:var(--accent);stroke-width:2}
.curve .well{fill:var(--accent);fill-opacity:.55}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:12px}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th,td{padding:7px 12px;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}
tr:last-child td{border-bottom:0}
th{padding:0}
th button{all:unset;cursor:pointer;padding:9px 12px;font-weight:600;display:block;width:100%;
box-sizing:border-box}
th button:focus-visible{outline:2px solid var(--accent);outline-offset:-2px;border-radius:6px}
th[aria-sort=ascending] button::after{content:" \\2191"}
th[aria-sort=descending] button::after{content:" \\2193"}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
td.flags{white-space:normal;min-width:150px;color:var(--soft)}
@media print{main{max-width:none;padding:0}.hit,.scroll{break-inside:avoid}}
"""

SCRIPT = """
document.querySelectorAll("th button").forEach(function (button) {
  button.addEventListener("click", function () {
    var head = button.parentNode, column = head.cellIndex, body = head.closest("table").tBodies[0];
    var up = head.getAttribute("aria-sort") !== "ascending", number = head.className === "number";
    head.parentNode.querySelectorAll("th").forEach(function (other) {
      other.removeAttribute("aria-sort");
    });
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    var key = function (row) { return row.cells[column].dataset.value; };
    Array.from(body.rows).sort(function (a, b) {
      var x = key(a), y = key(b);
      if (x === "" || y === "") { return (x === "") - (y === ""); }
      var order = number ? x - y : x.localeCompare(y);
      return up ? order : -order;
    }).forEach(function (row) { body.appendChild(row); });
  });
});
"""
