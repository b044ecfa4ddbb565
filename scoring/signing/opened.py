"""A signed file, read once: what is asked of it before it is verified, and the verification, look at the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pyhanko.pdf_utils.reader import PdfFileReader

from scoring.signing.binding import Binding, Evidence, evidence_in
from scoring.signing.certificates import SigningError
from scoring.signing.integrity import Signature, read_pdf, signatures_in
from scoring.signing.quiet import quiet


@dataclass(frozen=True, slots=True)
class OpenedPdf:
    """What a file holds, believed or not."""

    content: bytes
    reader: PdfFileReader | None = None
    """Nothing where the file cannot be read."""
    held: tuple[Signature, ...] = ()
    """Its signatures in the order in which they were put on."""
    bindings: tuple[Binding, ...] = ()
    """What they say that they were put under."""
    attached: Evidence | None = None
    fault: str = ""
    """Why it cannot be read: the kind of error."""

    @property
    def study(self) -> str:
        """Return the digest of the study that it names: by its last signature, else by its evidence; empty where it names none."""
        return self.bindings[-1].manifest if self.bindings else self.attached.manifest if self.attached else ""

    @property
    def dossier(self) -> str | None:
        """Return what tells one dossier of a study from another (its languages): the first part of the identifier, which signing keeps."""
        named = self.reader is not None and "/ID" in self.reader.trailer_view
        return self.reader.document_id[0].hex() if self.reader is not None and named else None


def open_pdf(pdf: bytes | Path | OpenedPdf) -> OpenedPdf:
    """Read a file; one that is no PDF, or a broken one, is returned with its fault.

    Raises
    ------
    SigningError
        There is no such file, or no right to read it.

    >>> open_pdf(b"nothing").fault
    'PdfReadError'
    """
    if isinstance(pdf, OpenedPdf):
        return pdf
    content = pdf if isinstance(pdf, bytes) else _read(pdf)
    try:
        with quiet():
            reader = read_pdf(content)
            held = tuple(signatures_in(reader))
            bindings = tuple(bound for one in held if (bound := one.binding))
            return OpenedPdf(content, reader, held, bindings, evidence_in(reader.root))
    except Exception as error:  # noqa: BLE001  (a file may be anything; it must not stop the one who verifies it)
        return OpenedPdf(content, fault=type(error).__name__)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SigningError(f"{path}: cannot be read ({error.strerror}). Fix: give the signed PDF.") from error
