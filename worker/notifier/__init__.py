"""The notifier: a process that tells webhooks of ended jobs and sweeps, beside the slots.

A slot has one thread, busy for days, so what is to be sent must not wait there. The notifier reads
a queue of its own, owns no device and no folder, and needs a way to the outside, which the slots do
not. Start it by `python -m worker.notifier`; one is enough, several share the work.

app         Celery: the task `colrow.deliver`, and the lookout that needs no broker
postman     claim what is due, try it, say what became of it
sending     one try: resolve, check, connect to what was checked, post
signature   the header by which a receiver knows that it was us
"""
