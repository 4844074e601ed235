"""Everything that can be refused, by name. Each message is one sentence, meant for the person at the terminal.

::

    TrainError
    ├── OptionError              a device, dtype or backend that cannot be used here
    ├── MissingLibrary           a library that a command needs and training does without
    ├── OutputError              a folder or file that cannot be written
    ├── NonFiniteError           NaN or infinity in a loss, a gradient or a weight
    ├── WorkerError              one of several workers is gone
    ├── CheckpointError
    │   ├── MissingCheckpoint · CorruptCheckpoint · ForeignCheckpoint
    ├── PictureError
    │   └── NotAPicture · BlankPicture
    └── DataError
        ├── MissingFile · NotAFile · UnreadableFile · DownloadFailed
        ├── HtmlPage · NotGzip · UnnamedGzip · CorruptedFile · TruncatedFile · TrailingBytes · OversizedFile
        ├── WrongMagic · SwappedFiles · WrongImageSize · EmptyFile · BlankImages · LabelOutOfRange
        └── CountMismatch · TooFewImages · TwoFiles
"""


class TrainError(Exception):
    """Whatever ends a run with one sentence and exit code 1; ``is_told``: another worker says it for all."""

    is_told = False


class OptionError(TrainError):
    """An option names something that this machine does not have."""


class MissingLibrary(TrainError):
    """A library of the extra `train` is not installed."""


class OutputError(TrainError):
    """A folder or a file cannot be made or written."""


class NonFiniteError(TrainError):
    """A loss, a gradient or a weight is NaN or infinite; ``tensor`` says which was the first."""

    def __init__(self, message: str, tensor: str = "") -> None:
        super().__init__(message)
        self.tensor = tensor


class WorkerError(TrainError):
    """Another worker of the run has ended, or does not answer."""


class CheckpointError(TrainError):
    """A checkpoint cannot be used."""


class MissingCheckpoint(CheckpointError):
    """There is no such file."""


class CorruptCheckpoint(CheckpointError):
    """The file is damaged, or is no plain torch file."""


class ForeignCheckpoint(CheckpointError):
    """The file is whole, but holds something other than the weights of this network."""


class PictureError(TrainError):
    """An image file of which nothing can be predicted."""


class NotAPicture(PictureError):
    """A file that is no image, a damaged one or one too large."""


class BlankPicture(PictureError):
    """An image in which nothing stands out."""


class DataError(TrainError):
    """The images or labels cannot be used."""


class MissingFile(DataError):
    """A file of the data set is not there."""


class NotAFile(DataError):
    """A folder, socket or device stands where a file should."""


class UnreadableFile(DataError):
    """The operating system refuses to read the file."""


class DownloadFailed(DataError):
    """The download did not give a data set."""


class HtmlPage(DataError):
    """A web page (usually an error page of the server) was saved under the file's name."""


class NotGzip(DataError):
    """A name that ends in .gz, contents that are not gzip."""


class UnnamedGzip(DataError):
    """gzip contents under a name that does not end in .gz."""


class CorruptedFile(DataError):
    """A checksum does not fit: gzip's own CRC-32, or the SHA-256 of the embedded files."""


class TruncatedFile(DataError):
    """Fewer bytes than the header declares."""


class TrailingBytes(DataError):
    """More bytes than the header declares."""


class OversizedFile(DataError):
    """The header declares more bytes than this program is ready to hold."""


class WrongMagic(DataError):
    """Neither an IDX image file nor an IDX label file of unsigned bytes."""


class SwappedFiles(DataError):
    """Labels where images should be, training data where test data should be, or the reverse."""


class WrongImageSize(DataError):
    """Images that are not 28×28."""


class EmptyFile(DataError):
    """A whole file that holds no image, or no label."""


class BlankImages(DataError):
    """Every pixel of every image is zero."""


class LabelOutOfRange(DataError):
    """A label that is not one of the ten digits."""


class CountMismatch(DataError):
    """Not as many labels as images."""


class TooFewImages(DataError):
    """A training set that cannot be split into training and validation."""


class TwoFiles(DataError):
    """One part of the data set lies there twice, with different contents."""
