"""All tables of a run on one page."""

from benchmark import heap_tables, tables

MAKERS = (tables.time_tables, tables.older_tables, tables.growth_table, tables.statistics_table, tables.memory_tables,
          tables.count_tables, heap_tables.count_tables, heap_tables.time_tables, heap_tables.memory_tables,
          tables.rate_table)


def page_of(results):
    """Everything as Markdown. What was not measured is said."""
    lines = ["| the run | |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in results.facts["machine"].items()]
    for missing in results.of("missing"):
        lines += ["", f"Not measured: {missing['subject']}: {missing['reason']}"]
    unmeasured = [f"{one['subject']} {one['workload']} {one['size']} B: {one['reason']}"
                  for one in results.of("unmeasured")]
    if unmeasured:
        lines += ["", "Not measured: " + "; ".join(unmeasured)]
    for maker in MAKERS:
        shown = list(maker(results))
        for title, rows in shown:
            lines += ["", f"**{title}**", "", *tables.markdown(rows)]
        if maker is tables.time_tables and shown:
            lines += ["", *tables.MEANING.splitlines()]
    return "\n".join(lines) + "\n"
