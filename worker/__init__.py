"""A worker: one slot that claims jobs and supervises each in a subprocess.

Start it by `python -m worker`; its settings are in the environment.

settings    what is taken from the environment
host        what this machine offers: devices, memory, data sets; a name nobody else has
folders     where a job's files lie, and which of them nobody needs
slot        claim a job, supervise it, claim the next
tasks       supervise one attempt from its start to its end
process     the trainer as a process: start, read, stop
allotment   what of its slot an attempt gets: devices, threads, environment
spare       the warm spare: keeps one, forks trainers from it, does without it
installation what of the installation a spare has in its memory
launch      the trainer on several devices: torchrun, and what it says
lifeline    die with one's parent
surroundings what an attempt ran with, and how soon it began
stopping    when a trainer is told to stop, and when it is killed
endings     how an attempt ended, from what was seen of the trainer
closing     how that comes into the database
recorder    events into rows, the heartbeat of the lease, what is wanted of the attempt
heartbeat   the worker's own row, and the sweep
app         Celery: the task `colrow.wake` and the bootstep of the heartbeat
signals     what TERM and INT do
trainer     the subprocess; alone in importing torch, and imported by nobody
forks       the spare's own side: waits, and forks trainers
"""
