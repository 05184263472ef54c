"""The gallery of a preview: every mail in frames as wide as mail programs show them, on one page that stands alone."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Shown:
    """One message of the gallery. `html` is empty for call scripts."""

    template: str
    urgency: str
    language: str
    subject: str
    preheader: str
    html: str
    text: str


def gallery(shown: Sequence[Shown], widths: Sequence[int], title: str) -> str:
    """The page. Frames run no scripts; pictures of a brand come from its own server."""
    data = json.dumps([asdict(one) for one in shown], ensure_ascii=False)
    # In a script only these could end it before its end.
    data = data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    chosen = {
        "template": list(dict.fromkeys(one.template for one in shown)),
        "urgency": list(dict.fromkeys(one.urgency for one in shown)),
        "language": list(dict.fromkeys(one.language for one in shown)),
    }
    filters = "".join(
        f'<label>{name.title()} <select data-by="{name}"><option value="">all</option>'
        + "".join(f'<option value="{escape(value)}">{escape(value)}</option>' for value in values)
        + "</select></label>"
        for name, values in chosen.items()
    )
    sizes = "".join(f'<label><input type="checkbox" checked value="{width}">{width} px</label>' for width in widths)
    return _PAGE.format(title=escape(title), style=_STYLE, filters=filters, sizes=sizes, data=data, script=_SCRIPT)


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header><h1>{title}</h1><form>{filters}<fieldset>{sizes}</fieldset></form><p id="count" role="status"></p></header>
<main></main>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""

_STYLE = """
body{margin:0;font:15px/1.4 system-ui,sans-serif;background:#e9ecef;color:#1d242b}
header{position:sticky;top:0;background:#fff;padding:12px 20px;border-bottom:1px solid #c9d0d6;z-index:1}
h1{font-size:18px;margin:0 0 8px}form{display:flex;flex-wrap:wrap;gap:12px 20px;align-items:center}
fieldset{border:0;margin:0;padding:0;display:flex;gap:12px}#count{margin:6px 0 0;color:#55606b}
main{padding:20px;display:grid;gap:28px}article{background:#fff;border-radius:6px;padding:16px;overflow-x:auto}
h2{font-size:15px;margin:0 0 2px;overflow-wrap:anywhere}.about{margin:0 0 12px;color:#55606b;overflow-wrap:anywhere}
.frames{display:flex;gap:20px;align-items:flex-start}iframe{border:1px solid #c9d0d6;background:#fff;flex:none}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f5f6f7;padding:12px;max-width:80ch;margin:12px 0 0}
summary{margin-top:12px;cursor:pointer}
"""

_SCRIPT = """
const all = JSON.parse(document.getElementById("data").textContent);
const main = document.querySelector("main"), count = document.getElementById("count");
const make = (name, text, kind) => {
  const one = document.createElement(name);
  if (text) one.textContent = text;
  if (kind) one.className = kind;
  return one;
};
const fit = new IntersectionObserver((seen) => seen.filter((one) => one.isIntersecting).forEach(({target}) => {
  fit.unobserve(target);
  target.srcdoc = target.mail;
}), {rootMargin: "800px"});
function frame(mail, width) {
  const one = document.createElement("iframe");
  one.setAttribute("sandbox", "allow-same-origin");
  one.title = `${mail.subject} (${width} px)`;
  one.width = width;
  one.height = 900;
  one.mail = mail.html;
  one.addEventListener("load", () => { one.height = one.contentDocument.documentElement.scrollHeight + 2; });
  fit.observe(one);
  return one;
}
function card(mail, widths) {
  const one = document.createElement("article");
  one.append(make("h2", mail.subject));
  const size = mail.html ? `, ${Math.ceil(new Blob([mail.html]).size / 1024)} KB` : "";
  one.append(make("p", `${mail.template}, ${mail.urgency}, ${mail.language}${size}. ${mail.preheader}`, "about"));
  if (!mail.html) { one.append(make("pre", mail.text)); return one; }
  const frames = make("div", "", "frames");
  frames.append(...widths.map((width) => frame(mail, width)));
  const text = document.createElement("details");
  text.append(make("summary", "Text part"), make("pre", mail.text));
  one.append(frames, text);
  return one;
}
function draw() {
  const by = [...document.querySelectorAll("select")].filter((one) => one.value);
  const widths = [...document.querySelectorAll("input:checked")].map((one) => Number(one.value));
  const found = all.filter((mail) => by.every((one) => mail[one.dataset.by] === one.value));
  fit.disconnect();
  main.replaceChildren(...found.map((mail) => card(mail, widths)));
  count.textContent = `${found.length} of ${all.length}`;
}
for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
  const one = document.querySelector(`select[data-by="${CSS.escape(name)}"]`);
  if (one) one.value = value;
  if (name === "width") document.querySelectorAll("input").forEach((box) => { box.checked = box.value === value; });
}
document.querySelector("form").addEventListener("change", draw);
draw();
"""
