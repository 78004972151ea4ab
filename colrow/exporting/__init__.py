"""A job's curves, parameters and tags in the form that other tools read.

    jobs          what is written of a job, whatever the tool
    tensorboard   event files, a folder per job
    mlflow        an experiment per sweep, a run per job

The tools are extras (`colrow[tensorboard]`, `colrow[mlflow]`), imported when they are asked for.
"""
