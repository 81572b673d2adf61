// On paper nothing can be opened: everything is, while it is printed.
let opened = [];

function expandAll() {
  if (opened.length) return;
  list.groups.forEach((group) => more(group, group.indices.length));
  opened = [...document.querySelectorAll('details:not([open])')];
  for (const details of opened) {
    details.open = true;
    if (details.dataset.index) fill(details, report.findings[details.dataset.index]);
  }
}

function collapseAgain() {
  for (const details of opened) details.open = false;
  opened = [];
}

function startPrint() {
  addEventListener('beforeprint', expandAll);
  addEventListener('afterprint', collapseAgain);
  matchMedia('print').addEventListener('change', (event) => (event.matches ? expandAll() : collapseAgain()));
}
