// Sorting and filtering of tables; everything is readable without it.
for (const section of document.querySelectorAll(".bounds .all")) {
  const body = section.querySelector("tbody");
  const rows = [...body.rows];
  const said = section.querySelector("[role=status]");
  const filters = [...section.querySelectorAll("[data-filter]")];
  const show = () => {
    let shown = 0;
    for (const row of rows) {
      row.hidden = !filters.every((one) => {
        const wanted = one.value.toLowerCase();
        if (!wanted) return true;
        if (one.dataset.filter === "words") return row.textContent.toLowerCase().includes(wanted);
        return row.dataset[one.dataset.filter].toLowerCase() === wanted;
      });
      shown += !row.hidden;
    }
    said.textContent = `${shown} of ${rows.length} bounds shown`;
  };
  for (const one of filters) one.addEventListener("input", show);
  section.querySelector(".filters").hidden = false;
  show();
  const heads = [...section.querySelectorAll("thead th")];
  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const numbers = head.classList.contains("number");
      const order = (a, b) => {
        if (!numbers) return key(a).localeCompare(key(b));
        const [x, y] = [parseFloat(key(a)), parseFloat(key(b))];
        return (Number.isNaN(x) - Number.isNaN(y)) || (x - y) || 0;
      };
      rows.sort((a, b) => (up ? order(a, b) : order(b, a)) || a.dataset.place - b.dataset.place);
      if (numbers) rows.sort((a, b) => (key(a) === "") - (key(b) === "")); // what has no number stays last
      body.append(...rows);
    });
  });
}
// A link to a bound unfolds what it lies in.
const unfold = () => {
  let one = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!one || !one.closest(".bounds")) return;
  for (let outer = one; outer; outer = outer.parentElement) if (outer.tagName === "DETAILS") outer.open = true;
  one.scrollIntoView();
};
addEventListener("hashchange", unfold);
unfold();
