const report = JSON.parse(byId('report').textContent);
const drifts = report.findings.filter(isDrift).length;
const isMixed = drifts > 0 && drifts < report.findings.length;
// Findings of one kind are grouped; within a kind the most severe are first, as in the report.
const order = [...report.findings.keys()];
if (isMixed) order.sort((one, other) => isDrift(report.findings[one]) - isDrift(report.findings[other]) || one - other);

startTheme();
facts();
numbers();
lines('unchecked', report.not_checked);
lines('notes', report.notes.filter((note) => !report.not_checked.includes(note)));
startFilter();
startOutline();
tests();
startPrint();
byId('made').textContent = `Written by pytest-bctrl ${report.tool.version}. This file makes no network requests.`;
