"""What outlives a process: the tables, and every reading and writing of them.

Functions take a `sqlalchemy.orm.Session` from `session.Database.read()` or `.write()` and give
frozen data classes, never rows. The two databases, SQLite and PostgreSQL, share every line but the
few of `dialects` and `clock`.

    tables      what is kept            session     how a transaction begins and ends
    jobs        submit, change, delete  listing     get and list jobs
    attempts    claim, heartbeat, end   recording   a trainer's events become rows
    queue       the order, the bell     sweeper     what time alone has to mend
    workers     slots and their pulse   changes     the feed that `/events` is made of
    sweeps      many jobs from one      grid        base, axes and variants -> specs
    comparison  groups over seeds       grouping statistics      the pure parts of it
    counts      jobs by state           curves logs layers checkpoints      what a job left
"""
