"""What the store refuses, as a tree of classes.

StoreError
|- NotFound              no such job, sweep, attempt, checkpoint, token, user
|- Conflict              a transition that cannot be; says why and what to do
|  `- CapReached         the user has as many jobs in the queue as are allowed
|- Gone                  what the idempotency key made was deleted
|- IdempotencyMismatch   the key was used before, with another body
|- BadQuery              a filter, sort or cursor that means nothing
|- Fenced                the attempt is no longer current; nothing was written
|- BadAddress            a webhook's address that is none, or may not be sent to
|- SchemaError           the tables are older or newer than this program
|- UnsuitablePlace       the database's folder cannot hold it
`- StorageError          where the files of jobs lie does not answer, or refuses
   |- StorageSetting     it cannot be used at all as it is set
   |- FileGone           it answers, and the file is not there
   `- FileDamaged        the file is there, and is not what was written
"""


class StoreError(Exception):
    """Any refusal that the store foresees."""


class NotFound(StoreError):  # noqa: N818 - named by what is so, as an HTTP status is
    """A job, sweep, attempt or checkpoint that is not there."""


class Conflict(StoreError):  # noqa: N818
    """A change that the present state does not allow."""


class CapReached(Conflict):
    """More jobs in the queue than their owner may have. Nothing was queued."""


class IdempotencyMismatch(StoreError):  # noqa: N818
    """An idempotency key that came before with another body."""


class Gone(StoreError):  # noqa: N818
    """An idempotency key whose job was made, and deleted since."""


class BadQuery(StoreError):  # noqa: N818
    """A filter, sort or cursor that means nothing."""


class BadAddress(StoreError):  # noqa: N818
    """An address of a webhook that is none, or that may not be sent to."""


class Fenced(StoreError):  # noqa: N818
    """A write by an attempt that is no longer current. Nothing of it was kept."""


class SchemaError(StoreError):
    """Tables that are older or newer than this program."""


class UnsuitablePlace(StoreError):  # noqa: N818
    """A folder that cannot hold the database."""


class StorageError(StoreError):
    """The place of files does not answer, or refuses; trying again may help."""


class StorageSetting(StorageError):  # noqa: N818
    """A place of files that cannot be used as it is set; trying again does not help."""


class FileGone(StorageError):  # noqa: N818
    """A file that is not where it should be."""


class FileDamaged(StorageError):  # noqa: N818
    """A file whose content is not what was written."""
