"""Ways to tamper with a signed file, for the tests of its verification."""

import io
import json
import zlib

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

OTHER = "b" * 64


def updated(pdf, change):
    """Add an update to a signed file, as an editor does that keeps what was there."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    change(writer)
    writer.write(out := io.BytesIO())
    return out.getvalue()


def draw_on(page):
    def change(writer):
        writer.add_stream_to_page(page, writer.add_object(generic.StreamObject(stream_data=b"0 0 m 100 100 l S")))

    return change


def swap_evidence(writer):
    tree = writer.root["/Names"]["/EmbeddedFiles"]
    while "/Names" not in tree:
        tree = tree["/Kids"][0].get_object()
    specification = tree["/Names"][1].get_object()
    content = json.dumps({"manifest": OTHER}).encode()
    held = writer.add_object(generic.StreamObject({generic.pdf_name("/Type"): generic.pdf_name("/EmbeddedFile")}, content))
    for name in ("/F", "/UF"):
        specification["/EF"][name] = held
    writer.update_container(specification["/EF"])


def without_the_last(pdf):
    """Return a file as it was before its last signature."""
    return pdf[: pdf[: pdf.rindex(b"startxref")].rindex(b"%%EOF") + len(b"%%EOF\n")]


def flipped(pdf, place):
    return pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]


def packed(megabytes):
    """Return blanks without end, deflated: a thousandth of what they become."""
    engine, blanks = zlib.compressobj(9), b" " * (1 << 20)
    return b"".join([*(engine.compress(blanks) for _ in range(megabytes)), engine.flush()])
