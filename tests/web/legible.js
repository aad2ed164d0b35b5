/* What of a page cannot be read or pressed: text under WCAG's contrast (4.5, large 3), its colours laid over each other as they
   are seen; controls lower than `least`, links of tables and lists lower than 24. Called with `least` in pixels. */
(least) => {
  const parse = (text) => {
    const numbers = (text.match(/-?[\d.]+(e-?\d+)?%?/g) || []).map((each) => each.endsWith("%") ? parseFloat(each) / 100 : parseFloat(each));
    const scale = text.startsWith("color(") ? 255 : 1;
    const [r, g, b, a = 1] = numbers;
    return [r * scale, g * scale, b * scale, a];
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const paper = (() => { const probe = document.createElement("i"); probe.style.setProperty("color", "var(--paper)"); document.body.append(probe); const found = parse(getComputedStyle(probe).color); probe.remove(); return found; })();
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), paper);
  };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const seen = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !element.closest(".vh, .hidden, .skip, [disabled]");
  const low = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || ["SCRIPT", "STYLE", "OPTION", "TITLE"].includes(element.tagName) || !seen(element)) continue;
    const style = getComputedStyle(element);
    const inside = element.namespaceURI.endsWith("svg");
    let colour = parse(inside ? style.fill : style.color);
    for (let at = element; at; at = at.parentElement) colour[3] *= parseFloat(getComputedStyle(at).opacity);
    const below = ground(element);
    const found = ratio(over(colour, below), below);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700) ? 3 : 4.5;
    if (found < needed) low.set(`${element.tagName}.${element.className.baseVal ?? element.className}`, `${found.toFixed(2)} "${text.slice(0, 30)}"`);
  }
  const controls = "button, input:not([type=hidden]), select, textarea, summary, a.btn, a.button, a.nav, a.pick, .tabs a, .filters a, .keys-open";
  const small = new Map();
  for (const element of document.querySelectorAll(controls)) {
    if (!seen(element)) continue;
    const box = (element.matches("input[type=checkbox], input[type=radio]") ? element.closest("label") || element : element).getBoundingClientRect();
    if (box.width && (box.height < least - 0.5 || box.width < Math.min(least, 24) - 0.5)) small.set(`${element.tagName}.${element.className} "${element.textContent.trim().slice(0, 20)}"`, `${box.width.toFixed(0)}x${box.height.toFixed(0)}`);
  }
  for (const link of document.querySelectorAll("td a, th a, main li > a, .foot a")) {
    const box = link.getBoundingClientRect();
    if (seen(link) && box.width && box.height < 23.5) small.set(`A "${link.textContent.trim().slice(0, 20)}"`, `${box.width.toFixed(0)}x${box.height.toFixed(0)}`);
  }
  return { low: [...low], small: [...small] };
}
