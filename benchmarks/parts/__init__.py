"""What the benchmarks of the service share: databases, what is in them, an api, tables.

    databases   a migrated database on SQLite, and one on PostgreSQL
    seed        10,000 jobs and 1,000,000 points
    shown       sweeps for the page to show
    looking     windows of a browser, with a probe (probe.js) in them
    reports     jobs that report while somebody looks
    server      an api process: its address, its time, its memory
    streams     readers of /events
    tables      medians, machines and tables
    peer        MLflow, asked the same

Everything is removed at the end of a run.
"""
