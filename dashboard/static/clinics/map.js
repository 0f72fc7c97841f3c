"use strict";
// Draws what dashboard/maps.py prepared. Texts become text nodes, never HTML.

// So many spots can still be told apart on a map of the world beside a column, on a tablet too.
const clusterAbove = 120;

function drawClinicMap(map, { outlines, colours, legend, spots, origin, rings }) {
  for (const [name, colour] of Object.entries(colours)) map.getContainer().style.setProperty(`--${name}`, colour);
  map.attributionControl.setPrefix(false).addAttribution("Outlines: Natural Earth");
  drawOutlines(map, outlines, colours);
  if (origin) for (const spot of spots.filter((spot) => spot.label)) drawLine(map, origin, spot, colours);
  for (const ring of rings) drawRing(map, ring, colours);
  const many = spots.length > clusterAbove ? clusters(map, colours) : map;
  for (const spot of spots) drawSpot(spot.label ? map : many, spot, colours);
  if (origin) drawOrigin(map, origin);
  drawLegend(map, legend);
}

// Three times side by side, so that a map centred near the date line has land on both sides of it.
async function drawOutlines(map, address, { border, land }) {
  map.createPane("outlines").style.zIndex = 150;
  const countries = await (await fetch(address)).json();
  const renderer = L.canvas({ pane: "outlines", padding: 0.5 });
  for (const turn of [-360, 0, 360]) {
    L.geoJSON(countries, {
      pane: "outlines", renderer, interactive: false,
      coordsToLatLng: ([longitude, latitude]) => L.latLng(latitude, longitude + turn),
      style: { color: border, weight: 1, fillColor: land, fillOpacity: 1 },
    }).addTo(map);
  }
}

function drawLine(map, origin, spot, colours) {
  L.polyline([origin.at, spot.at], {
    color: colours.origin, weight: 1.5, opacity: 0.6, dashArray: "2 6", interactive: false,
  }).addTo(map);
}

// Spots that lie close together are one circle with their number, until one comes nearer.
function clusters(map, colours) {
  return L.markerClusterGroup({
    maxClusterRadius: 56, showCoverageOnHover: false, spiderLegPolylineOptions: { color: colours.origin },
    iconCreateFunction: (cluster) => {
      const count = cluster.getChildCount(), size = count < 10 ? 30 : count < 100 ? 36 : 44;
      const badge = element("div", String(count));
      badge.className = "clinic-cluster";
      return L.divIcon({ className: "", html: badge, iconSize: [size, size] });
    },
  }).addTo(map);
}

function drawRing(map, { name, points }, colours) {
  L.polyline(points, { color: colours.faint, weight: 1.5, opacity: 0.8, interactive: false }).addTo(map);
  const icon = L.divIcon({ className: "clinic-ring", html: element("span", name), iconSize: [0, 0] });
  const label = L.marker(points[0], { icon, interactive: false, keyboard: false }).addTo(map);
  // To the north, or where the ring first comes into sight from there: within the map, and not under its legend.
  const inSight = (point) => {
    const { x, y } = map.latLngToContainerPoint(point), size = map.getSize();
    return x > 36 && x < size.x - 36 && y > 16 && y < size.y - 44 && (y > 110 || x < size.x - 190);
  };
  const place = () => label.setLatLng(points.find(inSight) ?? points[0]);
  map.on("moveend", place);
  place();
}

function drawSpot(layer, spot, colours) {
  const others = spot.cards.length - 1;
  const title = element("span", spot.cards[0].name + (others ? ` and ${others} more` : ""));
  const dot = spot.label ? number(spot, title.textContent) : L.circleMarker(spot.at, {
    radius: others ? 9 : 7, color: colours.paper, weight: 2, fillColor: spot.colour, fillOpacity: 0.95,
  });
  dot.bindTooltip(title, { direction: "top", offset: [0, -8] });
  dot.bindPopup(cards(spot), { maxWidth: 300 }).on("popupopen", () => dot.closeTooltip()).addTo(layer);
}

function number(spot, title) {
  const width = Math.max(26, 12 + 8 * spot.label.length);
  const badge = element("div", spot.label);
  badge.className = "clinic-number";
  Object.assign(badge.style, { width: `${width}px`, height: "26px", background: spot.colour });
  const icon = L.divIcon({ className: "", html: badge, iconSize: [width, 26] });
  return L.marker(spot.at, { icon, alt: title });
}

function cards(spot) {
  const all = element("div");
  for (const { name, lines, phone, website } of spot.cards) {
    const card = element("div");
    card.className = "clinic-card";
    card.append(element("b", name), ...lines.map((line) => element("div", line)));
    if (phone) card.append(link(phone, `tel:${phone.replace(/[^+0-9]/g, "")}`));
    if (website) card.append(link("Website", website));
    all.append(card);
  }
  return all;
}

function drawOrigin(map, origin) {
  const icon = L.divIcon({ className: "clinic-origin", html: "", iconSize: [18, 18] });
  L.marker(origin.at, { icon, alt: origin.name, zIndexOffset: -1000 })
    .bindTooltip(element("span", origin.name), { direction: "top", offset: [0, -8] }).addTo(map);
}

function drawLegend(map, kinds) {
  const legend = L.control({ position: "topright" });
  legend.onAdd = () => {
    const box = element("div");
    box.className = "clinic-legend";
    for (const { title, colour } of kinds) {
      const row = element("div"), dot = element("i");
      dot.style.background = colour;
      row.append(dot, element("span", title));
      box.append(row);
    }
    return box;
  };
  legend.addTo(map);
}

function element(tag, text = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function link(text, address) {
  return Object.assign(element("a", text), { href: address, target: "_blank", rel: "noopener noreferrer" });
}
